//! The tables that the scorer writes and publish never computes again.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use carelake_lake::{ColumnEntry, TableEntry, TableFormat};
use carelake_sql::session::schema_of;
use carelake_tables::Write;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::Expr;
use serde::Deserialize;

use crate::context::Context;
use crate::error::{QueryError, StepError};

/// Where predictions stand.
pub const PREDICTIONS: &str = "gold.appointment_predictions";
/// Where drift stands.
pub const DRIFT: &str = "gold.model_drift";

/// A table of gold that is kept, not computed again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptTable {
    /// Name within gold.
    pub name: String,
    /// For readers.
    pub description: String,
    /// Partition columns.
    pub partition_by: Vec<String>,
    /// True when it has a patient_id.
    pub by_patient: bool,
    /// The columns.
    pub columns: Vec<ColumnEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "table")]
    tables: Vec<KeptTable>,
}

/// All of them.
///
/// # Errors
/// When the file that describes them is damaged.
pub fn kept_tables() -> Result<Vec<KeptTable>, StepError> {
    let file: Result<File, _> = toml::from_str(include_str!("tables.toml"));
    file.map(|file| file.tables).map_err(|error| StepError::Invalid(format!("tables.toml: {}", error.message())))
}

/// Qualified names of those that hold rows of patients, by `patient_id`. Publish does not compute them again, so whoever
/// removes a person or renews pseudonyms has to rewrite them.
///
/// # Errors
/// When the file that describes them is damaged.
pub fn kept_by_patient() -> Result<Vec<String>, StepError> {
    let tables = kept_tables()?.into_iter().filter(|table| table.by_patient);
    Ok(tables.map(|table| table.qualified()).collect())
}

/// The kept table of that qualified name.
///
/// # Errors
/// When there is none.
pub fn kept_table(qualified: &str) -> Result<KeptTable, StepError> {
    let found = kept_tables()?.into_iter().find(|table| table.qualified() == qualified);
    found.ok_or_else(|| StepError::Invalid(format!("tables.toml does not describe {qualified}")))
}

impl KeptTable {
    /// `gold.<name>`.
    pub fn qualified(&self) -> String {
        format!("gold.{}", self.name)
    }

    /// Its entry of the catalogue.
    pub fn entry(&self) -> TableEntry {
        TableEntry {
            database: "gold".to_owned(),
            name: self.name.clone(),
            description: self.description.clone(),
            format: TableFormat::Delta,
            location: format!("gold/{}", self.name),
            columns: self.columns.clone(),
            partition_by: Vec::new(),
        }
    }

    /// Its Arrow schema.
    ///
    /// # Errors
    /// When it names an unknown type.
    pub fn schema(&self) -> Result<SchemaRef, StepError> {
        schema_of(&self.columns)
            .map(Arc::new)
            .map_err(|error| StepError::query(format!("describing {}", self.name), &error))
    }

    /// Replaces the part that `predicate` names by `rows`, in one commit. Nothing is written when there is neither a table
    /// nor a row.
    ///
    /// # Errors
    /// `Conflict` when another run changed the part meanwhile.
    pub async fn replace(&self, context: &Context, rows: Vec<RecordBatch>, predicate: Expr) -> Result<(), StepError> {
        let qualified = self.qualified();
        let current = context.tables.open(&qualified, None).await?;
        if current.is_none() && rows.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(());
        }
        let rows = if rows.is_empty() { vec![RecordBatch::new_empty(self.schema()?)] } else { rows };
        let table = MemTable::try_new(self.schema()?, vec![rows]);
        let table = table.map_err(|error| StepError::query(format!("writing {qualified}"), &error))?;
        self.replace_by(context, Arc::new(table), predicate).await
    }

    /// The same by the rows of a table, which are read as they are written.
    ///
    /// # Errors
    /// `Conflict` when another run changed the part meanwhile.
    pub async fn replace_by(
        &self,
        context: &Context,
        rows: Arc<dyn TableProvider>,
        predicate: Expr,
    ) -> Result<(), StepError> {
        let qualified = self.qualified();
        let current = context.tables.open(&qualified, None).await?;
        let session = crate::conform::session(context)?;
        let frame =
            session.read_table(rows).map_err(|error| StepError::query(format!("writing {qualified}"), &error))?;
        let write = Write {
            plan: frame.into_unoptimized_plan(),
            session: session.state(),
            predicate: Some(predicate),
            clustered: false,
            partition_by: self.partition_by.clone(),
            description: self.description.clone(),
            run_id: context.run_id.clone(),
        };
        context.tables.write(&qualified, current, write).await?;
        Ok(())
    }
}
