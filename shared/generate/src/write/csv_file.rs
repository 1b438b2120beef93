//! CSV files with planted errors.

use std::io;

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};
use csv::{ByteRecord, Terminator, Writer, WriterBuilder};

use super::{Findings, Place, Sink, TIMESTAMP};
use crate::error::Error;
use crate::manifest::{FileReport, Outcome};
use crate::plant::{Change, Deck, Fault};
use crate::random::Random;

/// The key column of a dataset, and how a planted row gets a key of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fresh {
    /// The dataset has no key of one column: the copy keeps its values.
    None,
    /// A prefix and a number.
    Prefix(&'static str, &'static str),
    /// A UUID.
    Uuid(&'static str),
}

/// A dataset of a feed, as far as writing and planting need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) feed: &'static str,
    pub(crate) header: &'static [&'static str],
    pub(crate) fresh: Fresh,
    pub(crate) faults: &'static [Fault],
    /// Line ends of Windows.
    pub(crate) crlf: bool,
}

/// A CSV file with a header, into which errors are planted between the good rows.
pub(crate) struct CsvFile {
    writer: Writer<Sink>,
    table: Table,
    place: Place,
    findings: Findings,
    deck: Deck,
    random: Random,
    last: Vec<String>,
    /// Rules that warn of copies of the last row, where copies have no key of their own.
    warned: Vec<&'static str>,
    keys: u64,
}

impl CsvFile {
    /// Opens the file for about `rows` good rows and writes the header.
    pub(crate) fn create(table: &Table, place: Place, rows: u64, mut random: Random) -> Result<Self, Error> {
        let terminator = if table.crlf { Terminator::CRLF } else { Terminator::Any(b'\n') };
        let mut writer =
            WriterBuilder::new().flexible(true).terminator(terminator).from_writer(Sink::create(&place.path)?);
        writer.write_record(table.header).map_err(|error| failed(&place, error))?;
        Ok(Self {
            deck: Deck::new(table.faults, rows, &mut random),
            writer,
            table: *table,
            place,
            findings: Findings::default(),
            random,
            last: Vec::new(),
            warned: Vec::new(),
            keys: 0,
        })
    }

    /// Writes a row from which no planted one is made, because a rule warns of it.
    pub(crate) fn write_as_is(&mut self, row: &[String]) -> Result<(), Error> {
        self.emit(&ByteRecord::from(row))
    }

    /// Writes a good row, and the planted ones that are due after it.
    pub(crate) fn write(&mut self, row: Vec<String>) -> Result<(), Error> {
        self.write_as_is(&row)?;
        self.warned.clear();
        for fault in self.deck.due(&mut self.random) {
            self.plant(fault, &row)?;
        }
        self.last = row;
        Ok(())
    }

    /// The counts, for rows that plausible data makes a rule find.
    pub(crate) fn findings(&mut self) -> &mut Findings {
        &mut self.findings
    }

    /// Plants what is left, closes the file and reports on it.
    pub(crate) fn finish(mut self) -> Result<FileReport, Error> {
        if !self.last.is_empty() {
            let last = std::mem::take(&mut self.last);
            for fault in self.deck.rest() {
                self.plant(fault, &last)?;
            }
        }
        let sink = self.writer.into_inner().map_err(|error| Error::at(&self.place.path)(error.into_error()))?;
        sink.finish().map_err(Error::at(&self.place.path))?;
        Ok(self.findings.report(&self.place, self.table.feed))
    }

    fn emit(&mut self, row: &ByteRecord) -> Result<(), Error> {
        self.writer.write_byte_record(row).map_err(|error| failed(&self.place, error))?;
        self.findings.record(1);
        Ok(())
    }

    fn plant(&mut self, fault: Fault, good: &[String]) -> Result<(), Error> {
        if matches!(self.table.fresh, Fresh::None) && fault.outcome == Outcome::Warned {
            // A second copy would be a duplicate of the first: two errors in one row.
            if self.warned.contains(&fault.rule) {
                return Ok(());
            }
            self.warned.push(fault.rule);
        }
        let mut row = good.to_vec();
        let same_key = matches!(fault.change, Change::SameKey(..) | Change::Repeat | Change::Older(_));
        if !same_key {
            self.renew_key(&mut row);
        }
        let mut bytes = None;
        match fault.change {
            Change::Set(column, value) | Change::SameKey(column, value) => {
                self.set(&mut row, column, value.to_owned());
            }
            Change::DaysBefore(column, other, days) => {
                let moved = self.get(&row, other).and_then(|text| days_before(text, days));
                let Some(moved) = moved else { return Ok(()) };
                self.set(&mut row, column, moved);
            }
            Change::Older(column) => {
                let moved = self.get(&row, column).and_then(half_an_hour_before);
                let Some(moved) = moved else { return Ok(()) };
                self.set(&mut row, column, moved);
            }
            Change::Repeat => {}
            Change::Short => {
                row.pop();
            }
            Change::Long => row.push("surplus".to_owned()),
            Change::Encoding(column) => bytes = self.position(column),
        }
        let mut record = ByteRecord::from(row.as_slice());
        if let Some(position) = bytes {
            record = record
                .iter()
                .enumerate()
                .map(|(at, field)| if at == position { [field, b"\xff"].concat() } else { field.to_vec() })
                .collect();
        }
        self.emit(&record)?;
        self.findings.planted(fault.rule, fault.step, fault.outcome);
        Ok(())
    }

    fn renew_key(&mut self, row: &mut [String]) {
        self.keys += 1;
        match self.table.fresh {
            Fresh::None => {}
            Fresh::Prefix(column, prefix) => {
                let key = format!("{prefix}{:03}{:06}", self.place.ordinal, self.keys);
                self.set(row, column, key);
            }
            Fresh::Uuid(column) => {
                let key = self.random.uuid();
                self.set(row, column, key);
            }
        }
    }

    fn position(&self, column: &str) -> Option<usize> {
        self.table.header.iter().position(|name| name.eq_ignore_ascii_case(column))
    }

    fn get<'a>(&self, row: &'a [String], column: &str) -> Option<&'a str> {
        row.get(self.position(column)?).map(String::as_str)
    }

    fn set(&self, row: &mut [String], column: &str, value: String) {
        let position = self.position(column);
        debug_assert!(position.is_some(), "{column} is a column of {:?}", self.table);
        if let Some(field) = position.and_then(|position| row.get_mut(position)) {
            *field = value;
        }
    }
}

fn failed(place: &Place, error: csv::Error) -> Error {
    Error::at(&place.path)(io::Error::from(error))
}

/// The same text, its date moved back.
fn days_before(text: &str, days: u64) -> Option<String> {
    let (date, rest) = text.split_at_checked(10)?;
    let date: NaiveDate = date.parse().ok()?;
    Some(format!("{}{rest}", date.checked_sub_days(Days::new(days))?))
}

/// The same timestamp, half an hour earlier.
fn half_an_hour_before(text: &str) -> Option<String> {
    let time = NaiveDateTime::parse_from_str(text, TIMESTAMP).ok()?;
    Some((time - TimeDelta::minutes(30)).format(TIMESTAMP).to_string())
}
