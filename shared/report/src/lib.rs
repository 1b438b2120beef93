//! A static site of plots and tables from the gold of a lake: files that a browser shows without a server and without the
//! network.
//!
//! What is shown stands in `pages/`: titles, words and the SQL of each figure. Pages read the database gold alone, which
//! names no patient.

mod chart;
mod page;

use carelake_sql::session::LakeSession;
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::{DataFusionError, Result};
use serde::Deserialize;

pub use chart::Point;
pub use page::{Figure, Page, Shape, html};

const PAGES: [&str; 3] = [
    include_str!("../pages/1_cost.toml"),
    include_str!("../pages/2_clinic.toml"),
    include_str!("../pages/3_no_show.toml"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageFile {
    file: String,
    title: String,
    lead: String,
    figure: Vec<FigureFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FigureFile {
    title: String,
    about: String,
    kind: Kind,
    sql: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Bars,
    Lines,
    Table,
}

/// The pages of gold, with their figures.
///
/// # Errors
/// When a query fails.
pub async fn gold(session: &LakeSession) -> Result<Vec<Page>> {
    let mut pages = Vec::new();
    for text in PAGES {
        let file: PageFile = toml::from_str(text).map_err(|error| DataFusionError::Plan(error.message().to_owned()))?;
        let mut figures = Vec::new();
        for figure in file.figure {
            let shape = drawn(session, &figure).await?;
            figures.push(Figure { title: figure.title, about: figure.about, shape });
        }
        pages.push(Page { file: file.file, title: file.title, lead: file.lead, figures });
    }
    Ok(pages)
}

async fn drawn(session: &LakeSession, figure: &FigureFile) -> Result<Shape> {
    let planned = session.query(&figure.sql).await?;
    let names: Vec<String> = planned.schema().fields().iter().map(|field| field.name().clone()).collect();
    let batches = planned.collect().await?;
    Ok(match figure.kind {
        Kind::Bars => Shape::Bars(points(&batches)?),
        Kind::Lines => Shape::Lines(points(&batches)?),
        Kind::Table => Shape::Table { names, rows: texts(&batches)? },
    })
}

fn points(batches: &[RecordBatch]) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    for batch in batches {
        // A partition column is read as a dictionary.
        let column =
            |name: &str, wanted: &DataType| batch.column_by_name(name).map(|column| cast(column, wanted)).transpose();
        let (labels, values) = (column("label", &DataType::Utf8)?, column("value", &DataType::Float64)?);
        let (Some(labels), Some(values)) = (labels, values) else {
            return Err(DataFusionError::Plan("a figure has a label and a value".to_owned()));
        };
        let series = column("series", &DataType::Utf8)?;
        let (labels, values) = (labels.as_string::<i32>(), values.as_primitive::<Float64Type>());
        for row in 0..batch.num_rows() {
            if labels.is_valid(row) && values.is_valid(row) {
                let series = series.as_ref().map(|series| series.as_string::<i32>().value(row).to_owned());
                let (label, value) = (labels.value(row).to_owned(), values.value(row));
                points.push(Point { series: series.unwrap_or_default(), label, value });
            }
        }
    }
    Ok(points)
}

fn texts(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>> {
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter();
        let cells = columns
            .map(|column| Ok((column, ArrayFormatter::try_new(column, &options)?)))
            .collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            let text = |(column, formatter): &(&datafusion::arrow::array::ArrayRef, ArrayFormatter<'_>)| {
                let there = column.is_valid(row) && column.data_type() != &DataType::Null;
                if there { formatter.value(row).to_string() } else { String::new() }
            };
            rows.push(cells.iter().map(text).collect());
        }
    }
    Ok(rows)
}
