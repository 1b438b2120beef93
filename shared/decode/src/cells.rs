//! Cells: the text of a file, cleaned as the contract says, gathered into columns.

use std::collections::HashSet;

use arrow::array::StringBuilder;
use carelake_contracts::Contract;

use super::{BATCH_ROWS, Damaged, RawBatch};

struct Cell {
    nulls: HashSet<String>,
    default: Option<String>,
    pad: Option<usize>,
    builder: StringBuilder,
}

/// Columns of a batch under construction.
pub struct Cells {
    columns: Vec<Cell>,
    extra: StringBuilder,
    rows: Vec<i64>,
    damaged: Vec<Damaged>,
    padded: String,
}

impl Cells {
    pub fn new(contract: &Contract) -> Self {
        let columns = contract.columns.iter().map(|column| Cell {
            nulls: contract.null_values.iter().chain(&column.null_values).cloned().collect(),
            default: column.default.clone(),
            pad: column.pad,
            builder: StringBuilder::new(),
        });
        Self {
            columns: columns.collect(),
            extra: StringBuilder::new(),
            rows: Vec::with_capacity(BATCH_ROWS),
            damaged: Vec::new(),
            padded: String::new(),
        }
    }

    /// Adds a row: `cell` gives the text of each contract column.
    pub fn push<'a>(&mut self, row: i64, extra: Option<&str>, mut cell: impl FnMut(usize) -> Option<&'a str>) {
        self.rows.push(row);
        self.extra.append_option(extra);
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.append(cell(index), &mut self.padded);
        }
    }

    pub fn damage(&mut self, row: i64, check: &'static str) {
        self.damaged.push(Damaged { row, check });
    }

    pub fn full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.damaged.len() >= BATCH_ROWS
    }

    /// The rows so far, leaving none.
    pub fn take(&mut self) -> RawBatch {
        RawBatch {
            rows: std::mem::take(&mut self.rows),
            columns: self.columns.iter_mut().map(|column| column.builder.finish()).collect(),
            extra: self.extra.finish(),
            damaged: std::mem::take(&mut self.damaged),
        }
    }
}

impl Cell {
    fn append(&mut self, text: Option<&str>, padded: &mut String) {
        let text = text.map(str::trim).filter(|text| !text.is_empty() && !self.nulls.contains(*text));
        let Some(text) = text else {
            self.builder.append_option(self.default.as_deref());
            return;
        };
        match self.pad {
            Some(width) if text.len() < width => {
                padded.clear();
                padded.extend(std::iter::repeat_n('0', width - text.len()));
                padded.push_str(text);
                if self.nulls.contains(padded.as_str()) {
                    self.builder.append_option(self.default.as_deref());
                } else {
                    self.builder.append_value(padded);
                }
            }
            _ => self.builder.append_value(text),
        }
    }
}
