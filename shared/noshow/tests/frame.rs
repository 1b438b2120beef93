//! From Arrow columns to a frame, and what a feature list must say.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, RecordBatch, StringArray};
use carelake_noshow::{Column, ErrorKind, FeatureSet, Frame, days, labels};
use support::FEATURES;

fn features() -> FeatureSet {
    FeatureSet::parse(FEATURES).unwrap()
}

fn batch(place: [Option<&str>; 2], label: ArrayRef) -> RecordBatch {
    let columns: [(&str, ArrayRef); 7] = [
        ("person", Arc::new(StringArray::from(vec!["x", "y"]))),
        ("lead", Arc::new(Int32Array::from(vec![Some(3), None]))),
        ("place", Arc::new(StringArray::from(place.to_vec()))),
        ("reminded", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("noise", Arc::new(Float64Array::from(vec![f64::INFINITY, 0.5]))),
        ("missed", label),
        ("day", Arc::new(Date32Array::from(vec![16_000, 16_001]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn known(label: [Option<bool>; 2]) -> ArrayRef {
    Arc::new(BooleanArray::from(label.to_vec()))
}

#[test]
fn columns_are_taken_by_name_and_words_are_shared_between_batches() {
    let batches = [
        batch([Some("a"), None], known([Some(true), None])),
        batch([Some("b"), Some("a")], known([Some(false), Some(true)])),
    ];
    let frame = Frame::from_batches(&features(), &batches).unwrap();
    assert_eq!(frame.rows(), 4);
    let numbers = |at: usize| match &frame.columns()[at] {
        Column::Numeric(values) => values.iter().map(|value| (!value.is_nan()).then_some(*value)).collect::<Vec<_>>(),
        Column::Categorical { .. } => panic!(),
    };
    assert_eq!(numbers(0), [Some(3.0), None, Some(3.0), None]);
    assert_eq!(numbers(2), [Some(1.0), None, Some(1.0), None]);
    // Infinite counts as missing.
    assert_eq!(numbers(3), [None, Some(0.5), None, Some(0.5)]);
    let words = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(frame.columns()[1], Column::Categorical { codes: vec![1, 0, 2, 1], words });
    assert_eq!(labels(&features(), &batches).unwrap(), [Some(true), None, Some(false), Some(true)]);
    assert_eq!(days("day", &batches).unwrap(), [16_000, 16_001, 16_000, 16_001]);
}

#[test]
fn columns_that_do_not_fit_are_errors_that_name_the_column_and_no_value() {
    let missing = batch([None, None], known([None, None])).project(&[0, 1, 2, 3]).unwrap();
    let error = Frame::from_batches(&features(), &[missing]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Columns);
    assert!(error.to_string().contains("noise"), "{error}");
    let secret: ArrayRef = Arc::new(StringArray::from(vec!["secret", "1"]));
    let error = labels(&features(), &[batch([None, None], secret)]).unwrap_err();
    assert!(error.to_string().contains("missed") && !error.to_string().contains("secret"), "{error}");
    let two: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    assert_eq!(labels(&features(), &[batch([None, None], two)]).unwrap_err().kind, ErrorKind::Columns);
    // A label that is not a number counts as unknown.
    let nan: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, 1.0]));
    assert_eq!(labels(&features(), &[batch([None, None], nan)]).unwrap(), [None, Some(true)]);
}

#[test]
fn a_feature_list_says_what_is_wrong_with_it() {
    for (change, words) in [
        (FEATURES.replace("name = \"noise\"", "name = \"lead\""), "lead stands twice"),
        (FEATURES.replace("name = \"noise\"", "name = \"missed\""), "missed stands twice"),
        (FEATURES.replace("kind = \"boolean\"", "kind = \"yes\""), "yes"),
        (FEATURES.replace("version = 1", "version = 1\ncolour = 2"), "colour"),
        (FEATURES.replace("name = \"noise\"", "name = \" \""), "no name"),
    ] {
        let error = FeatureSet::parse(&change).unwrap_err();
        assert_eq!(error.kind, ErrorKind::FeatureList);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn the_schema_hash_is_that_of_names_kinds_and_order_not_of_words() {
    let hash = |text: &str| FeatureSet::parse(text).unwrap().schema_hash();
    assert_eq!(hash(FEATURES), hash(&FEATURES.replace("Part of the city.", "Where from.")));
    assert_ne!(hash(FEATURES), hash(&FEATURES.replace("version = 1", "version = 2")));
    assert_ne!(hash(FEATURES), hash(&FEATURES.replace("kind = \"boolean\"", "kind = \"numeric\"")));
}
