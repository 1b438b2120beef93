//! Plans every query that belongs to the contracts over empty tables: mappings, joined rules, views.

use std::future::Future;
use std::sync::Arc;

use carelake_contracts::{Contract, ContractSet, DELETED, Load, RuleKind, Table, Target};
use carelake_sql::session::{plain, register_in, schema_of};
use carelake_sql::views::{View, Views};
use carelake_steps::FeedRoles;
use carelake_steps::noshow::kept_tables;
use carelake_steps::schema;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::JoinType;
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::cast;
use datafusion::prelude::{DataFrame, SessionContext, ident};

use crate::commands::Problem;

/// Everything that keeps a query from being planned, one line each.
pub fn problems(set: &ContractSet, views: &Views) -> std::result::Result<Vec<String>, Problem> {
    let planned = async {
        let mut problems = Vec::new();
        for contract in set.contracts.values() {
            let file = format!("feeds/{}/{}.toml", contract.feed, contract.dataset);
            for target in &contract.targets {
                if let Err(problem) = mapping(set, contract, target).await {
                    problems.push(format!("{file}: the mapping of {}: {problem}", target.table));
                }
            }
            for rule in &contract.rules {
                if let Err(error) = joined(set, &rule.kind).await {
                    problems.push(format!("{file}: rule {}: {}", rule.id, carelake_tables::explain(&error)));
                }
            }
        }
        if problems.is_empty() {
            for feed in set.feeds.keys() {
                problems.extend(FeedRoles::of(set, feed).await.err().map(|error| error.to_string()));
            }
        }
        let session = plain()?;
        register_all(&session, set)?;
        for view in views.views().chain(views.prepared()) {
            if let Err(problem) = planned_view(&session, view).await {
                problems.push(problem);
            }
        }
        Ok(problems)
    };
    wait(planned).map_err(|error: DataFusionError| error.into())
}

/// Waits for a future within the command's own runtime.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

fn empty(schema: Schema) -> Result<Arc<dyn TableProvider>> {
    Ok(Arc::new(MemTable::try_new(Arc::new(schema), vec![vec![]])?))
}

fn with(schema: &Schema, more: &[(&str, DataType)]) -> Schema {
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.extend(more.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)));
    Schema::new(fields)
}

fn stored(table: &Table) -> Schema {
    let columns = table.stored_columns();
    Schema::new(columns.into_iter().map(|(name, kind)| Field::new(name, kind.arrow(), true)).collect::<Vec<_>>())
}

fn codes(session: &SessionContext, set: &ContractSet) -> Result<()> {
    for (name, text) in &set.codes {
        let header = text.lines().next().unwrap_or_default();
        let columns = header.split(',').map(|name| Field::new(name.trim(), DataType::Utf8, true));
        register_in(session, "codes", name, empty(Schema::new(columns.collect::<Vec<_>>()))?)?;
    }
    Ok(())
}

async fn mapping(set: &ContractSet, contract: &Contract, target: &Target) -> std::result::Result<(), String> {
    let explain = |error: DataFusionError| carelake_tables::explain(&error);
    let rows = mapped(set, contract, target).await.map_err(explain)?;
    let Some(table) = set.tables.get(&target.table) else { return Ok(()) };
    let returned: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    for needed in ["_order", "_row"] {
        if !returned.iter().any(|name| name == needed) {
            return Err(format!("it does not return {needed}; add it to the SELECT"));
        }
    }
    let known = |name: &String| table.has_column(name) || ["_order", "_row", DELETED].contains(&name.as_str());
    if let Some(stray) = returned.iter().find(|name| !known(name)) {
        return Err(format!("it returns {stray}, which the table does not have; rename it, or add the column"));
    }
    if target.load != Load::Upsert && returned.iter().any(|name| name == DELETED) {
        return Err(format!("it returns {DELETED}, which only a table that is upserted knows; leave it out"));
    }
    let by_record = table.record.as_ref().is_some_and(|record| returned.contains(record));
    if let Some(key) = table.key.iter().filter(|_| !by_record).find(|key| !returned.contains(key)) {
        return Err(format!("it does not return {key}, which is of the table's key; add it to the SELECT"));
    }
    let typed = table.columns.iter().filter(|column| returned.contains(&column.name));
    let typed = typed.map(|column| cast(ident(&column.name), column.column_type.arrow()).alias(&column.name));
    rows.select(typed.collect::<Vec<_>>()).map(drop).map_err(explain)
}

async fn mapped(set: &ContractSet, contract: &Contract, target: &Target) -> Result<DataFrame> {
    let session = plain()?;
    let added = [("source", DataType::Utf8), ("feed", DataType::Utf8), ("ingest_date", DataType::Date32)];
    session.register_table("bronze", empty(with(&schema::bronze(contract), &added))?)?;
    if contract.has_identity() {
        session.register_table("identity", empty(with(&schema::identity(contract), &added))?)?;
    }
    codes(&session, set)?;
    session.sql_with_options(&target.sql, read_only()).await
}

fn read_only() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

async fn joined(set: &ContractSet, rule: &RuleKind) -> Result<()> {
    let RuleKind::Joined { target, parent, on, violation } = rule else { return Ok(()) };
    let (Some(children), Some(parents)) = (set.tables.get(target), set.tables.get(parent)) else { return Ok(()) };
    let session = plain()?;
    let children = session.read_table(empty(stored(children))?)?.alias("child")?;
    let parents = session.read_table(empty(stored(parents))?)?.alias("parent")?;
    let on: Vec<&str> = on.iter().map(String::as_str).collect();
    let pairs = children.join(parents, JoinType::Inner, &on, &on, None)?;
    let condition = pairs.parse_sql_expr(violation)?;
    pairs.filter(condition).map(drop)
}

/// Every table that a view may read.
fn register_all(session: &SessionContext, set: &ContractSet) -> Result<()> {
    let partitions = [("source", DataType::Utf8), ("ingest_date", DataType::Date32)];
    for contract in set.contracts.values() {
        let name = contract.table();
        register_in(session, "bronze", &name, empty(with(&schema::bronze(contract), &partitions))?)?;
        register_in(session, "quarantine", &name, empty(with(&schema::quarantine(), &partitions))?)?;
        if contract.has_identity() {
            register_in(session, "identity", &name, empty(with(&schema::identity(contract), &partitions))?)?;
        }
    }
    for table in set.tables.values() {
        register_in(session, &table.database, &table.name, empty(stored(table))?)?;
    }
    codes(session, set)?;
    for table in kept_tables().map_err(|error| DataFusionError::External(Box::new(error)))? {
        let columns = empty(Schema::clone(&schema_of(&table.columns)?))?;
        register_in(session, "gold", &table.name, columns)?;
    }
    let none = Schema::empty();
    let sources = [("source", DataType::Utf8), ("feed", DataType::Utf8), ("area", DataType::Utf8)];
    register_in(session, "silver", "sources", empty(with(&none, &sources))?)?;
    register_in(session, "gold", "as_of", empty(with(&none, &[("as_of_date", DataType::Date32)]))?)
}

/// Plans a view or prepared query, and makes the view known to those that read it.
async fn planned_view(session: &SessionContext, view: &View) -> std::result::Result<(), String> {
    let file = format!("{}/{}.sql", view.database, view.name);
    let sql = view.numbered_sql().map_err(|error| error.to_string())?;
    let rows = session.sql_with_options(&sql, read_only()).await;
    let rows = rows.map_err(|error| format!("{file}: {}", carelake_tables::explain(&error)))?;
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    view.check_columns(names.iter().map(String::as_str)).map_err(|error| error.to_string())?;
    if view.is_prepared() {
        return Ok(());
    }
    register_in(session, &view.database, &view.name, rows.into_view()).map_err(|error| format!("{file}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "description = \"x\"\nversion = 1\nkey = [\"id\"]\n\n[[columns]]\nname = \"id\"\ntype = \"string\"\n\n\
                        [[columns]]\nname = \"name\"\ntype = \"string\"\nphi = \"identifier\"\n\n\
                        [[targets]]\ntable = \"silver.patients\"\nsql = \"log.sql\"\nload = \"upsert\"\n";
    const VIEW: &str = "-- name: v\n-- version: 1\n-- description: x.\n-- grain: x\n-- owner: x\n-- materialised: no\n-- source: x\n\
                        -- column source: x\n-- column patient_id: x\n";

    /// What is wrong with a contract of this mapping and rule, and a view of this query.
    fn found(mapping: &str, rule: &str, view: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("feeds/dental/log.toml", &format!("{HEAD}{rule}"));
        write("feeds/dental/log.sql", mapping);
        write("feeds/dental/feed.toml", "description = \"x\"\nareas = []\n");
        write("gold/v.sql", &format!("{VIEW}{view}"));
        let set = ContractSet::with_folder(folder.path()).unwrap_or_else(|errors| panic!("{errors}"));
        let views = Views::with_overlay(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        problems(&set, &views).unwrap_or_else(|problem| panic!("{problem}")).join("\n")
    }

    const MAPPING: &str = "SELECT _order, _row, id AS patient_id FROM bronze";
    const SELECT: &str = "SELECT source, patient_id FROM silver.patients";

    #[tokio::test(flavor = "multi_thread")]
    async fn good_queries_are_planned() {
        assert_eq!(found(MAPPING, "", SELECT), "");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wrong_mapping_is_named_with_its_contract() {
        for (mapping, wanted) in [
            ("SELECT _order, _row, number AS patient_id FROM bronze", "number"),
            ("SELECT _order, _row, name AS patient_id FROM bronze", "name"),
            ("SELECT _row, id AS patient_id FROM bronze", "does not return _order"),
            ("SELECT _order, _row FROM bronze", "does not return patient_id, which is of the table's key"),
            ("SELECT _order, _row, id AS patient_id, id AS shoe_size FROM bronze", "returns shoe_size"),
            ("SELECT _order, _row, id AS patient_id FROM silver.patients", "silver"),
            ("SELECT _order, _row, id AS patient_id FORM bronze", "FORM"),
            ("DROP TABLE bronze", "DROP"),
        ] {
            let found = found(mapping, "", SELECT);
            assert!(found.starts_with("feeds/dental/log.toml: the mapping of silver.patients: "), "{mapping}: {found}");
            assert!(found.to_lowercase().contains(&wanted.to_lowercase()), "{mapping}: {found}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wrong_joined_rule_or_view_is_named() {
        let rule = "\n[[rules]]\nid = \"odd\"\nkind = \"joined\"\nlevel = \"reference\"\nseverity = \"warn\"\nparent = \"patients\"\n\
                    on = [\"patient_id\"]\nviolation = \"child.shoe_size > 50\"\n";
        let joined = found(MAPPING, rule, SELECT);
        assert!(joined.contains("rule dental.log.odd: ") && joined.contains("shoe_size"), "{joined}");
        let view = found(MAPPING, "", "SELECT source, shoe_size AS patient_id FROM silver.patients");
        assert!(view.starts_with("gold/v.sql: ") && view.contains("shoe_size"), "{view}");
        let described = found(MAPPING, "", "SELECT source, patient_id, city FROM silver.patients");
        assert!(described.contains("gold/v.sql") && described.contains("the header describes"), "{described}");
    }
}
