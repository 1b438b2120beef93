//! Memory of queries that read more than fits: what can be spilled goes to nameless files in the lake's scratch folder.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use carelake_lake::Lake;
use datafusion::common::resources_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::Stream;

/// Bytes that groups and sorts may hold together before they spill.
const SPILLABLE: usize = 64 << 20;
/// Bytes that each of them may hold whatever the others do: fewer could not be merged again.
const EACH: usize = 4 << 20;
/// Spill files that are merged at a time.
const MERGED: usize = 16;
/// Whoever deals rows out to the partitions of a query. What it holds is bounded by its gate, and it must not be told to
/// spill: two of its inputs then write to two files, and whoever reads the first may wait for ever while its rows stand in
/// the second (datafusion 55, `spill_pool`: the writer waits for the gate, the gate for the reader).
const DEALS: &str = "RepartitionExec";
/// Bytes read from a spill file at a time.
const CHUNK: usize = 1 << 18;

/// The surroundings of queries that spill into the lake's scratch folder.
///
/// # Errors
/// When they cannot be set up.
pub(crate) fn bounded(lake: &Lake) -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(SpillFirst { held: AtomicUsize::new(0) }))
        .with_disk_manager_builder(spills(lake))
        .build_arc()
}

/// The surroundings of many queries at once, which fail beyond `bytes` of memory when they cannot spill.
///
/// # Errors
/// When they cannot be set up.
pub(crate) fn limited(lake: &Lake, bytes: usize) -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(Dealing { pool: FairSpillPool::new(bytes) }))
        .with_disk_manager_builder(spills(lake))
        // Lists of files would be kept for as long as the surroundings are: files that came later would be missed.
        .with_object_list_cache_limit(0)
        .build_arc()
}

fn spills(lake: &Lake) -> DiskManagerBuilder {
    DiskManagerBuilder::default()
        .with_temp_file_factory(Arc::new(Spills { lake: lake.clone() }))
        .with_max_temp_directory_size(u64::MAX)
        .with_max_spill_merge_fan_in(MERGED)
}

/// Counts memory. What can spill is told to do so beyond a limit; what cannot is let through: no query fails for want of
/// memory that the machine has.
#[derive(Debug)]
struct SpillFirst {
    held: AtomicUsize,
}

impl fmt::Display for SpillFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl MemoryPool for SpillFirst {
    fn name(&self) -> &'static str {
        "spill_first"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        if reservation.consumer().can_spill() {
            self.held.fetch_add(additional, Ordering::Relaxed);
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        if reservation.consumer().can_spill() {
            self.held.fetch_sub(shrink, Ordering::Relaxed);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        // What holds nothing yet has nothing to spill: one batch may be larger than all that is left.
        let holds = reservation.size();
        let full = self.reserved() + additional > SPILLABLE && holds > 0 && holds + additional > EACH;
        if full && reservation.consumer().can_spill() && !deals(reservation) {
            return Err(resources_datafusion_err!("{} must spill", reservation.consumer().name()));
        }
        self.grow(reservation, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(SPILLABLE)
    }
}

fn deals(reservation: &MemoryReservation) -> bool {
    reservation.consumer().name().starts_with(DEALS)
}

/// A pool that never tells those to spill who may not.
#[derive(Debug)]
struct Dealing {
    pool: FairSpillPool,
}

impl fmt::Display for Dealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

impl MemoryPool for Dealing {
    fn name(&self) -> &'static str {
        "fair"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if deals(reservation) {
            self.grow(reservation, additional);
            return Ok(());
        }
        self.pool.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

struct Spills {
    lake: Lake,
}

impl TempFileFactory for Spills {
    fn create_temp_file(&self, _: &str) -> Result<Arc<dyn SpillFile>> {
        let file = self.lake.scratch_file().map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(Arc::new(Spill { file: Arc::new(file), bytes: Arc::default() }))
    }
}

/// A file without a name, which is gone when nobody holds it.
#[derive(Clone)]
struct Spill {
    file: Arc<File>,
    bytes: Arc<AtomicU64>,
}

impl SpillFile for Spill {
    fn size(&self) -> Option<u64> {
        Some(self.bytes.load(Ordering::Acquire))
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        let file = self.file.clone();
        let read = move |at: u64| {
            let mut chunk = vec![0; CHUNK];
            let read = file.read_at(&mut chunk, at)?;
            chunk.truncate(read);
            Ok((!chunk.is_empty()).then(|| (Bytes::from(chunk), at + read as u64)))
        };
        Ok(Box::pin(futures::stream::try_unfold(0, move |at| std::future::ready(read(at)))))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(self.clone()))
    }
}

impl Write for Spill {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.bytes.load(Ordering::Acquire))?;
        self.bytes.fetch_add(written as u64, Ordering::Release);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpillWriter for Spill {
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn spillable(pool: &Arc<dyn MemoryPool>, name: &str) -> MemoryReservation {
        MemoryConsumer::new(name).with_can_spill(true).register(pool)
    }

    #[test]
    fn sorts_are_told_to_spill_and_whoever_deals_rows_out_is_not() {
        let pools: [Arc<dyn MemoryPool>; 2] = [
            Arc::new(SpillFirst { held: AtomicUsize::new(0) }),
            Arc::new(Dealing { pool: FairSpillPool::new(SPILLABLE) }),
        ];
        for pool in pools {
            let (sort, deal) = (spillable(&pool, "ExternalSorter[0]"), spillable(&pool, "RepartitionExec[0]"));
            while sort.try_grow(1 << 20).is_ok() {}
            for _ in 0..8 {
                deal.try_grow(1 << 20).unwrap();
            }
            assert!(sort.try_grow(1 << 20).is_err());
            assert_eq!(deal.size(), 8 << 20);
            sort.free();
            deal.free();
            assert_eq!(pool.reserved(), 0);
        }
    }
}
