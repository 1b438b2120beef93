//! What one file may ask for. All are constants: a file beyond them is set aside, never half taken.

/// Bytes of one record: a row of CSV, an element of a JSON array, a line of NDJSON, a row of Parquet.
pub const RECORD_BYTES: usize = 16 << 20;

/// Fields of a row of CSV.
pub const RECORD_FIELDS: usize = 1 << 16;

/// Values in one JSON record: objects, arrays, texts, numbers. In memory each takes far more than in the file.
pub const RECORD_VALUES: usize = 500_000;

/// Bytes of text of the rows that one JSON record becomes: each row repeats what stands above the exploded arrays.
pub const RECORD_ROWS_BYTES: u64 = 256 << 20;

/// Rows of a batch.
pub const BATCH_ROWS: usize = 8_192;

/// Bytes of text of a batch; the row that reaches it is the batch's last.
pub const BATCH_BYTES: usize = 8 << 20;

/// Bytes of a file, unpacked: decompressed text, or the text of all values of a Parquet file.
pub const FILE_BYTES: u64 = 64 << 30;

/// Unpacked bytes for each byte of the file, beyond the first [`FREE_BYTES`]. Columnar text seldom passes 100.
pub const RATIO: u64 = 250;

/// Unpacked bytes that any file may have.
pub const FREE_BYTES: u64 = 64 << 20;

/// Bytes of the footer of a Parquet file.
pub const FOOTER_BYTES: usize = 16 << 20;

/// Bytes of a page of a Parquet file, packed or unpacked.
pub const PAGE_BYTES: u64 = 64 << 20;

/// Bytes of the largest page and the dictionary of every column of a row group together.
pub const GROUP_BYTES: u64 = 192 << 20;

/// Why a file that becomes too much is not read.
pub const OVER: &str = "the file unpacks to more than 64 GiB or 250 times its size";

/// Bytes that a packed file of `packed` bytes may unpack to.
pub fn unpacked(packed: u64) -> u64 {
    FILE_BYTES.min(packed.saturating_mul(RATIO).max(FREE_BYTES))
}
