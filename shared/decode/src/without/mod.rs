//! A landing file without some of its records. All other records stay as they are, byte for byte in text formats.

mod csv_text;
mod json_text;
mod parquet_rows;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};

use carelake_contracts::{Compression, FileFormat, LandingPath};

use super::{DecodeError, compressed};

/// Which records go: by number, as [`super::decode`] counts them, or by what stands in a record that it cannot read.
pub struct Unwanted<'a> {
    /// Numbers of records that go.
    pub records: &'a BTreeSet<i64>,
    /// Numbers of records that could not be read and are judged by their fields.
    pub damaged: &'a BTreeSet<i64>,
    /// Judges a field of a damaged record: true when the record goes.
    pub tells: &'a dyn Fn(&str) -> bool,
}

impl Unwanted<'_> {
    fn goes<'f>(&self, record: i64, mut fields: impl Iterator<Item = &'f [u8]>) -> bool {
        let tells = |field: &[u8]| (self.tells)(String::from_utf8_lossy(field).trim());
        self.records.contains(&record) || (self.damaged.contains(&record) && fields.any(tells))
    }
}

/// Copies a landing file without the unwanted records into `out`; the number of records that went.
///
/// # Errors
/// As [`super::decode`]: what cannot be read cannot be copied either.
pub fn without(file: File, path: &LandingPath, unwanted: &Unwanted<'_>, out: &mut File) -> Result<u64, DecodeError> {
    if path.format == FileFormat::Parquet {
        return parquet_rows::copy(file, unwanted, out);
    }
    let packed = file.metadata()?.len();
    let reader = compressed::open(file, packed, path.compression, crate::BUFFER)?;
    let copy = |out: &mut dyn Write| match path.format {
        FileFormat::Csv => csv_text::copy(reader, unwanted, out),
        FileFormat::NdJson => json_text::copy_lines(reader, unwanted, out),
        FileFormat::Json | FileFormat::Parquet => json_text::copy_array(reader, unwanted, out),
    };
    let gone = match path.compression {
        Compression::None => {
            let mut out = BufWriter::new(&mut *out);
            let gone = copy(&mut out)?;
            out.flush()?;
            gone
        }
        Compression::Gzip => {
            let mut out = flate2::write::GzEncoder::new(BufWriter::new(&mut *out), flate2::Compression::default());
            let gone = copy(&mut out)?;
            out.finish()?.flush()?;
            gone
        }
        Compression::Zstd => {
            let mut out = zstd::stream::write::Encoder::new(BufWriter::new(&mut *out), 0)?;
            let gone = copy(&mut out)?;
            out.finish()?.flush()?;
            gone
        }
    };
    out.rewind()?;
    Ok(gone)
}

/// A writer of the outside, through `?` of this crate.
fn put(out: &mut dyn Write, bytes: &[u8]) -> Result<(), DecodeError> {
    out.write_all(bytes).map_err(DecodeError::Storage)
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
