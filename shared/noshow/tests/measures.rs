//! The measures against scikit-learn's (golden/measures.py writes them), and the report by group by hand.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use carelake_noshow::{Costs, ErrorKind, Evaluation, Grouping, Verdict, compare};
use serde_json::Value;

const COSTS: Costs = Costs { missed_slot: 100.0, reminder_call: 25.0 };

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn measures_are_those_of_scikit_learn() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("golden/measures.json")).unwrap();
    for case in &cases {
        let (p, other) = (numbers(&case["probabilities"]), numbers(&case["other"]));
        let labels: Vec<bool> = numbers(&case["labels"]).iter().map(|label| *label == 1.0).collect();
        let got = Evaluation::of(&p, &labels, &COSTS, None, &[]).unwrap();
        for (name, value) in [
            ("auroc", got.auroc.unwrap()),
            ("pr_auc", got.pr_auc.unwrap()),
            ("brier", got.brier),
            ("log_loss", got.log_loss),
        ] {
            let wanted = case[name].as_f64().unwrap();
            assert!((value - wanted).abs() < 1e-12, "{name}: {value} {wanted}");
        }
        let slope = case["calibration_slope"].as_f64().unwrap();
        assert!((got.calibration_slope.unwrap() - slope).abs() < 1e-4, "{:?} {slope}", got.calibration_slope);
        let compared = compare(&p, &other, &labels).unwrap();
        assert!((compared.challenger_auroc - case["other_auroc"].as_f64().unwrap()).abs() < 1e-12);
        if let Some(error) = case["difference_error"].as_f64() {
            assert!((compared.standard_error - error).abs() < 1e-12, "{} {error}", compared.standard_error);
        }
    }
}

#[test]
fn the_threshold_follows_from_the_costs_and_counts_follow_from_it() {
    let p = [0.1, 0.25, 0.3, 0.9, 0.2];
    let got = Evaluation::of(&p, &[false, true, false, true, true], &COSTS, None, &[]).unwrap();
    assert_eq!(got.threshold, 0.25);
    let counts = got.confusion;
    assert_eq!((counts.true_positives, counts.false_positives), (2, 1));
    assert_eq!((counts.true_negatives, counts.false_negatives), (1, 1));
    assert_eq!((got.recall, got.precision), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
    assert_eq!((got.false_positive_rate, got.accuracy), (Some(0.5), 0.6));
}

#[test]
fn rows_of_one_class_have_no_ranking_and_bad_input_is_an_error() {
    let got = Evaluation::of(&[0.1, 0.2], &[false, false], &COSTS, None, &[]).unwrap();
    assert_eq!((got.auroc, got.pr_auc, got.recall, got.lift_top_decile), (None, None, None, None));
    let kind = |p: &[f64], y: &[bool]| Evaluation::of(p, y, &COSTS, None, &[]).unwrap_err().kind;
    assert_eq!(kind(&[], &[]), ErrorKind::EmptyWindow);
    assert_eq!(kind(&[0.5], &[]), ErrorKind::Columns);
    assert_eq!(kind(&[f64::NAN], &[true]), ErrorKind::Columns);
    assert_eq!(compare(&[0.5], &[0.5], &[true]).unwrap_err().kind, ErrorKind::OneClass);
}

#[test]
fn small_groups_and_the_complement_of_a_single_one_are_hidden() {
    let rows = 400_usize;
    let labels: Vec<bool> = (0..rows).map(|row| row % 3 == 0).collect();
    let p: Vec<f64> = (0..rows).map(|row| 0.2 + 0.1 * (row % 5) as f64).collect();
    // 20 rows of a, 100 of b, 280 of c.
    let codes: Vec<u32> = (0..rows).map(|row| u32::from(row >= 20) + u32::from(row >= 120)).collect();
    let grouping = |codes: Vec<u32>| Grouping {
        name: "g".to_owned(),
        codes,
        words: ["a", "b", "c", "none"].map(str::to_owned).to_vec(),
    };
    let shown = |persons: Option<&[u64]>, codes: &[u32]| -> Vec<Option<u64>> {
        let got = Evaluation::of(&p, &labels, &COSTS, persons, &[grouping(codes.to_vec())]).unwrap();
        got.groups.iter().map(|group| group.rows).collect()
    };
    // a has 7 rows with the outcome; b is the next smallest.
    assert_eq!(shown(None, &codes), [None, None, Some(280)]);
    let halves: Vec<u32> = (0..rows).map(|row| u32::from(row >= 200)).collect();
    assert_eq!(shown(None, &halves), [Some(200), Some(200)]);
    // All rows of the first half are of five persons.
    let persons: Vec<u64> = (0..rows as u64).map(|row| if row < 200 { row % 5 } else { row }).collect();
    assert_eq!(shown(Some(&persons), &halves), [None, None]);
}

#[test]
fn a_model_is_promoted_only_when_better() {
    let labels: Vec<bool> = (0..200).map(|row| row % 4 == 0).collect();
    let good: Vec<f64> = labels.iter().map(|label| if *label { 0.6 } else { 0.1 }).collect();
    let bad: Vec<f64> = (0..200).map(|row| 0.2 + 0.1 * f64::from(row % 3)).collect();
    assert_eq!(compare(&bad, &good, &labels).unwrap().verdict, Verdict::Promote);
    assert_eq!(compare(&good, &bad, &labels).unwrap().verdict, Verdict::Keep);
    assert_eq!(compare(&good, &good, &labels).unwrap().verdict, Verdict::Keep);
    let loud: Vec<f64> =
        labels.iter().enumerate().map(|(row, label)| if *label || row < 2 { 0.99 } else { 0.9 }).collect();
    let compared = compare(&bad, &loud, &labels).unwrap();
    assert!(compared.challenger_auroc > compared.champion_auroc && compared.verdict == Verdict::Keep);
}
