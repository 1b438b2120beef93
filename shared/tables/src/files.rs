//! The data files of a commit: one partition after another, so that what is held does not grow with their number.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::row::OwnedRow;
use carelake_lake::{Lake, parquet_properties};
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::common::spawn_buffered;
use deltalake::DeltaTableError;
use deltalake::datafile::writer::{PartitionWriter, PartitionWriterConfig};
use deltalake::kernel::Add;
use deltalake::kernel::scalars::ScalarExt;
use futures::TryStreamExt;
use object_store::ObjectStore;
use parquet::basic::Encoding;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use tokio::task::JoinSet;

use crate::error::{EngineError, ErrorKind, LakeError};
use crate::split::Splitter;
use crate::spool::{Spool, Spooled};

/// Bytes after which a partition's rows go on in another file.
const FILE: NonZeroU64 = NonZeroU64::MIN.saturating_add((100 << 20) - 1);
/// Rows of a row group, which a writer holds in memory.
const ROW_GROUP: usize = 1 << 17;
/// Rows of a page.
const PAGE_ROWS: usize = 1 << 12;
/// Bytes of a page or dictionary: what compresses a column is as large as its largest page.
const PAGE: usize = 32 << 10;
/// Parts of a file that are on their way to the store at once.
const PARTS: usize = 4;
/// Partitions that are written at once from the rows that waited.
const WRITERS: usize = 2;
/// Batches that are made ahead of their writing.
const AHEAD: usize = 2;

/// Refuses partitions that a change may not touch, by their values.
type Allowed = Arc<dyn Fn(&[ArrayRef]) -> Result<(), LakeError> + Send + Sync>;

/// Writes the files of one commit.
#[derive(Clone)]
pub(crate) struct Files {
    lake: Lake,
    /// The store, rooted at the table.
    store: Arc<dyn ObjectStore>,
    columns: SchemaRef,
    /// The columns without those of partitions, as files hold them.
    schema: SchemaRef,
    partition_by: Vec<String>,
    splitter: Arc<Splitter>,
    allowed: Allowed,
}

impl Files {
    /// Files of rows with those columns, in partitions that are `allowed`.
    ///
    /// # Errors
    /// When a partition column is not among the columns.
    pub(crate) fn new(
        lake: &Lake,
        store: Arc<dyn ObjectStore>,
        columns: &SchemaRef,
        partition_by: &[String],
        allowed: Allowed,
    ) -> Result<Self, LakeError> {
        let splitter = Splitter::new(columns, partition_by).map_err(unfit)?;
        let schema = splitter.rest_of(columns).map_err(unfit)?;
        let (lake, columns, splitter) = (lake.clone(), columns.clone(), Arc::new(splitter));
        Ok(Self { lake, store, columns, schema, partition_by: partition_by.to_vec(), splitter, allowed })
    }

    /// Writes all rows; the files that hold them. `clustered` rows come partition by partition, and are written as they
    /// come. Of others, those of the first partition are written as they come, and the rest wait for the end.
    ///
    /// # Errors
    /// When the rows cannot be had, do not fit or cannot be stored. Files that stand then belong to no table.
    pub(crate) async fn write(&self, rows: SendableRecordBatchStream, clustered: bool) -> Result<Vec<Add>, LakeError> {
        let mut rows = spawn_buffered(rows, AHEAD);
        let mut spool = Spool::new(&self.lake, self.schema.clone());
        let mut open: Option<(OwnedRow, PartitionWriter)> = None;
        let mut adds = Vec::new();
        let written = async {
            while let Some(batch) = rows.try_next().await.map_err(|error| LakeError::query("making rows", &error))? {
                let batch = fitted(&batch, &self.columns).map_err(unfit)?;
                for (partition, rows) in self.splitter.split(&batch).map_err(unfit)? {
                    let same = open.as_ref().is_some_and(|(present, _)| *present == partition);
                    if !same && open.is_some() && !clustered {
                        spool.add(partition, rows)?;
                        continue;
                    }
                    if !same && let Some((_, writer)) = open.take() {
                        adds.extend(closed(writer).await?);
                    }
                    let (_, writer) = match &mut open {
                        Some(open) => open,
                        None => {
                            let writer = self.open(&partition)?;
                            open.insert((partition, writer))
                        }
                    };
                    Self::put(writer, &rows).await?;
                }
            }
            Ok(())
        };
        let written: Result<(), LakeError> = written.await;
        match (open, &written) {
            (Some((_, writer)), Ok(())) => adds.extend(closed(writer).await?),
            (Some((_, writer)), Err(_)) => abandoned(writer).await,
            (None, _) => {}
        }
        written?;
        adds.extend(self.write_waiting(spool).await?);
        Ok(adds)
    }

    async fn write_waiting(&self, spool: Spool) -> Result<Vec<Add>, LakeError> {
        let mut partitions = spool.into_partitions();
        let mut running: JoinSet<Result<Vec<Add>, LakeError>> = JoinSet::new();
        let (mut adds, mut failed) = (Vec::new(), None);
        loop {
            while running.len() < WRITERS
                && failed.is_none()
                && let Some((partition, rows)) = partitions.next()
            {
                let files = self.clone();
                running.spawn(async move { files.write_partition(&partition, rows).await });
            }
            match running.join_next().await {
                None => break,
                Some(Ok(Ok(written))) => adds.extend(written),
                Some(Ok(Err(error))) => failed = failed.or(Some(error)),
                Some(Err(_)) => {
                    let stopped =
                        LakeError::new(ErrorKind::Invalid, "writing a partition").caused_by("a worker stopped");
                    failed = failed.or(Some(stopped));
                }
            }
        }
        failed.map_or(Ok(adds), Err)
    }

    async fn write_partition(&self, partition: &OwnedRow, rows: Spooled) -> Result<Vec<Add>, LakeError> {
        let mut writer = self.open(partition)?;
        for batch in rows {
            let put = match batch {
                Ok(batch) => Self::put(&mut writer, &batch).await,
                Err(error) => Err(error),
            };
            if let Err(error) = put {
                abandoned(writer).await;
                return Err(error);
            }
        }
        closed(writer).await
    }

    fn open(&self, partition: &OwnedRow) -> Result<PartitionWriter, LakeError> {
        let values = self.splitter.values(partition).map_err(unfit)?;
        (self.allowed)(&values)?;
        self.writer(&values).map_err(|error| stored(&error))
    }

    fn writer(&self, values: &[ArrayRef]) -> Result<PartitionWriter, DeltaTableError> {
        let mut named = Vec::with_capacity(values.len());
        for (name, value) in self.partition_by.iter().zip(values) {
            let value = ScalarExt::from_array(value.as_ref(), 0);
            let value = value.ok_or_else(|| DeltaTableError::generic(format!("{name} cannot part a table")))?;
            named.push((name.clone(), value));
        }
        let values = named.into_iter().collect();
        let (schema, properties) = (self.schema.clone(), Some(properties()));
        let config = PartitionWriterConfig::try_new(schema, values, properties, Some(FILE), None, Some(PARTS), None)?;
        PartitionWriter::try_with_config(self.store.clone(), config, Default::default(), None)
    }

    async fn put(writer: &mut PartitionWriter, rows: &RecordBatch) -> Result<(), LakeError> {
        writer.write(rows).await.map_err(|error| stored(&error))
    }
}

/// The rows with exactly the columns of the table. The engine gives some texts as views that it planned as texts, and says
/// of columns that they may be null where the table says that they are not.
fn fitted(rows: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let mut values = Vec::with_capacity(columns.fields().len());
    for (value, field) in rows.columns().iter().zip(columns.fields()) {
        let fits = value.data_type() == field.data_type();
        values.push(if fits { value.clone() } else { cast_with_options(value, field.data_type(), &options)? });
    }
    RecordBatch::try_new(columns.clone(), values)
}

async fn closed(writer: PartitionWriter) -> Result<Vec<Add>, LakeError> {
    writer.close().await.map_err(|error| stored(&error))
}

async fn abandoned(writer: PartitionWriter) {
    // What was uploaded is of no use; that it cannot be removed either is the lesser problem.
    let _ = writer.abort().await;
}

fn properties() -> WriterProperties {
    parquet_properties()
        .into_builder()
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE)
        .set_dictionary_page_size_limit(PAGE)
        // Packing differences takes a megabyte for each writer.
        .set_column_encoding(ColumnPath::from("_row"), Encoding::PLAIN)
        .build()
}

fn unfit(error: ArrowError) -> LakeError {
    LakeError::query("fitting rows to the columns", &DataFusionError::from(error))
}

fn stored(error: &DeltaTableError) -> LakeError {
    LakeError::delta("writing files", error)
}
