//! Rows that leave the lake as a profile says, and the proof on what left.

mod forms;
mod scan;

use std::collections::BTreeMap;
use std::path::Path;

use carelake_privacy::{LakeKey, Profile, Rule};
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::ident;
use serde::Serialize;

use crate::conform::session;
use crate::context::Context;
use crate::error::{QueryError, StepError};
use forms::Forms;
pub use scan::{Finding, scan};

/// Name of the file beside the tables that says what they are.
pub const MANIFEST: &str = "manifest.json";

/// What left.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// The profile.
    pub profile: String,
    /// Its version.
    pub version: u32,
    /// The rule that it follows.
    pub source: String,
    /// The tables.
    pub tables: BTreeMap<String, ExportedTable>,
    /// What the scanner found; nothing leaves with findings.
    pub findings: Vec<Finding>,
}

/// A table that left.
#[derive(Debug, Serialize)]
pub struct ExportedTable {
    /// Its rows.
    pub rows: u64,
    /// Its columns.
    pub columns: Vec<String>,
    /// Columns of the silver table that stayed behind.
    pub left_out: Vec<String>,
}

/// Name of a column as it leaves.
pub(crate) fn shared_name(column: &str, rule: Rule) -> String {
    let stem = column.strip_suffix("_date").or_else(|| column.strip_suffix("_at")).unwrap_or(column);
    match rule {
        Rule::Year => format!("{stem}_year"),
        Rule::Birth => "birth_year".to_owned(),
        Rule::Zip3 => "zip3".to_owned(),
        _ => column.to_owned(),
    }
}

/// Writes the tables of a profile into a folder, one Parquet file each, of one source or of all.
///
/// # Errors
/// When the lake cannot be read or the folder not written.
pub async fn export(
    context: &Context,
    profile: &Profile,
    folder: &Path,
    source: Option<&str>,
) -> Result<Exported, StepError> {
    let drawn = LakeKey::random_text().and_then(|text| LakeKey::parse(&text));
    let key = drawn.map_err(|error| StepError::Invalid(error.to_string()))?;
    let forms = Forms::new(context, profile, key)?;
    let session = session(context)?;
    let mut tables = BTreeMap::new();
    for (name, rules) in &profile.tables {
        let qualified = format!("silver.{name}");
        let failed = |error: DataFusionError| StepError::query(format!("exporting {qualified}"), &error);
        let Some(table) = context.tables.open(&qualified, None).await? else { continue };
        let mut rows = session.read_table(context.tables.provider(&table).await?).map_err(failed)?;
        if let Some(source) = source {
            rows = rows.filter(ident("source").eq(lit(source))).map_err(failed)?;
        }
        let stored: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
        let leaving: Vec<(&String, Rule)> =
            stored.iter().filter_map(|column| Some((column, *rules.get(column)?))).collect();
        let columns: Vec<String> = leaving.iter().map(|(column, rule)| shared_name(column, *rule)).collect();
        let mut expressions: Vec<Expr> = Vec::with_capacity(leaving.len());
        for ((column, rule), name) in leaving.iter().zip(&columns) {
            expressions.push(forms.of(column, *rule).map_err(failed)?.alias(name));
        }
        // Codes are random: in their order nothing is left of the order in which rows came.
        let order = leaving.iter().zip(&columns).filter(|((_, rule), _)| *rule == Rule::Code);
        let order = order.map(|(_, name)| ident(name).sort(true, false)).collect();
        let rows = rows.select(expressions).and_then(|rows| rows.sort(order)).map_err(failed)?;
        let path = folder.join(format!("{name}.parquet"));
        let options = DataFrameWriteOptions::new().with_single_file_output(true);
        let counted = rows.clone().count().await.map_err(failed)? as u64;
        rows.write_parquet(&path.to_string_lossy(), options, None).await.map_err(failed)?;
        let left_out = stored.iter().filter(|column| !rules.contains_key(*column)).cloned().collect();
        tables.insert(name.clone(), ExportedTable { rows: counted, columns, left_out });
    }
    let findings = scan(context, profile, folder).await?;
    let (profile, version, source) = (profile.name.clone(), profile.version, profile.source.clone());
    Ok(Exported { profile, version, source, tables, findings })
}
