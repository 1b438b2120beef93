//! The model file: what goes in comes out, and nothing else is taken for one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::LazyLock;

use carelake_noshow::{About, Algorithm, ErrorKind, Evaluation, FeatureSet, Grouping, ModelFile, card};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use support::{FEATURES, known, learn, rows, settings};

static FILE: LazyLock<ModelFile> = LazyLock::new(|| made(Algorithm::Trees));
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| FILE.to_bytes().unwrap());

fn made(algorithm: Algorithm) -> ModelFile {
    let rows = rows(3_000, 1);
    let mut settings = settings(algorithm);
    settings.trees.most_trees = 10;
    settings.forest.trees = 3;
    let model = learn(&rows, &settings);
    let word = |word: &str| word.to_owned();
    let about = About {
        name: word("a <b>model</b>"),
        source: word("s"),
        code_version: word("1"),
        data_fingerprint: word("~2"),
    };
    let probabilities = model.score(&rows.frame, 1).unwrap();
    let groups = Grouping {
        name: "half".to_owned(),
        codes: (0..3_000).map(|row| u32::from(row > 5)).collect(),
        words: vec!["few".to_owned(), "<script>many</script>".to_owned()],
    };
    let mut file = ModelFile::new(about, model);
    let evaluation = Evaluation::of(&probabilities, &known(&rows), &settings.costs, None, &[groups]);
    file.header.evaluation = Some(evaluation.unwrap());
    file.header.evaluated = Some(("2024-01-01".to_owned(), "2024-01-31".to_owned()));
    file
}

fn kind(bytes: &[u8]) -> ErrorKind {
    ModelFile::from_bytes(bytes).unwrap_err().kind
}

/// The file with another body, sealed as it should be.
fn sealed(format: u32, body: &str) -> Vec<u8> {
    let head = format!("carelake-model {format} {}\n{body}", body.len());
    let seal = hex::encode(Sha256::digest(head.as_bytes()));
    format!("{head}\nsha256 {seal}\n").into_bytes()
}

fn body() -> String {
    let text = String::from_utf8(BYTES.clone()).unwrap();
    text.lines().nth(1).unwrap().to_owned()
}

#[test]
fn a_model_comes_back_whole_and_writes_the_same_bytes_again() {
    for algorithm in [Algorithm::Logistic, Algorithm::Trees, Algorithm::Forest] {
        let file = made(algorithm);
        let bytes = file.to_bytes().unwrap();
        let back = ModelFile::from_bytes(&bytes).unwrap();
        assert!(back == file && back.to_bytes().unwrap() == bytes, "{algorithm:?}");
        let rows = rows(500, 2);
        assert_eq!(back.model.score(&rows.frame, 1).unwrap(), file.model.score(&rows.frame, 1).unwrap());
    }
}

#[test]
fn a_model_of_before_leaves_drew_features_is_read() {
    let old = body().replace(",\"leaf_share\":\"~0.6\"", "");
    assert!(old != body());
    assert_eq!(ModelFile::from_bytes(&sealed(1, &old)).unwrap().model.settings.trees.leaf_share, 1.0);
}

#[test]
fn every_damage_has_its_own_error() {
    assert_eq!(kind(b""), ErrorKind::NotAModel);
    assert_eq!(kind(b"PAR1 something else\n"), ErrorKind::NotAModel);
    assert_eq!(kind(&BYTES[..9]), ErrorKind::Truncated);
    assert_eq!(kind(&BYTES[..BYTES.len() / 2]), ErrorKind::Truncated);
    assert_eq!(kind(&BYTES[..BYTES.len() - 1]), ErrorKind::Truncated);
    assert_eq!(kind(&[BYTES.as_slice(), b"x"].concat()), ErrorKind::Tampered);
    assert_eq!(kind(&sealed(2, "{}")), ErrorKind::FutureFormat);
    assert_eq!(kind(&sealed(1, "{}")), ErrorKind::Corrupt);
    let other = FeatureSet::parse(&FEATURES.replace("name = \"noise\"", "name = \"sound\"")).unwrap();
    assert_eq!(FILE.check_schema(&other).unwrap_err().kind, ErrorKind::OtherSchema);
    let words = FeatureSet::parse(&FEATURES.replace("booked only", "booked just")).unwrap();
    assert!(FILE.check_schema(&words).is_ok());
}

#[test]
fn a_first_line_that_promises_too_much_takes_no_memory() {
    assert_eq!(kind(format!("carelake-model 1 {}\n{{", usize::MAX).as_bytes()), ErrorKind::Truncated);
    assert_eq!(kind(&sealed(1, &"[".repeat(100_000))), ErrorKind::Corrupt);
}

#[test]
fn a_sealed_file_that_contradicts_itself_is_refused() {
    for (from, to) in [
        ("\"feature\":0", "\"feature\":9"),
        ("\"left\":1", "\"left\":0"),
        ("\"right\":-", "\"right\":-9"),
        ("\"bags\":4", "\"bags\":0"),
        ("\"importances\":\"", "\"importances\":\"1 "),
        ("\"counts\":[", "\"counts\":[18446744073709551615,"),
        ("\"base\":\"", "\"base\":\"inf"),
    ] {
        let changed = body().replacen(from, to, 1);
        assert_ne!(changed, body(), "{from}");
        assert_eq!(kind(&sealed(1, &changed)), ErrorKind::Corrupt, "{from}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_cut_anywhere_is_truncated(share in 0.0..1.0_f64) {
        let cut = ((BYTES.len() as f64 * share) as usize).max(1);
        prop_assert_eq!(kind(&BYTES[..cut]), ErrorKind::Truncated);
    }

    #[test]
    fn a_changed_byte_is_found(share in 0.0..1.0_f64, bit in 0..8_u32) {
        let mut bytes = BYTES.clone();
        let at = (bytes.len() as f64 * share) as usize;
        bytes[at] ^= 1 << bit;
        prop_assert!(ModelFile::from_bytes(&bytes).is_err());
    }

    #[test]
    fn a_changed_and_sealed_body_never_panics(share in 0.0..1.0_f64, bit in 0..7_u32) {
        let mut body = body().into_bytes();
        let at = (body.len() as f64 * share) as usize;
        body[at] ^= 1 << bit;
        if let Ok(body) = String::from_utf8(body)
            && let Ok(file) = ModelFile::from_bytes(&sealed(1, &body))
        {
            let rows = rows(70, 3);
            let _ = file.model.score(&rows.frame, 1);
            let _ = file.model.reasons(&rows.frame, 3, 1);
            let _ = card::html(&file, None);
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(ModelFile::from_bytes(&bytes).is_err());
    }
}

#[test]
fn the_card_needs_nothing_from_outside_and_runs_nothing() {
    let page = card::html(&FILE, None);
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(page.matches("<svg").count() >= 5);
    for word in ["http://", "https://", "<script", "<b>model", "url(", "@import", "<link", "<img"] {
        assert!(!page.contains(word), "{word}");
    }
    for word in ["Helping people to come.", "Denying care.", "AUROC", "hidden", "&lt;script&gt;many"] {
        assert!(page.contains(word), "{word}");
    }
    let text = card::markdown(&FILE, None);
    for word in ["# a &lt;b>model", "Helping people to come.", "| AUROC |", "| lead |", "## By group"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
