//! Parquet, by column name; values pass through text, so that one set of rules types every format.

use std::fs::File;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use carelake_contracts::Contract;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

use super::cells::Cells;
use super::{BATCH_ROWS, DecodeError, Header, Sink, presentable};

const DAMAGED: DecodeError = DecodeError::Unreadable("the file is not Parquet, or damaged");

pub fn decode(file: File, contract: &Contract, sink: &mut Sink<'_>) -> Result<Header, DecodeError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| DAMAGED)?;
    let (places, unknown, header) = layout(builder.schema(), contract)?;
    let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(|_| DAMAGED)?;
    let mut cells = Cells::new(contract);
    let mut row = 0_i64;
    for batch in reader {
        let batch = batch.map_err(|_| DAMAGED)?;
        let mut texts: Vec<Option<ArrayRef>> = Vec::with_capacity(places.len());
        for place in &places {
            texts.push(match place {
                Some(place) => Some(as_text(batch.column(*place))?),
                None => None,
            });
        }
        for index in 0..batch.num_rows() {
            row += 1;
            let extra = extra(&batch, &unknown, index);
            cells.push(row, extra.as_deref(), |column| {
                let values = texts.get(column)?.as_ref()?.as_string_opt::<i32>()?;
                values.is_valid(index).then(|| values.value(index))
            });
        }
        sink(cells.take()).map_err(DecodeError::Sink)?;
    }
    Ok(header)
}

type Places = (Vec<Option<usize>>, Vec<(usize, String)>, Header);

fn layout(schema: &Schema, contract: &Contract) -> Result<Places, DecodeError> {
    let place = |headers: &[String]| {
        headers
            .iter()
            .find_map(|wanted| schema.fields().iter().position(|field| field.name().eq_ignore_ascii_case(wanted)))
    };
    let places: Vec<Option<usize>> = contract.columns.iter().map(|column| place(&column.headers)).collect();
    if places.iter().all(Option::is_none) {
        return Err(DecodeError::Unreadable("the file has none of the contract's columns"));
    }
    let unknown: Vec<(usize, String)> = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(index, _)| !places.contains(&Some(*index)))
        .map(|(index, field)| (index, field.name().clone()))
        .collect();
    let missing = contract.columns.iter().zip(&places).filter(|(_, place)| place.is_none());
    let header = Header {
        unknown: unknown.iter().map(|(_, name)| presentable(name)).collect(),
        missing: missing.map(|(column, _)| column.name.clone()).collect(),
    };
    Ok((places, unknown, header))
}

fn as_text(values: &ArrayRef) -> Result<ArrayRef, DecodeError> {
    if let Ok(text) = cast(values, &DataType::Utf8) {
        return Ok(text);
    }
    let formatter = ArrayFormatter::try_new(values, &FormatOptions::default()).map_err(|_| DAMAGED)?;
    let texts = (0..values.len()).map(|row| values.is_valid(row).then(|| formatter.value(row).to_string()));
    Ok(std::sync::Arc::new(texts.collect::<arrow::array::StringArray>()))
}

fn extra(batch: &RecordBatch, unknown: &[(usize, String)], row: usize) -> Option<String> {
    let mut object = Map::new();
    for (index, name) in unknown {
        let values = batch.column(*index);
        let formatter = ArrayFormatter::try_new(values, &FormatOptions::default()).ok()?;
        if values.is_valid(row) {
            object.insert(name.clone(), Value::from(formatter.value(row).to_string()));
        }
    }
    (!object.is_empty()).then(|| Value::Object(object).to_string())
}
