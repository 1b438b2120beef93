//! Catalogues, databases and tables, as Athena's clients list them.

use serde_json::{Value, json};

use crate::api::{Asked, Shared, listed, needed};
use crate::catalogue::{CATALOG_NAME, Entry, Seen, about};
use crate::error::Fault;
use crate::pattern::Pattern;

fn summary() -> Value {
    json!({"CatalogName": CATALOG_NAME, "Type": "GLUE", "Status": "CREATE_COMPLETE"})
}

/// `ListDataCatalogs`.
pub fn catalogs(asked: &Asked) -> Result<Value, Fault> {
    listed("DataCatalogsSummary", vec![summary()], asked)
}

/// `GetDataCatalog`.
pub fn catalog(asked: &Asked) -> Result<Value, Fault> {
    is_known(asked.name.as_deref())?;
    Ok(
        json!({"DataCatalog": {"Name": CATALOG_NAME, "Type": "GLUE", "Description": "The lake", "Status": "CREATE_COMPLETE"}}),
    )
}

fn is_known(name: Option<&str>) -> Result<(), Fault> {
    match name {
        Some(name) if !name.eq_ignore_ascii_case(CATALOG_NAME) => {
            Err(Fault::invalid(format!("there is no catalogue but {CATALOG_NAME}")))
        }
        _ => Ok(()),
    }
}

async fn seen(shared: &Shared, asked: &Asked) -> Result<Seen, Fault> {
    is_known(asked.catalog_name.as_deref())?;
    Ok(Seen::by(shared.group(asked)?, &shared.engine.catalog).await?)
}

fn described(name: &str) -> Value {
    json!({"Name": name, "Description": about(name), "Parameters": {}})
}

/// `ListDatabases`.
pub async fn databases(shared: &Shared, asked: &Asked) -> Result<Value, Fault> {
    let seen = seen(shared, asked).await?;
    listed("DatabaseList", seen.databases().into_keys().map(described).collect(), asked)
}

/// The database of a request.
fn named<'a>(seen: &Seen, asked: &'a Asked) -> Result<&'a str, Fault> {
    let name = needed(&asked.database_name, "DatabaseName")?;
    if !seen.databases().contains_key(name) {
        return Err(Fault::entity_not_found(&format!("Database {name}")));
    }
    Ok(name)
}

/// `GetDatabase`.
pub async fn database(shared: &Shared, asked: &Asked) -> Result<Value, Fault> {
    let seen = seen(shared, asked).await?;
    named(&seen, asked).map(|name| json!({"Database": described(name)}))
}

/// `ListTableMetadata`.
pub async fn tables(shared: &Shared, asked: &Asked) -> Result<Value, Fault> {
    let seen = seen(shared, asked).await?;
    let database = named(&seen, asked)?;
    let like = Pattern::new(asked.expression.as_deref())?;
    let entries = seen.entries().into_iter();
    let entries = entries.filter(|entry| entry.database() == database && like.takes(entry.name()));
    listed("TableMetadataList", entries.map(Entry::metadata).collect(), asked)
}

/// `GetTableMetadata`.
pub async fn table(shared: &Shared, asked: &Asked) -> Result<Value, Fault> {
    let seen = seen(shared, asked).await?;
    let database = named(&seen, asked)?;
    let name = needed(&asked.table_name, "TableName")?.to_lowercase();
    Ok(json!({"TableMetadata": seen.find(database, &name)?.metadata()}))
}
