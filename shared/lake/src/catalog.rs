//! The catalogue port: which tables and views there are. Glue in the cloud, JSON files in the lake here.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::drift::{self, Drift};
use crate::error::LakeError;
use crate::layout::Layout;
use crate::store::Lake;

/// A column of a table or view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEntry {
    /// Its name.
    pub name: String,
    /// Its type, as contract files write it.
    #[serde(rename = "type")]
    pub column_type: String,
    /// For readers.
    #[serde(default)]
    pub description: String,
}

/// How a table is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// Hive-partitioned Parquet, one object a landing file.
    Parquet,
    /// Delta Lake.
    Delta,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// For readers.
    pub description: String,
    /// How it is stored.
    pub format: TableFormat,
    /// Its folder within the lake.
    pub location: String,
    /// Columns, without those that stand in the path.
    pub columns: Vec<ColumnEntry>,
    /// Partition columns, outermost first.
    pub partition_by: Vec<ColumnEntry>,
}

/// A partition of a table that is no Delta table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionEntry {
    /// Values of the partition columns, outermost first.
    pub values: Vec<String>,
    /// Its folder within the lake.
    pub location: String,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewEntry {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// For readers.
    pub description: String,
    /// Its query, in Athena's dialect.
    pub sql: String,
    /// Place among the views, so that a view comes after those it reads.
    pub rank: usize,
    /// Columns of the planned query.
    pub columns: Vec<ColumnEntry>,
}

impl ViewEntry {
    /// How a view that a client of Athena's API made is described. No definition has it, and it stays.
    pub const OF_A_CLIENT: &str = "Made by a client of carelake serve.";

    /// True for a view that a client made.
    pub fn is_of_a_client(&self) -> bool {
        self.description == Self::OF_A_CLIENT
    }
}

/// The port. Writing an entry that is there already leaves the catalogue as it is.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Adds or replaces a table.
    ///
    /// # Errors
    /// When the catalogue cannot take it.
    async fn put_table(&self, entry: &TableEntry) -> Result<(), LakeError>;

    /// Adds or replaces a view.
    ///
    /// # Errors
    /// When the catalogue cannot take it.
    async fn put_view(&self, entry: &ViewEntry) -> Result<(), LakeError>;

    /// Makes partitions of a table known, and the table with them if it is not. A catalogue that finds partitions by
    /// their folders has nothing to do.
    ///
    /// # Errors
    /// When the catalogue cannot take them, or has one of them at another place.
    async fn put_partitions(&self, _table: &TableEntry, _partitions: &[PartitionEntry]) -> Result<(), LakeError> {
        Ok(())
    }

    /// Takes a view out of the catalogue, if it is there. Tables stay: their rows do.
    ///
    /// # Errors
    /// When the catalogue cannot be changed.
    async fn remove_view(&self, database: &str, name: &str) -> Result<(), LakeError>;

    /// Where the catalogue is not what these entries say: entries that are missing or differ, and views and tables of its
    /// own that are not among them.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    async fn drift(&self, tables: &[TableEntry], views: &[ViewEntry]) -> Result<Vec<Drift>, LakeError> {
        let (present, shown) = (self.tables().await?, self.views().await?);
        let mut found = drift::of(tables, &present, TableEntry::differences);
        found.extend(drift::of(views, &shown, ViewEntry::differences));
        found.sort();
        Ok(found)
    }

    /// All tables, by database and name.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    async fn tables(&self) -> Result<Vec<TableEntry>, LakeError>;

    /// All views, in an order in which each comes after those it reads.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    async fn views(&self) -> Result<Vec<ViewEntry>, LakeError>;
}

/// The catalogue of a lake on a folder.
#[derive(Debug, Clone)]
pub struct FolderCatalog {
    lake: Lake,
}

impl FolderCatalog {
    /// The catalogue of that lake.
    pub fn new(lake: &Lake) -> Self {
        Self { lake: lake.clone() }
    }

    async fn put<T>(&self, path: &str, entry: &T) -> Result<(), LakeError>
    where
        T: Serialize + serde::de::DeserializeOwned + PartialEq + Sync,
    {
        if self.lake.get_json::<T>(path).await?.as_ref() == Some(entry) {
            return Ok(());
        }
        self.lake.put_json(path, entry).await
    }

    async fn all<T: serde::de::DeserializeOwned>(&self, ending: &str) -> Result<Vec<T>, LakeError> {
        let mut entries = Vec::new();
        for path in self.lake.list("_carelake/catalog").await? {
            if path.ends_with(ending) {
                entries.extend(self.lake.get_json::<T>(&path).await?);
            }
        }
        Ok(entries)
    }
}

#[async_trait]
impl Catalog for FolderCatalog {
    async fn put_table(&self, entry: &TableEntry) -> Result<(), LakeError> {
        self.put(&Layout::catalogue("table", &entry.database, &entry.name), entry).await?;
        self.remove_view(&entry.database, &entry.name).await
    }

    async fn put_view(&self, entry: &ViewEntry) -> Result<(), LakeError> {
        self.put(&Layout::catalogue("view", &entry.database, &entry.name), entry).await?;
        self.lake.delete(&Layout::catalogue("table", &entry.database, &entry.name)).await
    }

    async fn remove_view(&self, database: &str, name: &str) -> Result<(), LakeError> {
        self.lake.delete(&Layout::catalogue("view", database, name)).await
    }

    async fn tables(&self) -> Result<Vec<TableEntry>, LakeError> {
        self.all(".table.json").await
    }

    async fn views(&self) -> Result<Vec<ViewEntry>, LakeError> {
        let mut views: Vec<ViewEntry> = self.all(".view.json").await?;
        views.sort_by_key(|view| view.rank);
        Ok(views)
    }
}
