//! Where the catalogue is not what the definitions say.

use std::collections::BTreeMap;

use carelake_lake::{Catalog, Drift, LakeError, TableEntry, ViewEntry};
use carelake_sql::session::LakeSession;
use carelake_sql::views::View;

use crate::codes;
use crate::context::Context;
use crate::entries::{Columns, lake_tables, mart_entry, planned_columns, view_entry};
use crate::error::{QueryError, StepError};

/// The columns of every mart and view, by qualified name.
pub(crate) type Shapes = BTreeMap<String, Columns>;

/// What the catalogue should hold.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    tables: Vec<TableEntry>,
    views: Vec<ViewEntry>,
}

impl Wanted {
    /// The tables of a lake, and its marts and views with those columns; `None` when the columns of one are not known.
    pub fn new(tables: &[TableEntry], views: &[View], shapes: &Shapes) -> Option<Self> {
        let mut wanted = Self { tables: tables.to_vec(), views: Vec::new() };
        for (rank, view) in views.iter().enumerate() {
            let columns = shapes.get(&view.qualified())?;
            if view.materialised {
                wanted.tables.push(mart_entry(view, columns));
            } else {
                wanted.views.push(view_entry(view, rank, columns));
            }
        }
        Some(wanted)
    }

    pub async fn drift(&self, catalog: &dyn Catalog) -> Result<Vec<Drift>, LakeError> {
        catalog.drift(&self.tables, &self.views).await
    }
}

/// What publish would bring back to what the definitions say, and tables that have none. Nothing is changed.
///
/// # Errors
/// When storage fails or a query is not valid.
pub async fn drift(context: &Context, views: &[View]) -> Result<Vec<Drift>, StepError> {
    let lists = codes::lists(&context.contracts)?;
    let mut tables = lake_tables(context)?;
    tables.extend(lists.iter().map(|(name, list)| codes::entry(name, list)));
    let opening = |error| StepError::query("opening the lake", &error);
    let session = carelake_sql::session::bounded(&context.lake).map_err(opening)?;
    let mut session =
        LakeSession::over(session, &context.lake, context.catalog.as_ref(), None).await.map_err(opening)?;
    tables.iter().for_each(|entry| session.know_table(entry.clone()));
    let mut shapes = Shapes::new();
    for (rank, view) in views.iter().enumerate() {
        let failed = |error| StepError::query(format!("planning {}", view.qualified()), &error);
        let planned = session.query(&view.sql).await.map_err(failed)?;
        let columns = planned_columns(planned.schema().as_arrow());
        if view.materialised {
            session.know_table(mart_entry(view, &columns));
        } else {
            session.know_view(view_entry(view, rank, &columns));
        }
        shapes.insert(view.qualified(), columns);
    }
    let wanted = Wanted::new(&tables, views, &shapes).unwrap_or_default();
    Ok(wanted.drift(context.catalog.as_ref()).await?)
}
