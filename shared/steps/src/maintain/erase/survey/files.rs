//! What landing files and objects hold of the persons.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use carelake_contracts::{Contract, Roles};
use carelake_lake::{LakeError, LandingFile, LandingKey, Layer};

use super::{Surveyor, Wanted};
use crate::context::Context;
use crate::erased::{ErasedRows, Persons};
use crate::error::StepError;
use crate::maintain::erase::landing;
use crate::maintain::erase::objects::Marks;
use crate::maintain::parquet::{batches, broken};

impl Surveyor<'_> {
    /// Looks into the landing files and the objects of a dataset.
    pub(super) async fn look_in(&mut self, contract: &Contract) -> Result<(), StepError> {
        let (roles, persons) = (self.roles_of(contract), Arc::new(self.persons()));
        let gives = self.gives(contract);
        let (mut records, mut files) = (0, 0);
        if self.request.landing {
            let rows = ErasedRows::new(persons.clone(), roles.clone());
            for covered in landing::covered(self.context, &self.request.source, &self.feed)? {
                if covered.path.dataset != contract.dataset {
                    continue;
                }
                let file = self.context.landing.open(&covered.key)?;
                let mut notes = Vec::new();
                let found = landing::find(&file, &covered, &rows, |batch, theirs| {
                    notes.extend(roles.persons.iter().map(|index| (None, values(batch.columns.get(*index), theirs))));
                    let keys = gives.iter();
                    notes.extend(
                        keys.map(|(index, key)| (Some(key.clone()), values(batch.columns.get(*index), theirs))),
                    );
                })?;
                let Some(found) = found else { continue };
                self.note(notes);
                let gone = self.count_gone(file, &covered, &found, &persons)?;
                records += gone;
                files += u64::from(gone > 0);
            }
        }
        let rows = self.look_in_bronze(contract, &roles, &persons).await?;
        let removed = &mut self.draft.removed;
        if records + rows > 0 {
            self.datasets.insert(contract.dataset.clone());
            let before = removed.rows.insert(format!("landing.{}", contract.dataset), records);
            removed.landing_files += if before.is_none() { files } else { 0 };
            removed.rows.insert(format!("bronze.{}", contract.table()), rows);
            if contract.has_identity() {
                removed.rows.insert(format!("identity.{}", contract.table()), rows);
            }
            removed.rows.retain(|_, rows| *rows > 0);
        }
        Ok(())
    }

    /// Records of a file that are the persons'. One that cannot be read may tell of them as well.
    fn count_gone(
        &mut self,
        file: LandingFile,
        covered: &landing::Covered<'_>,
        found: &landing::Found,
        persons: &Persons,
    ) -> Result<u64, StepError> {
        if found.damaged.is_empty() {
            return Ok(found.records.len() as u64);
        }
        let met = RefCell::new(BTreeSet::new());
        let tells = |text: &str| {
            let theirs = persons.tells(text);
            if theirs {
                met.borrow_mut().insert(text.to_owned());
            }
            theirs
        };
        let (_, gone) = landing::left(self.context, file, covered, found, &tells)?;
        self.met.extend(met.into_inner());
        Ok(gone)
    }

    async fn look_in_bronze(
        &mut self,
        contract: &Contract,
        roles: &Roles,
        persons: &Persons,
    ) -> Result<u64, StepError> {
        let owned = |key: &str, value: &str| persons.owned(key, value);
        let pseudonyms = self.pseudonyms.clone();
        let marks = Marks { contract, roles, pseudonyms: &pseudonyms, owned: &owned };
        let mut rows = 0;
        for entry in self.context.ledger.ingested_of(&self.request.source, &contract.dataset).await? {
            let Some(file) = self.context.lake.read_file(&entry.object(Layer::Bronze)).await? else { continue };
            let before = rows;
            for batch in batches(&file)? {
                let batch = batch.map_err(broken)?;
                let theirs = marks.of(&batch)?;
                rows += theirs.true_count() as u64;
                let text = |index: &usize| {
                    let column = contract.columns.get(*index).and_then(|column| batch.column_by_name(&column.name));
                    let text = column.map(|column| cast(column, &DataType::Utf8)).transpose().map_err(broken)?;
                    Ok::<_, StepError>(values(text.as_ref().map(|text| text.as_string::<i32>()), &theirs))
                };
                let mut notes = Vec::new();
                for index in &roles.persons {
                    notes.push((None, text(index)?));
                }
                for (index, key) in &self.gives(contract) {
                    notes.push((Some(key.clone()), text(index)?));
                }
                self.note(notes);
            }
            if rows > before {
                self.objects.insert(entry.object(Layer::Bronze));
            }
        }
        Ok(rows)
    }

    /// What an erasure cannot remove: files that nobody can take apart, and masked rows of files that are gone.
    pub(super) fn look_for_the_rest(&mut self, wanted: &[Wanted]) -> Result<(), StepError> {
        if self.request.landing {
            let forms: BTreeSet<&String> = wanted.iter().flat_map(|one| &one.forms).collect();
            let holds = |bytes: &[u8]| forms.iter().any(|form| has_word(bytes, form.as_bytes()));
            let covered = landing::covered(self.context, &self.request.source, &self.feed)?;
            let covered: BTreeSet<LandingKey> = covered.into_iter().map(|covered| covered.key).collect();
            for key in self.context.landing.list()? {
                let source = key.expose().split('/').next().unwrap_or_default() == self.request.source;
                let named = source && holds(key.expose().as_bytes());
                let inside = source && !covered.contains(&key) && holds(&whole(self.context, &key)?);
                if named || inside {
                    self.by_hand.push(key);
                }
            }
        }
        self.draft.removed.left_in_landing = self.by_hand.len() as u64;
        self.draft.removed.objects = self.objects.len() as u64;
        Ok(())
    }
}

fn values(column: Option<&StringArray>, theirs: &BooleanArray) -> BTreeSet<String> {
    let rows = column.into_iter().flatten().zip(theirs);
    rows.filter(|(_, theirs)| *theirs == Some(true)).filter_map(|(value, _)| value.map(str::to_owned)).collect()
}

fn whole(context: &Context, key: &LandingKey) -> Result<Vec<u8>, StepError> {
    let mut bytes = Vec::new();
    let mut file = context.landing.open(key)?.file;
    std::io::Read::read_to_end(&mut file, &mut bytes)
        .map_err(|error| LakeError::io("reading a landing file", &error))?;
    Ok(bytes)
}

/// True when the word stands in the text by itself, not within a longer word or number.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    let letter = |place: Option<usize>| place.and_then(|place| text.get(place)).is_some_and(u8::is_ascii_alphanumeric);
    memchr::memmem::find_iter(text, word).any(|at| !letter(at.checked_sub(1)) && !letter(Some(at + word.len())))
}
