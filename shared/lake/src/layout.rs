//! Names of everything in the lake.

use chrono::NaiveDate;

/// The layers that ingest writes, one object a landing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Typed rows with pseudonyms.
    Bronze,
    /// Who the pseudonyms are; restricted.
    Identity,
    /// What was rejected, and why.
    Quarantine,
}

impl Layer {
    /// The folder, which is also the database.
    pub fn database(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Identity => "identity",
            Self::Quarantine => "quarantine",
        }
    }
}

/// Paths within a lake. Every part is checked or generated; nothing of a landing file's own name is ever in one.
#[derive(Debug, Clone, Copy)]
pub struct Layout;

impl Layout {
    /// The object of a landing file in a layer.
    pub fn object(layer: Layer, table: &str, source: &str, date: NaiveDate, name: &str) -> String {
        format!("{}/{table}/source={source}/ingest_date={date}/{name}.parquet", layer.database())
    }

    /// The object that holds the rows of a file which failed a reference check at conform.
    pub fn orphans(table: &str, source: &str, date: NaiveDate, name: &str) -> String {
        Self::object(Layer::Quarantine, table, source, date, &format!("{name}-references"))
    }

    /// The folder of a Delta table, `silver/patients`.
    pub fn table(qualified: &str) -> String {
        qualified.replacen('.', "/", 1)
    }

    /// The ledger's folder for the versions of one landing key.
    pub fn ingest_entries(source: &str, dataset: &str, key: &str) -> String {
        format!("_carelake/ledger/ingest/{source}/{dataset}/{key}")
    }

    /// The ledger entry of an ingested file.
    pub fn ingest_entry(source: &str, dataset: &str, key: &str, name: &str) -> String {
        format!("{}/{name}.json", Self::ingest_entries(source, dataset, key))
    }

    /// The ledger entry of a conformed file.
    pub fn conform_entry(source: &str, dataset: &str, name: &str) -> String {
        format!("_carelake/ledger/conform/{source}/{dataset}/{name}.json")
    }

    /// A table-level check of a source.
    pub fn check(source: &str, rule: &str) -> String {
        format!("_carelake/checks/{source}/{rule}.json")
    }

    /// What gold was last published from.
    pub fn published() -> &'static str {
        "_carelake/published.json"
    }

    /// Where the parts of large files wait that are under way, as far as they name no person.
    pub fn parts() -> &'static str {
        "_carelake/parts"
    }

    /// Where the rest of them waits: the landing key, and who the pseudonyms are.
    pub fn restricted_parts() -> &'static str {
        "identity/_parts"
    }

    /// A catalogue entry.
    pub fn catalogue(kind: &str, database: &str, name: &str) -> String {
        format!("_carelake/catalog/{database}/{name}.{kind}.json")
    }

    /// The report of a run.
    pub fn report(run_id: &str) -> String {
        format!("_carelake/runs/{run_id}.json")
    }
}
