//! Objects of bronze, identity and quarantine without the persons' rows.
//!
//! A file that was rewritten in landing is forgotten: the run that follows takes it as it is now. The objects of any
//! other file are rewritten as if the persons' rows had been turned away when it came.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch, not, or};
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatchReader;
use arrow::row::{RowConverter, SortField};
use carelake_contracts::{Contract, Duplicates, Roles, Severity};
use carelake_lake::{CheckCount, IngestEntry, Layer, Layout, parquet_properties};
use chrono::{DateTime, Utc};
use parquet::arrow::ArrowWriter;

use super::{Work, landing};
use crate::erased::{REASON, rule};
use crate::error::StepError;
use crate::ingest::Broken;
use crate::maintain::parquet::{batches, broken};
use crate::maintain::unnamed;
use crate::schema;

/// Time and content of the landing files, by the hash of their key.
type Present = BTreeMap<String, (DateTime<Utc>, String)>;

/// Takes the persons' rows out of every object of the source.
pub async fn clear(work: &mut Work<'_>) -> Result<(), StepError> {
    let context = work.context;
    let source = work.erasure.source.clone();
    let present = present(work)?;
    let mut masked = 0;
    for contract in work.contracts() {
        for entry in context.ledger.ingested_of(&source, &contract.dataset).await? {
            let arrived = present.get(&entry.key).filter(|(modified, _)| *modified == entry.modified);
            if arrived.is_some_and(|(_, digest)| *digest != entry.version) {
                context.ledger.forget(&entry).await?;
                continue;
            }
            if arrived.is_none() {
                masked += entry.rejected - entry.checks.get(&rule(contract)).map_or(0, |count| count.failed);
            }
            clear_entry(work, contract, &entry).await?;
            // What conform made of it is made again, and the rows that wait are named again.
            context.lake.delete(&Layout::conform_entry(&source, &contract.dataset, &entry.name)).await?;
            context.lake.delete(&entry.orphans_object()).await?;
        }
    }
    work.erasure.removed.masked_rows_left = masked;
    sweep(work).await
}

fn present(work: &Work<'_>) -> Result<Present, StepError> {
    let mut present = Present::new();
    if work.erasure.landing {
        for covered in landing::covered(work.context, &work.erasure.source, &work.erasure.feed)? {
            let file = work.context.landing.open(&covered.key)?;
            present.insert(covered.key.name(work.context.lake.key()?), (file.modified, file.digest()?));
        }
    }
    Ok(present)
}

/// Removes objects of the source that no entry of the ledger speaks of.
async fn sweep(work: &Work<'_>) -> Result<(), StepError> {
    let source = format!("/source={}/", work.erasure.source);
    for stored in unnamed::objects(work.context).await?.iter().filter(|stored| stored.path.contains(&source)) {
        work.context.lake.delete(&stored.path).await?;
    }
    Ok(())
}

/// Whose rows a batch of bronze or identity holds.
pub struct Marks<'a> {
    pub contract: &'a Contract,
    pub roles: &'a Roles,
    pub pseudonyms: &'a BTreeSet<String>,
    pub owned: &'a dyn Fn(&str, &str) -> bool,
}

impl Marks<'_> {
    pub fn of(&self, batch: &RecordBatch) -> Result<BooleanArray, StepError> {
        let mut theirs = BooleanArray::from(vec![false; batch.num_rows()]);
        for index in &self.roles.persons {
            theirs = self.add(theirs, batch, *index, &|value| self.pseudonyms.contains(value))?;
        }
        for (index, key) in &self.roles.belongs {
            theirs = self.add(theirs, batch, *index, &|value| (self.owned)(key, value))?;
        }
        Ok(theirs)
    }

    fn add(
        &self,
        theirs: BooleanArray,
        batch: &RecordBatch,
        index: usize,
        whose: &dyn Fn(&str) -> bool,
    ) -> Result<BooleanArray, StepError> {
        let column = self.contract.columns.get(index).and_then(|column| batch.column_by_name(&column.name));
        let Some(column) = column else { return Ok(theirs) };
        let texts = cast(column, &DataType::Utf8).map_err(broken)?;
        let found: BooleanArray = texts.as_string::<i32>().iter().map(|value| Some(value.is_some_and(whose))).collect();
        or(&theirs, &found).map_err(broken)
    }
}

/// Record numbers of the marked rows.
fn numbers(batch: &RecordBatch, marked: &BooleanArray) -> Vec<i64> {
    let rows = batch.column_by_name("_row").and_then(|rows| rows.as_primitive_opt::<Int64Type>());
    let rows = rows.into_iter().flatten().zip(marked);
    rows.filter(|(_, marked)| *marked == Some(true)).filter_map(|(row, _)| row).collect()
}

async fn clear_entry(work: &Work<'_>, contract: &Contract, entry: &IngestEntry) -> Result<(), StepError> {
    let context = work.context;
    let (roles, pseudonyms) =
        (work.roles.datasets.get(&contract.dataset).cloned().unwrap_or_default(), work.pseudonyms());
    let owned = |key: &str, value: &str| work.persons.owned(key, value);
    let marks = Marks { contract, roles: &roles, pseudonyms: &pseudonyms, owned: &owned };
    let Some(bronze) = context.lake.read_file(&entry.object(Layer::Bronze)).await? else {
        return account(work, contract, entry).await;
    };
    let mut gone: Vec<i64> = Vec::new();
    for batch in batches(&bronze)? {
        let batch = batch.map_err(broken)?;
        gone.extend(numbers(&batch, &marks.of(&batch)?));
    }
    if !gone.is_empty() {
        let records: HashSet<i64> = gone.iter().copied().collect();
        clear_quarantine(work, contract, entry, &gone, &records).await?;
        let by_record = |batch: &RecordBatch| Ok(of_records(batch, &records));
        let person = |batch: &RecordBatch| marks.of(batch);
        let identity: &Marker<'_> = if roles.persons.is_empty() { &by_record } else { &person };
        replace(work, &entry.object(Layer::Identity), identity).await?;
        replace(work, &entry.object(Layer::Bronze), &person).await?;
    }
    account(work, contract, entry).await
}

/// Says which rows of a batch go.
type Marker<'m> = dyn Fn(&RecordBatch) -> Result<BooleanArray, StepError> + 'm;

fn of_records(batch: &RecordBatch, records: &HashSet<i64>) -> BooleanArray {
    let rows = batch.column_by_name("_row").and_then(|rows| rows.as_primitive_opt::<Int64Type>());
    rows.into_iter().flatten().map(|row| Some(row.is_some_and(|row| records.contains(&row)))).collect()
}

/// Makes an object anew without the marked rows; one that would be empty is removed.
async fn replace(work: &Work<'_>, path: &str, marked: &Marker<'_>) -> Result<(), StepError> {
    let Some(file) = work.context.lake.read_file(path).await? else { return Ok(()) };
    let mut left = work.context.lake.scratch_file()?;
    let rows = without(&file, &left, marked)?;
    if rows == 0 {
        return Ok(work.context.lake.delete(path).await?);
    }
    Ok(work.context.lake.replace(path, &mut left).await?)
}

/// Writes the rows of a Parquet file that are not marked; the number of them.
fn without(file: &File, left: &File, marked: &Marker<'_>) -> Result<usize, StepError> {
    let reader = batches(file)?;
    let out = left.try_clone().map_err(broken)?;
    let mut writer = ArrowWriter::try_new(out, reader.schema(), Some(parquet_properties())).map_err(broken)?;
    let mut rows = 0;
    for batch in reader {
        let batch = batch.map_err(broken)?;
        let kept = not(&marked(&batch)?).and_then(|kept| filter_record_batch(&batch, &kept)).map_err(broken)?;
        rows += kept.num_rows();
        writer.write(&kept).map_err(broken)?;
    }
    writer.close().map_err(broken)?;
    Ok(rows)
}

/// Takes what quarantine says of the records away, and names them as turned away.
async fn clear_quarantine(
    work: &Work<'_>,
    contract: &Contract,
    entry: &IngestEntry,
    gone: &[i64],
    records: &HashSet<i64>,
) -> Result<(), StepError> {
    let lake = &work.context.lake;
    let path = entry.object(Layer::Quarantine);
    let mut left = lake.scratch_file()?;
    let out = left.try_clone().map_err(broken)?;
    let mut writer = ArrowWriter::try_new(out, schema::quarantine(), Some(parquet_properties())).map_err(broken)?;
    if let Some(file) = lake.read_file(&path).await? {
        for batch in batches(&file)? {
            let batch = batch.map_err(broken)?;
            let kept = not(&of_records(&batch, records)).and_then(|kept| filter_record_batch(&batch, &kept));
            writer.write(&kept.map_err(broken)?).map_err(broken)?;
        }
    }
    let order = entry.order();
    let mut lines = Broken::new(&order);
    for row in gone {
        lines.add_rule(*row, &rule(contract), Severity::Reject, None, REASON, None, None);
    }
    writer.write(&lines.take().map_err(broken)?).map_err(broken)?;
    writer.close().map_err(broken)?;
    Ok(lake.replace(&path, &mut left).await?)
}

/// Brings the ledger in line with what bronze holds now.
async fn account(work: &Work<'_>, contract: &Contract, entry: &IngestEntry) -> Result<(), StepError> {
    let bronze = work.context.lake.read_file(&entry.object(Layer::Bronze)).await?;
    let (rows, keys) = match &bronze {
        Some(file) => count(file, contract)?,
        None => (0, 0),
    };
    if rows == entry.bronze_rows {
        return Ok(());
    }
    let check = rule(contract);
    let before = entry.checks.get(&check).map_or(0, |count| count.failed);
    let mut entry = entry.clone();
    let erased = before + entry.bronze_rows.saturating_sub(rows);
    entry.rejected = entry.rows_in.saturating_sub(rows);
    entry.bronze_rows = rows;
    if contract.duplicates == Duplicates::Dedupe && !contract.key.is_empty() {
        entry.deduplicated = rows.saturating_sub(keys);
    }
    entry.checks.insert(check, CheckCount { checked: entry.rows_in, failed: erased });
    Ok(work.context.ledger.record_ingest(&entry).await?)
}

/// Rows of a bronze object, and distinct keys among them.
fn count(file: &File, contract: &Contract) -> Result<(u64, u64), StepError> {
    let reader = batches(file)?;
    let schema = reader.schema();
    let keyed: Vec<usize> = contract.key.iter().filter_map(|name| schema.index_of(name).ok()).collect();
    let fields = keyed.iter().map(|index| SortField::new(schema.field(*index).data_type().clone()));
    let converter = RowConverter::new(fields.collect()).map_err(broken)?;
    let (mut rows, mut keys) = (0, HashSet::new());
    for batch in reader {
        let batch = batch.map_err(broken)?;
        rows += batch.num_rows() as u64;
        if !keyed.is_empty() {
            let columns: Vec<ArrayRef> = keyed.iter().map(|index| batch.column(*index).clone()).collect();
            let found = converter.convert_columns(&columns).map_err(broken)?;
            keys.extend(found.iter().map(|row| row.owned()));
        }
    }
    Ok((rows, keys.len() as u64))
}
