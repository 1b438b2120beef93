//! Results as a table, CSV or JSON.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people.
    Table,
    /// Comma-separated values with a header; text that a spreadsheet would run as a formula is quoted with '.
    Csv,
    /// One JSON object a row.
    Json,
}

/// Longest table shown in full, in rows.
const SHOWN: usize = 1_000;

/// A table of texts for people.
pub fn plain(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    let numeric = |index: usize| {
        !rows.is_empty()
            && rows.iter().all(|row| {
                row.get(index).is_none_or(|cell| {
                    cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || "-$".contains(c))
                })
            })
    };
    for index in 0..header.len() {
        if numeric(index)
            && let Some(column) = table.column_mut(index)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// Shows query results.
pub fn show(batches: &[RecordBatch], names: &[String], format: Format) -> Result<String> {
    let mut rows: Vec<Vec<Option<String>>> = Vec::new();
    let mut text_columns = vec![false; names.len()];
    for batch in batches {
        let options = FormatOptions::default()
            .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f UTC"))
            .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"));
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        for (flag, column) in text_columns.iter_mut().zip(batch.columns()) {
            *flag = matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        }
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().zip(&formatters);
            rows.push(
                cells
                    .map(|(column, formatter)| column.is_valid(row).then(|| formatter.value(row).to_string()))
                    .collect(),
            );
        }
    }
    Ok(match format {
        Format::Table => people(names, rows),
        Format::Csv => csv(names, &rows, &text_columns),
        Format::Json => json(batches)?,
    })
}

fn people(names: &[String], mut rows: Vec<Vec<Option<String>>>) -> String {
    let total = rows.len();
    rows.truncate(SHOWN);
    let header: Vec<&str> = names.iter().map(String::as_str).collect();
    let texts: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect()).collect();
    let mut shown = plain(&header, &texts);
    shown.push_str(&format!("\n{total} rows"));
    if total > SHOWN {
        shown.push_str(&format!(", the first {SHOWN} shown; use --format csv for all"));
    }
    shown.push('\n');
    shown
}

fn csv(names: &[String], rows: &[Vec<Option<String>>], text: &[bool]) -> String {
    let quote = |cell: &str| {
        if cell.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    };
    let mut out = names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(",");
    out.push('\n');
    for row in rows {
        let cells = row.iter().zip(text).map(|(cell, text)| match cell {
            Some(cell) if *text && cell.starts_with(['=', '+', '-', '@', '\t', '\r']) => quote(&format!("'{cell}")),
            Some(cell) => quote(cell),
            None => String::new(),
        });
        let line = cells.collect::<Vec<_>>().join(",");
        // A lone NULL would be an empty line, which readers skip.
        out.push_str(if line.is_empty() { "\"\"" } else { &line });
        out.push('\n');
    }
    out
}

fn json(batches: &[RecordBatch]) -> Result<String> {
    let mut writer = datafusion::arrow::json::LineDelimitedWriter::new(Vec::new());
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    Ok(String::from_utf8_lossy(&writer.into_inner()).into_owned())
}
