//! The catalogue port over AWS Glue.
//!
//! Writing an entry compares it with what Glue holds and changes only what differs, so that any number of functions may
//! write the same entries at once, and what somebody changed by hand comes back to what the lake says.

mod partition;
mod table;
mod view;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_glue::Client;
use aws_sdk_glue::types::{DatabaseInput, Table, TableInput};
use carelake_lake::{Catalog, Drift, ErrorKind, Kind, LakeError, PartitionEntry, TableEntry, ViewEntry};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::problem::problem;

/// The databases of a lake.
const DATABASES: [&str; 7] = ["bronze", "codes", "gold", "gold_identified", "identity", "quarantine", "silver"];
/// Parameter that holds the whole entry, so that reading it gives what was written.
const ENTRY: &str = "carelake.entry";
/// Attempts at an entry that others write at the same time.
const ATTEMPTS: u32 = 8;

type Found = HashMap<String, Table>;

/// The catalogue of a lake on S3.
#[derive(Debug)]
pub struct GlueCatalog {
    client: Client,
    lake: String,
    identity: String,
    /// Databases that were read whole, and what they hold.
    known: Mutex<HashMap<String, Found>>,
    /// Tables and partitions that this function has seen to be as they should.
    settled: Arc<Mutex<HashSet<String>>>,
}

impl GlueCatalog {
    /// The catalogue of the account, for a lake in those buckets.
    pub fn new(client: Client, lake: &str, identity: &str) -> Self {
        Self {
            client,
            lake: lake.to_owned(),
            identity: identity.to_owned(),
            known: Mutex::default(),
            settled: Arc::default(),
        }
    }

    /// The same catalogue for another invocation: what others write is seen again, and what was settled stays so.
    pub fn again(&self) -> Self {
        let (lake, identity) = (self.lake.clone(), self.identity.clone());
        Self { client: self.client.clone(), lake, identity, known: Mutex::default(), settled: self.settled.clone() }
    }

    /// Reads every database at once: cheaper than entry by entry for who writes them all.
    ///
    /// # Errors
    /// When Glue does not answer.
    pub async fn read_all(&self) -> Result<(), LakeError> {
        for database in DATABASES {
            let tables = self.fetch(database).await?;
            self.known.lock().await.insert(database.to_owned(), tables);
        }
        Ok(())
    }

    /// The URL of a folder of the lake.
    fn place(&self, location: &str) -> String {
        let identity = location == "identity" || location.starts_with("identity/");
        format!("s3://{}/{location}", if identity { &self.identity } else { &self.lake })
    }

    async fn fetch(&self, database: &str) -> Result<Found, LakeError> {
        let context = || format!("reading the catalogue of {database}");
        let mut pages = self.client.get_tables().database_name(database).into_paginator().send();
        let mut found = Found::new();
        while let Some(page) = pages.next().await {
            let page = match page.map_err(|error| problem(context(), &error)) {
                Ok(page) => page,
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(found),
                Err(error) => return Err(error),
            };
            found.extend(page.table_list().iter().map(|table| (table.name().to_owned(), table.clone())));
        }
        Ok(found)
    }

    async fn present(&self, database: &str, name: &str) -> Result<Option<Table>, LakeError> {
        if let Some(tables) = self.known.lock().await.get(database) {
            return Ok(tables.get(name).cloned());
        }
        let got = self.client.get_table().database_name(database).name(name).send().await;
        match got.map_err(|error| problem(format!("reading the catalogue's {database}.{name}"), &error)) {
            Ok(got) => Ok(got.table().cloned()),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Brings an entry to what is wanted; lost races are run again.
    async fn converge(&self, database: &str, wanted: TableInput) -> Result<(), LakeError> {
        let name = wanted.name().to_owned();
        let mut attempt = 0;
        loop {
            let done = match self.present(database, &name).await? {
                Some(present) if table::differences(&present, &wanted).is_empty() => return Ok(()),
                Some(present) => {
                    table::may_replace(&present, &wanted, [&self.lake, &self.identity])?;
                    self.update(database, wanted.clone(), present.version_id()).await
                }
                None => self.create(database, wanted.clone()).await,
            };
            attempt += 1;
            match done {
                Ok(()) => {
                    self.forget(database, &name).await?;
                    return Ok(());
                }
                Err(error) if error.kind == ErrorKind::Conflict && attempt < ATTEMPTS => {
                    self.forget(database, &name).await?;
                    tokio::time::sleep(std::time::Duration::from_millis(20 << attempt)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads one entry of a database that was read whole again.
    async fn forget(&self, database: &str, name: &str) -> Result<(), LakeError> {
        let Some(mut whole) = self.known.lock().await.remove(database) else { return Ok(()) };
        whole.remove(name);
        if let Some(table) = self.present(database, name).await? {
            whole.insert(name.to_owned(), table);
        }
        self.known.lock().await.insert(database.to_owned(), whole);
        Ok(())
    }

    async fn create(&self, database: &str, input: TableInput) -> Result<(), LakeError> {
        let context = format!("adding {database}.{} to the catalogue", input.name());
        let send = || self.client.create_table().database_name(database).table_input(input.clone()).send();
        match send().await.map_err(|error| problem(context.clone(), &error)) {
            Err(error) if error.kind == ErrorKind::NotFound => self.create_database(database).await?,
            other => return other.map(drop),
        }
        send().await.map(drop).map_err(|error| problem(context, &error))
    }

    async fn create_database(&self, database: &str) -> Result<(), LakeError> {
        let context = format!("adding the database {database} to the catalogue");
        let invalid = |error| LakeError::new(ErrorKind::Invalid, context.clone()).caused_by(error);
        let input = DatabaseInput::builder().name(database).description(about(database)).build().map_err(invalid)?;
        match self.client.create_database().database_input(input).send().await.map_err(|e| problem(context.clone(), &e))
        {
            Err(error) if error.kind != ErrorKind::Conflict => Err(error),
            _ => Ok(()),
        }
    }

    async fn update(&self, database: &str, input: TableInput, version: Option<&str>) -> Result<(), LakeError> {
        let context = format!("changing {database}.{} in the catalogue", input.name());
        let call = self.client.update_table().database_name(database).table_input(input).skip_archive(true);
        let call = call.set_version_id(version.map(str::to_owned));
        call.send().await.map(drop).map_err(|error| problem(context, &error))
    }

    async fn read_once(&self) -> Result<(), LakeError> {
        let whole = self.known.lock().await.len() >= DATABASES.len();
        if whole { Ok(()) } else { self.read_all().await }
    }

    /// Entries of one kind, of every database.
    async fn entries<T: serde::de::DeserializeOwned>(&self, views: bool) -> Result<Vec<T>, LakeError> {
        self.read_once().await?;
        let known = self.known.lock().await;
        let mut sorted = BTreeMap::new();
        for (database, tables) in known.iter() {
            for (name, table) in tables.iter().filter(|(_, table)| view::is_view(table) == views) {
                let entry = table.parameters().and_then(|parameters| parameters.get(ENTRY));
                // A table that is not carelake's own is none of its business.
                let Some(mut entry) = entry.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok())
                else {
                    continue;
                };
                // A copy that somebody made has another name than what it was copied from.
                entry.insert("database".to_owned(), database.as_str().into());
                entry.insert("name".to_owned(), table.name().into());
                if let Ok(entry) = serde_json::from_value(Value::Object(entry)) {
                    sorted.insert((database.clone(), name.clone()), entry);
                }
            }
        }
        Ok(sorted.into_values().collect())
    }
}

fn about(database: &str) -> &'static str {
    match database {
        "bronze" => "carelake: typed rows as they were sent, persons as pseudonyms.",
        "identity" => "carelake: who the pseudonyms are. Restricted.",
        "quarantine" => "carelake: what was rejected, and why; values masked.",
        "silver" => "carelake: canonical tables.",
        "gold" => "carelake: analytics.",
        "gold_identified" => "carelake: analytics with names. Restricted.",
        _ => "carelake: code lists.",
    }
}

#[async_trait]
impl Catalog for GlueCatalog {
    async fn put_table(&self, entry: &TableEntry) -> Result<(), LakeError> {
        self.converge(&entry.database, table::input(entry, &self.place(&entry.location))?).await
    }

    async fn put_view(&self, entry: &ViewEntry) -> Result<(), LakeError> {
        self.converge(&entry.database, view::input(entry)?).await
    }

    async fn put_partitions(&self, table: &TableEntry, partitions: &[PartitionEntry]) -> Result<(), LakeError> {
        let qualified = format!("{}.{}", table.database, table.name);
        let name = |partition: &PartitionEntry| format!("{qualified}/{}", partition.values.join("/"));
        let mut settled = self.settled.lock().await;
        let new: Vec<&PartitionEntry> = partitions.iter().filter(|one| !settled.contains(&name(one))).collect();
        if new.is_empty() {
            return Ok(());
        }
        if !settled.contains(&qualified) {
            self.put_table(table).await?;
            settled.insert(qualified.clone());
        }
        let wanted = table::input(table, &self.place(&table.location))?;
        for batch in new.chunks(partition::BATCH) {
            self.put_batch(&table.database, &wanted, batch).await?;
        }
        settled.extend(new.into_iter().map(name));
        Ok(())
    }

    async fn remove_view(&self, database: &str, name: &str) -> Result<(), LakeError> {
        let Some(present) = self.present(database, name).await?.filter(view::is_view) else { return Ok(()) };
        let call = self.client.delete_table().database_name(database).name(present.name());
        match call
            .send()
            .await
            .map_err(|error| problem(format!("removing {database}.{name} from the catalogue"), &error))
        {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => self.forget(database, name).await,
        }
    }

    async fn drift(&self, tables: &[TableEntry], views: &[ViewEntry]) -> Result<Vec<Drift>, LakeError> {
        self.read_once().await?;
        let mut wanted = BTreeMap::new();
        for entry in tables {
            let input = table::input(entry, &self.place(&entry.location))?;
            wanted.insert((entry.database.as_str(), entry.name.as_str()), input);
        }
        for entry in views {
            wanted.insert((entry.database.as_str(), entry.name.as_str()), view::input(entry)?);
        }
        let known = self.known.lock().await;
        let mut found = Vec::new();
        for ((database, name), input) in &wanted {
            let kind = match known.get(*database).and_then(|tables| tables.get(*name)) {
                None => Some(Kind::Missing),
                Some(present) => {
                    Some(table::differences(present, input)).filter(|parts| !parts.is_empty()).map(Kind::Differs)
                }
            };
            found.extend(kind.map(|kind| Drift { name: format!("{database}.{name}"), kind }));
        }
        for (database, tables) in known.iter() {
            let own = |table: &&Table| table.parameters().is_some_and(|parameters| parameters.contains_key(ENTRY));
            for table in tables.values().filter(own) {
                if !wanted.contains_key(&(database.as_str(), table.name())) {
                    let kind = if view::is_view(table) { Kind::UnwantedView } else { Kind::UnwantedTable };
                    found.push(Drift { name: format!("{database}.{}", table.name()), kind });
                }
            }
        }
        found.sort();
        Ok(found)
    }

    async fn tables(&self) -> Result<Vec<TableEntry>, LakeError> {
        self.entries(false).await
    }

    async fn views(&self) -> Result<Vec<ViewEntry>, LakeError> {
        let mut views: Vec<ViewEntry> = self.entries(true).await?;
        views.sort_by_key(|view| view.rank);
        Ok(views)
    }
}
