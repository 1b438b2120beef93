//! What a lake holds of persons, before anything is removed.

mod files;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use carelake_contracts::{Contract, KeyColumn, Roles};
use carelake_lake::{Erasure, Erasures, Fingerprints, LandingKey, Pending, Removed};
use carelake_privacy::Phi;
use sha2::{Digest, Sha256};

use super::{Request, Survey, published_day};
use crate::context::Context;
use crate::erased::Persons;
use crate::error::StepError;
use crate::roles::FeedRoles;

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
    let fingerprints = erasures.fingerprints().await?;
    let wanted = wanted(context, request, &feed, &fingerprints)?;
    let prints: BTreeSet<String> = wanted.iter().flat_map(|one| one.prints.clone()).collect();
    let mut surveyor = Surveyor {
        context,
        request,
        roles: FeedRoles::of(&context.contracts, &feed).await?,
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

    fn gives(&self, contract: &Contract) -> Vec<KeyColumn> {
        self.roles.gives.get(&contract.dataset).cloned().unwrap_or_default()
    }

    fn persons(&self) -> Persons {
        let mut persons = Persons::none(&self.request.source, self.fingerprints.clone());
        persons.add(&self.draft);
        persons
    }

    fn note(&mut self, notes: Vec<(Option<String>, BTreeSet<String>)>) {
        for (key, values) in notes {
            match key {
                None => self.met.extend(values),
                Some(key) => self.claims.entry(key).or_default().extend(values),
            }
        }
    }
}
