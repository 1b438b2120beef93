//! The quarantine output: one row a broken rule, with position and masked values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Builder, RecordBatch, StringArray, StringBuilder};
use arrow::error::ArrowError;
use carelake_contracts::{Check, Column, Severity};
use carelake_privacy::mask;

use crate::schema;

/// Rows of quarantine under construction.
pub struct Broken {
    order: String,
    orders: StringBuilder,
    rows: Int64Builder,
    texts: [StringBuilder; 6],
}

impl Broken {
    /// None yet, of a file at that place in the order of files.
    pub fn new(order: &str) -> Self {
        Self {
            order: order.to_owned(),
            orders: StringBuilder::new(),
            rows: Int64Builder::new(),
            texts: std::array::from_fn(|_| StringBuilder::new()),
        }
    }

    /// A broken rule of a row, or of the file when `row` is 0.
    pub fn add(
        &mut self,
        row: i64,
        check: &Check,
        column: Option<&str>,
        reason: &str,
        value: Option<&str>,
        record: Option<&str>,
    ) {
        self.add_rule(row, &check.id, check.severity, column, reason, value, record);
    }

    /// The same, for rules that are not run at ingest.
    #[allow(clippy::too_many_arguments)]
    pub fn add_rule(
        &mut self,
        row: i64,
        rule: &str,
        severity: Severity,
        column: Option<&str>,
        reason: &str,
        value: Option<&str>,
        record: Option<&str>,
    ) {
        self.orders.append_value(&self.order);
        self.rows.append_value(row);
        let value = value.map(mask);
        let cells = [column, Some(rule), Some(severity.as_str()), Some(reason), value.as_deref(), record];
        for (builder, cell) in self.texts.iter_mut().zip(cells) {
            builder.append_option(cell);
        }
    }

    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        use arrow::array::ArrayBuilder;
        self.rows.is_empty()
    }

    /// The rows so far, leaving none.
    ///
    /// # Errors
    /// Never, as long as the schema and this code agree.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.orders.finish()), Arc::new(self.rows.finish())];
        for builder in &mut self.texts {
            columns.push(Arc::new(builder.finish()));
        }
        RecordBatch::try_new(schema::quarantine(), columns)
    }
}

/// A whole row, every value masked, as JSON. Any column of a bad row may hold a name: fields shift.
pub fn masked_record(columns: &[Column], texts: &[StringArray], row: usize) -> String {
    let mut object = serde_json::Map::new();
    for (column, text) in columns.iter().zip(texts) {
        if text.is_valid(row) {
            object.insert(column.name.clone(), mask(text.value(row)).into());
        }
    }
    serde_json::Value::Object(object).to_string()
}
