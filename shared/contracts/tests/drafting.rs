//! Contracts drafted from small samples.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use carelake_contracts::{ColumnType, Contract, Draft, Phi, Sample, draft, sample_of_records};
use support::load;

const CSV: &str = "\
TreatmentID,Patient No,Patient Name,Birth Date,Treated On,Tooth,Procedure Code,Fee,Paid,Chair,Remarks,Status,Zip
T-001,0017,Ada Lindqvist,1961-04-02,31/01/2024,11,D2140,120.00,true,2,calm,done,04109
T-002,0018,Bo Okafor,1984-12-30,01/02/2024,48,D2140,80.50,false,1,,done,80331
T-003,0017,Ada Lindqvist,1961-04-02,15/02/2024,11,D1110,75.00,true,2,N/A,planned,04109
T-004,0019,Cyd Marchetti,2001-07-19,20/02/2024,21,D1110,75.00,true,1,,done,10115
T-005,0018,Bo Okafor,1984-12-30,29/02/2024,46,D2140,80.50,false,1,,planned,80331
T-006,0020,Dee Nakamura,1999-01-05,02/03/2024,11,D1110,75.00,true,1,,planned,20095
";

fn sample(csv: &str) -> Sample {
    let mut lines = csv.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    let cell = |cell: String| (!cell.is_empty()).then_some(cell);
    Sample { columns, rows: lines.map(|row| row.into_iter().map(cell).collect()).collect(), remarks: Vec::new() }
}

fn drafted(sample: &Sample) -> Draft {
    draft("dental", "treatments", sample).unwrap()
}

/// The draft as a contract: it must load.
fn loaded(draft: &Draft) -> Contract {
    let set =
        load(&[("feeds/dental/treatments.toml", &draft.contract_toml), ("feeds/dental/feed.toml", &draft.feed_toml)]);
    let set = set.unwrap_or_else(|errors| panic!("{errors}\n{}", draft.contract_toml));
    set.contract("dental", "treatments").unwrap().clone()
}

#[test]
fn a_csv_becomes_a_contract_that_loads() {
    let contract = loaded(&drafted(&sample(CSV)));
    let shown: Vec<String> = contract
        .columns
        .iter()
        .map(|column| format!("{} {} {:?} {}", column.name, column.column_type, column.phi, column.required))
        .collect();
    assert_eq!(
        shown,
        [
            "treatment_id string None true",
            "patient_no string PersonId true",
            "patient_name string Identifier true",
            "birth_date date Quasi true",
            "treated_on date Quasi true",
            "tooth int None true",
            "procedure_code string None true",
            "fee decimal(18,2) None true",
            "paid boolean None true",
            "chair int None true",
            "remarks string FreeText false",
            "status string None true",
            "zip string Quasi true",
        ]
    );
    assert_eq!(contract.key, ["treatment_id"]);
    assert_eq!(contract.column("treated_on").unwrap().format.as_deref(), Some("%d/%m/%Y"));
    assert_eq!(contract.column("patient_no").unwrap().headers, ["Patient No"]);
    assert!(contract.restrict_unknown);
    assert_eq!(contract.null_values, ["", "N/A"]);
    assert!(contract.targets.is_empty() && contract.rules.is_empty());
}

#[test]
fn guesses_are_marked() {
    let toml = drafted(&sample(CSV)).contract_toml;
    assert!(
        toml.contains("# A guess to review: who the person is; bronze gets a pseudonym.\nphi = \"person_id\""),
        "{toml}"
    );
    assert!(toml.contains("# A guess: never empty in the sample.\nrequired = true"), "{toml}");
}

#[test]
fn domains_are_drafted_as_comments_for_columns_that_tell_nothing_of_a_person() {
    let toml = drafted(&sample(CSV)).contract_toml;
    assert!(toml.contains("# id = \"status_domain\"") && toml.contains("# values = [\"done\", \"planned\"]"), "{toml}");
    assert!(!toml.contains("patient_name_domain") && !toml.contains("zip_domain"), "{toml}");
    let switched_on: String = toml
        .lines()
        .skip_while(|line| *line != "# [[rules]]")
        .take_while(|line| !line.is_empty())
        .map(|line| format!("{}\n", line.trim_start_matches("# ")))
        .collect();
    let draft = Draft { contract_toml: format!("{toml}\n{switched_on}"), ..drafted(&sample(CSV)) };
    assert_eq!(loaded(&draft).rules.len(), 1, "{switched_on}");
}

#[test]
fn a_value_that_the_sample_holds_once_is_not_in_a_drafted_domain() {
    let rows = "done\n".repeat(40) + &"planned\n".repeat(40) + "Ann Sentinel\n";
    let toml = drafted(&sample(&format!("status\n{rows}"))).contract_toml;
    assert!(toml.contains("# values = [\"done\", \"planned\"]"), "{toml}");
    assert!(!toml.contains("Sentinel"), "{toml}");
}

#[test]
fn no_value_that_may_tell_of_a_person_is_in_the_draft() {
    let draft = drafted(&sample(CSV));
    let all = format!("{}{}{:?}", draft.contract_toml, draft.feed_toml, draft.mappings);
    for value in ["0017", "T-001", "Ada", "Lindqvist", "1961", "31/01", "120.00", "calm", "04109", "80331"] {
        assert!(!all.contains(value), "{value}");
    }
}

#[test]
fn mapping_drafts_read_what_is_where() {
    let draft = drafted(&sample(CSV));
    let names: Vec<&str> = draft.mappings.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["treatments.mapping.sql", "treatments.identity.sql"]);
    let (silver, identity) = (&draft.mappings[0].1, &draft.mappings[1].1);
    assert!(
        silver.contains("FROM bronze") && silver.contains("  patient_no,") && !silver.contains("patient_name"),
        "{silver}"
    );
    assert!(
        identity.contains("FROM identity")
            && identity.contains("real_patient_no AS real_patient_id")
            && identity.contains("patient_name"),
        "{identity}"
    );
}

#[test]
fn a_date_that_can_be_read_both_ways_stays_text() {
    let contract = loaded(&drafted(&sample("id,seen\n1,01/02/2024\n2,03/04/2024\n")));
    assert_eq!(contract.column("seen").unwrap().column_type, ColumnType::String);
    assert!(drafted(&sample("id,seen\n1,01/02/2024\n")).contract_toml.contains("# Day or month first?"));
}

#[test]
fn a_sample_without_a_header_is_refused_and_not_repeated() {
    for csv in ["T-001,0017,Ada Lindqvist\n", "x,ann@example.org\n", "1,2,3\n"] {
        let problem = draft("dental", "treatments", &sample(csv)).unwrap_err();
        assert!(problem.contains("header") && !problem.contains("Ada") && !problem.contains('@'), "{problem}");
    }
}

#[test]
fn names_and_empty_samples_are_checked() {
    assert!(draft("Dental", "x", &sample("a\n1\n")).is_err());
    assert!(draft("dental", "x-y", &sample("a\n1\n")).is_err());
    assert!(draft("dental", "x", &Sample::default()).is_err());
    let header_only = loaded(&drafted(&sample("id,name\n")));
    assert!(header_only.columns.iter().all(|column| column.column_type == ColumnType::String && !column.required));
}

#[test]
fn hostile_headers_become_names_that_load() {
    let columns = ["a\"b\\c", "x]]\n[[rules]]", "é", "", "select", "Id", "ID", "codes[]", "a.b", "_row"]
        .map(str::to_owned)
        .to_vec();
    let rows = vec![vec![Some("v".to_owned()); columns.len()]];
    let contract = loaded(&drafted(&Sample { columns, rows, remarks: Vec::new() }));
    let names: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a_b_c", "x_rules", "column_3", "column_4", "record_select", "id", "id_2", "a_b", "row"]);
    assert_eq!(contract.columns[0].headers, ["a\"b\\c"]);
}

#[test]
fn nested_json_becomes_paths() {
    let records: Vec<serde_json::Value> = serde_json::from_str(
        r#"[{"patient_id":"p1","name":"Ada","visits":[{"id":"v1","date":"2024-01-02","teeth":[{"tooth":11,"fee":12.5},{"tooth":12,"fee":8}]}]},
            {"patient_id":"p2","name":"Bo","visits":[]}]"#,
    )
    .unwrap();
    let contract = loaded(&drafted(&sample_of_records(&records)));
    let shown: Vec<String> = contract
        .columns
        .iter()
        .map(|column| format!("{} {} {}", column.name, column.path, column.column_type))
        .collect();
    assert_eq!(
        shown,
        [
            "patient_id patient_id string",
            "name name string",
            "visit_position visits[#] int",
            "visit_id visits[].id string",
            "visit_date visits[].date date",
            "tooth_position visits[].teeth[#] int",
            "tooth visits[].teeth[].tooth int",
            "fee visits[].teeth[].fee decimal(18,2)",
        ]
    );
    assert_eq!(contract.column("name").unwrap().phi, Phi::Identifier);
    assert!(contract.key.is_empty());
}
