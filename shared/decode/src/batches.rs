//! Rows on their way to whoever takes them, a batch of bounded size at a time.

use carelake_contracts::Contract;

use crate::cells::Cells;
use crate::{DecodeError, Sink};

/// Gathers rows and hands them on whenever a batch is full.
pub struct Batches<'a, 's> {
    cells: Cells,
    sink: &'a mut Sink<'s>,
}

impl<'a, 's> Batches<'a, 's> {
    pub fn new(contract: &Contract, sink: &'a mut Sink<'s>) -> Self {
        Self { cells: Cells::new(contract), sink }
    }

    /// Adds a row: `cell` gives the text of each contract column.
    pub fn push<'c>(
        &mut self,
        row: i64,
        extra: Option<&str>,
        cell: impl FnMut(usize) -> Option<&'c str>,
    ) -> Result<(), DecodeError> {
        self.cells.push(row, extra, cell);
        self.flush_if_full()
    }

    /// Sets a row aside; `check` is the ending of the id of the check that names the damage.
    pub fn damage(&mut self, row: i64, check: &'static str) -> Result<(), DecodeError> {
        self.cells.damage(row, check);
        self.flush_if_full()
    }

    /// Hands on what is left.
    pub fn finish(mut self) -> Result<(), DecodeError> {
        self.flush()
    }

    fn flush_if_full(&mut self) -> Result<(), DecodeError> {
        if self.cells.full() { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), DecodeError> {
        (self.sink)(self.cells.take()).map_err(DecodeError::Sink)
    }
}
