//! Decompression with a cap, so that a small file cannot fill memory or disk.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use carelake_contracts::Compression;
use flate2::read::MultiGzDecoder;

/// Largest decompressed size of a landing file, in bytes.
const LARGEST: u64 = 64 << 30;
/// Largest ratio of decompressed to compressed size, beyond the first 64 MiB. Columnar text seldom passes 100.
const RATIO: u64 = 1_000;
const ALWAYS: u64 = 64 << 20;
const BUFFER: usize = 1 << 17;

/// Opens a file for buffered reading of its plain bytes.
pub fn open(file: File, compression: Compression) -> io::Result<Box<dyn BufRead>> {
    let compressed = file.metadata()?.len();
    let limit = LARGEST.min(compressed.saturating_mul(RATIO).max(ALWAYS));
    let buffered = BufReader::with_capacity(BUFFER, file);
    let plain: Box<dyn Read> = match compression {
        Compression::None => return Ok(Box::new(buffered)),
        Compression::Gzip => Box::new(MultiGzDecoder::new(buffered)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, Capped { plain, left: limit })))
}

struct Capped {
    plain: Box<dyn Read>,
    left: u64,
}

impl Read for Capped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "decompressed size over the cap"))?;
        Ok(read)
    }
}
