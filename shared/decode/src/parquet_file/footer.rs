//! The footer of a Parquet file, checked before it is decoded: decoding believes every length in it.

use bytes::Bytes;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::ChunkReader;

use super::grammar::FILE;
use super::thrift::{Broken, Visitor, walk};
use super::{DAMAGED, guarded};
use crate::DecodeError;
use crate::limits::FOOTER_BYTES;

/// Structs in the lists of a footer, at most: columns, row groups, chunks and what is said of each.
const MOST_STRUCTS: usize = 250_000;
/// Row groups are numbered with 16 bits.
const MOST_GROUPS: usize = 32_767;
/// Groups within groups of the schema.
const DEEPEST_SCHEMA: usize = 32;

/// Fields of the footer.
const SCHEMA: &[i16] = &[2];
const SCHEMA_CHILDREN: &[i16] = &[2, 5];
const ROW_GROUPS: &[i16] = &[4];

/// Reads the footer of a file.
///
/// # Errors
/// When it is not Parquet, encrypted, damaged, or asks for more than it may.
pub fn read<R: ChunkReader>(file: &R) -> Result<ParquetMetaData, DecodeError> {
    let length = file.len();
    if length == 0 {
        return Err(DecodeError::Unreadable("the file is empty"));
    }
    if length < 12 {
        return Err(DAMAGED);
    }
    if get(file, 0, 4)?.as_ref() == b"PARE" {
        return Err(DecodeError::Unreadable("the Parquet file is encrypted; send it decrypted"));
    }
    let tail = get(file, length - 8, 8)?;
    let (size, magic) = tail.split_at_checked(4).ok_or(DAMAGED)?;
    match magic {
        b"PAR1" => {}
        b"PARE" => return Err(DecodeError::Unreadable("the Parquet file is encrypted; send it decrypted")),
        _ => return Err(DAMAGED),
    }
    let size = u32::from_le_bytes(size.try_into().map_err(|_| DAMAGED)?) as usize;
    if size as u64 > length - 12 {
        return Err(DAMAGED);
    }
    if size > FOOTER_BYTES {
        return Err(DecodeError::Unreadable("the footer of the Parquet file is larger than 16 MiB; split the file"));
    }
    let footer = get(file, length - 8 - size as u64, size)?;
    check(&footer)?;
    guarded(|| ParquetMetaDataReader::decode_metadata(&footer))?.map_err(|_| DAMAGED)
}

/// Bytes of a file, or why not.
pub fn get<R: ChunkReader>(file: &R, start: u64, length: usize) -> Result<Bytes, DecodeError> {
    file.get_bytes(start, length).map_err(|error| match error {
        parquet::errors::ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(io) if io.raw_os_error().is_some() => DecodeError::Storage(*io),
            _ => DAMAGED,
        },
        _ => DAMAGED,
    })
}

fn check(footer: &[u8]) -> Result<(), DecodeError> {
    let mut shape = Shape::default();
    match walk(footer, FILE, &mut shape) {
        Ok(_) if shape.is_tree() => Ok(()),
        Ok(_) | Err(Broken::Short) => Err(DAMAGED),
        Err(Broken::Wrong) if shape.structs > MOST_STRUCTS || shape.too_many_groups => {
            Err(DecodeError::Unreadable("the Parquet file has too many columns or row groups; split it"))
        }
        Err(Broken::Wrong) => Err(DAMAGED),
    }
}

/// What a walk over a footer finds.
#[derive(Default)]
struct Shape {
    structs: usize,
    too_many_groups: bool,
    /// Children of each element of the schema, which stand after it.
    children: Vec<i64>,
    of_element: i64,
}

impl Visitor for Shape {
    fn int(&mut self, path: &[i16], value: i64) {
        if path == SCHEMA_CHILDREN {
            self.of_element = value;
        }
    }

    fn structs(&mut self, path: &[i16], length: usize) -> bool {
        self.structs = self.structs.saturating_add(length);
        self.too_many_groups |= path == ROW_GROUPS && length > MOST_GROUPS;
        self.structs <= MOST_STRUCTS && !self.too_many_groups
    }

    fn element_end(&mut self, path: &[i16]) {
        if path == SCHEMA {
            self.children.push(std::mem::take(&mut self.of_element));
        }
    }
}

impl Shape {
    /// True when the schema is one tree of bounded depth: every element has the children it claims.
    fn is_tree(&self) -> bool {
        let mut open: Vec<i64> = vec![1];
        for children in &self.children {
            while open.last() == Some(&0) {
                open.pop();
            }
            let Some(left) = open.last_mut() else { return false };
            *left -= 1;
            if *children < 0 || open.len() > DEEPEST_SCHEMA {
                return false;
            }
            open.push(*children);
        }
        open.iter().all(|left| *left == 0)
    }
}
