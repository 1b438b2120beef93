//! The files of the simulated senders, in stages, and the contracts and views that they need.

use std::collections::BTreeMap;

use carelake_contracts::{ContractSet, Load, Sources};
use carelake_sql::views::View;
use chrono::{DateTime, NaiveDate};

use crate::landing::Content;

/// What is in landing at a stage, and by which contracts it is read.
#[derive(Clone)]
pub struct Stage {
    pub files: BTreeMap<String, Content>,
    pub contracts: ContractSet,
    pub as_of: NaiveDate,
}

/// A sender's story: all load modes, late parents, corrections, returns to an earlier content, a new contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// Upserts, rows that wait for parents, a bad file, a mended contract.
    Clinic,
    /// Replaced partitions and snapshots.
    Events,
    /// Appended rows whose file is corrected and goes back; two senders of one feed.
    Reports,
}

impl Story {
    pub const ALL: [Self; 3] = [Self::Clinic, Self::Events, Self::Reports];

    pub fn stages(self) -> Vec<Stage> {
        let steps: &[&[File]] = match self {
            Self::Clinic => CLINIC,
            Self::Events => EVENTS,
            Self::Reports => REPORTS,
        };
        let mut files = BTreeMap::new();
        let mut stages = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            for (path, text) in *step {
                let arrived = DateTime::from_timestamp(1_700_000_000 + index as i64 * 1_000, 0).unwrap();
                files.insert((*path).to_owned(), (text.as_bytes().to_vec(), arrived));
            }
            let as_of = NaiveDate::from_ymd_opt(2025, 6, 1 + index as u32 / 2).unwrap();
            stages.push(Stage { files: files.clone(), contracts: self.contracts(index + 1 == steps.len()), as_of });
        }
        stages
    }

    fn contracts(self, mended: bool) -> ContractSet {
        let (datasets, tables): (&[(&str, &str)], &[&str]) = match self {
            Self::Clinic => (
                &[("clinic", "patients"), ("clinic", "doctors"), ("clinic", "visits")],
                &["silver.patients", "silver.practitioners", "silver.encounters", "identity.patients"],
            ),
            Self::Events => (
                &[("source_a", "visit_events")],
                &[
                    "silver.patients",
                    "silver.patient_snapshots",
                    "silver.encounters",
                    "silver.conditions",
                    "silver.treatments",
                    "identity.patients",
                ],
            ),
            Self::Reports => {
                (&[("clinic", "lab_reports"), ("clinic", "visits")], &["silver.lab_reports", "silver.encounters"])
            }
        };
        let mut set = ContractSet::embedded().unwrap();
        set.contracts.retain(|(feed, dataset), _| datasets.contains(&(feed, dataset)));
        set.tables.retain(|name, _| tables.contains(&name.as_str()));
        set.codes.clear();
        for ((_, dataset), contract) in &mut set.contracts {
            if self == Self::Reports {
                // No shipped feed appends; and visits have no parents here.
                contract.rules.retain(|rule| dataset == "lab_reports" || !rule.id.ends_with("_known"));
                contract.rules.retain(|rule| !rule.id.ends_with("visit_before_birth"));
                contract
                    .targets
                    .iter_mut()
                    .filter(|_| dataset == "lab_reports")
                    .for_each(|target| target.load = Load::Append);
            }
            if mended && self == Self::Clinic {
                contract.null_values.push("unknown".to_owned());
            }
        }
        set
    }

    /// A partitioned and clustered mart, a mart of it, and views over both.
    pub fn views(self) -> Vec<View> {
        let header = |name: &str, more: &str, columns: &[&str]| {
            let columns: String = columns.iter().map(|column| format!("-- column {column}: as in silver\n")).collect();
            format!(
                "-- name: {name}\n-- version: 1\n-- description: Simulated.\n-- grain: one row\n-- owner: tests\n{more}-- source: tests\n{columns}"
            )
        };
        let mart = header(
            "visits",
            "-- materialised: delta\n-- partition_by: source\n-- z_order: encounter_date\n",
            &["source", "encounter_id", "encounter_date"],
        ) + "SELECT e.source, e.encounter_id, e.encounter_date FROM silver.encounters e JOIN (SELECT DISTINCT source FROM silver.sources) s ON s.source = e.source\n";
        let sums = header("sums", "-- materialised: delta\n", &["source", "visits", "as_of_date"])
            + "SELECT v.source, count(*) AS visits, a.as_of_date FROM gold.visits v CROSS JOIN gold.as_of a GROUP BY v.source, a.as_of_date\n";
        let view =
            header("shares", "-- materialised: no\n", &["source", "visits"]) + "SELECT source, visits FROM gold.sums\n";
        [("visits", mart), ("sums", sums), ("shares", view)]
            .map(|(name, text)| View::parse("gold", &format!("{name}.sql"), &text).unwrap())
            .into()
    }

    pub fn sources() -> Sources {
        let mut sources = Sources::default();
        sources.bind("st_mary", "clinic");
        sources
    }
}

type File = (&'static str, &'static str);

const CLINIC: &[&[File]] = &[
    &[
        (
            "clinic/doctors/2024-01-01/doctors.csv",
            "doctor_id,name,specialization,hospital\nD1,Dr. One,Cardiology,North\nD2,Dr. Two,Surgery,\n",
        ),
        (
            "clinic/patients/2024-01-01/patients.csv",
            "patient_id,name,gender,dob,blood_group,city\nP1,Ann,F,1980-01-01,A+,Oslo\nP1,Ann,F,1980-01-01,A+,Oslo\nP2,Bob,M,1990-01-01,B+,Rome\nP3,Cy,X,1990-01-01,B+,Rome\n",
        ),
        ("clinic/patients/2024-01-02/broken.csv", "\u{1}\u{2}"),
        (
            "clinic/visits/2024-01-01/visits.csv",
            "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV1,P1,D1,2024-01-01,Fever,Consultation\nV2,P9,D1,2024-01-02,Cough,Consultation\nV3,P1,D1,unknown,Cough,Consultation\nV4,P2,D8,2024-02-02,Cough,Consultation\n",
        ),
        (
            "st_mary/patients/2024-01-01/patients.csv",
            "patient_id,name,gender,dob,blood_group,city\nP1,Una,F,1970-01-01,A+,Bern\n",
        ),
        ("clinic/nothing.csv", "x"),
    ],
    &[
        (
            "clinic/patients/2024-01-03/more.csv",
            "patient_id,name,gender,dob,blood_group,city\nP9,Eve,F,2000-01-01,O+,Riga\nP1,Ann,F,1980-01-01,A+,Bergen\n",
        ),
        (
            "clinic/visits/2024-01-03/visits.csv",
            "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV1,P1,D2,2024-03-01,Fever,Emergency\n",
        ),
    ],
    &[("clinic/doctors/2024-01-04/late.csv", "doctor_id,name,specialization,hospital\nD8,Dr. Eight,Surgery,South\n")],
];

const DAY_ONE: &str = r#"[{"patient_id":"P1","name":"Ann","visits":[{"visit_id":"E1","date":"2024-01-01","diagnoses":[{"code":"ICD-10:E11","description":"a","treatments":[{"drug":"M","dose":"1"},{"drug":"M","dose":"1"}]}],"provider_notes":{"text":"well","author":"Dr. A"}}]},{"patient_id":"P2","name":"Bob","visits":[]}]"#;
const DAY_FIVE: &str = r#"[{"patient_id":"P2","name":"Bob","visits":[{"visit_id":"E4","date":"2024-01-05","diagnoses":[{"code":"ICD-10:I10","description":"b","treatments":[{"drug":"A","dose":"2"}]}],"provider_notes":{"text":"well","author":"Dr. A"}}]}]"#;
const DAY_FIVE_CORRECTED: &str = r#"[{"patient_id":"P7","name":"Gil","visits":[{"visit_id":"E7","date":"2024-01-05","diagnoses":[],"provider_notes":{"text":"ill","author":"Dr. B"}}]}]"#;

const EVENTS: &[&[File]] = &[
    &[
        ("source_a/visit_events/20240101/visit_events.json", DAY_ONE),
        ("source_a/visit_events/20240105/visit_events.json", DAY_FIVE),
    ],
    &[
        ("source_a/visit_events/20240105/visit_events.json", DAY_FIVE_CORRECTED),
        (
            "source_a/visit_events/20240103/visit_events.json",
            r#"[{"patient_id":"P3","name":"Kim","visits":[{"visit_id":"E2","date":"2023-12-30","diagnoses":[],"provider_notes":{"text":"well","author":"Dr. A"}}]}]"#,
        ),
    ],
    &[("source_a/visit_events/20240105/visit_events.json", DAY_FIVE)],
];

const REPORT: &str =
    "report_id,visit_id,test_type,result,report_date\nL1,V1,Blood,Normal,2024-01-01\nL2,V7,X-ray,,2024-01-02\n";

const REPORTS: &[&[File]] = &[
    &[
        (
            "clinic/visits/2024-01-01/visits.csv",
            "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV1,P1,D1,2024-01-02,Fever,Consultation\n",
        ),
        ("clinic/lab_reports/2024-01-01/reports.csv", REPORT),
        (
            "st_mary/visits/2024-01-01/visits.csv",
            "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV1,P1,D1,2024-01-02,Fever,Consultation\n",
        ),
        ("st_mary/lab_reports/2024-01-01/reports.csv", REPORT),
    ],
    &[
        (
            "clinic/lab_reports/2024-01-01/reports.csv",
            "report_id,visit_id,test_type,result,report_date\nL1,V1,Blood,High,2024-01-01\nL3,V1,MRI,Normal,2024-01-09\n",
        ),
        (
            "clinic/visits/2024-01-02/visits.csv",
            "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV7,P2,D1,2024-01-02,Fever,Consultation\n",
        ),
    ],
    &[
        ("clinic/lab_reports/2024-01-01/reports.csv", REPORT),
        (
            "st_mary/visits/2024-01-02/visits.csv",
            "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV7,P2,D1,2024-01-02,Fever,Consultation\n",
        ),
    ],
];
