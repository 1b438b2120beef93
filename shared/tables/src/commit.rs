//! One commit: files written, files given up, columns changed.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::DataFrame;
use deltalake::delta_datafusion::expr::fmt_expr_to_sql;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::kernel::{Action, Add, Remove};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaTable, DeltaTableError};

use crate::columns::Columns;
use crate::delta::{DeltaTables, Write};
use crate::error::{EngineError, ErrorKind, LakeError};
use crate::files::Files;

impl DeltaTables {
    /// Commits a change on exactly the version that `table` has. Any commit in between is a conflict: the table format
    /// does not count one that only rearranges files as a change, and would keep its files beside the new ones.
    pub(crate) async fn commit(&self, qualified: &str, table: &DeltaTable, write: &Write) -> Result<u64, LakeError> {
        let context = || format!("committing {qualified}");
        let delta = |error| LakeError::delta(context(), &error);
        let query = |error: DataFusionError| LakeError::query(context(), &error);
        let of_table = |mut error: LakeError| {
            error.context = format!("{} of {qualified}", error.context);
            error
        };
        let present = match table.version() {
            Some(_) => Some(table.snapshot().map_err(delta)?),
            None => None,
        };
        let rows = DataFrame::new(write.session.clone(), write.plan.clone());
        let columns = Columns::of(rows.schema().inner(), present, write).map_err(delta)?;
        let part = match &write.predicate {
            Some(predicate) => Some(Arc::new(
                Part::new(predicate, &write.session, &columns.schema, &write.partition_by).map_err(query)?,
            )),
            None => None,
        };
        let removed = match present {
            Some(present) => replaced(present, part.as_deref()).map_err(query)?,
            None => Vec::new(),
        };
        let allowed = move |values: &[ArrayRef]| match part.as_deref().map(|part| part.covers(values)) {
            None => Ok(()),
            Some(Ok(covered)) if covered.value(0) => Ok(()),
            Some(Ok(_)) => {
                Err(LakeError::new(ErrorKind::Invalid, "writing rows").caused_by("outside the replaced part"))
            }
            Some(Err(error)) => Err(LakeError::query("writing rows", &error)),
        };
        let store = table.object_store();
        let files = Files::new(&self.lake, store, &columns.schema, &write.partition_by, Arc::new(allowed))?;
        let rows = async { rows.select(columns.values)?.execute_stream().await }.await.map_err(query)?;
        let added = files.write(rows, write.clustered).await.map_err(of_table)?;

        let properties = properties(write, &added, &removed).map_err(delta)?;
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: Some(write.partition_by.clone()).filter(|columns| !columns.is_empty()),
            predicate: write
                .predicate
                .as_ref()
                .filter(|_| present.is_some())
                .map(fmt_expr_to_sql)
                .transpose()
                .map_err(delta)?,
        };
        let mut actions = columns.actions;
        actions.extend(removed.into_iter().map(Action::Remove));
        actions.extend(added.into_iter().map(Action::Add));
        let present = present.map(|present| present as &dyn TableReference);
        let commit = CommitBuilder::from(properties).with_actions(actions).build(present, table.log_store(), operation);
        Ok(commit.await.map_err(delta)?.version())
    }
}

/// What the log keeps of a commit beside its files.
fn properties(write: &Write, added: &[Add], removed: &[Remove]) -> Result<CommitProperties, DeltaTableError> {
    let mut rows = 0;
    for file in added {
        rows += file.get_stats()?.map_or(0, |stats| stats.num_records);
    }
    let metrics = serde_json::json!({
        "num_added_files": added.len(),
        "num_removed_files": removed.len(),
        "num_added_rows": rows,
    });
    let run_id = serde_json::Value::from(write.run_id.as_str());
    let metadata = [("run_id".to_owned(), run_id), ("operationMetrics".to_owned(), metrics)];
    Ok(CommitProperties::default().with_metadata(metadata).with_max_retries(0))
}

/// The partitions that a condition names.
struct Part {
    condition: Arc<dyn PhysicalExpr>,
    columns: SchemaRef,
}

impl Part {
    fn new(
        condition: &Expr,
        session: &SessionState,
        columns: &Schema,
        partition_by: &[String],
    ) -> Result<Self, DataFusionError> {
        let indices = partition_by.iter().map(|name| columns.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let columns = columns.project(&indices)?;
        let condition = session.create_physical_expr(condition.clone(), &DFSchema::try_from(columns.clone())?)?;
        Ok(Self { condition, columns: columns.into() })
    }

    /// For each row of partition values, whether its partition is named.
    fn covers(&self, values: &[ArrayRef]) -> Result<BooleanArray, DataFusionError> {
        let values = RecordBatch::try_new(self.columns.clone(), values.to_vec())?;
        let covered = cast(&self.condition.evaluate(&values)?.into_array(values.num_rows())?, &DataType::Boolean)?;
        let covered = covered.as_boolean();
        Ok(covered.iter().map(|covered| Some(covered == Some(true))).collect())
    }
}

/// The files of a part of a table, or of all of it.
fn replaced(table: &DeltaTableState, part: Option<&Part>) -> Result<Vec<Remove>, DataFusionError> {
    let files: Vec<Remove> = table.log_data().iter().map(|file| file.remove_action(true)).collect();
    let Some(part) = part else { return Ok(files) };
    let mut values: Vec<ArrayRef> = Vec::new();
    for column in part.columns.fields() {
        let value = |file: &Remove| file.partition_values.as_ref()?.get(column.name())?.clone();
        let text: StringArray = files.iter().map(value).collect();
        values.push(cast(&text, column.data_type())?);
    }
    let covered = part.covers(&values)?;
    let covered = files.into_iter().zip(covered.iter()).filter(|(_, covered)| *covered == Some(true));
    Ok(covered.map(|(file, _)| file).collect())
}
