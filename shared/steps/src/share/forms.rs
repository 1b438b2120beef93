//! The forms in which columns leave.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, StringArray, StringBuilder};
use arrow::compute::cast as cast_array;
use arrow::datatypes::DataType;
use carelake_privacy::{LakeKey, Phi, Profile, Pseudonyms, Rule};
use chrono::Datelike;
use datafusion::error::DataFusionError;
use datafusion::functions::datetime::expr_fn::date_part;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarUDF, Volatility, cast, create_udf, lit, when};
use datafusion::prelude::ident;

use crate::context::Context;
use crate::error::StepError;

/// The forms of one export.
pub struct Forms {
    code: ScalarUDF,
    zip3: ScalarUDF,
    oldest: i32,
    year: i32,
}

impl Forms {
    /// The forms of a profile; `key` is drawn for the export and forgotten with it.
    pub fn new(context: &Context, profile: &Profile, key: LakeKey) -> Result<Self, StepError> {
        let list = context.contracts.codes.get("restricted_zip3");
        let list = list.ok_or_else(|| StepError::Invalid("there is no code list restricted_zip3".to_owned()))?;
        let restricted = list.lines().skip(1).filter_map(|line| line.split(',').next()).map(str::to_owned).collect();
        let oldest = i32::try_from(profile.oldest).unwrap_or(i32::MAX);
        Ok(Self { code: code(key), zip3: zip3(restricted), oldest, year: context.as_of.year() })
    }

    /// A column in the form of its rule.
    pub fn of(&self, column: &str, rule: Rule) -> Result<Expr, DataFusionError> {
        let value = ident(column);
        let year = || cast(date_part(lit("year"), cast(ident(column), DataType::Date32)), DataType::Int32);
        Ok(match rule {
            Rule::Word | Rule::Keep => value,
            Rule::System => when(value.clone().like(lit("%:%")), lit("other")).otherwise(value)?,
            Rule::Code => self.code.call(vec![cast(ident("source"), DataType::Utf8), cast(value, DataType::Utf8)]),
            Rule::Year => year(),
            // Whoever may turn too old in the year counts as too old.
            Rule::Birth => when(year().gt(lit(self.year - self.oldest - 1)), year()).end()?,
            Rule::Age => {
                let age = cast(value, DataType::Int32);
                let old = lit(format!("{}+", self.oldest + 1));
                let text = cast(age.clone(), DataType::Utf8);
                when(age.clone().gt(lit(self.oldest)), old).when(age.gt_eq(lit(0)), text).end()?
            }
            Rule::Zip3 => self.zip3.call(vec![cast(value, DataType::Utf8)]),
        })
    }
}

fn texts(values: &ColumnarValue, rows: usize) -> Result<StringArray, DataFusionError> {
    let array = values.clone().into_array(rows)?;
    Ok(cast_array(&array, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn rows_of(arguments: &[ColumnarValue]) -> usize {
    let arrays = arguments.iter().filter_map(|one| match one {
        ColumnarValue::Array(array) => Some(array.len()),
        ColumnarValue::Scalar(_) => None,
    });
    arrays.max().unwrap_or(1)
}

/// A code for an identifier of a source, the same wherever it stands in the export.
fn code(key: LakeKey) -> ScalarUDF {
    let coded = move |arguments: &[ColumnarValue]| {
        let [source, id] = arguments else { return Err(DataFusionError::Internal("code takes two texts".to_owned())) };
        let rows = rows_of(arguments);
        let (sources, ids) = (texts(source, rows)?, texts(id, rows)?);
        let mut of_source: HashMap<String, Pseudonyms> = HashMap::new();
        let (mut codes, mut buffer) = (StringBuilder::with_capacity(rows, rows * 32), [0_u8; 32]);
        for (source, id) in sources.iter().zip(&ids) {
            let Some(id) = id else {
                codes.append_null();
                continue;
            };
            let source = source.unwrap_or_default();
            let codes_of =
                of_source.entry(source.to_owned()).or_insert_with(|| key.pseudonyms(&format!("export/{source}")));
            codes.append_value(codes_of.of(Phi::new(id), &mut buffer));
        }
        Ok(ColumnarValue::Array(Arc::new(codes.finish())))
    };
    let types = vec![DataType::Utf8, DataType::Utf8];
    create_udf("export_code", types, DataType::Utf8, Volatility::Stable, Arc::new(coded))
}

/// The first three digits of a ZIP code; 000 for the restricted ones, NULL for what is no ZIP code.
fn zip3(restricted: Vec<String>) -> ScalarUDF {
    let shortened = move |arguments: &[ColumnarValue]| {
        let [zip] = arguments else { return Err(DataFusionError::Internal("zip3 takes a text".to_owned())) };
        let zips = texts(zip, rows_of(arguments))?;
        let short = zips.iter().map(|zip| zip.and_then(|zip| three_digits(zip, &restricted)));
        Ok(ColumnarValue::Array(Arc::new(short.collect::<StringArray>())))
    };
    create_udf("export_zip3", vec![DataType::Utf8], DataType::Utf8, Volatility::Immutable, Arc::new(shortened))
}

fn three_digits<'z>(zip: &'z str, restricted: &[String]) -> Option<&'z str> {
    let zip = zip.trim();
    let digits = zip.bytes().take_while(u8::is_ascii_digit).count();
    let three = zip.get(..3).filter(|_| digits >= 5)?;
    Some(if restricted.iter().any(|one| one == three) { "000" } else { three })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_code_keeps_three_digits_of_many_people_and_none_of_few() {
        let restricted = ["036".to_owned(), "893".to_owned()];
        for (zip, short) in [
            ("02118", Some("021")),
            ("021181234", Some("021")),
            ("02118-1234", Some("021")),
            ("03601", Some("000")),
            ("89301", Some("000")),
            ("2118", None),
            ("SW1A 1AA", None),
            ("", None),
        ] {
            assert_eq!(three_digits(zip, &restricted), short, "{zip}");
        }
    }
}
