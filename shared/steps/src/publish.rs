//! publish: silver → gold: the catalogue of tables, the materialised marts, the views.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use carelake_contracts::{ColumnType, Contract, Table};
use carelake_lake::{
    ColumnEntry, ErrorKind, LakeError, Layer, Layout, OpenTable, TableEntry, TableFormat, ViewEntry, Write,
};
use carelake_sql::session::LakeSession;
use carelake_sql::views::View;
use datafusion::arrow::array::{ArrayRef, Date32Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, Schema};
use datafusion::error::DataFusionError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::StepError;
use crate::noshow::{KeptTable, kept_tables};
use crate::run::Observer;
use crate::schema;

const SOURCES: &str = "silver.sources";
const AS_OF: &str = "gold.as_of";

type Versions = BTreeMap<String, Option<u64>>;

/// What gold was made from: when it is the same, catalogue, marts and views are too.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Published {
    as_of: String,
    definitions: String,
    catalogue: String,
    sources: BTreeSet<[String; 3]>,
    tables: BTreeMap<String, Option<u64>>,
}

/// Brings catalogue, marts and views up to date; the tables that have a new version. Nothing is done when tables,
/// definitions and day are those of the last time and everything is there.
///
/// # Errors
/// When storage fails or a query is not valid.
pub async fn publish(context: &Context, views: &[View], observer: &dyn Observer) -> Result<Vec<String>, StepError> {
    let entries = lake_tables(context)?;
    // Versions of what is written are noted before anything is read: a commit of another run in between is a conflict.
    let marts = views.iter().filter(|view| view.materialised).map(|view| format!("{}.{}", view.database, view.name));
    let written: Vec<String> = marts.chain([SOURCES, AS_OF].map(str::to_owned)).collect();
    let written = context.tables.versions(written.iter().map(String::as_str)).await?;
    let tables: Vec<String> = context.contracts.tables.keys().cloned().collect();
    let published = Published {
        as_of: context.as_of.to_string(),
        definitions: definitions(views),
        catalogue: fingerprint(&entries),
        sources: sources(context).await?,
        tables: context.tables.versions(tables.iter().map(String::as_str)).await?,
    };
    let before = context.lake.get_json::<Published>(Layout::published()).await?;
    if before.as_ref() == Some(&published) && complete(context, &entries, views, &written).await? {
        return Ok(Vec::new());
    }
    for entry in &entries {
        context.catalog.put_table(entry).await?;
    }
    let mut changed = Vec::new();
    for (name, batch, about) in [
        (
            SOURCES,
            sources_batch(&published.sources)?,
            "Sources of the lake, their feeds, and the subject areas they take part in.",
        ),
        (AS_OF, as_of(context)?, "The day as of which ages and the like are reckoned."),
    ] {
        if small_table(context, name, batch, about, &written).await? {
            changed.push(name.to_owned());
        }
    }
    let mut session = LakeSession::open(&context.lake, context.catalog.as_ref(), None)
        .await
        .map_err(|error| StepError::query("opening the lake", &error))?;
    for (rank, view) in views.iter().enumerate() {
        let qualified = format!("{}.{}", view.database, view.name);
        if view.materialised {
            let entry = materialise(context, &session, view, &written).await?;
            changed.push(qualified.clone());
            context.catalog.put_table(&entry).await?;
            session.know_table(entry);
        } else {
            let planned = session.query(&view.sql).await.map_err(failed(view))?;
            let entry = ViewEntry {
                database: view.database.clone(),
                name: view.name.clone(),
                description: view.description.clone(),
                sql: view.sql.clone(),
                rank,
                columns: entry_of(view, planned.schema().as_arrow()).columns,
            };
            context.catalog.put_view(&entry).await?;
            session.know_view(entry);
        }
        observer.advance(&qualified);
    }
    context.lake.put_json(Layout::published(), &published).await?;
    Ok(changed)
}

/// True when the catalogue holds every table and view, and every mart is there.
async fn complete(
    context: &Context,
    entries: &[TableEntry],
    views: &[View],
    written: &Versions,
) -> Result<bool, StepError> {
    let tables = context.catalog.tables().await?.into_iter().map(|entry| (entry.database, entry.name));
    let known = context.catalog.views().await?.into_iter().map(|entry| (entry.database, entry.name));
    let present: BTreeSet<(String, String)> = tables.chain(known).collect();
    let wanted = entries.iter().map(|entry| (entry.database.clone(), entry.name.clone()));
    let mut wanted = wanted.chain(views.iter().map(|view| (view.database.clone(), view.name.clone())));
    Ok(wanted.all(|name| present.contains(&name)) && written.values().all(Option::is_some))
}

/// A table that is written, if it is as it was when its version was noted.
async fn current(context: &Context, name: &str, written: &Versions) -> Result<Option<OpenTable>, StepError> {
    let table = context.tables.open(name, None).await?;
    if written.get(name).copied().flatten() != table.as_ref().and_then(OpenTable::version) {
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
    let context = format!("publishing {}.{}", view.database, view.name);
    move |error| StepError::query(context.clone(), &error)
}

async fn materialise(
    context: &Context,
    session: &LakeSession,
    view: &View,
    written: &Versions,
) -> Result<TableEntry, StepError> {
    let qualified = format!("{}.{}", view.database, view.name);
    let rows = session.query(&view.sql).await.map_err(failed(view))?;
    let entry = entry_of(view, rows.schema().as_arrow());
    let write = Write {
        plan: rows.into_unoptimized_plan(),
        session: session.context().state(),
        predicate: None,
        partition_by: view.partition_by.clone(),
        description: view.description.clone(),
        run_id: context.run_id.clone(),
    };
    let current = current(context, &qualified, written).await?;
    context.tables.write(&qualified, current, write).await?;
    if !view.z_order.is_empty() {
        context.tables.z_order(&qualified, &view.z_order).await?;
    }
    Ok(entry)
}

fn entry_of(view: &View, planned: &Schema) -> TableEntry {
    let describe = |name: &str| {
        view.columns
            .iter()
            .find(|column| column.name == name)
            .map(|column| column.description.clone())
            .unwrap_or_default()
    };
    TableEntry {
        database: view.database.clone(),
        name: view.name.clone(),
        description: view.description.clone(),
        format: TableFormat::Delta,
        location: format!("{}/{}", view.database, view.name),
        columns: schema::entries(planned, &describe),
        partition_by: Vec::new(),
    }
}

/// Every bronze, identity, quarantine and canonical table that the contracts describe, and what is kept in gold.
fn lake_tables(context: &Context) -> Result<Vec<TableEntry>, StepError> {
    let mut entries = Vec::new();
    for contract in context.contracts.contracts.values() {
        entries.push(landed(contract, Layer::Bronze, &schema::bronze(contract)));
        entries.push(landed(contract, Layer::Quarantine, &schema::quarantine()));
        if contract.has_identity() {
            entries.push(landed(contract, Layer::Identity, &schema::identity(contract)));
        }
    }
    entries.extend(context.contracts.tables.values().map(canonical));
    let text = |name: &str, description: &str| ColumnEntry {
        name: name.to_owned(),
        column_type: ColumnType::String.to_string(),
        description: description.to_owned(),
    };
    let sources =
        vec![text("source", "Sender."), text("feed", "Feed it sends."), text("area", "Subject area of gold.")];
    let day = vec![ColumnEntry { column_type: ColumnType::Date.to_string(), ..text("as_of_date", "The day.") }];
    for (database, name, columns) in [("silver", "sources", sources), ("gold", "as_of", day)] {
        entries.push(TableEntry {
            database: database.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            format: TableFormat::Delta,
            location: format!("{database}/{name}"),
            columns,
            partition_by: Vec::new(),
        });
    }
    entries.extend(kept_tables()?.iter().map(KeptTable::entry));
    Ok(entries)
}

fn landed(contract: &Contract, layer: Layer, schema: &Schema) -> TableEntry {
    let describe = |name: &str| {
        let known = contract.column(name).filter(|_| layer != Layer::Quarantine);
        known.map(|column| column.description.clone()).unwrap_or_default()
    };
    let column = |name: &str, column_type: ColumnType, description: &str| ColumnEntry {
        name: name.to_owned(),
        column_type: column_type.to_string(),
        description: description.to_owned(),
    };
    TableEntry {
        database: layer.database().to_owned(),
        name: contract.table(),
        description: contract.description.clone(),
        format: TableFormat::Parquet,
        location: format!("{}/{}", layer.database(), contract.table()),
        columns: schema::entries(schema, &describe),
        partition_by: vec![
            column("source", ColumnType::String, "Sender."),
            column("ingest_date", ColumnType::Date, "Day of the landing folder, else of arrival."),
        ],
    }
}

fn canonical(table: &Table) -> TableEntry {
    let describe = |name: &str| {
        table
            .columns
            .iter()
            .find(|column| column.name == name)
            .map(|column| column.description.clone())
            .unwrap_or_default()
    };
    let columns = table.stored_columns().into_iter().map(|(name, column_type)| ColumnEntry {
        name: name.to_owned(),
        column_type: column_type.to_string(),
        description: describe(name),
    });
    TableEntry {
        database: table.database.clone(),
        name: table.name.clone(),
        description: table.description.clone(),
        format: TableFormat::Delta,
        location: format!("{}/{}", table.database, table.name),
        columns: columns.collect(),
        partition_by: Vec::new(),
    }
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
        let differs = |one: &datafusion::prelude::DataFrame, other: &datafusion::prelude::DataFrame| {
            one.clone().except(other.clone())
        };
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
        partition_by: Vec::new(),
        description: about.to_owned(),
        run_id: context.run_id.clone(),
    };
    context.tables.write(name, current, write).await?;
    Ok(true)
}
