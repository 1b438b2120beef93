//! What tables hold of the persons, and which keys stand for them.

use std::collections::BTreeSet;

use carelake_contracts::KeyColumn;
use datafusion::prelude::SessionContext;

use super::Surveyor;
use crate::error::{QueryError, StepError};
use crate::maintain::erase::tables::{self, is_one_of};

impl Surveyor<'_> {
    /// A key that the persons' rows have is theirs unless the parent's row in silver is another person's.
    pub(super) async fn keep_what_is_theirs(&mut self) -> Result<(), StepError> {
        let session = crate::conform::session(self.context)?;
        let keys: BTreeSet<String> = self
            .roles
            .datasets
            .values()
            .flat_map(|roles| &roles.belongs)
            .map(|(_, key): &KeyColumn| key.clone())
            .collect();
        for key in keys {
            let Some((table, column)) = key.rsplit_once('.') else { continue };
            let persons = self.roles.tables.get(table).map(|roles| roles.persons.clone()).unwrap_or_default();
            let rows = tables::rows_of(self.context, &session, table, &self.request.source).await?;
            let theirs: Vec<_> = persons.into_iter().map(|column| (column, self.pseudonyms.clone())).collect();
            let claims = self.claims.entry(key.clone()).or_default();
            if let (Some(rows), Some(condition)) = (rows, is_one_of(&theirs)) {
                let failed = |error| StepError::query(format!("looking for the persons in {table}"), &error);
                let own = rows.clone().filter(condition.clone()).map_err(failed)?;
                let others = rows.filter(condition.is_not_true()).map_err(failed)?;
                claims.extend(tables::texts(&own, column, table).await?);
                if let Some(claimed) = is_one_of(&[(column.to_owned(), claims.clone())]) {
                    let others = others.filter(claimed).map_err(failed)?;
                    let of_others = tables::texts(&others, column, table).await?;
                    claims.retain(|value| !of_others.contains(value));
                }
            }
            let prints = claims.iter().map(|value| self.fingerprints.key(&self.request.source, &key, value));
            self.draft.keys.insert(key.clone(), prints.collect());
        }
        Ok(())
    }

    pub(super) async fn look_in_tables(&mut self) -> Result<(), StepError> {
        let session = crate::conform::session(self.context)?;
        for (table, roles) in self.roles.tables.clone() {
            let mut columns: Vec<(String, BTreeSet<String>)> =
                roles.persons.iter().map(|column| (column.clone(), self.pseudonyms.clone())).collect();
            for (column, key) in &roles.belongs {
                columns.push((column.clone(), self.claims.get(key).cloned().unwrap_or_default()));
            }
            if self.count(&session, &table, &columns).await? > 0 {
                let feeding = self.context.contracts.contracts.values().filter(|contract| {
                    contract.feed == self.feed && contract.targets.iter().any(|target| target.table == table)
                });
                self.datasets.extend(feeding.map(|contract| contract.dataset.clone()));
            }
        }
        for table in tables::gold(self.context).await? {
            let Some(rows) = tables::rows_of(self.context, &session, &table, &self.request.source).await? else {
                continue;
            };
            let texts = rows.schema().fields().iter().filter(|field| field.data_type().is_string());
            let columns = texts.map(|field| (field.name().clone(), self.pseudonyms.clone())).collect::<Vec<_>>();
            self.count(&session, &table, &columns).await?;
        }
        Ok(())
    }

    async fn count(
        &mut self,
        session: &SessionContext,
        table: &str,
        columns: &[(String, BTreeSet<String>)],
    ) -> Result<u64, StepError> {
        let failed = |error| StepError::query(format!("looking for the persons in {table}"), &error);
        let rows = tables::rows_of(self.context, session, table, &self.request.source).await?;
        let (Some(rows), Some(condition)) = (rows, is_one_of(columns)) else { return Ok(0) };
        let rows = rows.filter(condition).map_err(failed)?;
        let found = rows.clone().count().await.map_err(failed)? as u64;
        if found > 0 {
            self.draft.removed.rows.insert(table.to_owned(), found);
            for (column, _) in columns.iter().filter(|(_, values)| values == &self.pseudonyms) {
                let found = tables::texts(&rows, column, table).await?;
                self.met.extend(found.into_iter().filter(|text| self.pseudonyms.contains(text)));
            }
        }
        Ok(found)
    }
}
