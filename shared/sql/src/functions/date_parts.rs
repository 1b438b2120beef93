//! `year(x)`, `day_of_week(x)` and their like: one field of a date or timestamp, as a bigint.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::DataType;
use chrono::{Datelike, NaiveDateTime, Timelike};
use datafusion::common::cast::{as_date32_array, as_timestamp_microsecond_array};
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::arguments::{arrays, result, temporal};
use super::calendar::{date, micros};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Year,
    Quarter,
    Month,
    Week,
    WeekYear,
    Day,
    DayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
    Millisecond,
}

impl Part {
    fn of(self, moment: NaiveDateTime) -> i64 {
        match self {
            Self::Year => i64::from(moment.year()),
            Self::Quarter => i64::from(moment.month0() / 3 + 1),
            Self::Month => i64::from(moment.month()),
            Self::Week => i64::from(moment.iso_week().week()),
            Self::WeekYear => i64::from(moment.iso_week().year()),
            Self::Day => i64::from(moment.day()),
            Self::DayOfWeek => i64::from(moment.weekday().number_from_monday()),
            Self::DayOfYear => i64::from(moment.ordinal()),
            Self::Hour => i64::from(moment.hour()),
            Self::Minute => i64::from(moment.minute()),
            Self::Second => i64::from(moment.second()),
            Self::Millisecond => i64::from(moment.nanosecond() / 1_000_000),
        }
    }
}

/// One of the functions; [`all`] makes them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DatePart {
    name: &'static str,
    aliases: Vec<String>,
    part: Part,
    signature: Signature,
}

/// Every function of this family. Weeks are ISO weeks, and Monday is day 1 of 7.
pub fn all() -> Vec<DatePart> {
    [
        ("year", &[][..], Part::Year),
        ("quarter", &[], Part::Quarter),
        ("month", &[], Part::Month),
        ("week", &["week_of_year"], Part::Week),
        ("year_of_week", &["yow"], Part::WeekYear),
        ("day", &["day_of_month"], Part::Day),
        ("day_of_week", &["dow"], Part::DayOfWeek),
        ("day_of_year", &["doy"], Part::DayOfYear),
        ("hour", &[], Part::Hour),
        ("minute", &[], Part::Minute),
        ("second", &[], Part::Second),
        ("millisecond", &[], Part::Millisecond),
    ]
    .into_iter()
    .map(|(name, aliases, part)| DatePart {
        name,
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        part,
        signature: Signature::user_defined(Volatility::Immutable),
    })
    .collect()
}

impl ScalarUDFImpl for DatePart {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [moment] = take_function_args(self.name, arg_types)?;
        Ok(vec![temporal(self.name, moment)?])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (arrays, single) = arrays(&args.args)?;
        let [moment] = take_function_args(self.name, arrays)?;
        let parts: Int64Array = if moment.data_type() == &DataType::Date32 {
            as_date32_array(&moment)?.try_unary(|value| date(value).map(|date| self.part.of(date.into())))?
        } else {
            as_timestamp_microsecond_array(&moment)?
                .try_unary(|value| micros(value).map(|moment| self.part.of(moment)))?
        };
        result(Arc::new(parts) as ArrayRef, single)
    }
}
