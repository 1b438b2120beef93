//! Partitions, a hundred at a time, each with its own answer.

use aws_sdk_glue::types::{PartitionError, PartitionInput, PartitionValueList, TableInput};
use carelake_lake::{ErrorKind, LakeError, PartitionEntry};

use super::GlueCatalog;
use crate::problem::{kind, problem};

/// What BatchCreatePartition takes.
pub const BATCH: usize = 100;
/// Attempts at partitions that Glue had no time for.
const ATTEMPTS: u32 = 6;

impl GlueCatalog {
    /// Adds partitions; one that is there already must be at the same place.
    pub(super) async fn put_batch(
        &self,
        database: &str,
        table: &TableInput,
        partitions: &[&PartitionEntry],
    ) -> Result<(), LakeError> {
        let context = || format!("adding partitions of {database}.{} to the catalogue", table.name());
        let mut left: Vec<&PartitionEntry> = partitions.to_vec();
        let mut attempt = 0;
        loop {
            let inputs = left.iter().map(|partition| self.partition(table, partition)).collect();
            let call = self.client.batch_create_partition().database_name(database).table_name(table.name());
            let sent = call.set_partition_input_list(Some(inputs)).send().await;
            let sent = sent.map_err(|error| problem(context(), &error))?;
            let (mut there, mut failed) = (Vec::new(), None);
            for error in sent.errors() {
                let code = error.error_detail().and_then(|detail| detail.error_code()).unwrap_or_default();
                match (code, kind(Some(code), Some(400))) {
                    ("AlreadyExistsException", _) => there.push(error.clone()),
                    (_, ErrorKind::Transient | ErrorKind::Conflict) => {
                        failed = failed.or(Some(LakeError::new(ErrorKind::Transient, context()).caused_by(code)));
                    }
                    (_, other) => return Err(LakeError::new(other, context()).caused_by(code)),
                }
            }
            self.agree(database, table.name(), &left, &there).await?;
            let Some(error) = failed else { return Ok(()) };
            let again = |partition: &&PartitionEntry| {
                let of = |error: &&PartitionError| error.partition_values() == partition.values.as_slice();
                sent.errors().iter().any(|error| of(&error)) && !there.iter().any(|error| of(&error))
            };
            left.retain(again);
            attempt += 1;
            if attempt == ATTEMPTS || left.is_empty() {
                return Err(error);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50 << attempt)).await;
        }
    }

    fn partition(&self, table: &TableInput, partition: &PartitionEntry) -> PartitionInput {
        let descriptor = table.storage_descriptor().cloned().map(|mut descriptor| {
            descriptor.location = Some(self.place(&partition.location));
            descriptor
        });
        PartitionInput::builder().set_values(Some(partition.values.clone())).set_storage_descriptor(descriptor).build()
    }

    /// Sees to it that partitions which were there already are at the wanted places.
    async fn agree(
        &self,
        database: &str,
        table: &str,
        wanted: &[&PartitionEntry],
        there: &[PartitionError],
    ) -> Result<(), LakeError> {
        if there.is_empty() {
            return Ok(());
        }
        let context = || format!("reading partitions of {database}.{table}");
        let mut asked = Vec::with_capacity(there.len());
        for error in there {
            let values = PartitionValueList::builder().set_values(Some(error.partition_values().to_vec())).build();
            asked.push(values.map_err(|error| LakeError::new(ErrorKind::Invalid, context()).caused_by(error))?);
        }
        let call = self.client.batch_get_partition().database_name(database).table_name(table);
        let got = call.set_partitions_to_get(Some(asked)).send().await.map_err(|error| problem(context(), &error))?;
        for present in got.partitions() {
            let place = present.storage_descriptor().and_then(|of| of.location()).unwrap_or_default();
            let entry = wanted.iter().find(|entry| entry.values == present.values());
            let elsewhere = entry.map(|entry| self.place(&entry.location));
            let elsewhere = elsewhere.filter(|here| here.trim_end_matches('/') != place.trim_end_matches('/'));
            if let Some(here) = elsewhere {
                let why = format!("there is one at {place}, not at {here}: another lake's, or a lake's that was moved");
                let context = format!("adding a partition of {database}.{table} to the catalogue");
                return Err(LakeError::new(ErrorKind::Invalid, context).caused_by(why));
            }
        }
        Ok(())
    }
}
