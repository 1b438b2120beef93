//! The month of a date, as partitions are named by it.

use std::fmt::Write;
use std::sync::Arc;

use chrono::Datelike;
use datafusion::arrow::array::{AsArray, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Date32Type};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility, create_udf};

/// `yyyy-mm` of a date column; NULL stays NULL. Formatting date by date takes longer than reading them.
pub fn month_of(date: Expr) -> Expr {
    let name = |arguments: &[ColumnarValue]| {
        let [dates] = arguments else { return Err(DataFusionError::Internal("month_of takes one date".to_owned())) };
        let dates = dates.clone().into_array(1)?;
        let dates = dates.as_primitive_opt::<Date32Type>();
        let dates = dates.ok_or_else(|| DataFusionError::Internal("month_of takes dates".to_owned()))?;
        let mut months = StringBuilder::with_capacity(dates.len(), dates.len() * 7);
        let (mut text, mut last) = (String::new(), None);
        for day in dates {
            let Some(date) = day.and_then(Date32Type::to_naive_date_opt) else {
                months.append_null();
                continue;
            };
            let month = (date.year(), date.month());
            if last.replace(month) != Some(month) {
                text.clear();
                // Writing into a string cannot fail.
                let _ = write!(text, "{:04}-{:02}", month.0, month.1);
            }
            months.append_value(&text);
        }
        Ok(ColumnarValue::Array(Arc::new(months.finish())))
    };
    create_udf("month_of", vec![DataType::Date32], DataType::Utf8, Volatility::Immutable, Arc::new(name))
        .call(vec![date])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use datafusion::arrow::array::{Array, ArrayRef, Date32Array};
    use datafusion::arrow::record_batch::RecordBatch;
    use datafusion::prelude::ident;

    use super::*;

    #[tokio::test]
    async fn months_have_two_digits_and_years_four() {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(0), None, Some(30), Some(31), Some(-719_162)]));
        let session = carelake_sql::session::plain().unwrap();
        let rows = session.read_batch(RecordBatch::try_from_iter([("day", days)]).unwrap()).unwrap();
        let months = rows.select(vec![month_of(ident("day"))]).unwrap().collect().await.unwrap();
        let months = months[0].column(0).as_string::<i32>().clone();
        let shown: Vec<Option<&str>> = months.iter().collect();
        assert_eq!(shown, [Some("1970-01"), None, Some("1970-01"), Some("1970-02"), Some("0001-01")]);
        assert_eq!(months.null_count(), 1);
    }
}
