//! What lies ahead changes neither a model nor a score.

use std::fs;
use std::sync::LazyLock;

use carelake_noshow::Settings;
use carelake_sql::session::LakeSession;
use carelake_sql::views::{View, Views};
use carelake_steps::noshow::{ScoreRequest, TrainRequest, WindowRequest, score, train};
use carelake_steps::run::{Silent, run};
use chrono::{DateTime, Days, NaiveDate};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::cases;
use crate::lake::{TestLake, texts};

const HEADER: &str = "appointment_id,patient_id,physician_id,appointment_date,appointment_time,duration_minutes,reason,\
                      status,no_show,notes,created_at,updated_at";
const VIEWS: [&str; 3] = ["appointment_features", "as_of", "source_hemispheres"];
const PAST: u64 = 600;
const AHEAD: u64 = 40;
const PATIENTS: u64 = 45;

/// Days from the as-of day of the lakes, 2025-06-30.
fn day(after: i64) -> NaiveDate {
    let today = NaiveDate::from_ymd_opt(2025, 6, 30).unwrap();
    let span = Days::new(after.unsigned_abs());
    if after < 0 { today - span } else { today + span }
}

/// What became of an appointment: status, outcome, and when that was written.
#[derive(Debug, Clone)]
struct Fate {
    status: &'static str,
    no_show: &'static str,
    written: i64,
}

/// An outcome may be claimed on any day; a cancellation is the future's only when it is written after the as-of day.
fn fate() -> impl Strategy<Value = Fate> {
    let claimed = (select(vec!["No-show", "Completed"]), -9_i64..60);
    let later = (select(vec!["No-show", "Completed", "Cancelled", "Scheduled"]), 1_i64..60);
    (prop_oneof![claimed, later], select(vec!["true", "false", ""])).prop_map(|((status, written), no_show)| Fate {
        status,
        no_show,
        written,
    })
}

/// The future: the fate of each appointment that lies ahead, and bookings made after the as-of day.
#[derive(Debug, Clone, Default)]
struct Future {
    fates: Vec<Option<Fate>>,
    /// Patient, day, day of booking, fate.
    bookings: Vec<(u64, i64, i64, Fate)>,
}

fn future() -> impl Strategy<Value = Future> {
    let booking = (0..PATIENTS + 5, -20_i64..40, 1_i64..30, fate());
    (vec(option::weighted(0.8, fate()), AHEAD as usize), vec(booking, 0..30))
        .prop_map(|(fates, bookings)| Future { fates, bookings })
}

fn row(id: &str, patient: u64, on: i64, booked: i64, fate: &Fate) -> String {
    let hour = 8 + patient % 9;
    format!(
        "{id},P{patient},D{},{},{}T{hour:02}:00:00Z,30,Scan,{},{},,{}T07:00:00Z,{}T20:00:00Z",
        patient % 4,
        day(on),
        day(on),
        fate.status,
        fate.no_show,
        day(booked),
        day(fate.written)
    )
}

/// The appointments of a clinic: the same past, and that future.
fn appointments(future: &Future) -> String {
    let mut rows = vec![HEADER.to_owned()];
    for n in 0..PAST {
        let (patient, on, lead) = (n * 7 % PATIENTS, -((n * 31 % 120) as i64), (n * 13 % 40) as i64);
        let missed = (n * n * 17 + patient * 5) % 100 < 10 + (lead as u64) * 2;
        let (status, no_show) = if missed { ("No-show", "true") } else { ("Completed", "false") };
        rows.push(row(&format!("A{n}"), patient, on, on - lead, &Fate { status, no_show, written: on }));
    }
    for n in 0..AHEAD {
        let (on, booked) = (1 + (n % 20) as i64, -((n * 11 % 25) as i64));
        let scheduled = Fate { status: "Scheduled", no_show: "", written: booked };
        let fate = future.fates.get(n as usize).cloned().flatten().unwrap_or(scheduled);
        rows.push(row(&format!("B{n}"), n * 11 % PATIENTS, on, booked, &fate));
    }
    let later = future.bookings.iter().enumerate();
    rows.extend(later.map(|(n, (patient, on, booked, fate))| row(&format!("C{n}"), *patient, *on, *booked, fate)));
    rows.join("\n") + "\n"
}

/// The SHA-256 of the model, and the predictions.
fn learnt(future: &Future) -> (String, Vec<String>) {
    let lake = TestLake::new('a');
    let landing = lake.path("landing/scheduling/appointments/2025-06-30");
    fs::create_dir_all(&landing).unwrap();
    fs::write(landing.join("a.csv"), appointments(future)).unwrap();
    let embedded = Views::embedded().unwrap();
    let wanted = |view: &&View| view.database == "gold" && VIEWS.contains(&view.name.as_str());
    let views: Vec<View> = embedded.views().filter(wanted).cloned().collect();
    let context = lake.context();
    lake.wait(async {
        run(&context, &views, 1, &Silent).await.unwrap();
        let mut settings = Settings::default();
        settings.trees.most_trees = 20;
        let request = TrainRequest {
            source: "scheduling".to_owned(),
            window: WindowRequest::default(),
            settings,
            compare_learners: false,
            code_version: "law".to_owned(),
        };
        let trained = train(&context, &views, &request, &Silent).await.unwrap();
        let request = ScoreRequest { source: None, scored_at: DateTime::UNIX_EPOCH, threads: 1 };
        if !trained.report.promoted {
            carelake_lake::Registry::new(&context.lake).promote(&trained.version, "law", "law").await.unwrap();
        }
        let scored = score(&context, &views, &request, &Silent).await.unwrap();
        assert_eq!(scored.sources[0].appointments, AHEAD);
        let session = LakeSession::open(&context.lake, context.catalog.as_ref(), None).await.unwrap();
        let table = session.table("gold.appointment_predictions").await.unwrap();
        (trained.version.sha256, texts(&table.collect().await.unwrap(), &[]))
    })
}

static QUIET: LazyLock<(String, Vec<String>)> = LazyLock::new(|| learnt(&Future::default()));

proptest! {
    #![proptest_config(cases(4))]

    /// Outcomes, states, cancellations and changes of appointments that lie ahead, and bookings made later, whatever
    /// they say: the model is the same to the byte, and so is every prediction with its reasons.
    #[test]
    fn no_future_changes_a_model_or_a_score(future in future()) {
        let (model, predictions) = learnt(&future);
        prop_assert_eq!(&model, &QUIET.0);
        prop_assert_eq!(&predictions, &QUIET.1);
    }
}

/// The law could not fail if nothing could change a score: one more missed appointment of the past does.
#[test]
fn the_past_changes_scores() {
    let missed = Fate { status: "No-show", no_show: "true", written: -2 };
    let known = |patient| (patient, -2, -10, missed.clone());
    let past = Future { fates: Vec::new(), bookings: (0..PATIENTS).map(known).collect() };
    assert_ne!(learnt(&past).1, QUIET.1);
}
