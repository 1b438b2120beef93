//! Texts whose lengths stand before them, packed as differences: how many there are is said within the page, and a
//! decoder makes room for as many as are claimed.

use std::sync::Arc;

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

use super::{DAMAGED, guarded};
use crate::DecodeError;

/// Checks that no page of a column claims more lengths than it has values.
///
/// # Errors
/// When one does, or cannot be unpacked.
pub fn check<R: ChunkReader + 'static>(
    file: &Arc<R>,
    column: &ColumnChunkMetaData,
    rows: i64,
) -> Result<(), DecodeError> {
    let rows = usize::try_from(rows).map_err(|_| DAMAGED)?;
    let mut pages = guarded(|| SerializedPageReader::new(file.clone(), column, rows, None))?.map_err(|_| DAMAGED)?;
    let descriptor = column.column_descr();
    let levels = [descriptor.max_rep_level(), descriptor.max_def_level()].iter().filter(|level| **level > 0).count();
    while let Some(page) = guarded(|| pages.get_next_page())?.map_err(|_| DAMAGED)? {
        let values = match &page {
            Page::DataPage { buf, .. } => after_levels(buf, levels)?,
            Page::DataPageV2 { buf, rep_levels_byte_len, def_levels_byte_len, .. } => {
                let levels = rep_levels_byte_len.checked_add(*def_levels_byte_len).ok_or(DAMAGED)?;
                buf.get(levels as usize..).ok_or(DAMAGED)?
            }
            Page::DictionaryPage { .. } => continue,
        };
        let most = u64::from(page.num_values());
        let rest = match page.encoding() {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => values,
            Encoding::DELTA_BYTE_ARRAY => skip(values, most)?,
            _ => continue,
        };
        skip(rest, most)?;
    }
    Ok(())
}

/// What follows the levels of a page of the first version: each kind has its length before it.
fn after_levels(page: &[u8], kinds: usize) -> Result<&[u8], DecodeError> {
    (0..kinds).try_fold(page, |rest, _| {
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(DAMAGED)?;
        rest.get(u32::from_le_bytes(*length) as usize..).ok_or(DAMAGED)
    })
}

/// Passes over numbers packed as differences, of which there may be `most`.
fn skip(bytes: &[u8], most: u64) -> Result<&[u8], DecodeError> {
    let (block, rest) = varint(bytes)?;
    let (parts, rest) = varint(rest)?;
    let (count, rest) = varint(rest)?;
    let (_, mut rest) = varint(rest)?;
    if count > most || block == 0 || block > 1 << 20 || parts == 0 || block % parts != 0 {
        return Err(DAMAGED);
    }
    let per_part = block / parts;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let (_, widths) = varint(rest)?;
        let parts = usize::try_from(parts).map_err(|_| DAMAGED)?;
        let (widths, mut data) = widths.split_at_checked(parts).ok_or(DAMAGED)?;
        for width in widths {
            if left == 0 {
                break;
            }
            let bytes = usize::try_from(per_part * u64::from(*width) / 8).map_err(|_| DAMAGED)?;
            // The last part may be cut short.
            data = data.get(bytes.min(data.len())..).ok_or(DAMAGED)?;
            left = left.saturating_sub(per_part);
        }
        rest = data;
    }
    Ok(rest)
}

fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), DecodeError> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Ok((value, bytes.get(index + 1..).unwrap_or_default()));
        }
    }
    Err(DAMAGED)
}
