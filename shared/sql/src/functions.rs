//! Trino's functions that DataFusion lacks, or has with another meaning, under Trino's names.
//!
//! Dates and timestamps are taken in UTC. A unit, a format or a percentage is a constant of the query. NULL in gives
//! NULL out, as in Trino, except where an aggregate says otherwise.
//!
//! | family | functions |
//! |---|---|
//! | [`date_diff`] | `date_diff(unit, start, end)` = end − start in complete units |
//! | [`date_add`] | `date_add(unit, value, x)` |
//! | [`date_trunc`] | `date_trunc(unit, x)`: a date stays a date; `date(x)`; `last_day_of_month(x)` |
//! | [`date_parts`] | `year`, `quarter`, `month`, `week`, `day`, `day_of_week`, `hour` … |
//! | [`date_format`] | `date_format(x, '%Y-%m-%d')`, `format_datetime(x, 'yyyy-MM-dd')` |
//! | [`conditional`] | `if(condition, a[, b])` |
//! | [`collections`] | `element_at(array or map, key)`, `cardinality(array or map)` |
//! | [`count_if`] | `count_if(condition)` |
//! | [`greatest`] | `greatest(a, b, …)`, `least(a, b, …)`: NULL when any value is NULL |
//! | [`extremes`] | `max_by(x, y)`, `min_by(x, y)` |
//! | [`approximate`] | `approx_distinct(x)`, `approx_percentile(x, percentage)` |
//! | [`texts`] | `regexp_extract`, `regexp_replace`, `split`, `split_part`, `concat`, `codepoint` |
//! | [`json`] | `json_extract_scalar(json, path)`, `json_extract`, `json_array_length` |
//! | [`moments`] | `date_parse`, `from_unixtime`, `to_unixtime`, `from_iso8601_date`, `from_iso8601_timestamp` |
//! | [`rewritten`] | `mod`, `bitwise_and`, `try`, `nan()` …: another way of writing an expression |
//! | [`type_name`] | `typeof(x)` |
//! | here | Trino's names of what DataFusion has under another: `arbitrary`, `every`, `variance`, `contains` … |

pub mod approximate;
mod arguments;
mod calendar;
pub mod collections;
pub mod conditional;
pub mod count_if;
pub mod date_add;
pub mod date_diff;
pub mod date_format;
pub mod date_parts;
pub mod date_trunc;
pub mod extremes;
pub mod greatest;
pub mod json;
pub mod moments;
mod pattern;
pub mod rewritten;
pub mod simple;
pub mod texts;
pub mod type_name;

use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::functions_aggregate::any_value::any_value_udaf;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionContext;

/// The scalar functions.
pub fn scalar() -> Vec<ScalarUDF> {
    let mut functions = vec![
        ScalarUDF::from(date_diff::DateDiff::new()),
        ScalarUDF::from(date_add::DateAdd::new()),
        ScalarUDF::from(date_trunc::DateTrunc::new()),
        ScalarUDF::from(date_trunc::Date::new()),
        ScalarUDF::from(date_trunc::LastDayOfMonth::new()),
        ScalarUDF::from(date_format::DateFormat::mysql()),
        ScalarUDF::from(date_format::DateFormat::joda()),
        ScalarUDF::from(conditional::If::new()),
        ScalarUDF::from(collections::ElementAt::new()),
        ScalarUDF::from(collections::Cardinality::new()),
        ScalarUDF::from(greatest::Bound::greatest()),
        ScalarUDF::from(greatest::Bound::least()),
    ];
    functions.extend(date_parts::all().into_iter().map(ScalarUDF::from));
    functions.extend(rewritten::all().into_iter().map(ScalarUDF::from));
    functions.extend([texts::all(), json::all(), moments::all()].into_iter().flatten().map(ScalarUDF::from));
    functions.extend([ScalarUDF::from(texts::Concat::new()), ScalarUDF::from(type_name::TypeOf::new())]);
    functions
}

/// DataFusion's name of a scalar function, and Trino's.
const SCALAR_NAMES: [(&str, &str); 9] = [
    ("array_has", "contains"),
    ("array_remove_all", "array_remove"),
    ("ceil", "ceiling"),
    ("generate_series", "sequence"),
    ("isnan", "is_nan"),
    ("levenshtein", "levenshtein_distance"),
    ("random", "rand"),
    ("signum", "sign"),
    ("trunc", "truncate"),
];

/// The same of aggregate functions.
const AGGREGATE_NAMES: [(&str, &str); 2] = [("bool_and", "every"), ("var_samp", "variance")];

/// The aggregate functions.
pub fn aggregate() -> Vec<AggregateUDF> {
    vec![
        AggregateUDF::from(count_if::CountIf::new()),
        AggregateUDF::from(extremes::ExtremeBy::max()),
        AggregateUDF::from(extremes::ExtremeBy::min()),
        any_value_udaf().as_ref().clone().with_aliases(["arbitrary"]),
        AggregateUDF::from(approximate::ApproxDistinct::new()),
        AggregateUDF::from(approximate::ApproxPercentile::new()),
    ]
}

/// Registers every function of this module, in place of DataFusion's of the same name.
pub fn register(ctx: &SessionContext) -> Result<()> {
    for function in scalar() {
        ctx.register_udf(function);
    }
    for function in aggregate() {
        ctx.register_udaf(function);
    }
    for (known, name) in SCALAR_NAMES {
        let function = ctx.state().udf(known)?;
        ctx.register_udf(function.as_ref().clone().with_aliases([name]));
    }
    for (known, name) in AGGREGATE_NAMES {
        let function = ctx.state().udaf(known)?;
        ctx.register_udaf(function.as_ref().clone().with_aliases([name]));
    }
    Ok(())
}
