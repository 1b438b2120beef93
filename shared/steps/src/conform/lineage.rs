//! Where the columns of a target table come from, found by mapping one row of marks.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use carelake_contracts::{ColumnType, Contract, ContractSet, Target};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{cast, lit};
use datafusion::prelude::{DataFrame, SessionContext, ident};

use super::relations::{mapped, register_codes};
use crate::error::{QueryError, StepError};
use crate::schema;

/// A day on which no rule or mapping of dates stumbles, in days since 1970.
const SOME_DAY: i32 = 18_000;

/// The text columns of bronze that a dataset's mapping passes on unchanged, by the target's column that holds them.
///
/// # Errors
/// When the mapping is not valid.
pub async fn origins(
    contracts: &ContractSet,
    contract: &Contract,
    target: &Target,
) -> Result<BTreeMap<String, usize>, StepError> {
    let failed = |error: DataFusionError| {
        StepError::query(format!("looking where {} of {} comes from", target.table, contract.name()), &error)
    };
    let Some(table) = contracts.tables.get(&target.table) else { return Ok(BTreeMap::new()) };
    let session = carelake_sql::session::plain().map_err(failed)?;
    register_codes(contracts, &session)?;
    register(&session, "bronze", &schema::bronze(contract)).map_err(failed)?;
    register(&session, "identity", &schema::identity(contract)).map_err(failed)?;
    let rows = mapped(&session, target, table, contract, "source").await?.rows;
    let texts = table.columns.iter().filter(|column| column.column_type == ColumnType::String);
    let names: Vec<&str> = texts.map(|column| column.name.as_str()).collect();
    // A mapping that reads numbers from a text does not take marks: its other columns are looked at one by one.
    if let Ok(found) = marks(&rows, &names).await {
        return Ok(places(contract, &found));
    }
    let mut all = BTreeMap::new();
    for name in names {
        all.extend(places(contract, &marks(&rows, &[name]).await.unwrap_or_default()));
    }
    Ok(all)
}

/// The first value of each column.
async fn marks<'n>(rows: &DataFrame, names: &[&'n str]) -> Result<Vec<(&'n str, String)>, DataFusionError> {
    let batches = rows.clone().select(names.iter().map(|name| cast(ident(*name), DataType::Utf8)))?.collect().await?;
    let mut found = Vec::new();
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0).take(1) {
        for (name, values) in names.iter().zip(batch.columns()) {
            let value = values.as_string_opt::<i32>().and_then(|values| values.iter().next().flatten());
            found.extend(value.map(|value| (*name, value.to_owned())));
        }
    }
    Ok(found)
}

fn places(contract: &Contract, found: &[(&str, String)]) -> BTreeMap<String, usize> {
    let place = |value: &str| contract.columns.iter().position(|column| mark(&column.name) == value);
    found.iter().filter_map(|(name, value)| Some(((*name).to_owned(), place(value)?))).collect()
}

fn mark(column: &str) -> String {
    format!("\u{1}{column}")
}

/// A relation of one row: marks where there is text, something else than NULL elsewhere.
fn register(session: &SessionContext, name: &str, schema: &Schema) -> Result<(), DataFusionError> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let value = match field.data_type() {
            DataType::Utf8 => ScalarValue::from(mark(field.name())),
            DataType::Boolean => ScalarValue::from(true),
            DataType::Date32 | DataType::Timestamp(..) => {
                ScalarValue::Date32(Some(SOME_DAY)).cast_to(field.data_type())?
            }
            other => ScalarValue::from(1_i32).cast_to(other)?,
        };
        columns.push(value.to_array()?);
    }
    let row = RecordBatch::try_new(Arc::new(schema.clone()), columns)?;
    let table = MemTable::try_new(row.schema(), vec![vec![row]])?;
    let day = ScalarValue::Date32(Some(SOME_DAY));
    let rows = session
        .read_table(Arc::new(table))?
        .with_column("source", lit("source"))?
        .with_column("feed", lit("feed"))?
        .with_column("ingest_date", lit(day))?;
    session.register_table(name, rows.into_view()).map(drop)
}
