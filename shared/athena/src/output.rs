//! Results: written once into a file without a name, read in pages or as an object.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::types::Column;
use crate::value::Texts;

/// Rows between two places that are remembered.
const STRIDE: u64 = 256;
/// Bytes written at a time.
const BUFFER: usize = 1 << 18;
/// Bytes read at a time.
const CHUNK: usize = 1 << 16;

/// How rows are separated into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Every value in quotes, NULL as nothing, a row of names first: results of queries.
    Csv,
    /// Tabs between values and no row of names: what is shown of the catalogue.
    Tabbed,
}

/// A result.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its columns.
    pub columns: Vec<Column>,
    /// How its file is written.
    pub layout: Layout,
    /// Its file.
    pub file: Arc<File>,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Bytes read from the lake.
    pub scanned: u64,
    rows: u64,
    places: Arc<Vec<u64>>,
}

/// Writes a result.
pub struct Writer {
    columns: Vec<Column>,
    layout: Layout,
    out: BufWriter<File>,
    line: String,
    limit: u64,
    bytes: u64,
    rows: u64,
    places: Vec<u64>,
}

impl Writer {
    /// Writes into `file`, up to so many bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn new(file: File, columns: Vec<Column>, layout: Layout, limit: u64) -> Result<Self, Failure> {
        let out = BufWriter::with_capacity(BUFFER, file);
        let mut writer =
            Self { columns, layout, out, line: String::new(), limit, bytes: 0, rows: 0, places: Vec::new() };
        if layout == Layout::Csv {
            let names: Vec<String> = writer.columns.iter().map(|column| column.name.clone()).collect();
            writer.row(names.iter().map(|name| Some(name.as_str())))?;
        }
        Ok(writer)
    }

    /// Writes a row of texts.
    ///
    /// # Errors
    /// When the result grows too large, or the file cannot be written.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = Option<&'a str>>) -> Result<(), Failure> {
        self.line.clear();
        for (index, cell) in cells.into_iter().enumerate() {
            self.cell(index, cell);
        }
        self.finish_line()
    }

    /// Writes the rows of a batch.
    ///
    /// # Errors
    /// As [`Writer::row`].
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let engine = |error: DataFusionError| Failure::engine(&error, "");
        let columns = batch.columns().iter().map(Texts::new).collect::<Result<Vec<_>, _>>().map_err(engine)?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            self.line.clear();
            for (index, column) in columns.iter().enumerate() {
                text.clear();
                let there = column.append(row, &mut text);
                self.cell(index, there.then_some(text.as_str()));
            }
            self.finish_line()?;
        }
        Ok(())
    }

    fn cell(&mut self, index: usize, cell: Option<&str>) {
        match self.layout {
            Layout::Csv => {
                self.line.push_str(if index > 0 { "," } else { "" });
                if let Some(cell) = cell {
                    self.line.push('"');
                    if cell.contains('"') {
                        self.line.push_str(&cell.replace('"', "\"\""));
                    } else {
                        self.line.push_str(cell);
                    }
                    self.line.push('"');
                }
            }
            Layout::Tabbed => {
                self.line.push_str(if index > 0 { "\t" } else { "" });
                self.line.extend(
                    cell.unwrap_or_default().chars().map(|letter| if letter.is_control() { ' ' } else { letter }),
                );
            }
        }
    }

    fn finish_line(&mut self) -> Result<(), Failure> {
        self.line.push('\n');
        if self.rows.is_multiple_of(STRIDE) {
            self.places.push(self.bytes);
        }
        self.rows += 1;
        self.bytes += self.line.len() as u64;
        if self.bytes > self.limit {
            let words =
                format!("the result is larger than {} MB; carelake serve --max-result allows more", self.limit >> 20);
            return Err(Failure::exhausted(&words));
        }
        self.out.write_all(self.line.as_bytes()).map_err(|error| unwritten(&error))
    }

    /// Ends the result.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self, scanned: u64) -> Result<Output, Failure> {
        let file = self.out.into_inner().map_err(|error| unwritten(error.error()))?;
        Ok(Output {
            columns: self.columns,
            layout: self.layout,
            file: Arc::new(file),
            bytes: self.bytes,
            scanned,
            rows: self.rows,
            places: Arc::new(self.places),
        })
    }
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::internal(&format!("the result cannot be written: {}", error.kind()))
}

type Row = Vec<Option<String>>;

impl Output {
    /// Rows from a row on, at most so many; the row of names is one of them. And where the next page begins.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn page(&self, from: u64, count: u64) -> io::Result<(Vec<Row>, Option<u64>)> {
        let to = from.saturating_add(count).min(self.rows);
        let place = usize::try_from(from / STRIDE).ok().and_then(|index| self.places.get(index)).copied();
        let mut reader = Reader { output: self, at: place.unwrap_or(self.bytes), buffer: Vec::new(), next: 0 };
        for _ in 0..from % STRIDE {
            reader.row()?;
        }
        let rows = (from..to).map(|_| reader.row()).collect::<io::Result<_>>()?;
        Ok((rows, (to < self.rows).then_some(to)))
    }

    /// As `ResultSetMetadata`.
    pub fn described(&self) -> Value {
        json!({"ColumnInfo": self.columns.iter().map(Column::described).collect::<Vec<_>>()})
    }
}

struct Reader<'a> {
    output: &'a Output,
    at: u64,
    buffer: Vec<u8>,
    next: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> io::Result<Option<u8>> {
        if self.next >= self.buffer.len() {
            self.buffer.resize(CHUNK, 0);
            let read = self.output.file.read_at(&mut self.buffer, self.at)?;
            self.buffer.truncate(read);
            self.at += read as u64;
            self.next = 0;
        }
        let byte = self.buffer.get(self.next).copied();
        self.next += 1;
        Ok(byte)
    }

    fn row(&mut self) -> io::Result<Row> {
        let separator = if self.output.layout == Layout::Csv { b',' } else { b'\t' };
        let quotes = self.output.layout == Layout::Csv;
        let (mut row, mut cell, mut quoted) = (Vec::new(), None::<Vec<u8>>, false);
        loop {
            match self.byte()? {
                Some(b'"') if quotes => {
                    // A quote inside a value is written twice: leaving and entering at once.
                    if !quoted && cell.is_some() {
                        cell.get_or_insert_default().push(b'"');
                    }
                    cell.get_or_insert_default();
                    quoted = !quoted;
                }
                Some(byte) if quoted => cell.get_or_insert_default().push(byte),
                Some(byte) if byte == separator => row.push(text(cell.take(), quotes)),
                Some(b'\n') | None => {
                    row.push(text(cell.take(), quotes));
                    return Ok(row);
                }
                Some(byte) => cell.get_or_insert_default().push(byte),
            }
        }
    }
}

fn text(cell: Option<Vec<u8>>, quotes: bool) -> Option<String> {
    let cell = if quotes { cell } else { Some(cell.unwrap_or_default()) };
    cell.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rows: &[Vec<Option<&str>>], layout: Layout) -> Output {
        let columns = vec![Column::text("a"), Column::text("b")];
        let mut writer = Writer::new(tempfile::tempfile().unwrap(), columns, layout, 1 << 20).unwrap();
        for row in rows {
            writer.row(row.iter().copied()).unwrap();
        }
        writer.finish(0).unwrap()
    }

    #[test]
    fn a_csv_keeps_null_apart_from_no_text_and_any_text_whole() {
        let odd = "a,\"b\"\nc\t\"\"'é";
        let output = written(&[vec![Some(""), None], vec![None, None], vec![Some(odd), Some("\"")]], Layout::Csv);
        let (rows, next) = output.page(0, 10).unwrap();
        let text = |text: &str| Some(text.to_owned());
        let expected =
            [vec![text("a"), text("b")], vec![text(""), None], vec![None, None], vec![text(odd), text("\"")]];
        assert_eq!((rows.as_slice(), next), (expected.as_slice(), None));
    }

    #[test]
    fn pages_of_any_size_hold_every_row_once() {
        let names: Vec<String> = (0..2_000).map(|number| format!("row {number}\n")).collect();
        let rows: Vec<_> = names.iter().map(|name| vec![Some(name.as_str()), None]).collect();
        let output = written(&rows, Layout::Csv);
        for size in [1, 255, 256, 257, 1_000] {
            let (mut from, mut read) = (Some(0), Vec::new());
            while let Some(start) = from {
                let (rows, next) = output.page(start, size).unwrap();
                read.extend(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()));
                from = next;
            }
            assert_eq!(read.len(), 2_001);
            assert_eq!(read[1..], names[..], "{size}");
        }
        assert_eq!(output.page(9_999_999, 10).unwrap(), (vec![], None));
    }

    #[test]
    fn what_is_shown_of_the_catalogue_has_one_line_a_row() {
        let output = written(&[vec![Some("a\tb\nc"), None]], Layout::Tabbed);
        assert_eq!(output.page(0, 9).unwrap().0, [[Some("a b c".to_owned()), Some(String::new())]]);
    }

    #[test]
    fn a_result_that_grows_too_large_ends() {
        let mut writer = Writer::new(tempfile::tempfile().unwrap(), vec![Column::text("a")], Layout::Csv, 100).unwrap();
        let failure = (0..50).find_map(|_| writer.row([Some("0123456789")]).err()).unwrap();
        assert!(failure.reason.starts_with("Query exhausted resources"), "{}", failure.reason);
    }
}
