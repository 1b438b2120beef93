//! From the bytes of a landing file to batches of text columns in the contract's order.
//!
//! A row that cannot be read is set aside and named; only what keeps the whole file from being read is an error.

mod cells;
mod compressed;
mod csv_file;
mod csv_records;
mod json_explode;
mod json_file;
mod parquet_file;
mod without;

use std::fs::File;

use arrow::array::StringArray;
use carelake_contracts::{Contract, FileFormat, LandingPath};

pub use without::{Unwanted, without};

/// Rows of a batch, at most.
pub const BATCH_ROWS: usize = 8_192;
/// Bytes of text after which a batch ends, whatever its rows.
pub const BATCH_BYTES: usize = 8 << 20;
/// Largest record of a file, in bytes: larger ones are set aside.
pub const LARGEST_RECORD: usize = 16 << 20;

/// A batch of rows as text.
#[derive(Debug)]
pub struct RawBatch {
    /// Record number of each row in its file, from 1; the rows of one JSON record share it.
    pub rows: Vec<i64>,
    /// Contract columns, in the contract's order.
    pub columns: Vec<StringArray>,
    /// Columns the contract does not know, a JSON object a row, NULL where there are none.
    pub extra: StringArray,
    /// Rows that could not be read.
    pub damaged: Vec<Damaged>,
}

/// A row that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged {
    /// Record number.
    pub row: i64,
    /// Ending of the id of the check that names the damage.
    pub check: &'static str,
}

/// What a file's header said.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Header {
    /// Names the contract does not know.
    pub unknown: Vec<String>,
    /// Contract columns the file does not have.
    pub missing: Vec<String>,
}

/// Why a file could not be read to its end.
#[derive(Debug)]
pub enum DecodeError {
    /// The file is not what its name says, or damaged; reading it again will not help.
    Unreadable(&'static str),
    /// The storage failed; reading it again may help.
    Storage(std::io::Error),
    /// The batches could not be taken.
    Sink(Box<dyn std::error::Error + Send + Sync>),
}

impl From<std::io::Error> for DecodeError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof | ErrorKind::Other => {
                Self::Unreadable("the compressed data is damaged, cut short or too large")
            }
            _ => Self::Storage(error),
        }
    }
}

/// Takes batches as they are read.
pub type Sink<'a> = dyn FnMut(RawBatch) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + 'a;

/// Reads a landing file to its end.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(file: File, path: &LandingPath, contract: &Contract, sink: &mut Sink<'_>) -> Result<Header, DecodeError> {
    if path.format == FileFormat::Parquet {
        return parquet_file::decode(file, contract, sink);
    }
    let reader = compressed::open(file, path.compression)?;
    match path.format {
        FileFormat::Csv => csv_file::decode(reader, contract, sink),
        FileFormat::Json => json_file::decode_array(reader, contract, sink),
        FileFormat::NdJson | FileFormat::Parquet => json_file::decode_lines(reader, contract, sink),
    }
}

/// Header names as they may be shown: a header is no place for a person's data, but a file without one puts rows there.
fn presentable(name: &str) -> String {
    let fits = name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-. []#()/%".contains(c));
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if fits && digits <= 3 { name.to_owned() } else { "(not shown)".to_owned() }
}
