//! Clustering: rows in an order in which near values of some columns lie in the same files and row groups.

use std::sync::Arc;

use arrow::array::BinaryBuilder;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{DataFrame, SessionContext, ident};

/// Bytes of each column that the curve goes by.
const BYTES: usize = 16;

/// The session with one stream of rows, so that a partition of a table becomes one file.
pub fn one_stream(session: SessionState) -> SessionState {
    let config = session.config().clone().with_target_partitions(1);
    SessionStateBuilder::new_from_existing(session).with_config(config).build()
}

/// Rows in the order in which a table is to hold them.
#[derive(Debug)]
pub struct Clustered {
    /// The rows.
    pub plan: LogicalPlan,
    /// The session in which to write them, so that they stay in that order.
    pub session: SessionState,
    /// True when they come partition by partition.
    pub by_partition: bool,
}

/// The rows by partition, then by `columns`: by one as it is, by several along a Z-curve. Without columns they are as they
/// were.
///
/// # Errors
/// When there is no such column.
pub async fn clustered(
    rows: DataFrame,
    session: SessionState,
    partitions: &[String],
    columns: &[String],
) -> Result<Clustered, DataFusionError> {
    if columns.is_empty() {
        return Ok(Clustered { plan: rows.into_unoptimized_plan(), session, by_partition: false });
    }
    let mut order: Vec<Expr> = partitions.iter().map(ident).collect();
    match columns {
        [one] => order.push(ident(one)),
        several => order.push(ScalarUDF::from(Curve::default()).call(several.iter().map(ident).collect())),
    }
    let sorted = rows.sort(order.into_iter().map(|by| by.sort(true, true)).collect())?;
    let plan = sorted.create_physical_plan().await?;
    let session = one_stream(session);
    let rows: Arc<dyn PartitionStream> = Arc::new(InOrder { schema: plan.schema(), plan });
    let table = StreamingTable::try_new(rows.schema().clone(), vec![rows])?;
    let rows = SessionContext::new_with_state(session.clone()).read_table(Arc::new(table))?;
    Ok(Clustered { plan: rows.into_unoptimized_plan(), session, by_partition: true })
}

/// Rows that a planner may not sort otherwise: as a part of a plan that asks for no order, a sort would be left out.
#[derive(Debug)]
struct InOrder {
    schema: SchemaRef,
    plan: Arc<dyn ExecutionPlan>,
}

impl PartitionStream for InOrder {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        match self.plan.execute(0, context) {
            Ok(rows) => rows,
            Err(error) => {
                let failed = futures::stream::once(std::future::ready(Err(error)));
                Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), failed))
            }
        }
    }
}

/// Place on a Z-curve: the bits of all columns in turn, greatest first, so that rows near in every column are near.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Curve {
    signature: Signature,
}

impl Default for Curve {
    fn default() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Curve {
    fn name(&self) -> &str {
        "z_curve"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let mut sortable = Vec::with_capacity(columns.len());
        for column in &columns {
            let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())])?;
            sortable.push(converter.convert_columns(std::slice::from_ref(column))?);
        }
        let mut places = BinaryBuilder::new();
        for row in 0..arguments.number_rows {
            places.append_value(place(&sortable, row));
        }
        Ok(ColumnarValue::Array(Arc::new(places.finish())))
    }
}

fn place(columns: &[Rows], row: usize) -> Vec<u8> {
    let mut place = vec![0_u8; columns.len() * BYTES];
    for (number, column) in columns.iter().enumerate() {
        let value = column.row(row);
        for (index, byte) in value.as_ref().iter().take(BYTES).enumerate() {
            for bit in (0..8_usize).filter(|bit| byte & (0x80 >> bit) != 0) {
                let at = (index * 8 + bit) * columns.len() + number;
                if let Some(slot) = place.get_mut(at / 8) {
                    *slot |= 0x80 >> (at % 8);
                }
            }
        }
    }
    place
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch};
    use arrow::datatypes::Int32Type;
    use datafusion::prelude::SessionContext;

    use super::*;

    #[tokio::test]
    async fn several_columns_are_near_in_each_of_them() {
        let cells = (0..64).map(|cell| (cell / 8, cell % 8));
        let (x, y): (Vec<i32>, Vec<i32>) = cells.unzip();
        let columns: [(&str, ArrayRef); 2] =
            [("x", Arc::new(Int32Array::from(x))), ("y", Arc::new(Int32Array::from(y)))];
        let session = SessionContext::new();
        let rows = session.read_batch(RecordBatch::try_from_iter(columns).unwrap()).unwrap();
        let names = ["x", "y"].map(str::to_owned);
        let ordered = clustered(rows, session.state(), &[], &names).await.unwrap();
        let found = DataFrame::new(ordered.session, ordered.plan).collect().await.unwrap();
        let first = found[0].slice(0, 16);
        for column in first.columns() {
            assert!(column.as_primitive::<Int32Type>().iter().flatten().all(|value| value < 4));
        }
    }
}
