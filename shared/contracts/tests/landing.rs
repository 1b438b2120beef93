//! Landing paths and source bindings.
#![allow(clippy::unwrap_used, clippy::panic)]

use carelake_contracts::{Compression, ContractSet, FileFormat, LandingPath, Sources, file_format};
use chrono::NaiveDate;

#[test]
fn each_form_of_a_landing_path_is_read() {
    let day = NaiveDate::from_ymd_opt(2025, 1, 31);
    for (key, date, format, compression) in [
        ("clinic/visits/visits.csv", None, FileFormat::Csv, Compression::None),
        ("clinic/visits/2025-01-31/visits.csv", day, FileFormat::Csv, Compression::None),
        ("clinic/visits/20250131/VISITS.CSV.GZ", day, FileFormat::Csv, Compression::Gzip),
        ("clinic/visits/a.json", None, FileFormat::Json, Compression::None),
        ("clinic/visits/a.b.ndjson.zst", None, FileFormat::NdJson, Compression::Zstd),
        ("clinic/visits/a.jsonl", None, FileFormat::NdJson, Compression::None),
        ("clinic/visits/a.parquet", None, FileFormat::Parquet, Compression::None),
        ("st_mary_2/visit_events/Jörg Müller, 3.csv", None, FileFormat::Csv, Compression::None),
    ] {
        let path = LandingPath::parse(key).unwrap_or_else(|problem| panic!("{key}: {problem}"));
        assert_eq!((path.date, path.format, path.compression), (date, format, compression), "{key}");
    }
    let path = LandingPath::parse("clinic/visits/2025-01-31/visits.csv").unwrap();
    assert_eq!((path.source.as_str(), path.dataset.as_str()), ("clinic", "visits"));
}

#[test]
fn hostile_and_wrong_paths_are_refused_without_repeating_them() {
    for key in [
        "",
        "a.csv",
        "clinic/a.csv",
        "clinic/visits/2025-01-31/x/a.csv",
        "../visits/a.csv",
        "clinic/../a.csv",
        "clinic/./a.csv",
        "/clinic/visits/a.csv",
        "clinic//visits/a.csv",
        "clinic//a.csv",
        "Clinic/visits/a.csv",
        "clinic/vi sits/a.csv",
        "clinic/visits/a.exe",
        "clinic/visits/a",
        "clinic/visits/.csv.exe",
        "clinic/visits/2025-02-30/a.csv",
        "clinic/visits/2025-1-3/a.csv",
        "clinic/visits/../a.csv",
        "clinic/visits/a.parquet.gz",
        "clinic/visits/a.gz",
        "clinic/visits/",
        "clinic/visits/2025-01-31/",
        "cliníc/visits/a.csv",
        "clinic/visits%2F..%2F/a.csv",
        "clinic\\visits\\a.csv",
        "c'; drop table x/visits/a.csv",
        "0clinic/visits/a.csv",
    ] {
        let problem = LandingPath::parse(key).err().unwrap_or_else(|| panic!("{key} is taken"));
        assert!(!problem.contains("drop") && !problem.contains("exe"), "{problem}");
    }
    let long = format!("{}/visits/a.csv", "c".repeat(101));
    assert!(LandingPath::parse(&long).is_err());
}

#[test]
fn endings_decide_the_format_without_case() {
    assert_eq!(file_format("x.Csv.Zst"), Some((FileFormat::Csv, Compression::Zstd)));
    for name in ["x.parquet.zst", "x.csv.bz2", "csv", "x.csv~", ""] {
        assert_eq!(file_format(name), None, "{name}");
    }
}

#[test]
fn a_source_sends_the_feed_of_its_name_unless_bound() {
    let sources = Sources::parse("sources.toml", "[sources.st_mary]\nfeed = \"clinic\"\n").unwrap();
    assert_eq!(sources.feed("st_mary"), "clinic");
    assert_eq!(sources.feed("network"), "network");
    assert_eq!(Sources::parse("sources.toml", "").unwrap(), Sources::default());
}

#[test]
fn bindings_survive_being_written() {
    let mut sources = Sources::default();
    sources.bind("st_mary", "clinic");
    sources.bind("st_john", "dental");
    assert_eq!(Sources::parse("sources.toml", &sources.to_toml()).unwrap(), sources);
}

#[test]
fn wrong_bindings_are_refused_with_their_line() {
    for (text, line, problem) in [
        ("[sources.st_mary]\nfeed = \"clinic\"\n\n[sources.St-Mary]\nfeed = \"clinic\"\n", 5, "is not a source name"),
        ("[sources.st_mary]\nfeeds = \"clinic\"\n", 2, "unknown field"),
        ("[sources.st_mary]\n", 1, "missing field"),
        ("[source.st_mary]\nfeed = \"clinic\"\n", 1, "unknown field"),
        ("[sources.st_mary]\nfeed = 1\n", 2, "invalid type"),
        ("[sources.st_mary]\nfeed = \"clinic\"\n[sources.st_mary]\nfeed = \"x\"\n", 3, "duplicate key"),
    ] {
        let errors = Sources::parse("landing/sources.toml", text).unwrap_err().to_string();
        assert!(errors.starts_with(&format!("landing/sources.toml:{line}: ")) && errors.contains(problem), "{errors}");
    }
}

#[test]
fn a_file_is_of_the_dataset_of_its_folder_or_of_its_name_or_of_the_rest() {
    let set = ContractSet::embedded().unwrap();
    let mut sources = Sources::default();
    sources.bind("st_mary", "fhir");
    for (key, dataset) in [
        ("fhir/conditions/a.ndjson", "conditions"),
        ("fhir/Condition/2024-08-06/a.ndjson", "conditions"),
        ("st_mary/bulk/Condition.000.ndjson.gz", "conditions"),
        ("st_mary/conditions/Patient.000.ndjson", "conditions"),
        ("st_mary/Bulk Export/Device.000.ndjson", "other"),
        ("clinic/visits/patients.csv", "visits"),
    ] {
        let (path, contract) = set.covering(&sources, key).unwrap_or_else(|problem| panic!("{key}: {problem}"));
        assert_eq!((path.dataset.as_str(), contract.dataset.as_str()), (dataset, dataset), "{key}");
    }
    for key in ["clinic/Visits/a.csv", "clinic/bulk/visits.csv", "nobody/visits/a.csv", "fhir/bulk/a.exe"] {
        assert!(set.covering(&sources, key).is_err(), "{key}");
    }
}
