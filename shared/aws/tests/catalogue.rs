//! One suite for every catalogue: that of a folder, and that of Glue.
//!
//! Glue is asked where CARELAKE_TEST_GLUE names an endpoint, such as an emulator on loopback; without one, the folder alone is.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod stub;

use carelake_aws::{Clients, GlueCatalog};
use carelake_lake::{
    Catalog, ColumnEntry, FolderCatalog, Kind, Lake, LakeError, PartitionEntry, TableEntry, TableFormat, ViewEntry,
};

fn column(name: &str, column_type: &str, description: &str) -> ColumnEntry {
    ColumnEntry { name: name.to_owned(), column_type: column_type.to_owned(), description: description.to_owned() }
}

fn table(database: &str, name: &str, format: TableFormat) -> TableEntry {
    TableEntry {
        database: database.to_owned(),
        name: name.to_owned(),
        description: "What it is.".to_owned(),
        format,
        location: format!("{database}/{name}"),
        columns: vec![
            column("id", "string", "Key."),
            column("amount", "decimal(18,2)", ""),
            column("at", "timestamp", ""),
        ],
        partition_by: match format {
            TableFormat::Parquet => vec![column("source", "string", ""), column("ingest_date", "date", "Day.")],
            TableFormat::Delta => Vec::new(),
        },
    }
}

fn view(name: &str, rank: usize) -> ViewEntry {
    ViewEntry {
        database: "gold".to_owned(),
        name: name.to_owned(),
        description: "A view.".to_owned(),
        sql: "select id, 'it''s' as text from silver.things".to_owned(),
        rank,
        columns: vec![column("id", "string", "Key."), column("text", "string", "")],
    }
}

async fn suite(catalog: &dyn Catalog, again: &dyn Catalog) -> Result<(), LakeError> {
    assert!(catalog.tables().await?.is_empty() && catalog.views().await?.is_empty(), "it starts empty");
    let bronze = table("bronze", "clinic_things", TableFormat::Parquet);
    let silver = table("silver", "things", TableFormat::Delta);
    for entry in [&silver, &bronze, &silver] {
        catalog.put_table(entry).await?;
    }
    // The name that sorts first stands on the one that sorts last.
    for entry in [&view("a_second", 2), &view("z_first", 1), &view("a_second", 2)] {
        catalog.put_view(entry).await?;
    }
    assert_eq!(again.tables().await?, [bronze.clone(), silver.clone()], "tables come back as they were put, in order");
    let views = again.views().await?;
    assert_eq!(views, [view("z_first", 1), view("a_second", 2)], "a view comes after those it reads");

    let mut wider = silver.clone();
    wider.columns.push(column("note", "string", "New."));
    again.put_table(&wider).await?;
    let mut other = view("z_first", 1);
    other.sql = "select 1 as id, 2 as text".to_owned();
    again.put_view(&other).await?;
    assert!(again.tables().await?.contains(&wider), "what was changed is seen");
    assert!(again.views().await?.contains(&other));

    let views = [view("a_second", 2), other.clone()];
    assert_eq!(again.drift(&[bronze.clone(), wider.clone()], &views).await?, [], "it holds what was put");
    let drift = again.drift(std::slice::from_ref(&silver), &[view("b_third", 3)]).await?;
    let told: Vec<(&str, bool)> = drift.iter().map(|one| (one.name.as_str(), one.kind == Kind::Missing)).collect();
    let names = [("bronze.clinic_things", false), ("gold.a_second", false), ("gold.b_third", true)];
    assert_eq!(told, [&names[..], &[("gold.z_first", false), ("silver.things", false)]].concat());
    let kinds: Vec<&Kind> = drift.iter().map(|one| &one.kind).collect();
    assert_eq!([kinds[0], kinds[1]], [&Kind::UnwantedTable, &Kind::UnwantedView]);
    assert!(matches!(kinds[4], Kind::Differs(parts) if parts.contains(&"columns".to_owned())), "{kinds:?}");

    for _ in 0..2 {
        again.remove_view("gold", "a_second").await?;
    }
    again.remove_view("bronze", "clinic_things").await?;
    assert_eq!(again.views().await?, [other], "a view is taken away, a table is not");
    assert!(again.tables().await?.contains(&bronze));
    let turned =
        TableEntry { columns: vec![column("id", "string", "")], ..table("gold", "z_first", TableFormat::Delta) };
    again.put_table(&turned).await?;
    assert!(again.views().await?.is_empty() && again.tables().await?.contains(&turned), "a view becomes a table");
    again.put_view(&view("z_first", 1)).await?;
    assert!(!again.tables().await?.contains(&turned) && again.views().await?.len() == 1, "a table becomes a view");

    let place = "bronze/clinic_things/source=clinic/ingest_date=2026-03-01";
    let partition = PartitionEntry { values: vec!["clinic".into(), "2026-03-01".into()], location: place.into() };
    for catalog in [catalog, again] {
        catalog.put_partitions(&bronze, std::slice::from_ref(&partition)).await?;
    }
    let fresh = table("quarantine", "clinic_things", TableFormat::Parquet);
    let place = place.replacen("bronze", "quarantine", 1);
    let partition = PartitionEntry { location: place, ..partition };
    again.put_partitions(&fresh, &[partition]).await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_keeps_what_a_catalogue_must() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    suite(&FolderCatalog::new(&lake), &FolderCatalog::new(&lake)).await.unwrap();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "where Glue is, is said by who runs the tests")]
async fn glue_keeps_what_a_catalogue_must() {
    let Ok(endpoint) = std::env::var("CARELAKE_TEST_GLUE") else { return };
    let glue = Clients::new(&stub::config(&endpoint)).glue;
    for database in ["bronze", "gold", "quarantine", "silver"] {
        let _ = glue.delete_database().name(database).send().await;
    }
    let one = GlueCatalog::new(glue.clone(), "lake", "identity");
    suite(&one, &GlueCatalog::new(glue.clone(), "lake", "identity")).await.unwrap();

    let registered = glue.get_partitions().database_name("bronze").table_name("clinic_things").send().await.unwrap();
    let places: Vec<&str> =
        registered.partitions().iter().filter_map(|one| one.storage_descriptor()?.location()).collect();
    assert_eq!(places, ["s3://lake/bronze/clinic_things/source=clinic/ingest_date=2026-03-01"]);
}
