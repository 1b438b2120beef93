//! From batches of text to the three outputs: typing, rules, duplicates, the split of person and data.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, StringBuilder};
use arrow::compute::filter;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use carelake_contracts::{Checks, Contract, Converted, Duplicates, Failure, Phi, Severity, convert};
use carelake_decode::RawBatch;
use carelake_lake::{CheckCount, ErrorKind, Lake, LakeError, Layer, parquet_properties};
use carelake_privacy::{Phi as Sensitive, Pseudonyms};
use parquet::arrow::ArrowWriter;
use sha2::{Digest, Sha256};

use super::LAYERS;
use super::quarantine::{Broken, masked_record};
use crate::error::StepError;
use crate::schema;

/// Warnings written out per rule and file; all are counted.
const WARNINGS_KEPT: u64 = 1_000;

/// What was made of a file.
pub struct Outputs {
    pub readable: bool,
    pub rows_in: u64,
    pub bronze_rows: u64,
    pub rejected: u64,
    pub deduplicated: u64,
    pub checks: BTreeMap<String, CheckCount>,
    pub files: Vec<(Layer, Option<File>)>,
}

/// A file's rows on their way.
pub struct Rows<'a> {
    contract: &'a Contract,
    checks: Checks,
    counts: Vec<CheckCount>,
    order: &'a str,
    pseudonyms: Pseudonyms,
    keys: Option<Keys>,
    bronze: ArrowWriter<File>,
    identity: Option<ArrowWriter<File>>,
    quarantine: ArrowWriter<File>,
    broken: Broken,
    anything_broken: bool,
    rows_in: u64,
    bronze_rows: u64,
    rejected: u64,
    deduplicated: u64,
}

/// Keys of the good rows so far, as 128-bit hashes.
struct Keys {
    columns: Vec<usize>,
    converter: RowConverter,
    seen: HashSet<[u8; 16]>,
}

fn arrow(error: ArrowError) -> StepError {
    LakeError::new(ErrorKind::Invalid, "building a batch").caused_by(error).into()
}

fn parquet(error: parquet::errors::ParquetError) -> StepError {
    let kind = match &error {
        parquet::errors::ParquetError::External(cause) => cause.downcast_ref::<std::io::Error>(),
        _ => None,
    };
    match kind {
        Some(io) => LakeError::io("writing a scratch file", io).into(),
        None => LakeError::new(ErrorKind::Transient, "writing a scratch file").caused_by(error).into(),
    }
}

fn writer(lake: &Lake, schema: arrow::datatypes::SchemaRef) -> Result<ArrowWriter<File>, StepError> {
    ArrowWriter::try_new(lake.scratch_file()?, schema, Some(parquet_properties())).map_err(parquet)
}

impl<'a> Rows<'a> {
    pub fn new(lake: &Lake, contract: &'a Contract, source: &str, order: &'a str) -> Result<Self, StepError> {
        let checks = Checks::new(contract);
        let counts = vec![CheckCount::default(); checks.all().len()];
        let identity = if contract.has_identity() { Some(writer(lake, schema::identity(contract))?) } else { None };
        Ok(Self {
            contract,
            counts,
            checks,
            order,
            pseudonyms: lake.key()?.pseudonyms(source),
            keys: Keys::new(contract)?,
            bronze: writer(lake, schema::bronze(contract))?,
            identity,
            quarantine: writer(lake, schema::quarantine())?,
            broken: Broken::new(order),
            anything_broken: false,
            rows_in: 0,
            bronze_rows: 0,
            rejected: 0,
            deduplicated: 0,
        })
    }

    /// The outputs of a file that cannot be read: one line in quarantine.
    pub fn unreadable(
        lake: &Lake,
        contract: &'a Contract,
        order: &'a str,
        reason: &'static str,
    ) -> Result<Outputs, StepError> {
        let checks = Checks::new(contract);
        let mut quarantine = writer(lake, schema::quarantine())?;
        let mut broken = Broken::new(order);
        let mut counts = BTreeMap::new();
        if let Some(check) = checks.reader_check(".file.readable").and_then(|index| checks.all().get(index)) {
            broken.add(0, check, None, reason, None, None);
            counts.insert(check.id.clone(), CheckCount { checked: 1, failed: 1 });
        }
        quarantine.write(&broken.take().map_err(arrow)?).map_err(parquet)?;
        let file = quarantine.into_inner().map_err(parquet)?;
        Ok(Outputs {
            readable: false,
            rows_in: 0,
            bronze_rows: 0,
            rejected: 0,
            deduplicated: 0,
            checks: counts,
            files: vec![(Layer::Quarantine, Some(file))],
        })
    }

    /// Takes a batch.
    pub fn add(&mut self, batch: RawBatch) -> Result<(), StepError> {
        let RawBatch { rows, columns: texts, extra, damaged } = batch;
        self.rows_in += (rows.len() + damaged.len()) as u64;
        self.rejected += damaged.len() as u64;
        for damage in &damaged {
            if let Some(index) = self.checks.reader_check(damage.check) {
                self.count(index, 0, 1);
                if let Some(check) = self.checks.all().get(index) {
                    self.broken.add(damage.row, check, None, &check.reason, None, None);
                }
            }
        }
        if !rows.is_empty() {
            self.judge(&rows, &texts, &extra)?;
        }
        self.flush_broken()
    }

    fn judge(&mut self, rows: &[i64], texts: &[StringArray], extra: &StringArray) -> Result<(), StepError> {
        let typed = self.contract.columns.iter().zip(texts);
        let converted = typed.map(|(column, text)| convert(text, column.column_type, column.format.as_deref()));
        let (mut columns, invalid): (Vec<ArrayRef>, Vec<Vec<usize>>) =
            converted.map(|Converted { values, invalid }| (values, invalid)).unzip();
        let outcome = self.checks.run(texts, &mut columns, &invalid).map_err(arrow)?;
        for (index, checked) in outcome.checked.iter().enumerate() {
            self.count(index, *checked, 0);
        }
        let mut good = vec![true; rows.len()];
        for failure in &outcome.failures {
            let rejects = self.checks.all().get(failure.check).is_some_and(|check| check.severity == Severity::Reject);
            if let (true, Some(flag)) = (rejects, good.get_mut(failure.row)) {
                *flag = false;
            }
        }
        let mut failures = outcome.failures;
        self.find_duplicates(&columns, &mut good, &mut failures)?;
        failures.sort_by_key(|failure| (failure.row, failure.check));
        self.quarantine(rows, texts, &failures)?;
        let accepted = good.iter().filter(|good| **good).count();
        self.rejected += (rows.len() - accepted) as u64;
        self.bronze_rows += accepted as u64;
        self.split(rows, &columns, extra, &BooleanArray::from(good))
    }

    fn find_duplicates(
        &mut self,
        columns: &[ArrayRef],
        good: &mut [bool],
        failures: &mut Vec<Failure>,
    ) -> Result<(), StepError> {
        let Some(keys) = &mut self.keys else { return Ok(()) };
        let repeated = keys.repeated(columns, good).map_err(arrow)?;
        match (self.contract.duplicates, self.checks.reader_check(".key.unique")) {
            (Duplicates::Reject, Some(check)) => {
                self.count(check, good.iter().filter(|good| **good).count() as u64, 0);
                for row in repeated {
                    if let Some(flag) = good.get_mut(row) {
                        *flag = false;
                    }
                    failures.push(Failure { row, check });
                }
            }
            _ => self.deduplicated += repeated.len() as u64,
        }
        Ok(())
    }

    fn count(&mut self, check: usize, checked: u64, failed: u64) {
        if let Some(count) = self.counts.get_mut(check) {
            count.checked += checked;
            count.failed += failed;
        }
    }

    fn quarantine(&mut self, rows: &[i64], texts: &[StringArray], failures: &[Failure]) -> Result<(), StepError> {
        let mut records: HashMap<usize, String> = HashMap::new();
        for failure in failures {
            self.count(failure.check, 0, 1);
            let (Some(check), Some(count)) = (self.checks.all().get(failure.check), self.counts.get(failure.check))
            else {
                continue;
            };
            if check.severity == Severity::Warn && count.failed > WARNINGS_KEPT {
                continue;
            }
            let record = match check.severity {
                Severity::Warn => None,
                Severity::Reject => {
                    let masked = || masked_record(&self.contract.columns, texts, failure.row);
                    Some(records.entry(failure.row).or_insert_with(masked).as_str())
                }
            };
            let column = check.column.and_then(|index| self.contract.columns.get(index));
            let text = check.column.and_then(|index| texts.get(index));
            let value = text.filter(|text| text.is_valid(failure.row)).map(|text| text.value(failure.row));
            let row = rows.get(failure.row).copied().unwrap_or_default();
            self.broken.add(row, check, column.map(|column| column.name.as_str()), &check.reason, value, record);
        }
        Ok(())
    }

    /// Writes the good rows: data to bronze, person to identity.
    fn split(
        &mut self,
        rows: &[i64],
        columns: &[ArrayRef],
        extra: &StringArray,
        good: &BooleanArray,
    ) -> Result<(), StepError> {
        let kept = |array: &dyn Array| filter(array, good).map_err(arrow);
        let numbers = kept(&Int64Array::from(rows.to_vec()))?;
        let orders: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(self.order, numbers.len())));
        let extra = kept(extra)?;
        let none: ArrayRef = arrow::array::new_null_array(&arrow::datatypes::DataType::Utf8, numbers.len());
        let (mut open, mut person): (Vec<ArrayRef>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
        for (column, values) in self.contract.columns.iter().zip(columns) {
            let values = kept(values)?;
            match column.phi {
                Phi::None | Phi::Quasi => open.push(values),
                Phi::Identifier | Phi::FreeText => person.push(values),
                Phi::PersonId => {
                    let pseudonyms = self.pseudonyms_of(values.as_string());
                    open.push(pseudonyms.clone());
                    person.push(pseudonyms);
                    person.push(values);
                }
            }
        }
        let restrict = self.contract.restrict_unknown;
        open.extend([if restrict { none.clone() } else { extra.clone() }, orders.clone(), numbers.clone()]);
        person.extend([if restrict { extra } else { none }, orders, numbers]);
        let batch = RecordBatch::try_new(schema::bronze(self.contract), open).map_err(arrow)?;
        self.bronze.write(&batch).map_err(parquet)?;
        if let Some(identity) = &mut self.identity {
            let batch = RecordBatch::try_new(schema::identity(self.contract), person).map_err(arrow)?;
            identity.write(&batch).map_err(parquet)?;
        }
        Ok(())
    }

    fn pseudonyms_of(&self, ids: &StringArray) -> ArrayRef {
        let mut builder = StringBuilder::with_capacity(ids.len(), ids.len() * 32);
        let mut buffer = [0_u8; 32];
        for id in ids {
            match id {
                Some(id) => builder.append_value(self.pseudonyms.of(Sensitive::new(id), &mut buffer)),
                None => builder.append_null(),
            }
        }
        Arc::new(builder.finish())
    }

    fn flush_broken(&mut self) -> Result<(), StepError> {
        if self.broken.is_empty() {
            return Ok(());
        }
        self.anything_broken = true;
        let batch = self.broken.take().map_err(arrow)?;
        self.quarantine.write(&batch).map_err(parquet)
    }

    /// Closes the outputs.
    pub fn finish(mut self) -> Result<Outputs, StepError> {
        for (index, check) in self.checks.all().iter().enumerate() {
            let Some(count) = self.counts.get_mut(index) else { continue };
            if check.id.ends_with(".row.shape") || check.id.ends_with(".row.encoding") {
                count.checked = self.rows_in;
            } else if check.id.ends_with(".file.readable") {
                count.checked = 1;
            }
        }
        let ids = self.checks.all().iter().map(|check| check.id.clone());
        let checks = ids.zip(self.counts.iter().copied()).collect();
        let mut files = Vec::with_capacity(LAYERS.len());
        for layer in LAYERS {
            files.push((
                layer,
                match layer {
                    Layer::Bronze if self.bronze_rows > 0 => Some(self.bronze.inner_file()?),
                    Layer::Identity if self.bronze_rows > 0 => {
                        self.identity.as_mut().map(InnerFile::inner_file).transpose()?
                    }
                    Layer::Quarantine if self.anything_broken => Some(self.quarantine.inner_file()?),
                    _ => None,
                },
            ));
        }
        Ok(Outputs {
            readable: true,
            rows_in: self.rows_in,
            bronze_rows: self.bronze_rows,
            rejected: self.rejected,
            deduplicated: self.deduplicated,
            checks,
            files,
        })
    }
}

/// Ends a Parquet file and gives its handle.
trait InnerFile {
    fn inner_file(&mut self) -> Result<File, StepError>;
}

impl InnerFile for ArrowWriter<File> {
    fn inner_file(&mut self) -> Result<File, StepError> {
        self.finish().map_err(parquet)?;
        self.inner().try_clone().map_err(|error| LakeError::io("closing a scratch file", &error).into())
    }
}

impl Keys {
    fn new(contract: &Contract) -> Result<Option<Self>, StepError> {
        let place = |name: &String| contract.columns.iter().position(|column| &column.name == name);
        let columns: Vec<usize> = contract.key.iter().filter_map(place).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        let fields = columns.iter().filter_map(|index| contract.columns.get(*index));
        let fields = fields.map(|column| SortField::new(column.column_type.arrow())).collect();
        let converter = RowConverter::new(fields).map_err(arrow)?;
        Ok(Some(Self { columns, converter, seen: HashSet::new() }))
    }

    /// Good rows whose key an earlier good row of the file has.
    fn repeated(&mut self, columns: &[ArrayRef], good: &[bool]) -> Result<Vec<usize>, ArrowError> {
        let keyed: Vec<ArrayRef> = self.columns.iter().filter_map(|index| columns.get(*index).cloned()).collect();
        let rows = self.converter.convert_columns(&keyed)?;
        let mut repeated = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if good.get(index) != Some(&true) {
                continue;
            }
            let digest = Sha256::digest(row.data());
            let mut key = [0_u8; 16];
            key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
            if !self.seen.insert(key) {
                repeated.push(index);
            }
        }
        Ok(repeated)
    }
}
