//! Which side of a join is held in memory, and joins whose sides are both too large for it: they are sorted, on disk where
//! need be.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::context::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_expr::expressions::{Column, cast};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode, SortMergeJoinExec,
};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

/// The rule of the engine that decides which side of a join is held in memory.
const SELECTION: &str = "join_selection";
/// Rows at a time where joins sort: what is merged from disk holds some of each piece.
const BATCH: usize = 2048;

/// The state of a session whose joins on one of `keys` sort their sides, unless one is known to be small.
pub fn sorting(mut state: SessionState, keys: &[String]) -> SessionState {
    if keys.is_empty() {
        return state;
    }
    *state.config_mut() = state.config().clone().with_batch_size(BATCH);
    after_selection(state, Arc::new(SortJoins { keys: keys.to_vec() }))
}

/// The state of a session whose joins hold the smaller side in memory, by a guess where the engine knows nothing.
pub(crate) fn holding_the_smaller(state: SessionState) -> SessionState {
    after_selection(state, Arc::new(HoldSmaller))
}

/// The rule must see the engine's choice, and what it does must be seen by those that place and order rows.
fn after_selection(state: SessionState, rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>) -> SessionState {
    let mut rules = state.physical_optimizers().to_vec();
    let after = rules.iter().position(|rule| rule.name() == SELECTION).map_or(0, |at| at + 1);
    rules.insert(after, rule);
    SessionStateBuilder::new_from_existing(state).with_physical_optimizer_rules(rules).build()
}

#[derive(Debug)]
struct SortJoins {
    keys: Vec<String>,
}

impl PhysicalOptimizerRule for SortJoins {
    fn name(&self) -> &'static str {
        "sort_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let sorted = plan.transform_up(|plan| match plan.downcast_ref::<HashJoinExec>() {
            Some(join) if self.sorts(join) => sorted(join).map(Transformed::yes),
            _ => Ok(Transformed::no(plan)),
        });
        sorted.map(|sorted| sorted.data)
    }
}

impl SortJoins {
    fn sorts(&self, join: &HashJoinExec) -> bool {
        let named = |key: &Arc<dyn PhysicalExpr>| {
            key.downcast_ref::<Column>().is_some_and(|column| self.keys.iter().any(|name| name == column.name()))
        };
        *join.partition_mode() != PartitionMode::CollectLeft
            && join.on().iter().any(|(left, right)| named(left) || named(right))
    }
}

fn sorted(join: &HashJoinExec) -> Result<Arc<dyn ExecutionPlan>> {
    let (left, right) = (join.left().schema(), join.right().schema());
    let keys = join.on().iter().map(|(one, other)| Ok((plain(one, &left)?, plain(other, &right)?)));
    let sorted: Arc<dyn ExecutionPlan> = Arc::new(SortMergeJoinExec::try_new(
        join.left().clone(),
        join.right().clone(),
        keys.collect::<Result<_>>()?,
        join.filter().cloned(),
        *join.join_type(),
        vec![Default::default(); join.on().len()],
        join.null_equality(),
    )?);
    let Some(kept) = &join.projection else { return Ok(sorted) };
    let schema = sorted.schema();
    let columns = kept.iter().map(|index| {
        let name = schema.field(*index).name();
        (Arc::new(Column::new(name, *index)) as Arc<dyn PhysicalExpr>, name.clone())
    });
    Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), sorted)?))
}

/// The key as it can be compared: partition columns come as dictionaries, which the engine's merge cannot.
fn plain(key: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    match key.data_type(schema)? {
        DataType::Dictionary(_, values) => cast(key.clone(), schema, *values),
        _ => Ok(key.clone()),
    }
}

/// Holds the side of a join in memory that is likely to be the smaller: of what comes out of joins, groups and windows the
/// engine knows too little to choose.
#[derive(Debug)]
struct HoldSmaller;

impl PhysicalOptimizerRule for HoldSmaller {
    fn name(&self) -> &'static str {
        "hold_smaller"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let swapped = plan.transform_up(|plan| {
            let larger_is_held = || {
                let [left, right] = plan.children()[..] else { return false };
                size(left) > size(right)
            };
            let swapped = if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
                let partitioned = *join.partition_mode() == PartitionMode::Partitioned;
                let swaps = partitioned && join.join_type().supports_swap() && !join.null_aware && larger_is_held();
                swaps.then(|| join.swap_inputs(PartitionMode::Partitioned))
            } else if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
                (join.join_type().supports_swap() && larger_is_held()).then(|| join.swap_inputs())
            } else if let Some(join) = plan.downcast_ref::<CrossJoinExec>() {
                larger_is_held().then(|| join.swap_inputs())
            } else {
                None
            };
            swapped.map_or(Ok(Transformed::no(plan)), |plan| plan.map(Transformed::yes))
        });
        swapped.map(|swapped| swapped.data)
    }
}

/// A guess at a relation's size: the bytes of its largest table, and a tenth of them after grouping. What the engine knows of
/// the rows of a table in many files is nothing.
fn size(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let below = plan.children().into_iter().map(size).max();
    match below {
        None => files(plan).unwrap_or_else(|| known(plan)),
        Some(below) if plan.is::<AggregateExec>() => below / 10,
        Some(below) => below,
    }
}

fn files(plan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    let scan = plan.downcast_ref::<DataSourceExec>()?.data_source();
    let files = scan.downcast_ref::<FileScanConfig>()?.file_groups.iter().flat_map(FileGroup::iter);
    Some(files.map(|file| file.object_meta.size).sum())
}

fn known(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let known = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).ok();
    known.and_then(|known| known.total_byte_size.get_value().copied()).unwrap_or_default() as u64
}
