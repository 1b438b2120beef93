//! What the fuzz targets share: a cap on memory, and what must hold of every file that is read.

use std::alloc::System;
use std::sync::LazyLock;

use arrow::array::{Array, StringArray};
use bytes::Bytes;
use cap::Cap;
use carelake_contracts::{ContractSet, LandingPath};
use carelake_decode::limits::BATCH_ROWS;
use carelake_decode::{DecodeError, Header, RawBatch, decode_bytes};

/// Live heap of a target, in bytes, at most: more ends the process, which the fuzzer reports.
pub const MEMORY: usize = 256 << 20;

/// Bytes of text after which a file is left alone: a few bytes of Parquet may hold very much.
const ENOUGH: usize = 16 << 20;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, MEMORY);

/// Keeps panics that are caught in the code under test from counting; any other still ends the process.
pub fn allow_caught_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

static CONTRACTS: LazyLock<ContractSet> = LazyLock::new(|| ContractSet::embedded().expect("the contracts load"));

/// All that came out of a file.
#[derive(Debug, Default, PartialEq)]
struct Out {
    rows: Vec<(i64, Vec<Option<String>>)>,
    damaged: Vec<(i64, &'static str)>,
    bytes: usize,
    end: Option<Result<Header, &'static str>>,
}

/// What is left of a file: nothing of one that cannot be read to its end. Which damage of a compressed file is met
/// first depends on the buffer.
fn kept(path: &str, out: Out) -> Out {
    let end = match out.end {
        Some(Err(_)) if path.ends_with(".gz") || path.ends_with(".zst") => Some(Err("compressed")),
        Some(Err(reason)) => Some(Err(reason)),
        _ => return out,
    };
    Out { end, ..Out::default() }
}

/// Reads a file in large and in small pieces, and checks that both give the same and that the rows are in order.
pub fn check(path: &str, feed: &str, dataset: &str, bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let out = read(path, feed, dataset, bytes.clone(), 1 << 17);
    let numbers: Vec<i64> = out.rows.iter().map(|(row, _)| *row).collect();
    assert!(numbers.is_sorted(), "rows out of order");
    assert!(out.damaged.is_sorted_by(|one, next| one.0 < next.0), "damage out of order");
    let damaged = |row: &i64| out.damaged.binary_search_by_key(row, |damage| damage.0).is_ok();
    assert!(!numbers.iter().any(damaged), "a row is both good and damaged");
    if !path.ends_with(".parquet") {
        let again = read(path, feed, dataset, bytes, 7);
        assert!(kept(path, out) == kept(path, again), "the size of the buffer shows");
    }
}

fn read(path: &str, feed: &str, dataset: &str, bytes: Bytes, buffer: usize) -> Out {
    let path = LandingPath::parse(path).expect("a good path");
    let contract = CONTRACTS.contract(feed, dataset).expect("a shipped contract");
    let mut out = Out::default();
    let end = decode_bytes(bytes, buffer, &path, contract, &mut |batch| {
        take(batch, contract.columns.len(), &mut out);
        if out.bytes > ENOUGH { Err("enough".into()) } else { Ok(()) }
    });
    out.end = match end {
        Ok(header) => Some(Ok(header)),
        Err(DecodeError::Unreadable(reason)) => Some(Err(reason)),
        Err(DecodeError::Sink(_)) => None,
        Err(DecodeError::Storage(error)) => panic!("memory is no storage that fails: {error}"),
    };
    out
}

fn take(batch: RawBatch, columns: usize, out: &mut Out) {
    assert!(batch.rows.len() <= BATCH_ROWS && batch.damaged.len() <= BATCH_ROWS);
    assert_eq!(batch.columns.len(), columns);
    assert!(batch.columns.iter().chain([&batch.extra]).all(|column| column.len() == batch.rows.len()));
    let texts = |row: usize| {
        let columns = batch.columns.iter().chain([&batch.extra]);
        columns.map(|column: &StringArray| column.is_valid(row).then(|| column.value(row).to_owned())).collect()
    };
    out.bytes += batch.rows.len() * columns * 24 + batch.damaged.len() * 24;
    out.bytes += batch.columns.iter().chain([&batch.extra]).map(|column| column.values().len()).sum::<usize>();
    out.rows.extend(batch.rows.iter().enumerate().map(|(index, row)| (*row, texts(index))));
    out.damaged.extend(batch.damaged.iter().map(|damage| (damage.row, damage.check)));
}
