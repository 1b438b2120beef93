//! What a file is by its first bytes, where that differs from what its name says.

use std::io::{self, BufRead, Cursor, Read};

use carelake_contracts::Compression;

use crate::DecodeError;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// A reader that begins with bytes that were read before.
pub type Again<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// The first bytes of a reader, at most four, and a reader that begins with them again.
pub fn head<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, Again<R>)> {
    let mut first = Vec::with_capacity(4);
    reader.by_ref().take(4).read_to_end(&mut first)?;
    Ok((first.clone(), Cursor::new(first).chain(reader)))
}

/// Checks that compressed data begins as its name says.
///
/// # Errors
/// When it does not.
pub fn compressed(first: &[u8], compression: Compression) -> Result<(), DecodeError> {
    // Zstandard files may begin with frames to be skipped.
    let skipped = matches!(first, [0x50..=0x5f, 0x2a, 0x4d, 0x18]);
    let reason = match compression {
        _ if first.is_empty() => "the file is empty",
        Compression::Gzip if !first.starts_with(GZIP) => "the name ends in .gz, but the content is not gzip",
        Compression::Zstd if !first.starts_with(ZSTD) && !skipped => {
            "the name ends in .zst, but the content is not Zstandard"
        }
        _ => return Ok(()),
    };
    Err(DecodeError::Unreadable(reason))
}

/// Checks that decompressed data may be UTF-8 text.
///
/// # Errors
/// When it is surely something else.
pub fn text<R: BufRead + 'static>(reader: R) -> Result<Box<dyn BufRead>, DecodeError> {
    let (first, reader) = head(reader)?;
    let reason = match first.as_slice() {
        [] => "the file is empty",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "the file is UTF-16 text; save it as UTF-8",
        [0, ..] | [_, 0, ..] => "the file is UTF-16 text or binary; save it as UTF-8",
        [0x1f, 0x8b, ..] => "the content is gzip; end the name in .gz, and compress it once",
        [0x28, 0xb5, 0x2f, 0xfd] => "the content is Zstandard; end the name in .zst, and compress it once",
        [b'P', b'A', b'R', b'1' | b'E'] => "the content is Parquet; end the name in .parquet",
        [b'P', b'K', 3, 4] => "the content is a ZIP archive or a spreadsheet; export it as CSV",
        [0xd0, 0xcf, 0x11, 0xe0] => "the content is an Excel workbook; export it as CSV",
        _ => return Ok(Box::new(reader)),
    };
    Err(DecodeError::Unreadable(reason))
}
