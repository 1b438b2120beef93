//! The beginning of a file, of which a contract is drafted. Values stay in memory.

use std::fs::File;
use std::io::{BufRead, Read};
use std::path::Path;

use carelake_contracts::{FileFormat, Sample, file_format, sample_of_records};
use carelake_decode::{DecodeError, open_parquet, open_text};
use csv::{ReaderBuilder, StringRecord};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::Value;

use crate::commands::Problem;

/// Records read, at most.
const RECORDS: usize = 10_000;
/// Decompressed bytes read, at most: a small file cannot fill the memory.
const BYTES: u64 = 16 << 20;

/// Reads the beginning of a file.
pub fn read(path: &Path) -> Result<Sample, Problem> {
    let shown = path.display().to_string();
    let wrong = |what: &str| Problem::new(format!("{shown}: {what}"));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((format, compression)) = file_format(name) else {
        return Err(wrong("the ending is not .csv, .json, .ndjson (.gz, .zst) or .parquet"));
    };
    let file = File::open(path).map_err(|error| wrong(&format!("cannot be read ({})", error.kind())))?;
    if format == FileFormat::Parquet {
        return parquet(file).map_err(|what| wrong(&what));
    }
    let reader = open_text(file, compression).map_err(|error| wrong(&why(error)))?.take(BYTES);
    let sample = if format == FileFormat::Csv { csv(reader) } else { json(reader) };
    sample.map_err(|what| wrong(&what))
}

fn why(error: DecodeError) -> String {
    match error {
        DecodeError::Unreadable(reason) => reason.to_owned(),
        DecodeError::Storage(error) => format!("cannot be read ({})", error.kind()),
        DecodeError::Sink(error) => error.to_string(),
    }
}

fn csv(reader: impl Read) -> Result<Sample, String> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
    let mut record = StringRecord::new();
    if !reader.read_record(&mut record).map_err(|_| "the header is not CSV text in UTF-8")? {
        return Err("the file is empty".to_owned());
    }
    let columns: Vec<String> =
        record.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    if columns.len() == 1 && columns.iter().any(|name| name.contains([';', '\t', '|'])) {
        return Err("the fields are not separated by commas, which is what carelake reads".to_owned());
    }
    let (mut rows, mut skipped) = (Vec::new(), 0_usize);
    while rows.len() < RECORDS {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) if record.len() == columns.len() => rows.push(record.iter().map(text).collect()),
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => {
                return Err("the file is damaged or cut short".to_owned());
            }
            Ok(true) | Err(_) => skipped += 1,
        }
    }
    let mut remarks = Vec::new();
    if skipped > 0 {
        remarks.push(format!(
            "{skipped} rows of the sample have another number of fields than the header, or are not UTF-8."
        ));
    }
    Ok(Sample { columns, rows, remarks })
}

fn text(cell: &str) -> Option<String> {
    let cell = cell.trim();
    (!cell.is_empty()).then(|| cell.to_owned())
}

/// An array of records, or records one after the other.
fn json(mut reader: impl BufRead) -> Result<Sample, String> {
    let first = loop {
        let buffer = reader.fill_buf().map_err(|_| "the file is damaged or cut short")?;
        let Some(skipped) =
            buffer.iter().position(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte))
        else {
            let length = buffer.len();
            if length == 0 {
                return Err("the file is empty".to_owned());
            }
            reader.consume(length);
            continue;
        };
        let first = buffer.get(skipped).copied();
        reader.consume(skipped);
        break first;
    };
    let mut records: Vec<Value> = Vec::new();
    let whole = if first == Some(b'[') {
        let mut deserializer = serde_json::Deserializer::from_reader(reader);
        Records(&mut records).deserialize(&mut deserializer).is_ok()
    } else {
        let values = serde_json::Deserializer::from_reader(reader).into_iter::<Value>();
        let mut whole = true;
        for value in values.take(RECORDS) {
            match value {
                Ok(value) => records.push(value),
                Err(_) => whole = false,
            }
        }
        whole
    };
    records.retain(Value::is_object);
    if records.is_empty() {
        return Err("there are no JSON records in it".to_owned());
    }
    let mut sample = sample_of_records(&records);
    if !whole && records.len() < RECORDS {
        sample.remarks.push(format!("Only the first {} records of the sample could be read.", records.len()));
    }
    Ok(sample)
}

/// Takes the first records of an array; what follows is not read, which ends in an error.
struct Records<'a>(&'a mut Vec<Value>);

impl<'de> DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while self.0.len() < RECORDS {
            match records.next_element()? {
                Some(record) => self.0.push(record),
                None => break,
            }
        }
        Ok(())
    }
}

fn parquet(file: File) -> Result<Sample, String> {
    let mut reader = open_parquet(file).map_err(why)?;
    let columns: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    while rows.len() < RECORDS
        && let Some(batch) = reader.read().map_err(why)?
    {
        let options = FormatOptions::default();
        let shown = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
        let shown = shown.collect::<Result<Vec<_>, _>>().map_err(|_| "a column has no text form")?;
        for row in 0..batch.num_rows().min(RECORDS - rows.len()) {
            let cells = batch.columns().iter().zip(&shown);
            rows.push(
                cells
                    .map(|(column, shown)| text(&shown.value(row).to_string()).filter(|_| column.is_valid(row)))
                    .collect(),
            );
        }
    }
    Ok(Sample { columns, rows, remarks: Vec::new() })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Date32Array, Int32Array, RecordBatch, StringArray};
    use datafusion::parquet::arrow::ArrowWriter;

    use super::*;

    fn sample(name: &str, bytes: &[u8]) -> Result<Sample, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    const CSV: &str = "\u{feff}Id, Name \n1,Ada\n2,\nbroken\n";

    #[test]
    fn csv_is_read_plain_and_compressed() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(CSV.as_bytes()).unwrap();
        let zst = zstd::stream::encode_all(CSV.as_bytes(), 1).unwrap();
        for (name, bytes) in
            [("a.csv", CSV.as_bytes().to_vec()), ("a.csv.gz", gzip.finish().unwrap()), ("a.csv.zst", zst)]
        {
            let sample = sample(name, &bytes).unwrap_or_else(|problem| panic!("{problem}"));
            assert_eq!(sample.columns, ["Id", "Name"]);
            assert_eq!(
                sample.rows,
                [vec![Some("1".to_owned()), Some("Ada".to_owned())], vec![Some("2".to_owned()), None]]
            );
            assert_eq!(sample.remarks.len(), 1);
        }
    }

    #[test]
    fn json_is_read_as_array_lines_or_one_record() {
        for (name, text, rows) in [
            ("a.json", "[{\"id\":1},{\"id\":2}]", 2),
            ("a.json", " {\"id\":1}", 1),
            ("a.ndjson", "{\"id\":1}\n\n{\"id\":2}\n", 2),
            ("a.json", "[{\"id\":1},{\"id\":", 1),
        ] {
            let sample = sample(name, text.as_bytes()).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!((sample.columns, sample.rows.len()), (vec!["id".to_owned()], rows), "{text}");
        }
    }

    #[test]
    fn parquet_is_read_by_name() {
        let id: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let day: ArrayRef = Arc::new(Date32Array::from(vec![0, 1]));
        let name: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
        let batch = RecordBatch::try_from_iter([("id", id), ("day", day), ("name", name)]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        let sample = sample("a.parquet", &writer.into_inner().unwrap()).unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(sample.columns, ["id", "day", "name"]);
        assert_eq!(sample.rows[0][1].as_deref(), Some("1970-01-01"));
        assert_eq!(sample.rows[1][0], None);
    }

    #[test]
    fn what_cannot_be_read_is_said_without_its_values() {
        for (name, bytes, why) in [
            ("a.txt", &b"x"[..], "ending"),
            ("a.csv", b"", "empty"),
            ("a.csv", b"id;name\n1;Ada\n", "commas"),
            ("a.csv.gz", b"not gzip", "not gzip"),
            ("a.csv.zst", b"not zstd", "not Zstandard"),
            ("a.json", b"   ", "empty"),
            ("a.json", b"[1, 2]", "no JSON records"),
            ("a.json", b"{broken Ada", "no JSON records"),
            ("a.parquet", b"PAR1 Ada PAR1", "not Parquet"),
            ("a.csv", b"\xff\xfeA\0d\0a\0", "UTF-8"),
        ] {
            let problem = sample(name, bytes).err().map(|problem| problem.to_string()).unwrap_or_default();
            assert!(problem.contains(why) && !problem.contains("Ada"), "{name}: {problem}");
        }
    }

    #[test]
    fn a_large_file_is_read_in_part() {
        let many = format!("id\n{}", "1\n".repeat(RECORDS + 5));
        assert_eq!(sample("a.csv", many.as_bytes()).map(|sample| sample.rows.len()).ok(), Some(RECORDS));
        let bomb = zstd::stream::encode_all(std::io::repeat(b' ').take(BYTES + 1_000), 1).unwrap();
        assert!(sample("a.json.zst", &bomb).is_err());
    }
}
