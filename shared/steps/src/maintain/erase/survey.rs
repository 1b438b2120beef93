//! What a lake holds of persons, before anything is removed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use carelake_contracts::{Contract, LandingPath};
use carelake_lake::{Erasure, Erasures, Fingerprints, LakeError, LandingFile, LandingKey, Layer, Pending, Removed};
use carelake_privacy::Phi;
use datafusion::prelude::SessionContext;
use sha2::{Digest, Sha256};

use super::objects::Marks;
use super::tables::{self, is_one_of};
use super::{Request, Survey, landing, published_day};
use crate::context::Context;
use crate::erased::{ErasedRows, FeedRoles, KeyColumn, Persons, Roles};
use crate::error::StepError;
use crate::maintain::parquet::{batches, broken};

/// Datasets below datasets below datasets: more than any feed has.
const DEPTH: usize = 8;

/// One of the persons asked for.
struct Wanted {
    forms: BTreeSet<String>,
    pseudonyms: BTreeSet<String>,
    prints: BTreeSet<String>,
}

struct Surveyor<'a> {
    context: &'a Context,
    request: &'a Request,
    feed: String,
    roles: FeedRoles,
    fingerprints: Fingerprints,
    pseudonyms: BTreeSet<String>,
    draft: Erasure,
    /// Identifiers and pseudonyms that were met.
    met: BTreeSet<String>,
    /// Values of keys that the persons' rows have.
    claims: BTreeMap<String, BTreeSet<String>>,
    datasets: BTreeSet<String>,
    objects: BTreeSet<String>,
    by_hand: Vec<LandingKey>,
}

/// Looks for persons in landing, in every layer and in every table.
///
/// # Errors
/// When storage fails, or the request makes no sense for the lake.
pub async fn survey(context: &Context, request: &Request) -> Result<Survey, StepError> {
    let feed = feed(context, &request.source).await?;
    let erasures = Erasures::new(&context.lake);
    let fingerprints = erasures.fingerprints()?;
    let wanted = wanted(context, request, &feed, &fingerprints)?;
    let prints: BTreeSet<String> = wanted.iter().flat_map(|one| one.prints.clone()).collect();
    let mut surveyor = Surveyor {
        context,
        request,
        roles: FeedRoles::of(context, &feed).await?,
        fingerprints,
        pseudonyms: wanted.iter().flat_map(|one| one.pseudonyms.clone()).collect(),
        draft: Erasure {
            id: id(&prints, request),
            source: request.source.clone(),
            feed: feed.clone(),
            persons: prints,
            keys: BTreeMap::new(),
            reason: request.reason.clone(),
            started: request.started,
            finished: None,
            landing: request.landing,
            removed: Removed::default(),
            pending: None,
        },
        feed,
        met: BTreeSet::new(),
        claims: BTreeMap::new(),
        datasets: BTreeSet::new(),
        objects: BTreeSet::new(),
        by_hand: Vec::new(),
    };
    surveyor.look(&wanted).await?;
    let all = erasures.all().await?;
    let before = |one: &Wanted| -> Vec<&Erasure> {
        let same = |erasure: &&Erasure| erasure.source == request.source && !erasure.persons.is_disjoint(&one.prints);
        all.iter().filter(same).collect()
    };
    let met = |one: &Wanted| !surveyor.met.is_disjoint(&one.forms) || !surveyor.met.is_disjoint(&one.pseudonyms);
    let unknown: Vec<usize> =
        wanted.iter().zip(1..).filter(|(one, _)| !met(one) && before(one).is_empty()).map(|(_, place)| place).collect();
    if !unknown.is_empty() {
        return Ok(Survey::Unknown(unknown));
    }
    if surveyor.draft.removed.rows.is_empty() {
        let ids: BTreeSet<&String> = wanted.iter().flat_map(before).map(|erasure| &erasure.id).collect();
        let mut receipts = Vec::new();
        for id in ids {
            receipts.extend(erasures.receipt(id).await?);
        }
        return Ok(Survey::Done(receipts));
    }
    Ok(Survey::Found { erasure: Box::new(surveyor.draft), by_hand: surveyor.by_hand })
}

/// The feed that a source's files in the lake are of; else the one that it is bound to.
async fn feed(context: &Context, source: &str) -> Result<String, StepError> {
    let ingested = context.ledger.ingested().await?;
    let known = ingested.iter().rfind(|entry| entry.source == source).map(|entry| entry.feed.clone());
    let feed = known.unwrap_or_else(|| context.sources.feed(source).to_owned());
    if context.contracts.contracts.values().any(|contract| contract.feed == feed) {
        return Ok(feed);
    }
    Err(StepError::Invalid(format!(
        "no files of a source {source} are in the lake, and no contract describes what it sends"
    )))
}

/// The identifiers in each form that the feed's contracts bring them into.
fn wanted(
    context: &Context,
    request: &Request,
    feed: &str,
    fingerprints: &Fingerprints,
) -> Result<Vec<Wanted>, StepError> {
    let pseudonyms = context.lake.key()?.pseudonyms(&request.source);
    let columns = context.contracts.contracts.values().filter(|contract| contract.feed == feed);
    let columns = columns.flat_map(|contract| &contract.columns);
    let pads: BTreeSet<usize> = columns
        .filter(|column| column.phi == carelake_contracts::Phi::PersonId)
        .map(|column| column.pad.unwrap_or_default())
        .collect();
    let mut all = Vec::new();
    for id in &request.ids {
        let id = id.clone().expose();
        let id = id.trim();
        if id.is_empty() {
            return Err(StepError::Invalid("an identifier is empty".to_owned()));
        }
        if request.reason.as_ref().is_some_and(|reason| reason.contains(id)) {
            let text = "the reason holds the identifier, and is kept for ever: give one without it";
            return Err(StepError::Invalid(text.to_owned()));
        }
        let forms: BTreeSet<String> = pads.iter().map(|width| format!("{id:0>width$}")).collect();
        let pseudonym = |form: &String| pseudonyms.of(Phi::new(form.as_str()), &mut [0; 32]).to_owned();
        all.push(Wanted {
            pseudonyms: forms.iter().map(pseudonym).collect(),
            prints: forms.iter().map(|form| fingerprints.person(&request.source, form)).collect(),
            forms,
        });
    }
    Ok(all)
}

fn id(prints: &BTreeSet<String>, request: &Request) -> String {
    let mut digest = Sha256::new();
    prints.iter().for_each(|print| digest.update(print));
    digest.update(request.started.to_rfc3339());
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl Surveyor<'_> {
    async fn look(&mut self, wanted: &[Wanted]) -> Result<(), StepError> {
        let context = self.context;
        let contracts: Vec<&Contract> =
            context.contracts.contracts.values().filter(|contract| contract.feed == self.feed).collect();
        let (with, without): (Vec<&Contract>, Vec<&Contract>) =
            contracts.into_iter().partition(|contract| !self.roles_of(contract).persons.is_empty());
        for contract in with {
            self.look_in(contract).await?;
        }
        self.keep_what_is_theirs().await?;
        for _ in 0..DEPTH {
            let before = self.claims.clone();
            for contract in &without {
                if !self.roles_of(contract).belongs.is_empty() {
                    self.look_in(contract).await?;
                }
            }
            self.keep_what_is_theirs().await?;
            if self.claims == before {
                break;
            }
        }
        self.look_in_tables().await?;
        self.look_for_the_rest(wanted)?;
        self.draft.pending = Some(Pending {
            pseudonyms: self.pseudonyms.clone(),
            datasets: self.datasets.clone(),
            as_of: published_day(context).await?,
        });
        Ok(())
    }

    fn roles_of(&self, contract: &Contract) -> Roles {
        self.roles.datasets.get(&contract.dataset).cloned().unwrap_or_default()
    }

    fn persons(&self) -> Persons {
        let mut persons = Persons::none(&self.request.source, self.fingerprints.clone());
        persons.add(&self.draft);
        persons
    }

    /// Looks into the landing files and the objects of a dataset.
    async fn look_in(&mut self, contract: &Contract) -> Result<(), StepError> {
        let (roles, persons) = (self.roles_of(contract), Arc::new(self.persons()));
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
                    let keys = roles.gives.iter();
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
                for (index, key) in &roles.gives {
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

    fn note(&mut self, notes: Vec<(Option<String>, BTreeSet<String>)>) {
        for (key, values) in notes {
            match key {
                None => self.met.extend(values),
                Some(key) => self.claims.entry(key).or_default().extend(values),
            }
        }
    }

    /// A key that the persons' rows have is theirs unless the parent's row in silver is another person's.
    async fn keep_what_is_theirs(&mut self) -> Result<(), StepError> {
        let session = crate::conform::session(self.context)?;
        let keys: BTreeSet<String> = self
            .roles
            .datasets
            .values()
            .flat_map(|roles| &roles.belongs)
            .map(|(_, key): &KeyColumn| key.clone())
            .collect();
        for key in keys {
            let Some((table, column)) = key.rsplit_once('.') else { continue };
            let persons = self.roles.tables.get(table).map(|roles| roles.persons.clone()).unwrap_or_default();
            let rows = tables::rows_of(self.context, &session, table, &self.request.source).await?;
            let theirs: Vec<_> = persons.into_iter().map(|column| (column, self.pseudonyms.clone())).collect();
            let claims = self.claims.entry(key.clone()).or_default();
            if let (Some(rows), Some(condition)) = (rows, is_one_of(&theirs)) {
                let failed = |error| StepError::query(format!("looking for the persons in {table}"), &error);
                let own = rows.clone().filter(condition.clone()).map_err(failed)?;
                let others = rows.filter(condition.is_not_true()).map_err(failed)?;
                claims.extend(tables::texts(&own, column, table).await?);
                if let Some(claimed) = is_one_of(&[(column.to_owned(), claims.clone())]) {
                    let others = others.filter(claimed).map_err(failed)?;
                    let of_others = tables::texts(&others, column, table).await?;
                    claims.retain(|value| !of_others.contains(value));
                }
            }
            let prints = claims.iter().map(|value| self.fingerprints.key(&self.request.source, &key, value));
            self.draft.keys.insert(key.clone(), prints.collect());
        }
        Ok(())
    }

    async fn look_in_tables(&mut self) -> Result<(), StepError> {
        let session = crate::conform::session(self.context)?;
        for (table, roles) in self.roles.tables.clone() {
            let mut columns: Vec<(String, BTreeSet<String>)> =
                roles.persons.iter().map(|column| (column.clone(), self.pseudonyms.clone())).collect();
            for (column, key) in &roles.belongs {
                columns.push((column.clone(), self.claims.get(key).cloned().unwrap_or_default()));
            }
            if self.count(&session, &table, &columns).await? > 0 {
                let feeding = self.context.contracts.contracts.values().filter(|contract| {
                    contract.feed == self.feed && contract.targets.iter().any(|target| target.table == table)
                });
                self.datasets.extend(feeding.map(|contract| contract.dataset.clone()));
            }
        }
        for table in tables::gold(self.context).await? {
            let Some(rows) = tables::rows_of(self.context, &session, &table, &self.request.source).await? else {
                continue;
            };
            let texts = rows.schema().fields().iter().filter(|field| field.data_type() == &DataType::Utf8);
            let columns = texts.map(|field| (field.name().clone(), self.pseudonyms.clone())).collect::<Vec<_>>();
            self.count(&session, &table, &columns).await?;
        }
        let theirs = [("patient_id".to_owned(), self.pseudonyms.clone())];
        for table in crate::noshow::kept_by_patient()? {
            self.count(&session, &table, &theirs).await?;
        }
        Ok(())
    }

    async fn count(
        &mut self,
        session: &SessionContext,
        table: &str,
        columns: &[(String, BTreeSet<String>)],
    ) -> Result<u64, StepError> {
        let failed = |error| StepError::query(format!("looking for the persons in {table}"), &error);
        let rows = tables::rows_of(self.context, session, table, &self.request.source).await?;
        let (Some(rows), Some(condition)) = (rows, is_one_of(columns)) else { return Ok(0) };
        let rows = rows.filter(condition).map_err(failed)?;
        let found = rows.clone().count().await.map_err(failed)? as u64;
        if found > 0 {
            self.draft.removed.rows.insert(table.to_owned(), found);
            for (column, _) in columns.iter().filter(|(_, values)| values == &self.pseudonyms) {
                self.met.extend(tables::texts(&rows, column, table).await?);
            }
        }
        Ok(found)
    }

    /// What an erasure cannot remove: files that nobody can take apart, and masked rows of files that are gone.
    fn look_for_the_rest(&mut self, wanted: &[Wanted]) -> Result<(), StepError> {
        if self.request.landing {
            let forms: BTreeSet<&String> = wanted.iter().flat_map(|one| &one.forms).collect();
            let holds = |bytes: &[u8]| forms.iter().any(|form| has_word(bytes, form.as_bytes()));
            for key in self.context.landing.list()? {
                let source = key.expose().split('/').next().unwrap_or_default() == self.request.source;
                let covered = LandingPath::parse(key.expose())
                    .is_ok_and(|path| self.context.contracts.contract(&self.feed, &path.dataset).is_some());
                let named = source && holds(key.expose().as_bytes());
                let inside = source && !covered && holds(&whole(self.context, &key)?);
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
