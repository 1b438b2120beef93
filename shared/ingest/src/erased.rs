//! Rows of erased persons: found in what arrives, and left out of it.
//!
//! A person is known by the fingerprint of the identifier alone. A row is the person's when a person's column says so;
//! in a dataset without such a column, when it names a parent that was the person's.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, StringArray};
use arrow::compute::{filter, not};
use arrow::error::ArrowError;
use carelake_contracts::{Contract, Roles};
use carelake_decode::RawBatch;
use carelake_lake::{Erasure, Erasures, Fingerprints};
use tokio::sync::OnceCell;

use crate::context::Context;
use crate::error::StepError;

/// Why a row of an erased person is not stored.
pub const REASON: &str = "The person was erased; nothing of the row is stored.";

/// The id of the check that counts a dataset's rows of erased persons.
pub fn rule(contract: &Contract) -> String {
    format!("{}.person.erased", contract.name())
}

/// Fingerprints of the erased persons of one source, and of the keys that stand for them.
#[derive(Debug, Clone)]
pub struct Persons {
    source: String,
    fingerprints: Fingerprints,
    persons: HashSet<String>,
    keys: BTreeMap<String, HashSet<String>>,
}

impl Persons {
    /// Nobody yet, at that source.
    pub fn none(source: &str, fingerprints: Fingerprints) -> Self {
        Self { source: source.to_owned(), fingerprints, persons: HashSet::new(), keys: BTreeMap::new() }
    }

    /// Adds the persons of an erasure.
    pub fn add(&mut self, erasure: &Erasure) {
        self.persons.extend(erasure.persons.iter().cloned());
        for (key, values) in &erasure.keys {
            self.keys.entry(key.clone()).or_default().extend(values.iter().cloned());
        }
    }

    /// True for the identifier of one of them.
    pub fn known(&self, id: &str) -> bool {
        self.persons.contains(&self.fingerprints.person(&self.source, id))
    }

    /// True for a key that stands for one of them.
    pub fn owned(&self, key: &str, value: &str) -> bool {
        let owned = self.keys.get(key);
        owned.is_some_and(|owned| owned.contains(&self.fingerprints.key(&self.source, key, value)))
    }

    /// True for a text that is an identifier of one of them, or a key that stands for one.
    pub fn tells(&self, text: &str) -> bool {
        self.known(text) || self.keys.keys().any(|key| self.owned(key, text))
    }
}

/// Finds rows of erased persons in one dataset.
#[derive(Debug, Clone)]
pub struct ErasedRows {
    persons: Arc<Persons>,
    roles: Roles,
}

impl ErasedRows {
    /// For a dataset with those roles.
    pub fn new(persons: Arc<Persons>, roles: Roles) -> Self {
        Self { persons, roles }
    }

    /// The persons that are looked for.
    pub fn persons(&self) -> &Persons {
        &self.persons
    }

    /// Which rows are theirs, given the text of every column of the contract.
    pub fn find(&self, columns: &[StringArray], rows: usize) -> BooleanArray {
        let mut found = vec![false; rows];
        for index in &self.roles.persons {
            mark(&mut found, columns.get(*index), |id| self.persons.known(id));
        }
        for (index, key) in &self.roles.belongs {
            mark(&mut found, columns.get(*index), |value| self.persons.owned(key, value));
        }
        BooleanArray::from(found)
    }

    /// The batch without their rows, and the numbers of the records these were in, one for each row.
    ///
    /// # Errors
    /// Never for a batch whose columns are of one length.
    pub fn leave_out(&self, batch: RawBatch) -> Result<(RawBatch, Vec<i64>), ArrowError> {
        let found = self.find(&batch.columns, batch.rows.len());
        if found.true_count() == 0 {
            return Ok((batch, Vec::new()));
        }
        let kept = not(&found)?;
        let text = |column: &StringArray| Ok(StringArray::from(filter(column, &kept)?.to_data()));
        let columns = batch.columns.iter().map(text).collect::<Result<Vec<_>, ArrowError>>()?;
        let numbered = batch.rows.iter().zip(found.iter());
        let (gone, rows): (Vec<_>, Vec<_>) = numbered.partition(|(_, erased)| *erased == Some(true));
        let numbers = |rows: Vec<(&i64, Option<bool>)>| rows.into_iter().map(|(row, _)| *row).collect();
        let left = RawBatch { rows: numbers(rows), columns, extra: text(&batch.extra)?, damaged: batch.damaged };
        Ok((left, numbers(gone)))
    }
}

fn mark(found: &mut [bool], column: Option<&StringArray>, whose: impl Fn(&str) -> bool) {
    for (flag, value) in found.iter_mut().zip(column.into_iter().flatten()) {
        *flag |= value.is_some_and(&whose);
    }
}

/// The erased persons of a lake, read once in a run: no erasure begins while a run is under way.
#[derive(Debug, Clone, Default)]
pub struct Erased {
    sources: Arc<OnceCell<BTreeMap<String, Arc<Persons>>>>,
}

impl Erased {
    /// What finds the rows of erased persons in a dataset; `None` when nobody of its source was erased.
    ///
    /// # Errors
    /// When the records of erasures cannot be read.
    pub async fn rows(
        &self,
        context: &Context,
        contract: &Contract,
        source: &str,
    ) -> Result<Option<ErasedRows>, StepError> {
        let sources = self.sources.get_or_try_init(|| read(context)).await?;
        let persons = sources.get(source).cloned();
        Ok(persons.map(|persons| ErasedRows::new(persons, context.contracts.roles(contract))))
    }
}

async fn read(context: &Context) -> Result<BTreeMap<String, Arc<Persons>>, StepError> {
    let erasures = Erasures::new(&context.lake);
    let all = erasures.all().await?;
    let mut sources = BTreeMap::new();
    let names: BTreeSet<&String> = all.iter().map(|erasure| &erasure.source).collect();
    for source in names {
        let mut persons = Persons::none(source, erasures.fingerprints().await?);
        let of_source = all.iter().filter(|erasure| &erasure.source == source);
        of_source.for_each(|erasure| persons.add(erasure));
        sources.insert(source.clone(), Arc::new(persons));
    }
    Ok(sources)
}
