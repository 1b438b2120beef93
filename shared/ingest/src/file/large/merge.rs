//! The outputs of all parts as those of one file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use carelake_contracts::{Contract, Severity};
use carelake_decode::Header;
use carelake_lake::{CheckCount, ErrorKind, LakeError, Layer};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::file::writer::SerializedFileWriter;

use super::files::{PartDone, Plan};
use crate::context::Context;
use crate::error::StepError;
use crate::file::output::{Output, failed, properties};
use crate::file::rows::WARNINGS_KEPT;
use crate::file::splice::append;
use crate::schema;

/// A part that was read: its place, and in which round.
pub type Place = (usize, u32);

/// What the parts say together of a header.
pub fn header(done: &[PartDone]) -> Header {
    let Some(first) = done.first() else { return Header::default() };
    if done.iter().all(|part| part.header() == first.header()) {
        return first.header();
    }
    let unknown: BTreeSet<&String> = done.iter().flat_map(|part| &part.unknown_columns).collect();
    let missing = |name: &&String| done.iter().all(|part| part.missing_columns.contains(name));
    Header {
        unknown: unknown.into_iter().cloned().collect(),
        missing: first.missing_columns.iter().filter(missing).cloned().collect(),
    }
}

/// What the parts say together of checks. Whether the file can be read was asked once.
pub fn checks(done: &[PartDone]) -> BTreeMap<String, CheckCount> {
    let mut checks: BTreeMap<String, CheckCount> = BTreeMap::new();
    for (id, count) in done.iter().flat_map(|part| &part.checks) {
        let sum = checks.entry(id.clone()).or_default();
        if id.ends_with(".file.readable") {
            *sum = *count;
        } else {
            sum.checked += count.checked;
            sum.failed += count.failed;
        }
    }
    checks
}

/// The layer of the whole file; `None` when no part has rows for it.
pub async fn layer(
    context: &Context,
    plan: &Plan,
    contract: &Contract,
    done: &[(Place, PartDone)],
    layer: Layer,
) -> Result<Option<File>, StepError> {
    let with = done.iter().filter(|(_, part)| part.layers.iter().any(|name| name == layer.database()));
    let places: Vec<Place> = with.map(|(place, _)| *place).collect();
    if places.is_empty() {
        return Ok(None);
    }
    match layer {
        Layer::Bronze => side_by_side(context, plan, &places, layer, schema::bronze(contract)).await.map(Some),
        Layer::Identity => side_by_side(context, plan, &places, layer, schema::identity(contract)).await.map(Some),
        Layer::Quarantine => quarantine(context, plan, &places).await.map(Some),
    }
}

async fn part(context: &Context, plan: &Plan, (index, round): Place, layer: Layer) -> Result<File, StepError> {
    let path = plan.output(index, round, layer);
    let missing = || LakeError::new(ErrorKind::Transient, format!("reading {path}")).caused_by("it is not there");
    Ok(context.lake.read_file(&path).await?.ok_or_else(missing)?)
}

/// The row groups of all parts, whose bytes are copied.
async fn side_by_side(
    context: &Context,
    plan: &Plan,
    places: &[Place],
    layer: Layer,
    schema: SchemaRef,
) -> Result<File, StepError> {
    let mut properties = properties(&schema);
    let root = ArrowSchemaConverter::new().convert(&schema).map_err(|error| failed(&error))?.root_schema_ptr();
    add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
    let target = context.lake.scratch_file()?;
    let mut writer = SerializedFileWriter::new(target, root, properties.into()).map_err(|error| failed(&error))?;
    for place in places {
        let file = part(context, plan, *place, layer).await?;
        append(&file, &mut writer).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

/// The lines of all parts. Of a warning a file keeps the first ones only, and each part has kept as many.
async fn quarantine(context: &Context, plan: &Plan, places: &[Place]) -> Result<File, StepError> {
    let unreadable = |error| LakeError::new(ErrorKind::Corrupt, "reading the lines of a part").caused_by(error);
    let mut output = Output::new(&context.lake, schema::quarantine())?;
    let mut kept: BTreeMap<String, u64> = BTreeMap::new();
    for place in places {
        let file = part(context, plan, *place, Layer::Quarantine).await?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build());
        for batch in reader.map_err(|error| failed(&error))? {
            let batch = batch.map_err(unreadable)?;
            let first = first_of_warnings(&batch, &mut kept);
            output.write(filter_record_batch(&batch, &first).map_err(unreadable)?)?;
        }
    }
    output.finish()
}

/// Which lines of a batch stay.
fn first_of_warnings(batch: &RecordBatch, kept: &mut BTreeMap<String, u64>) -> BooleanArray {
    let column = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let (Some(rules), Some(severities)) = (column("rule"), column("severity")) else {
        return BooleanArray::from(vec![true; batch.num_rows()]);
    };
    let stays = rules.iter().zip(severities).map(|(rule, severity)| {
        if severity != Some(Severity::Warn.as_str()) {
            return Some(true);
        }
        let count = kept.entry(rule.unwrap_or_default().to_owned()).or_default();
        *count += 1;
        Some(*count <= WARNINGS_KEPT)
    });
    stays.collect()
}
