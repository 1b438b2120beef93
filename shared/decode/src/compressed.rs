//! Decompression with a cap, so that a small file cannot fill memory or disk.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use carelake_contracts::Compression;

use crate::{DecodeError, content, limits};

/// Reads `packed` bytes of a file as its plain bytes, `buffer` at a time.
///
/// # Errors
/// When the data is not compressed as the name says.
pub fn open<R: Read + 'static>(
    reader: R,
    packed: u64,
    compression: Compression,
    buffer: usize,
) -> Result<Box<dyn BufRead>, DecodeError> {
    let buffered = BufReader::with_capacity(buffer, reader);
    if compression == Compression::None {
        return Ok(Box::new(buffered));
    }
    let (first, reader) = content::head(buffered)?;
    content::compressed(&first, compression)?;
    let plain = decoder(reader, compression)?;
    Ok(Box::new(BufReader::with_capacity(buffer, Capped { plain, left: limits::unpacked(packed) })))
}

#[expect(clippy::disallowed_types, reason = "the one place: what it gives is capped")]
fn decoder<R: BufRead + 'static>(reader: R, compression: Compression) -> io::Result<Box<dyn Read>> {
    Ok(match compression {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        // Its window is capped at 128 MiB by the library.
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(reader)?),
    })
}

struct Capped {
    plain: Box<dyn Read>,
    left: u64,
}

impl Read for Capped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(OverCap))?;
        Ok(read)
    }
}

/// The decompressed size is over the cap.
#[derive(Debug)]
pub struct OverCap;

impl fmt::Display for OverCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("decompressed size over the cap")
    }
}

impl std::error::Error for OverCap {}
