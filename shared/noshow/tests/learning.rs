//! What every learner must do: find the signal, be calibrated, be reproducible, and fail clearly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use carelake_noshow::{
    About, Algorithm, Column, Drift, DriftCounts, ErrorKind, Evaluation, Frame, Model, ModelFile, RiskBand, Settings,
    train,
};
use support::{Rows, known, learn, rows, settings};

const ALL: [Algorithm; 3] = [Algorithm::Logistic, Algorithm::Trees, Algorithm::Forest];

fn evaluate(model: &Model, rows: &Rows) -> (Evaluation, Evaluation) {
    let of = |p: &[f64]| Evaluation::of(p, &known(rows), &model.settings.costs, None, &[]).unwrap();
    (of(&model.score(&rows.frame, 1).unwrap()), of(&rows.truth))
}

#[test]
fn every_learner_finds_the_signal_and_is_calibrated_on_rows_it_has_not_seen() {
    let (early, late) = (rows(8_000, 1), rows(12_000, 2));
    for algorithm in ALL {
        let (got, best) = evaluate(&learn(&early, &settings(algorithm)), &late);
        let (auroc, most) = (got.auroc.unwrap(), best.auroc.unwrap());
        assert!(auroc > most - 0.012, "{algorithm:?}: {auroc} of {most}");
        let slope = got.calibration_slope.unwrap();
        assert!((0.85..1.15).contains(&slope), "{algorithm:?}: slope {slope}");
        assert!(got.brier < best.brier + 0.003, "{algorithm:?}: {} {}", got.brier, best.brier);
    }
}

#[test]
fn the_same_rows_and_seed_give_the_same_bytes_on_any_number_of_threads() {
    let rows = rows(2_500, 3);
    for algorithm in ALL {
        let bytes = |threads, seed| {
            let mut settings = Settings { threads, seed, ..settings(algorithm) };
            settings.trees.most_trees = 20;
            settings.forest.trees = 5;
            file(learn(&rows, &settings)).to_bytes().unwrap()
        };
        assert!(bytes(1, 1) == bytes(3, 1), "{algorithm:?}");
        assert!(bytes(1, 1) != bytes(1, 2), "{algorithm:?}");
    }
}

fn file(model: Model) -> ModelFile {
    let word = || "test".to_owned();
    ModelFile::new(About { name: word(), source: word(), code_version: word(), data_fingerprint: word() }, model)
}

#[test]
fn probabilities_do_not_depend_on_threads_or_on_the_other_rows() {
    let rows = rows(3_000, 4);
    for algorithm in ALL {
        let model = learn(&rows, &settings(algorithm));
        let all = model.score(&rows.frame, 2).unwrap();
        assert_eq!(all, model.score(&rows.frame, 1).unwrap());
        let some = [2_999, 5, 64, 5];
        let alone = model.score(&rows.frame.take(&some), 1).unwrap();
        assert_eq!(alone, some.map(|row| all[row]), "{algorithm:?}");
    }
}

#[test]
fn missing_values_and_unknown_words_are_scored() {
    let rows = rows(2_000, 5);
    for algorithm in ALL {
        let model = learn(&rows, &settings(algorithm));
        let strange = Frame::new(vec![
            Column::Numeric(vec![f64::NAN, 1e300]),
            Column::Categorical { codes: vec![0, 1], words: vec!["never seen".into()] },
            Column::Numeric(vec![f64::NAN, -1e300]),
            Column::Numeric(vec![f64::NAN, 0.5]),
        ]);
        let scored = model.score(&strange.unwrap(), 1).unwrap();
        assert!(scored.iter().all(|p| (0.0..=1.0).contains(p)), "{algorithm:?}: {scored:?}");
    }
}

#[test]
fn a_feature_without_values_is_left_out_and_the_model_says_so() {
    let mut rows = rows(4_000, 6);
    let mut columns = rows.frame.columns().to_vec();
    columns[0] = Column::Numeric(vec![f64::NAN; 4_000]);
    columns[1] = Column::Categorical { codes: vec![0; 4_000], words: vec!["unused".into()] };
    let with_values = rows.frame.clone();
    rows.frame = Frame::new(columns).unwrap();
    for algorithm in ALL {
        let model = learn(&rows, &settings(algorithm));
        assert_eq!(model.warnings.len(), 2, "{:?}", model.warnings);
        assert!(model.warnings[0].starts_with("lead has no value"));
        let scored = model.score(&rows.frame, 1).unwrap();
        assert_eq!(scored, model.score(&with_values, 1).unwrap(), "{algorithm:?}");
        let drift = Drift::between(&model, &rows.frame, &scored).unwrap();
        assert!(drift.features.iter().all(|feature| feature.psi < 1e-9), "{algorithm:?}: the same rows do not drift");
    }
}

#[test]
fn what_cannot_be_learnt_from_is_an_error_of_its_own() {
    let good = rows(2_000, 7);
    let fails = |change: &dyn Fn(&mut Rows)| {
        let mut rows = good.clone();
        change(&mut rows);
        let settings = settings(Algorithm::Trees);
        let error = train(&rows.features, &rows.frame, &rows.labels, &rows.days, &settings, &|_| ()).unwrap_err();
        assert!(!error.retryable() && !error.to_string().is_empty());
        error.kind
    };
    let none = |rows: &mut Rows| {
        rows.frame = rows.frame.take(&[]);
        (rows.labels, rows.days) = (vec![], vec![]);
    };
    assert_eq!(fails(&none), ErrorKind::EmptyWindow);
    assert_eq!(fails(&|rows| rows.labels.fill(Some(true))), ErrorKind::OneClass);
    assert_eq!(fails(&|rows| rows.labels[3] = None), ErrorKind::UnknownOutcome);
    assert_eq!(fails(&|rows| rows.days.truncate(5)), ErrorKind::Columns);
    assert_eq!(fails(&|rows| rows.days.fill(1)), ErrorKind::TooFewRows);
    let few = |rows: &mut Rows| {
        rows.labels.fill(Some(false));
        rows.labels[0] = Some(true);
    };
    assert_eq!(fails(&few), ErrorKind::TooFewRows);
    let empty = |rows: &mut Rows| {
        let blank = |_: &Column| Column::Numeric(vec![f64::NAN; 2_000]);
        let mut columns: Vec<Column> = rows.frame.columns().iter().map(blank).collect();
        columns[1] = Column::Categorical { codes: vec![0; 2_000], words: vec![] };
        rows.frame = Frame::new(columns).unwrap();
    };
    assert_eq!(fails(&empty), ErrorKind::NoSignal);
    let bad = Settings { seed: 1, ..Settings { algorithm: Algorithm::Trees, ..Settings::default() } };
    let bad = Settings { costs: carelake_noshow::Costs { missed_slot: 0.0, reminder_call: 1.0 }, ..bad };
    let error = train(&good.features, &good.frame, &good.labels, &good.days, &bad, &|_| ()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Settings);
}

#[test]
fn reasons_name_what_moves_the_probability_in_words() {
    let rows = rows(3_000, 8);
    for algorithm in ALL {
        let model = learn(&rows, &settings(algorithm));
        let reasons = model.reasons(&rows.frame, 3, 2).unwrap();
        assert_eq!(reasons.len(), 3_000);
        let Column::Numeric(lead) = &rows.frame.columns()[0] else { panic!() };
        let longest = lead.iter().position(|days| *days == 59.0).unwrap();
        let first = &reasons[longest][0];
        assert_eq!((first.feature.as_str(), first.words.as_str()), ("lead", "booked 59 days ahead"), "{algorithm:?}");
        assert!(first.contribution > 0.0);
        let shortest = lead.iter().position(|days| *days == 0.0).unwrap();
        let words: Vec<&str> = reasons[shortest].iter().map(|reason| reason.words.as_str()).collect();
        assert!(words.contains(&"booked only 0 days ahead"), "{words:?}");
        assert!(reasons.iter().flatten().any(|reason| reason.words == "day of booking not known"));
        assert_eq!(model.importances()[0].0, "lead");
        assert_eq!(model.importances()[3].0, "noise");
    }
}

#[test]
fn contributions_add_up_to_the_score() {
    let rows = rows(3_000, 11);
    for algorithm in ALL {
        let settings = Settings { calibration: carelake_noshow::CalibrationChoice::None, ..settings(algorithm) };
        let model = learn(&rows, &settings);
        let scores = model.score(&rows.frame, 1).unwrap();
        for row in [0, 77, 2_999] {
            let (base, parts) = model.contributions(&rows.frame, row).unwrap();
            let sum = base + parts.iter().sum::<f64>();
            let probability = if algorithm == Algorithm::Forest { sum } else { 1.0 / (1.0 + (-sum).exp()) };
            assert!((probability - scores[row]).abs() < 1e-9, "{algorithm:?}: {probability} {}", scores[row]);
        }
    }
}

#[test]
fn drift_is_found_where_it_is() {
    let rows = rows(4_000, 9);
    let model = learn(&rows, &settings(Algorithm::Trees));
    let same = Drift::between(&model, &rows.frame, &model.score(&rows.frame, 1).unwrap()).unwrap();
    assert!(same.features.iter().all(|feature| feature.psi == 0.0), "{same:?}");
    let mut columns = rows.frame.columns().to_vec();
    columns[0] = Column::Numeric(vec![3.0; 4_000]);
    let moved = Frame::new(columns).unwrap();
    let drift = Drift::between(&model, &moved, &model.score(&moved, 1).unwrap()).unwrap();
    let loud: Vec<&str> =
        drift.features.iter().filter(|f| f.alarm != carelake_noshow::Alarm::None).map(|f| f.feature.as_str()).collect();
    assert_eq!(loud, ["score", "lead"]);
    let nothing = Drift::between(&model, &rows.frame.take(&[]), &[]).unwrap();
    assert!(nothing.rows == 0 && nothing.features.is_empty());
}

#[test]
fn drift_counted_batch_by_batch_is_that_of_all_rows() {
    let rows = rows(4_000, 12);
    let model = learn(&rows, &settings(Algorithm::Trees));
    let of = |frame: &Frame| model.score(frame, 1).unwrap();
    let late = rows.frame.take(&(1_000..4_000).collect::<Vec<_>>());
    let mut counts = DriftCounts::default();
    for part in (1_000..4_000).collect::<Vec<_>>().chunks(700) {
        let frame = rows.frame.take(part);
        counts.add(&model, &frame, &of(&frame)).unwrap();
    }
    assert_eq!(counts.drift(&model), Drift::between(&model, &late, &of(&late)).unwrap());
}

#[test]
fn bands_rise_with_the_probability() {
    let model = learn(&rows(2_000, 10), &settings(Algorithm::Logistic));
    let bands: Vec<RiskBand> = (0..=100).map(|p| model.risk_band(f64::from(p) / 100.0)).collect();
    assert!(bands.is_sorted() && bands[0] == RiskBand::Low && bands[100] == RiskBand::High);
}
