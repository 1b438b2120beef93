//! From batches of text to the three outputs: typing, rules, duplicates, the split of person and data.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, StringBuilder};
use arrow::compute::filter;
use arrow::error::ArrowError;
use carelake_contracts::{Checks, Contract, Converted, Duplicates, Failure, Phi, Severity, convert};
use carelake_decode::RawBatch;
use carelake_lake::{CheckCount, ErrorKind, Lake, LakeError, Layer};
use carelake_privacy::{Phi as Sensitive, Pseudonyms};

use super::keys::{Finish, Keys, Repeats};
use super::output::{Output, failed, properties};
use super::quarantine::{Broken, masked_record};
use super::splice::splice;
use crate::erased::{ErasedRows, REASON, rule};
use crate::error::StepError;
use crate::schema;

/// Warnings written out per rule and file; all are counted.
pub const WARNINGS_KEPT: u64 = 1_000;

/// What was made of a file.
pub struct Outputs {
    pub readable: bool,
    pub rows_in: u64,
    pub bronze_rows: u64,
    pub rejected: u64,
    pub deduplicated: u64,
    pub checks: BTreeMap<String, CheckCount>,
    pub files: Vec<(Layer, Option<File>)>,
    /// Good rows whose key an earlier good row has.
    pub repeated: u64,
    /// The hashes of all keys, if they were asked for.
    pub journal: Option<File>,
}

/// How the reading of a file ended.
pub enum Finished {
    /// With all that is to be stored.
    Outputs(Outputs),
    /// Repeated keys that must be rejected were found after their rows had been written: it must be read again.
    Again(Repeats, Option<File>),
}

/// What is known of the keys of a file, or wanted of them, before its rows are read.
#[derive(Default)]
pub struct Keyed {
    /// The repeated keys that a first reading of the same rows found.
    pub known: Option<Repeats>,
    /// Where the hashes of all keys go.
    pub journal: Option<File>,
}

/// A file's rows on their way.
pub struct Rows<'a> {
    lake: &'a Lake,
    contract: &'a Contract,
    checks: Checks,
    counts: Vec<CheckCount>,
    order: &'a str,
    /// `order` as often as the longest batch needs it, and NULL as often.
    orders: ArrayRef,
    none: ArrayRef,
    pseudonyms: Pseudonyms,
    keys: Option<Keys>,
    bronze: Output,
    /// What identity has and bronze has not.
    person: Option<Output>,
    quarantine: Output,
    broken: Broken,
    anything_broken: bool,
    erased: Option<&'a ErasedRows>,
    erased_rows: u64,
    rows_in: u64,
    bronze_rows: u64,
    rejected: u64,
    deduplicated: u64,
}

pub(super) fn arrow(error: ArrowError) -> StepError {
    LakeError::new(ErrorKind::Invalid, "building a batch").caused_by(error).into()
}

fn repeated(text: Option<&str>, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter(std::iter::repeat_n(text, rows)))
}

impl<'a> Rows<'a> {
    /// Rows of a file, or of a part of it.
    pub fn new(
        lake: &'a Lake,
        contract: &'a Contract,
        source: &str,
        order: &'a str,
        keyed: Keyed,
        erased: Option<&'a ErasedRows>,
    ) -> Result<Self, StepError> {
        let checks = Checks::new(contract);
        let counts = vec![CheckCount::default(); checks.all().len()];
        let person = contract.has_identity().then(|| Output::new(lake, schema::person(contract)));
        Ok(Self {
            lake,
            contract,
            counts,
            checks,
            order,
            orders: repeated(Some(order), 0),
            none: repeated(None, 0),
            pseudonyms: lake.key()?.pseudonyms(source),
            keys: Keys::new(lake, contract, keyed.known, keyed.journal)?,
            bronze: Output::new(lake, schema::bronze(contract))?,
            person: person.transpose()?,
            quarantine: Output::new(lake, schema::quarantine())?,
            broken: Broken::new(order),
            anything_broken: false,
            erased,
            erased_rows: 0,
            rows_in: 0,
            bronze_rows: 0,
            rejected: 0,
            deduplicated: 0,
        })
    }

    /// The outputs of a file that cannot be read: one line in quarantine.
    pub fn unreadable(lake: &Lake, contract: &Contract, order: &str, reason: &str) -> Result<Outputs, StepError> {
        let checks = Checks::new(contract);
        let mut quarantine = Output::new(lake, schema::quarantine())?;
        let mut broken = Broken::new(order);
        let mut counts = BTreeMap::new();
        if let Some(check) = checks.reader_check(".file.readable").and_then(|index| checks.all().get(index)) {
            broken.add(0, check, None, reason, None, None);
            counts.insert(check.id.clone(), CheckCount { checked: 1, failed: 1 });
        }
        quarantine.write(broken.take().map_err(arrow)?)?;
        let file = quarantine.finish()?;
        Ok(Outputs {
            readable: false,
            rows_in: 0,
            bronze_rows: 0,
            rejected: 0,
            deduplicated: 0,
            checks: counts,
            files: vec![(Layer::Quarantine, Some(file))],
            repeated: 0,
            journal: None,
        })
    }

    /// Takes a batch.
    pub fn add(&mut self, batch: RawBatch) -> Result<(), StepError> {
        let RawBatch { rows, columns: texts, extra, damaged } = self.leave_out_erased(batch)?;
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
            self.judge(rows, &texts, &extra)?;
        }
        self.flush_broken()
    }

    /// Rows of erased persons are counted, and named by their number alone.
    fn leave_out_erased(&mut self, batch: RawBatch) -> Result<RawBatch, StepError> {
        let Some(erased) = self.erased else { return Ok(batch) };
        let (left, gone) = erased.leave_out(batch).map_err(arrow)?;
        self.rows_in += gone.len() as u64;
        self.rejected += gone.len() as u64;
        self.erased_rows += gone.len() as u64;
        let rule = rule(self.contract);
        for row in gone {
            self.broken.add_rule(row, &rule, Severity::Reject, None, REASON, None, None);
        }
        Ok(left)
    }

    fn judge(&mut self, rows: Vec<i64>, texts: &[StringArray], extra: &StringArray) -> Result<(), StepError> {
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
        self.quarantine(&rows, texts, &failures)?;
        let accepted = good.iter().filter(|good| **good).count();
        self.rejected += (rows.len() - accepted) as u64;
        self.bronze_rows += accepted as u64;
        let good = (accepted < rows.len()).then(|| BooleanArray::from(good));
        self.split(rows, &columns, extra, good.as_ref())
    }

    fn find_duplicates(
        &mut self,
        columns: &[ArrayRef],
        good: &mut [bool],
        failures: &mut Vec<Failure>,
    ) -> Result<(), StepError> {
        let Some(keys) = &mut self.keys else { return Ok(()) };
        let repeated = keys.repeated(columns, good)?;
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

    /// Writes the good rows, all of them when `good` is absent: data to bronze, person to identity.
    fn split(
        &mut self,
        rows: Vec<i64>,
        columns: &[ArrayRef],
        extra: &StringArray,
        good: Option<&BooleanArray>,
    ) -> Result<(), StepError> {
        let kept = |array: &ArrayRef| match good {
            Some(good) => filter(array, good).map_err(arrow),
            None => Ok(array.clone()),
        };
        let numbers = kept(&(Arc::new(Int64Array::from(rows)) as ArrayRef))?;
        if self.orders.len() < numbers.len() {
            self.orders = repeated(Some(self.order), numbers.len());
            self.none = repeated(None, numbers.len());
        }
        let orders = self.orders.slice(0, numbers.len());
        let extra = kept(&(Arc::new(extra.clone()) as ArrayRef))?;
        let none = self.none.slice(0, numbers.len());
        let (mut open, mut person): (Vec<ArrayRef>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
        for (column, values) in self.contract.columns.iter().zip(columns) {
            let values = kept(values)?;
            match column.phi {
                Phi::None | Phi::Quasi => open.push(values),
                Phi::Identifier | Phi::FreeText => person.push(values),
                Phi::PersonId => {
                    open.push(self.pseudonyms_of(values.as_string()));
                    person.push(values);
                }
            }
        }
        let restrict = self.contract.restrict_unknown;
        open.extend([if restrict { none.clone() } else { extra.clone() }, orders, numbers]);
        person.push(if restrict { extra } else { none });
        let batch = RecordBatch::try_new(schema::bronze(self.contract), open).map_err(arrow)?;
        self.bronze.write(batch)?;
        if let Some(output) = &mut self.person {
            let batch = RecordBatch::try_new(schema::person(self.contract), person).map_err(arrow)?;
            output.write(batch)?;
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
        self.quarantine.write(batch)
    }

    /// Closes the outputs.
    pub fn finish(mut self) -> Result<Finished, StepError> {
        let (mut repeated, mut journal) = (0, None);
        if let Some(keys) = self.keys.take() {
            let Finish { late, repeats, journal: hashes } = keys.finish()?;
            match self.contract.duplicates {
                Duplicates::Reject if late > 0 => return Ok(Finished::Again(repeats, hashes)),
                _ => self.deduplicated += late,
            }
            (repeated, journal) = (repeats.count(), hashes);
        }
        for (index, check) in self.checks.all().iter().enumerate() {
            let Some(count) = self.counts.get_mut(index) else { continue };
            if [".row.shape", ".row.encoding", ".row.size"].iter().any(|end| check.id.ends_with(end)) {
                count.checked = self.rows_in;
            } else if check.id.ends_with(".file.readable") {
                count.checked = 1;
            }
        }
        let ids = self.checks.all().iter().map(|check| check.id.clone());
        let mut checks: BTreeMap<String, CheckCount> = ids.zip(self.counts.iter().copied()).collect();
        if self.erased.is_some() {
            let count = CheckCount { checked: self.rows_in, failed: self.erased_rows };
            checks.insert(rule(self.contract), count);
        }
        let bronze = self.bronze.finish()?;
        let person = self.person.map(Output::finish).transpose()?;
        let quarantine = self.quarantine.finish()?;
        let any = self.bronze_rows > 0;
        let identity = match person.filter(|_| any) {
            Some(person) => Some(spliced(self.lake, self.contract, &person, &bronze)?),
            None => None,
        };
        Ok(Finished::Outputs(Outputs {
            readable: true,
            rows_in: self.rows_in,
            bronze_rows: self.bronze_rows,
            rejected: self.rejected,
            deduplicated: self.deduplicated,
            checks,
            files: [
                (Layer::Identity, identity),
                (Layer::Quarantine, Some(quarantine).filter(|_| self.anything_broken)),
                (Layer::Bronze, Some(bronze).filter(|_| any)),
            ]
            .into(),
            repeated,
            journal,
        }))
    }
}

/// Identity: what is the person's own, and the columns that it shares with bronze.
fn spliced(lake: &Lake, contract: &Contract, person: &File, bronze: &File) -> Result<File, StepError> {
    let schema = schema::identity(contract);
    let target = lake.scratch_file()?;
    splice([person, bronze], &schema, properties(&schema), target).map_err(|error| failed(&error))
}
