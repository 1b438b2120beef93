//! From the bytes of a landing file to batches of text columns in the contract's order.
//!
//! A row that cannot be read is set aside and named; only what keeps the whole file from being read is an error.

mod batches;
mod cells;
mod compressed;
mod content;
mod csv_file;
mod csv_plain;
mod csv_records;
mod cut;
mod extract;
mod json_explode;
mod json_file;
mod json_path;
mod json_record;
mod json_split;
pub mod limits;
mod parquet_file;
mod without;

use std::fs::File;
use std::io::{BufRead, Cursor};

use arrow::array::StringArray;
use bytes::Bytes;
use carelake_contracts::{Compression, Contract, FileFormat, LandingPath};
pub use cut::{Cutter, Part, PartRead, can_be_cut, cut_parquet, decode_part, parquet_tail};
pub use parquet_file::{ParquetBatches, open as open_parquet};
pub use without::{Unwanted, without};

/// Bytes read at a time.
const BUFFER: usize = 1 << 17;

/// Ending of the id of the check of rows that are no text or no JSON.
const ENCODING: &str = ".row.encoding";
/// Ending of the id of the check of rows that are too large.
const SIZE: &str = ".row.size";

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
            _ if error.get_ref().is_some_and(|cause| cause.is::<compressed::OverCap>()) => {
                Self::Unreadable(limits::OVER)
            }
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof | ErrorKind::Other => {
                Self::Unreadable("the compressed data is damaged or cut short")
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
    text(open_text(file, path.compression)?, path.format, contract, sink)
}

/// Opens a text file for reading its plain bytes, as `decode` does.
///
/// # Errors
/// When it is surely not what its name says.
pub fn open_text(file: File, compression: Compression) -> Result<Box<dyn BufRead>, DecodeError> {
    let packed = file.metadata()?.len();
    content::text(compressed::open(file, packed, compression, BUFFER)?)
}

/// Reads a landing file that is in memory, `buffer` bytes at a time; what comes out does not depend on them.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_bytes(
    bytes: Bytes,
    buffer: usize,
    path: &LandingPath,
    contract: &Contract,
    sink: &mut Sink<'_>,
) -> Result<Header, DecodeError> {
    if path.format == FileFormat::Parquet {
        return parquet_file::decode(bytes, contract, sink);
    }
    let packed = bytes.len() as u64;
    let plain = compressed::open(Cursor::new(bytes), packed, path.compression, buffer)?;
    text(content::text(plain)?, path.format, contract, sink)
}

fn text(
    reader: Box<dyn BufRead>,
    format: FileFormat,
    contract: &Contract,
    sink: &mut Sink<'_>,
) -> Result<Header, DecodeError> {
    match format {
        FileFormat::Csv => csv_file::decode(reader, contract, 0, sink),
        FileFormat::Json => json_file::decode_array(reader, contract, sink),
        FileFormat::NdJson | FileFormat::Parquet => json_file::decode_lines(reader, contract, 0, sink),
    }
}

/// Header names as they may be shown: a header is no place for a person's data, but a file without one puts rows there.
fn presentable(name: &str) -> String {
    let fits = name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-. []#()/%".contains(c));
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if fits && digits <= 3 { name.to_owned() } else { "(not shown)".to_owned() }
}
