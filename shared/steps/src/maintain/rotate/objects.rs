//! Objects of a landing file under a new key.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::record_batch::RecordBatchReader;
use carelake_contracts::Phi;
use carelake_lake::{IngestEntry, Layer, parquet_properties};
use carelake_privacy::{Phi as Sensitive, Pseudonyms};
use parquet::arrow::ArrowWriter;

use super::LAYERS;
use crate::context::Context;
use crate::error::StepError;
use crate::maintain::parquet::{batches, broken};
use crate::schema::real_name;

/// New pseudonyms by old ones.
type Renamed = HashMap<String, String>;

/// Writes the objects of an entry under the new key; the pseudonyms in them.
pub async fn carry(
    context: &Context,
    next: &Context,
    entry: &IngestEntry,
    renamed: &IngestEntry,
) -> Result<BTreeSet<String>, StepError> {
    let columns = person_columns(context, entry);
    let mut pseudonyms = Renamed::new();
    if let Some(identity) = context.lake.read_file(&entry.object(Layer::Identity)).await? {
        let maker = next.lake.key()?.pseudonyms(&entry.source);
        for batch in batches(&identity)? {
            note(&batch.map_err(broken)?, &columns, &maker, &mut pseudonyms);
        }
    }
    let order = renamed.order();
    for layer in LAYERS {
        let Some(file) = context.lake.read_file(&entry.object(layer)).await? else { continue };
        let mut out = next.lake.scratch_file()?;
        write(&file, &out, |batch| rename(batch, &columns, &pseudonyms, &order))?;
        next.lake.put_once(&renamed.object(layer), &mut out).await?;
    }
    Ok(pseudonyms.into_values().collect())
}

fn person_columns(context: &Context, entry: &IngestEntry) -> Vec<String> {
    let contract = context.contracts.contract(&entry.feed, &entry.dataset);
    let columns = contract.into_iter().flat_map(|contract| &contract.columns);
    columns.filter(|column| column.phi == Phi::PersonId).map(|column| column.name.clone()).collect()
}

fn note(batch: &RecordBatch, columns: &[String], maker: &Pseudonyms, into: &mut Renamed) {
    let mut buffer = [0; 32];
    for column in columns {
        let (old, real) = (text(batch, column), text(batch, &real_name(column)));
        let pairs = old.into_iter().flatten().zip(real.into_iter().flatten());
        for (old, real) in pairs.filter_map(|(old, real)| Some((old?, real?))) {
            if !into.contains_key(old) {
                into.insert(old.to_owned(), maker.of(Sensitive::new(real), &mut buffer).to_owned());
            }
        }
    }
}

fn text<'b>(batch: &'b RecordBatch, column: &str) -> Option<&'b StringArray> {
    batch.column_by_name(column).and_then(|values| values.as_string_opt::<i32>())
}

/// The batch with new pseudonyms and the new order.
fn rename(
    batch: &RecordBatch,
    columns: &[String],
    pseudonyms: &Renamed,
    order: &str,
) -> Result<RecordBatch, StepError> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, values) in batch.schema().fields().iter().zip(batch.columns()) {
        arrays.push(match text(batch, field.name()) {
            Some(_) if field.name() == "_order" => {
                Arc::new(StringArray::from_iter_values(std::iter::repeat_n(order, batch.num_rows())))
            }
            Some(old) if columns.contains(field.name()) => Arc::new(swapped(old, pseudonyms)?),
            _ => values.clone(),
        });
    }
    RecordBatch::try_new(batch.schema(), arrays).map_err(broken)
}

fn swapped(old: &StringArray, pseudonyms: &Renamed) -> Result<StringArray, StepError> {
    let new = |old: Option<&str>| match old {
        None => Ok(None),
        Some(old) => pseudonyms.get(old).map(Some).ok_or_else(|| broken("a pseudonym that identity does not know")),
    };
    old.iter().map(new).collect()
}

fn write(
    file: &File,
    out: &File,
    change: impl Fn(&RecordBatch) -> Result<RecordBatch, StepError>,
) -> Result<(), StepError> {
    let reader = batches(file)?;
    let out = out.try_clone().map_err(broken)?;
    let mut writer = ArrowWriter::try_new(out, reader.schema(), Some(parquet_properties())).map_err(broken)?;
    for batch in reader {
        writer.write(&change(&batch.map_err(broken)?)?).map_err(broken)?;
    }
    writer.close().map(drop).map_err(broken)
}
