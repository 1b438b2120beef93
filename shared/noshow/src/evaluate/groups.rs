//! The report by group. A small group is not described: it might tell of a person.

use std::collections::BTreeSet;

use super::{Confusion, GroupReport, Grouping, SMALL_GROUP};
use crate::calibrate::slope_and_intercept;
use crate::measure::{auroc, steps};

/// The report of every group with a row, in the order of the groupings and their words.
pub(super) fn report(
    probabilities: &[f64],
    labels: &[bool],
    threshold: f64,
    persons: Option<&[u64]>,
    groupings: &[Grouping],
) -> Vec<GroupReport> {
    let mut reports = Vec::new();
    for grouping in groupings {
        let mut of_grouping = Vec::new();
        for (code, word) in (0_u32..).zip(&grouping.words) {
            let rows: Vec<usize> =
                grouping.codes.iter().enumerate().filter(|(_, of)| **of == code).map(|(row, _)| row).collect();
            if !rows.is_empty() {
                let blank = GroupReport::blank(&grouping.name, word);
                of_grouping.push(
                    describe(&rows, probabilities, labels, threshold, persons).map_or(blank, |report| GroupReport {
                        by: grouping.name.clone(),
                        group: word.clone(),
                        ..report
                    }),
                );
            }
        }
        hide_the_complement(&mut of_grouping);
        reports.extend(of_grouping);
    }
    reports
}

/// With only one hidden group, its counts would follow from the total: the smallest of the others is hidden too.
fn hide_the_complement(reports: &mut [GroupReport]) {
    if reports.iter().filter(|report| report.rows.is_none()).count() != 1 {
        return;
    }
    let shown = reports.iter_mut().filter(|report| report.rows.is_some());
    if let Some(smallest) = shown.min_by_key(|report| report.rows) {
        *smallest = GroupReport::blank(&smallest.by, &smallest.group);
    }
}

impl GroupReport {
    fn blank(by: &str, group: &str) -> Self {
        Self {
            by: by.to_owned(),
            group: group.to_owned(),
            rows: None,
            rate: None,
            predicted: None,
            auroc: None,
            recall: None,
            false_positive_rate: None,
            calibration_slope: None,
        }
    }
}

/// None when the group is small.
fn describe(
    rows: &[usize],
    probabilities: &[f64],
    labels: &[bool],
    threshold: f64,
    persons: Option<&[u64]>,
) -> Option<GroupReport> {
    let p: Vec<f64> = rows.iter().filter_map(|row| probabilities.get(*row).copied()).collect();
    let y: Vec<bool> = rows.iter().filter_map(|row| labels.get(*row).copied()).collect();
    let person = |row: &usize| persons.map_or(Some(*row as u64), |persons| persons.get(*row).copied());
    let persons = rows.iter().filter_map(person).collect::<BTreeSet<_>>().len() as u64;
    let positives = y.iter().filter(|label| **label).count() as u64;
    let negatives = y.len() as u64 - positives;
    if persons.min(positives).min(negatives) < SMALL_GROUP {
        return None;
    }
    let confusion = Confusion::at(threshold, &p, &y);
    Some(GroupReport {
        rows: Some(y.len() as u64),
        rate: Some(positives as f64 / y.len() as f64),
        predicted: Some(p.iter().sum::<f64>() / p.len() as f64),
        auroc: auroc(&steps(&p, &y)),
        recall: confusion.recall(),
        false_positive_rate: confusion.false_positive_rate(),
        calibration_slope: slope_and_intercept(&p, &y).0,
        ..GroupReport::blank("", "")
    })
}
