//! Objects of bronze, identity and quarantine under new names, with new pseudonyms.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatchReader;
use carelake_lake::{IngestEntry, Lake, Layer, Layout, Move};
use carelake_privacy::{LakeKey, Phi};
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::ArrowWriter;

use crate::context::Context;
use crate::error::StepError;
use crate::ingest::object_properties;
use crate::maintain::parquet::{batches, broken};
use crate::maintain::unnamed;
use crate::run::Observer;
use crate::schema::real_name;

/// Gives every file its new names; the number of objects that there are of them.
pub async fn renew(
    context: &Context,
    moves: &[Move],
    next: &LakeKey,
    workers: usize,
    observer: &dyn Observer,
) -> Result<u64, StepError> {
    observer.begin("rekey", moves.len() as u64);
    let work = futures::stream::iter(moves).map(|one| move_file(context, one, next)).buffer_unordered(workers.max(1));
    let objects = work
        .try_fold(0, |objects, (what, more)| {
            observer.advance(&what);
            async move { Ok(objects + more) }
        })
        .await;
    observer.end();
    objects
}

/// New objects first, then the new entry, then what was: at any moment one of the entries speaks of objects that are
/// whole.
async fn move_file(context: &Context, one: &Move, next: &LakeKey) -> Result<(String, u64), StepError> {
    let (lake, ledger) = (&context.lake, &context.ledger);
    let Move { source, dataset, from, to } = one;
    let new_path = Layout::ingest_entry(source, dataset, &to.key, &to.name);
    let old = lake.get_json::<IngestEntry>(&Layout::ingest_entry(source, dataset, &from.key, &from.name)).await?;
    let mut new = lake.get_json::<IngestEntry>(&new_path).await?;
    if let (Some(old), None) = (&old, &new) {
        let entry = IngestEntry {
            key: to.key.clone(),
            place: Some(to.place.clone()).filter(|place| *place != to.key),
            name: to.name.clone(),
            ..old.clone()
        };
        write(lake, old, &entry, next).await?;
        ledger.record_ingest(&entry).await?;
        new = Some(entry);
    }
    if let Some(old) = &old {
        ledger.forget_replaced(old).await?;
    }
    let mut objects = 0;
    for layer in [Layer::Bronze, Layer::Identity, Layer::Quarantine] {
        if let Some(entry) = &new {
            objects += u64::from(lake.read_file(&entry.object(layer)).await?.is_some());
        }
    }
    Ok((format!("{source}/{dataset}"), objects))
}

async fn write(lake: &Lake, old: &IngestEntry, new: &IngestEntry, next: &LakeKey) -> Result<(), StepError> {
    let identity = lake.read_file(&old.object(Layer::Identity)).await?;
    let (key, key_to_come, source) = (lake.key()?.clone(), next.clone(), old.source.clone());
    let renaming = Arc::new(blocking(move || Renaming::of(identity.as_ref(), &key, &key_to_come, &source)).await?);
    for layer in [Layer::Identity, Layer::Bronze, Layer::Quarantine] {
        let Some(file) = lake.read_file(&old.object(layer)).await? else { continue };
        let (renaming, order, out) = (renaming.clone(), new.order(), lake.scratch_file()?);
        let mut out = blocking(move || rewrite(&file, out, &order, &renaming, layer)).await?;
        lake.replace(&new.object(layer), &mut out).await?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StepError> + Send + 'static,
) -> Result<T, StepError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StepError::Invalid("a worker stopped".to_owned()))?
}

/// The persons of a file: which columns hold pseudonyms, and what each becomes.
#[derive(Default)]
struct Renaming {
    columns: Vec<String>,
    pseudonyms: HashMap<u128, u128>,
}

impl Renaming {
    /// Read from identity: a column holds pseudonyms when beside it stands what the old key makes them of.
    fn of(identity: Option<&File>, old: &LakeKey, next: &LakeKey, source: &str) -> Result<Self, StepError> {
        let mut renaming = Self::default();
        let Some(identity) = identity else { return Ok(renaming) };
        let reader = batches(identity)?;
        let schema = reader.schema();
        let text = |name: &str| schema.field_with_name(name).is_ok_and(|field| field.data_type() == &DataType::Utf8);
        let named = schema.fields().iter().map(|field| field.name().clone());
        let mut columns: Vec<String> = named.filter(|name| text(name) && text(&real_name(name))).collect();
        let (old, next) = (old.pseudonyms(source), next.pseudonyms(source));
        for batch in reader {
            let batch = batch.map_err(broken)?;
            let mut others = Vec::new();
            for name in &columns {
                let (shown, real) = (texts(&batch, name)?, texts(&batch, &real_name(name))?);
                for (shown, real) in shown.iter().zip(real).filter_map(|(shown, real)| Some((shown?, real?))) {
                    if old.of(Phi::new(real), &mut [0; 32]) != shown {
                        others.push(name.clone());
                        break;
                    }
                    let new = number(next.of(Phi::new(real), &mut [0; 32]))?;
                    renaming.pseudonyms.insert(number(shown)?, new);
                }
            }
            columns.retain(|name| !others.contains(name));
        }
        renaming.columns = columns;
        Ok(renaming)
    }

    fn apply(&self, column: &StringArray) -> Result<ArrayRef, StepError> {
        let mut renamed = StringBuilder::with_capacity(column.len(), column.len() * 32);
        for value in column {
            let Some(value) = value else {
                renamed.append_null();
                continue;
            };
            let new = self.pseudonyms.get(&number(value)?);
            let new = new.ok_or_else(|| broken("bronze has a pseudonym that identity does not know"))?;
            renamed.append_value(format!("{new:032x}"));
        }
        Ok(Arc::new(renamed.finish()))
    }
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray, StepError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.ok_or_else(|| broken(format!("the column {name} is not there")))
}

fn number(pseudonym: &str) -> Result<u128, StepError> {
    u128::from_str_radix(pseudonym, 16).map_err(|_| broken("a pseudonym is not as carelake writes it"))
}

/// The rows of an object with new pseudonyms and another place in the order of files.
fn rewrite(file: &File, out: File, order: &str, renaming: &Renaming, layer: Layer) -> Result<File, StepError> {
    let reader = batches(file)?;
    let schema = reader.schema();
    let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(object_properties(&schema))).map_err(broken)?;
    for batch in reader {
        let batch = batch.map_err(broken)?;
        let mut columns = batch.columns().to_vec();
        for (field, column) in schema.fields().iter().zip(&mut columns) {
            if field.name() == "_order" {
                *column = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(order, batch.num_rows())));
            } else if layer != Layer::Quarantine && renaming.columns.contains(field.name()) {
                *column = renaming.apply(texts(&batch, field.name())?)?;
            }
        }
        let batch = RecordBatch::try_new(schema.clone(), columns).map_err(broken)?;
        writer.write(&batch).map_err(broken)?;
    }
    writer.into_inner().map_err(broken)
}

/// Removes objects and entries that the ledger does not know, with the pseudonyms in them.
pub async fn sweep(context: &Context) -> Result<(), StepError> {
    for stored in unnamed::objects(context).await?.into_iter().chain(unnamed::entries(context).await?) {
        context.lake.delete(&stored.path).await?;
    }
    Ok(())
}
