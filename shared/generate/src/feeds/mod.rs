//! The feeds, one module each, and the landing folder they write into.

mod clinic;
mod fhir;
mod network;
mod noshow_vitoria;
mod scheduling;
mod synthea;
mod visit_events;

use chrono::{Days, NaiveDate};

use crate::error::Error;
use crate::manifest::{FileReport, MANIFEST_VERSION, Manifest, Signal, sum_by_dataset};
use crate::options::{Options, Progress};
use crate::plant::Fault;
use crate::random::Random;
use crate::write::{CsvFile, Place, Table};

/// Writes every feed.
pub(crate) fn write_all(landing: &mut Landing<'_>) -> Result<(), Error> {
    scheduling::write(landing)?;
    noshow_vitoria::write(landing)?;
    synthea::write(landing)?;
    clinic::write(landing)?;
    network::write(landing)?;
    visit_events::write(landing, &visit_events::SOURCE_A)?;
    visit_events::write(landing, &visit_events::SOURCE_B)
}

/// The landing folder, and what was written into it so far.
pub(crate) struct Landing<'a> {
    options: &'a Options,
    progress: &'a mut dyn FnMut(Progress),
    opened: u64,
    files: Vec<FileReport>,
    signals: Vec<Signal>,
}

impl<'a> Landing<'a> {
    pub(crate) fn new(options: &'a Options, progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self { options, progress, opened: 0, files: Vec::new(), signals: Vec::new() }
    }

    /// Patients per feed.
    pub(crate) fn patients(&self) -> u64 {
        self.options.patients as u64
    }

    /// The day of the extracts.
    pub(crate) fn as_of(&self) -> NaiveDate {
        self.options.as_of
    }

    /// A day before the extracts.
    pub(crate) fn days_ago(&self, days: u64) -> NaiveDate {
        self.options.as_of - Days::new(days)
    }

    /// Errors to plant into a file: none into a clean hospital.
    pub(crate) fn faults(&self, faults: &'static [Fault]) -> &'static [Fault] {
        if self.options.clean { &[] } else { faults }
    }

    /// The random stream of a feed; adding a feed does not change the others.
    pub(crate) fn random(&self, feed: u64) -> Random {
        Random::new(self.options.seed, feed)
    }

    /// The place of a file in the landing layout.
    pub(crate) fn place(&mut self, source: &'static str, dataset: &'static str, folder: &str, file: &str) -> Place {
        self.place_in(source, dataset, dataset, folder, file)
    }

    /// The same for a file whose dataset is told by its name, in a folder of another name.
    pub(crate) fn place_in(
        &mut self,
        source: &'static str,
        dataset: &'static str,
        called: &str,
        folder: &str,
        file: &str,
    ) -> Place {
        self.opened += 1;
        Place {
            source,
            dataset,
            relative: format!("{source}/{called}/{folder}/{file}"),
            path: self.options.out.join(source).join(called).join(folder).join(file),
            ordinal: self.opened,
        }
    }

    /// Opens a CSV file `<feed>/<dataset>/<date>/<dataset><ending>` for about `rows` good rows.
    pub(crate) fn csv(
        &mut self,
        table: &Table,
        dataset: &'static str,
        date: NaiveDate,
        ending: &str,
        rows: u64,
        random: &mut Random,
    ) -> Result<CsvFile, Error> {
        let file = format!("{dataset}{ending}");
        let place = self.place(table.feed, dataset, &date.to_string(), &file);
        let table = Table { faults: self.faults(table.faults), ..*table };
        CsvFile::create(&table, place, rows, random.fork())
    }

    /// Adds a finished file to the manifest.
    pub(crate) fn finished(&mut self, file: FileReport) {
        self.files.push(file);
    }

    /// Adds a no-show signal to the manifest.
    pub(crate) fn signal(&mut self, signal: Signal) {
        self.signals.push(signal);
    }

    /// Reports progress, about a hundred times per source.
    pub(crate) fn progress(&mut self, source: &'static str, done: u64, total: u64) {
        let step = (total / 100).max(1);
        if done == total || done.is_multiple_of(step) {
            (self.progress)(Progress { source, done, total });
        }
    }

    pub(crate) fn into_manifest(self) -> Manifest {
        Manifest {
            version: MANIFEST_VERSION,
            seed: self.options.seed,
            patients: self.options.patients,
            as_of: self.options.as_of,
            signals: self.signals,
            datasets: sum_by_dataset(&self.files),
            files: self.files,
        }
    }
}
