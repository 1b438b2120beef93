//! publish: silver → gold: the catalogue of tables, the materialised marts, the views.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use carelake_lake::{Drift, ErrorKind, LakeError, Layout, TableEntry};
use carelake_sql::joins;
use carelake_sql::session::LakeSession;
use carelake_sql::views::View;
use carelake_tables::{OpenTable, Write, clustered};
use datafusion::arrow::array::{ArrayRef, Date32Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, Schema};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::prelude::DataFrame;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::codes;
use crate::context::Context;
use crate::dates::{Due, forget};
use crate::drift::{Shapes, Wanted};
use crate::entries::{lake_tables, mart_entry, planned_columns, view_entry};
use crate::error::{QueryError, StepError};
use crate::marts::{self, Made};
use crate::parts::{Senders, of_sources, touched};
use crate::run::Observer;

pub(crate) const SOURCES: &str = "silver.sources";
pub(crate) const AS_OF: &str = "gold.as_of";

type Versions = BTreeMap<String, Option<u64>>;

/// What gold was made from: when it is the same, catalogue, marts and views are too.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Published {
    as_of: String,
    definitions: String,
    catalogue: String,
    /// Lakes of before the code lists were tables have none.
    #[serde(default)]
    codes: String,
    sources: Senders,
    tables: BTreeMap<String, Option<u64>>,
    /// Marts as they were written.
    #[serde(default)]
    marts: BTreeMap<String, Made>,
    /// Columns of marts and views as they were planned.
    #[serde(default)]
    shapes: Shapes,
}

impl Published {
    /// The state of a table that is no view; all that is not known counts as new in every run.
    fn state(&self, table: &str, run_id: &str) -> String {
        match (table, self.tables.get(table)) {
            (SOURCES, _) => format!("{:?}", self.sources),
            (AS_OF, _) => self.as_of.clone(),
            (_, Some(version)) => version_state(*version),
            _ if table.starts_with("codes.") => self.codes.clone(),
            _ => run_id.to_owned(),
        }
    }
}

/// The state of a table as its version tells it.
fn version_state(version: Option<u64>) -> String {
    version.map_or_else(|| "none".to_owned(), |version| version.to_string())
}

/// Brings catalogue, marts and views up to date; the tables that have a new version. Nothing is done when tables,
/// definitions and day are those of the last time and everything is there.
///
/// # Errors
/// When storage fails or a query is not valid.
pub async fn publish(context: &Context, views: &[View], observer: &dyn Observer) -> Result<Vec<String>, StepError> {
    let lists = codes::lists(&context.contracts)?;
    let mut entries = lake_tables(context)?;
    entries.extend(lists.iter().map(|(name, list)| codes::entry(name, list)));
    // Versions of what is written are noted before anything is read: a commit of another run in between is a conflict.
    let marts = views.iter().filter(|view| view.materialised).map(View::qualified);
    let small = lists.iter().map(|(name, _)| listed(name)).chain([SOURCES, AS_OF].map(str::to_owned));
    let written: Vec<String> = marts.chain(small).collect();
    let written = context.tables.versions(written.iter().map(String::as_str)).await?;
    let tables: Vec<String> = context.contracts.tables.keys().cloned().collect();
    let mut published = Published {
        as_of: context.as_of.to_string(),
        definitions: definitions(views),
        catalogue: fingerprint(&entries),
        codes: short(&Sha256::digest(format!("{:?}", context.contracts.codes))),
        sources: sources(context).await?,
        tables: context.tables.versions(tables.iter().map(String::as_str)).await?,
        marts: BTreeMap::new(),
        shapes: Shapes::new(),
    };
    let inputs = marts::inputs(views, &|table| published.state(table, &context.run_id))?;
    let before = context.lake.get_json::<Published>(Layout::published()).await?;
    let made = before.as_ref().map(|before| before.marts.clone()).unwrap_or_default();
    published.marts.clone_from(&made);
    published.shapes = before.as_ref().map(|before| before.shapes.clone()).unwrap_or_default();
    if before.as_ref() == Some(&published) && complete(context, &entries, views, &published.shapes, &written).await? {
        return Ok(Vec::new());
    }
    for entry in &entries {
        context.catalog.put_table(entry).await?;
    }
    let mut changed = Vec::new();
    let about = "Sources of the lake, their feeds, and the subject areas they take part in.";
    let mut small = vec![
        (SOURCES.to_owned(), sources_batch(&published.sources)?, about.to_owned()),
        (AS_OF.to_owned(), as_of(context)?, "The day as of which ages and the like are reckoned.".to_owned()),
    ];
    let same = before.as_ref().is_some_and(|before| before.codes == published.codes);
    let senders = before.map(|before| before.sources).unwrap_or_default();
    let stale = lists.into_iter().filter(|(name, _)| !same || written.get(&listed(name)).copied().flatten().is_none());
    small.extend(stale.map(|(name, list)| (listed(&name), list, codes::about(&name))));
    for (name, batch, about) in small {
        if small_table(context, &name, batch, &about, &written).await? {
            changed.push(name);
        }
    }
    let opening = |error| StepError::query("opening the lake", &error);
    let session = carelake_sql::session::bounded(&context.lake).map_err(opening)?;
    let mut session =
        LakeSession::over(session, &context.lake, context.catalog.as_ref(), None).await.map_err(opening)?;
    published.shapes.clear();
    for (rank, view) in views.iter().enumerate() {
        let qualified = view.qualified();
        let planned = session.query(&view.sql).await.map_err(failed(view))?;
        let columns = planned_columns(planned.schema().as_arrow());
        if view.materialised {
            let version = written.get(&qualified).copied().flatten();
            let wanted = inputs.get(&qualified);
            let fresh =
                made.get(&qualified).is_some_and(|mart| Some(&mart.inputs) == wanted && Some(mart.version) == version);
            if let (false, Some(inputs)) = (fresh, wanted) {
                let noted = made.get(&qualified).filter(|mart| Some(mart.version) == version);
                let noted = noted.map(|mart| &mart.inputs);
                let made = match &view.dates {
                    Some(dates) => {
                        let whole = !noted.is_some_and(|noted| noted.same_but_for(inputs, AS_OF));
                        dated(context, &session, view, dates, whole, &written).await?
                    }
                    None => {
                        let touched = touched(context, view, noted, inputs, [&senders, &published.sources]).await?;
                        if touched.as_ref().is_some_and(BTreeSet::is_empty) {
                            None
                        } else {
                            let (rows, part) = of_sources(planned, touched).map_err(failed(view))?;
                            Some(materialise(context, &session, view, rows, part, &written).await?)
                        }
                    }
                };
                changed.extend(made.map(|_| qualified.clone()));
                if let Some(version) = made.or(version) {
                    published.marts.insert(qualified.clone(), Made { inputs: inputs.clone(), version });
                }
            }
            let entry = mart_entry(view, &columns);
            context.catalog.put_table(&entry).await?;
            session.know_table(entry);
        } else {
            let entry = view_entry(view, rank, &columns);
            context.catalog.put_view(&entry).await?;
            session.know_view(entry);
        }
        published.shapes.insert(qualified.clone(), columns);
        observer.advance(&qualified);
    }
    remove_unwanted(context, views).await?;
    context.lake.put_json(Layout::published(), &published).await?;
    Ok(changed)
}

/// Qualified name of a code list.
fn listed(name: &str) -> String {
    format!("{}.{name}", codes::CODES)
}

/// Notes that tables were rewritten and hold the rows that they held: gold made from the one version is made from the
/// other. Nobody may publish meanwhile.
///
/// # Errors
/// When storage fails.
pub async fn note_rewritten(context: &Context, rewritten: &[(String, u64, u64)]) -> Result<(), StepError> {
    let Some(mut published) = context.lake.get_json::<Published>(Layout::published()).await? else { return Ok(()) };
    for (table, from, to) in rewritten {
        if let Some(version) = published.tables.get_mut(table).filter(|version| **version == Some(*from)) {
            *version = Some(*to);
        }
        if let Some(mart) = published.marts.get_mut(table).filter(|mart| mart.version == *from) {
            mart.version = *to;
        }
        let under = published.marts.values_mut().filter_map(|mart| mart.inputs.tables.get_mut(table));
        for state in under.filter(|state| **state == version_state(Some(*from))) {
            *state = version_state(Some(*to));
        }
    }
    context.lake.put_json(Layout::published(), &published).await?;
    Ok(())
}

/// Has the next publish write all of the catalogue again, whatever stands there. Marts stay as they are.
///
/// # Errors
/// When storage fails.
pub async fn forget_catalogue(context: &Context) -> Result<(), StepError> {
    let Some(mut published) = context.lake.get_json::<Published>(Layout::published()).await? else { return Ok(()) };
    published.catalogue.clear();
    Ok(context.lake.put_json(Layout::published(), &published).await?)
}

/// True when the catalogue holds every table and view as it should, and every mart is there.
async fn complete(
    context: &Context,
    entries: &[TableEntry],
    views: &[View],
    shapes: &Shapes,
    written: &Versions,
) -> Result<bool, StepError> {
    let Some(wanted) = Wanted::new(entries, views, shapes) else { return Ok(false) };
    let drift = wanted.drift(context.catalog.as_ref()).await?;
    Ok(!drift.iter().any(Drift::converges) && written.values().all(Option::is_some))
}

/// Takes views out of the catalogue that no definition has any more. What clients made stays.
async fn remove_unwanted(context: &Context, views: &[View]) -> Result<(), StepError> {
    for entry in context.catalog.views().await? {
        let defined = |view: &View| !view.materialised && view.database == entry.database && view.name == entry.name;
        if !entry.is_of_a_client() && !views.iter().any(defined) {
            context.catalog.remove_view(&entry.database, &entry.name).await?;
        }
    }
    Ok(())
}

/// A table that is written, if it holds what it held when its version was noted.
async fn current(context: &Context, name: &str, written: &Versions) -> Result<Option<OpenTable>, StepError> {
    let table = context.tables.open(name, None).await?;
    let (noted, now) = (written.get(name).copied().flatten(), table.as_ref().and_then(OpenTable::version));
    let same = match (&table, noted) {
        (Some(table), Some(noted)) if now > Some(noted) => context.tables.only_rearranged(name, table, noted).await?,
        _ => now == noted,
    };
    if !same {
        return Err(LakeError::new(ErrorKind::Conflict, format!("opening {name}")).into());
    }
    Ok(table)
}

/// Hash of the catalogue's entries.
fn fingerprint(entries: &[TableEntry]) -> String {
    short(&Sha256::digest(format!("{entries:?}")))
}

fn short(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Hash of the SQL of all definitions.
fn definitions(views: &[View]) -> String {
    let mut digest = Sha256::new();
    for view in views {
        digest.update(format!("{}.{}\n{}\n", view.database, view.name, view.sql));
    }
    short(&digest.finalize())
}

fn failed(view: &View) -> impl Fn(DataFusionError) -> StepError {
    let context = format!("publishing {}", view.qualified());
    move |error| StepError::query(context.clone(), &error)
}

/// Writes the dates of a mart that are due: those that are missing, or with `whole` all that are named or there. The
/// version that was written; `None` when there was nothing to write.
async fn dated(
    context: &Context,
    session: &LakeSession,
    view: &View,
    dates: &str,
    whole: bool,
    written: &Versions,
) -> Result<Option<u64>, StepError> {
    let stored = match current(context, &view.qualified(), written).await? {
        Some(table) => Some(context.tables.provider(&table).await?),
        None => None,
    };
    let dates = format!("{}.{dates}", view.database);
    let Some(due) = Due::of(session, &dates, stored, whole).await.map_err(failed(view))? else { return Ok(None) };
    let rows = due.rows(session, &dates, &view.sql).await.map_err(failed(view))?;
    let version = materialise(context, session, view, rows, due.replaces, written).await?;
    forget(session, &dates).map_err(failed(view))?;
    Ok(Some(version))
}

/// Writes a mart, or the part of it that `replaces` names; the version that was written.
async fn materialise(
    context: &Context,
    session: &LakeSession,
    view: &View,
    rows: DataFrame,
    replaces: Option<Expr>,
    written: &Versions,
) -> Result<u64, StepError> {
    let qualified = view.qualified();
    let state = joins::sorting(session.context().state(), &view.sort_joins);
    let rows = DataFrame::new(state.clone(), rows.into_unoptimized_plan());
    let rows = clustered(rows, state, &view.partition_by, &view.z_order).await.map_err(failed(view))?;
    let write = Write {
        plan: rows.plan,
        session: rows.session,
        predicate: replaces,
        clustered: rows.by_partition,
        partition_by: view.partition_by.clone(),
        description: view.description.clone(),
        run_id: context.run_id.clone(),
    };
    let current = current(context, &qualified, written).await?;
    Ok(context.tables.write(&qualified, current, write).await?)
}

/// Source, feed and subject area of everything in the lake.
async fn sources(context: &Context) -> Result<BTreeSet<[String; 3]>, StepError> {
    let mut rows = BTreeSet::new();
    for entry in context.ledger.ingested().await? {
        for area in context.contracts.feeds.get(&entry.feed).map(|feed| feed.areas.clone()).unwrap_or_default() {
            rows.insert([entry.source.clone(), entry.feed.clone(), area]);
        }
    }
    Ok(rows)
}

fn sources_batch(rows: &BTreeSet<[String; 3]>) -> Result<RecordBatch, StepError> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    for index in 0..3 {
        columns.push(Arc::new(StringArray::from_iter(rows.iter().map(|row| row.get(index)))));
    }
    let fields: Vec<Field> =
        ["source", "feed", "area"].iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    batch(fields, columns)
}

fn as_of(context: &Context) -> Result<RecordBatch, StepError> {
    let day = Date32Array::from(vec![Date32Type::from_naive_date(context.as_of)]);
    batch(vec![Field::new("as_of_date", DataType::Date32, true)], vec![Arc::new(day)])
}

fn batch(fields: Vec<Field>, columns: Vec<ArrayRef>) -> Result<RecordBatch, StepError> {
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| StepError::query("building a table", &error.into()))
}

/// Writes a small table when its content differs from what is there.
async fn small_table(
    context: &Context,
    name: &str,
    batch: RecordBatch,
    about: &str,
    written: &Versions,
) -> Result<bool, StepError> {
    let failed = |error: DataFusionError| StepError::query(format!("writing {name}"), &error);
    let session = crate::conform::session(context)?;
    let current = current(context, name, written).await?;
    let wanted = session.read_batch(batch).map_err(failed)?;
    if let Some(table) = &current {
        let present = session.read_table(context.tables.provider(table).await?).map_err(failed)?;
        let differs = |one: &DataFrame, other: &DataFrame| one.clone().except(other.clone());
        let missing = differs(&wanted, &present).map_err(failed)?.count().await.map_err(failed)?;
        let surplus = differs(&present, &wanted).map_err(failed)?.count().await.map_err(failed)?;
        if missing + surplus == 0 {
            return Ok(false);
        }
    }
    let write = Write {
        plan: wanted.into_unoptimized_plan(),
        session: session.state(),
        predicate: None,
        clustered: false,
        partition_by: Vec::new(),
        description: about.to_owned(),
        run_id: context.run_id.clone(),
    };
    context.tables.write(name, current, write).await?;
    Ok(true)
}
