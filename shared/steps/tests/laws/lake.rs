//! A lake in a folder of its own, and what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use carelake_contracts::{ContractSet, Sources};
use carelake_lake::{FolderLanding, Lake, TableFormat};
use carelake_sql::session::LakeSession;
use carelake_sql::views::{View, Views};
use carelake_steps::Context;
use carelake_steps::run::{Silent, run};
use chrono::NaiveDate;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::deliveries::Delivery;

/// Rows of tables by their names, each row as text, in order.
pub type Rows = BTreeMap<String, Vec<String>>;

/// Views that read the tables of the deliveries, and the views that those read.
const VIEWS: [&str; 9] = [
    "appointments",
    "patients",
    "practitioners",
    "city_distribution",
    "doctor_summary",
    "hospital_visits",
    "visit_reason_analysis",
    "medicine_per_patient",
    "patient_treatment_summary",
];

/// Where a row came from; a row keeps its values when the files are cut otherwise, but not these.
pub const PLACE: [&str; 2] = ["_order", "_row"];

/// A lake and its landing folder.
pub struct TestLake {
    folder: TempDir,
    runtime: Runtime,
}

impl TestLake {
    /// An empty lake whose key is made of that digit: lakes of one digit have the same pseudonyms.
    pub fn new(key: char) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = folder.path().join("lake/identity");
        fs::create_dir_all(&identity).unwrap();
        fs::create_dir_all(folder.path().join("landing")).unwrap();
        fs::write(identity.join(".key"), key.to_string().repeat(64)).unwrap();
        fs::set_permissions(identity.join(".key"), Permissions::from_mode(0o600)).unwrap();
        Self { folder, runtime: Runtime::new().unwrap() }
    }

    /// A lake that was given these deliveries, with a run after each batch.
    pub fn of(batches: &[Vec<Delivery>]) -> Self {
        let lake = Self::new('a');
        for batch in batches {
            lake.deliver(batch);
            lake.run();
        }
        lake
    }

    /// A path in its folder.
    pub fn path(&self, part: &str) -> std::path::PathBuf {
        self.folder.path().join(part)
    }

    /// Puts files into landing, each with the modification time of its delivery.
    pub fn deliver(&self, files: &[Delivery]) {
        for delivery in files {
            let path = self.path("landing").join(delivery.path());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, delivery.text()).unwrap();
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + delivery.modified);
            File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        }
    }

    /// The context of a run.
    pub fn context(&self) -> Context {
        let sources =
            Sources::parse("sources.toml", "[sources.north]\nfeed = \"clinic\"\n[sources.south]\nfeed = \"synthea\"\n")
                .unwrap();
        Context::new(
            Lake::open(&self.path("lake")).unwrap(),
            Arc::new(FolderLanding::new(&self.path("landing"))),
            ContractSet::with_folder(Path::new("tests/laws/contracts")).unwrap(),
            sources,
            NaiveDate::from_ymd_opt(2025, 6, 30).unwrap(),
            "law".to_owned(),
        )
    }

    /// Waits for the end of some work.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Takes what is new, all of it, without failures.
    pub fn run(&self) {
        let views: Vec<View> = Views::embedded().unwrap().views().filter(|view| wanted(view)).cloned().collect();
        let report = self.runtime.block_on(run(&self.context(), &views, 2, &Silent)).unwrap();
        assert_eq!(report.failures, Vec::<String>::new());
        for dataset in &report.datasets {
            assert_eq!(dataset.rows_in, dataset.accepted + dataset.rejected + dataset.deduplicated);
        }
    }

    /// The rows of silver, identity and gold, without the columns of `without`.
    pub fn rows(&self, without: &[&str]) -> Rows {
        self.runtime.block_on(async {
            let context = self.context();
            let catalog = context.catalog.as_ref();
            let session = LakeSession::open(&context.lake, catalog, None).await.unwrap();
            let mut names = Vec::new();
            for table in catalog.tables().await.unwrap() {
                let qualified = format!("{}.{}", table.database, table.name);
                let there = table.format == TableFormat::Delta;
                if there && context.tables.open(&qualified, None).await.unwrap().is_some() {
                    names.push(qualified);
                }
            }
            names.extend(VIEWS.map(|view| format!("gold.{view}")));
            let mut found = Rows::new();
            for name in names {
                let batches = session.table(&name).await.unwrap().collect().await.unwrap();
                found.insert(name, texts(&batches, without));
            }
            found
        })
    }

    /// Files of the ledger by their names: rows in, in bronze, rejected, deduplicated, waiting for a parent.
    pub fn ledger(&self) -> BTreeMap<String, [u64; 5]> {
        self.runtime.block_on(async {
            let context = self.context();
            let mut counts = BTreeMap::new();
            for entry in context.ledger.ingested().await.unwrap() {
                let waiting =
                    context.ledger.conform_entry(&entry).await.unwrap().map_or(0, |conformed| conformed.orphans);
                let numbers = [entry.rows_in, entry.bronze_rows, entry.rejected, entry.deduplicated, waiting];
                counts.insert(entry.name, numbers);
            }
            counts
        })
    }

    /// Active data files of a Delta table.
    pub fn files(&self, table: &str) -> BTreeSet<String> {
        self.runtime.block_on(async {
            let table = self.context().tables.open(table, None).await.unwrap();
            table.map(|table| table.get_file_uris().unwrap().collect()).unwrap_or_default()
        })
    }

    /// The newest version of every canonical table.
    pub fn versions(&self) -> BTreeMap<String, Option<u64>> {
        let context = self.context();
        self.runtime.block_on(context.tables.versions(context.contracts.tables.keys().map(String::as_str))).unwrap()
    }
}

fn wanted(view: &View) -> bool {
    view.database == "gold" && VIEWS.contains(&view.name.as_str())
}

/// Each row as `column=value|…`, rows in order.
pub fn texts(batches: &[RecordBatch], without: &[&str]) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let mut columns: Vec<(&str, ArrayFormatter<'_>)> = Vec::new();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            if !without.contains(&field.name().as_str()) {
                columns.push((field.name(), ArrayFormatter::try_new(array, &options).unwrap()));
            }
        }
        columns.sort_by_key(|(name, _)| *name);
        for row in 0..batch.num_rows() {
            let cells: Vec<String> =
                columns.iter().map(|(name, cells)| format!("{name}={}", cells.value(row))).collect();
            rows.push(cells.join("|"));
        }
    }
    rows.sort();
    rows
}
