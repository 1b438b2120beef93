//! What stands in the lake of a large file while it is under way.

use std::collections::BTreeMap;
use std::ops::Range;

use carelake_decode::{Header, Part};
use carelake_lake::{CheckCount, IngestEntry, Lake, LakeError, LandingKey, Layer, Layout};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::drive::AT_ONCE;
use crate::context::Context;
use crate::error::StepError;

/// Ending of the objects that ask for work: what happens to them is told to whoever reads parts.
const WANT: &str = ".want";
/// What asks for the cutting to go on.
const CUT: &str = "cut";

/// A large file that is under way. It stands in identity: the key may name a person.
#[derive(Serialize, Deserialize)]
pub struct Waiting {
    key: String,
    /// Which version it is, in the words of the landing zone.
    pub mark: Option<String>,
}

impl Waiting {
    pub(super) fn new(key: &LandingKey, mark: Option<String>) -> Self {
        Self { key: key.expose().to_owned(), mark }
    }

    /// The landing key.
    pub fn key(&self) -> LandingKey {
        LandingKey::new(self.key.clone())
    }
}

/// How a file was cut. Its entry has no counts yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Names what stands in the lake of the file.
    pub id: String,
    /// The file.
    pub entry: IngestEntry,
    pub(super) header: u64,
    /// Bytes that every part is read with.
    pub(super) always: Vec<Range<u64>>,
    /// The parts.
    pub parts: Vec<Part>,
}

impl Plan {
    /// The bytes that a part is read from.
    pub fn bytes_of(&self, index: usize) -> Vec<Range<u64>> {
        let part = self.parts.get(index).map(|part| part.start..part.end);
        self.always.iter().cloned().chain(part).collect()
    }

    pub(super) fn done(&self, index: usize, round: u32) -> String {
        format!("{}/{index:05}-{round}.json", folder(&self.id))
    }

    pub(super) fn keys(&self, index: usize) -> String {
        format!("{}/{index:05}.keys", folder(&self.id))
    }

    /// The repeated keys of a part, which it is to be read again with.
    pub(super) fn repeats(&self, index: usize) -> String {
        format!("{}/{index:05}.repeats", folder(&self.id))
    }

    /// Which parts are to be read again.
    pub(super) fn again(&self) -> String {
        format!("{}/again.json", folder(&self.id))
    }

    pub(super) fn output(&self, index: usize, round: u32, layer: Layer) -> String {
        let id = &self.id;
        let folder = match layer {
            Layer::Identity => restricted(id),
            Layer::Bronze | Layer::Quarantine => folder(id),
        };
        format!("{folder}/{index:05}-{round}.{}.parquet", layer.database())
    }
}

/// What a part was found to hold. It is written after all that it speaks of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PartDone {
    /// Why the part cannot be read, if it cannot.
    pub unreadable: Option<String>,
    pub rows_in: u64,
    pub bronze_rows: u64,
    pub rejected: u64,
    pub checks: BTreeMap<String, CheckCount>,
    pub unknown_columns: Vec<String>,
    pub missing_columns: Vec<String>,
    /// Bytes of text that it became, where the file has a limit of them.
    pub unpacked: u64,
    /// Good rows, of which `repeated` have the key of an earlier one of the part.
    pub good: u64,
    pub repeated: u64,
    /// The layers that it has rows for.
    pub layers: Vec<String>,
    pub seconds: f64,
}

impl PartDone {
    pub fn header(&self) -> Header {
        Header { unknown: self.unknown_columns.clone(), missing: self.missing_columns.clone() }
    }
}

/// The folder of what names no person.
pub(super) fn folder(id: &str) -> String {
    format!("{}/{id}", Layout::parts())
}

/// The folder of the rest.
pub(super) fn restricted(id: &str) -> String {
    format!("{}/{id}", Layout::restricted_parts())
}

fn waiting_path(id: &str) -> String {
    format!("{}/file.json", restricted(id))
}

fn plan_path(id: &str) -> String {
    format!("{}/plan.json", restricted(id))
}

/// How far the cutting has come.
pub(super) fn progress_path(id: &str) -> String {
    format!("{}/cut.json", restricted(id))
}

/// The name of a large file while it is under way, which depends on what it is read by.
pub(super) fn id(lake: &Lake, key: &LandingKey, entry: &IngestEntry) -> Result<String, LakeError> {
    let arrival = entry.modified.timestamp_micros().to_string();
    let mut id = lake.key()?.name("parts", &[key.expose(), &arrival, &entry.bytes.to_string(), &entry.contract]);
    id.truncate(32);
    Ok(id)
}

pub(super) async fn put_waiting(lake: &Lake, id: &str, waiting: &Waiting) -> Result<(), LakeError> {
    lake.put_json(&waiting_path(id), waiting).await
}

pub(super) async fn put_plan(lake: &Lake, plan: &Plan) -> Result<(), LakeError> {
    lake.put_json(&plan_path(&plan.id), plan).await
}

/// The large file of that name; `None` when none is under way.
///
/// # Errors
/// When it cannot be read.
pub async fn waiting(context: &Context, id: &str) -> Result<Option<Waiting>, StepError> {
    Ok(context.lake.get_json(&waiting_path(id)).await?)
}

/// How it was cut; `None` as long as it is not.
///
/// # Errors
/// When that cannot be read.
pub async fn plan(context: &Context, id: &str) -> Result<Option<Plan>, StepError> {
    Ok(context.lake.get_json(&plan_path(id)).await?)
}

/// Asks for a part to be read, or for the cutting to go on. What was asked for already may be asked for again.
///
/// # Errors
/// When that cannot be written.
pub async fn want(context: &Context, id: &str, part: Option<usize>) -> Result<(), StepError> {
    let what = part.map_or_else(|| CUT.to_owned(), |index| format!("{index:05}"));
    let path = format!("{}/{what}{WANT}", folder(id));
    Ok(context.lake.put_json(&path, &serde_json::json!({"run_id": context.run_id})).await?)
}

/// What an object of the lake asks for: which file, and which part or, without one, its cutting.
pub fn wanted(path: &str) -> Option<(&str, Option<usize>)> {
    let (id, what) = path.strip_prefix(Layout::parts())?.strip_prefix('/')?.split_once('/')?;
    match what.strip_suffix(WANT)? {
        CUT => Some((id, None)),
        part => Some((id, Some(part.parse().ok()?))),
    }
}

/// Removes all that stands in the lake of a file under way. The note of it goes last: until then it can be done again.
///
/// # Errors
/// When storage fails.
pub async fn forget(context: &Context, id: &str) -> Result<(), StepError> {
    clear(context, id).await?;
    for path in [progress_path(id), plan_path(id), waiting_path(id)] {
        context.lake.delete(&path).await?;
    }
    Ok(())
}

/// Removes what was read, but not what is to be read.
async fn clear(context: &Context, id: &str) -> Result<(), StepError> {
    let last = [progress_path(id), plan_path(id), waiting_path(id)];
    for folder in [folder(id), restricted(id)] {
        for path in context.lake.list(&folder).await? {
            if !last.contains(&path) {
                context.lake.delete(&path).await?;
            }
        }
    }
    Ok(())
}

/// A file under way, or what is left of one.
struct UnderWay {
    changed: DateTime<Utc>,
    /// True when it is known which file it is.
    noted: bool,
}

/// All files under way, by name.
async fn under_way(context: &Context) -> Result<BTreeMap<String, UnderWay>, StepError> {
    let mut all: BTreeMap<String, UnderWay> = BTreeMap::new();
    for folder in [Layout::parts(), Layout::restricted_parts()] {
        for stored in context.lake.stored(folder).await? {
            let rest = stored.path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            let Some((id, _)) = rest.and_then(|rest| rest.split_once('/')) else { continue };
            let one = all.entry(id.to_owned()).or_insert(UnderWay { changed: stored.modified, noted: false });
            one.changed = stored.modified.max(one.changed);
            one.noted |= stored.path == waiting_path(id);
        }
    }
    Ok(all)
}

/// True when large files are under way.
///
/// # Errors
/// When the lake cannot be listed.
pub async fn any(context: &Context) -> Result<bool, StepError> {
    Ok(under_way(context).await?.values().any(|one| one.noted))
}

/// Drops what was read of files under way, and asks for the first parts of each to be read anew: who is erased now must
/// not come in with a part that was read before. Nobody may be reading parts meanwhile.
///
/// # Errors
/// When storage fails.
pub async fn restart(context: &Context) -> Result<(), StepError> {
    for id in under_way(context).await?.into_keys() {
        clear(context, &id).await?;
        match plan(context, &id).await? {
            Some(plan) => {
                for index in 0..AT_ONCE.min(plan.parts.len()) {
                    want(context, &id, Some(index)).await?;
                }
            }
            None => want(context, &id, None).await?,
        }
    }
    Ok(())
}

/// Files under way that nothing happened to since `cutoff`, and what is left of files that are not under way. Nobody may
/// be reading parts meanwhile.
///
/// # Errors
/// When storage fails.
pub async fn abandoned(context: &Context, cutoff: DateTime<Utc>) -> Result<Vec<String>, StepError> {
    let mut abandoned = Vec::new();
    for (id, one) in under_way(context).await? {
        if one.changed <= cutoff || !one.noted {
            abandoned.push(id);
        }
    }
    Ok(abandoned)
}
