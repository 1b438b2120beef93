//! `carelake score`.

use std::process::ExitCode;

use carelake_noshow::Alarm;
use carelake_steps::noshow::{self, ScoreReport, ScoreRequest, SourceScore};

use super::Problem;
use super::models::locked;
use super::run::workers;
use crate::cli::Score;
use crate::console::{note, say};
use crate::progress::Bars;
use crate::table::plain;

/// Features named when they drift.
const SHOWN: usize = 5;

/// Scores the upcoming appointments.
pub async fn score(arguments: &Score) -> Result<ExitCode, Problem> {
    let lake = locked(&arguments.place, &arguments.contracts, arguments.as_of).await?;
    let request =
        ScoreRequest { source: arguments.source.clone(), scored_at: lake.now, threads: workers(arguments.threads) };
    let report = noshow::score(&lake.context, &lake.views, &request, &Bars::default()).await?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        show(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(report: &ScoreReport) {
    let (some, none): (Vec<&SourceScore>, Vec<&SourceScore>) =
        report.sources.iter().partition(|score| score.appointments > 0);
    if !some.is_empty() {
        let header = [
            "source",
            "version",
            "appointments",
            "expected missed",
            "over threshold",
            "low",
            "medium",
            "high",
            "drift",
        ];
        let rows = some.iter().map(|score| {
            let alarm = score.drift.as_ref().map_or(Alarm::None, |drift| drift.alarm);
            let [low, medium, high] = score.bands;
            vec![
                score.source.clone(),
                score.model_version.to_string(),
                score.appointments.to_string(),
                format!("{:.1}", score.expected_no_shows),
                format!("{} (from {:.3})", score.predicted, score.threshold),
                low.to_string(),
                medium.to_string(),
                high.to_string(),
                format!("{alarm:?}").to_lowercase(),
            ]
        });
        say(&plain(&header, &rows.collect::<Vec<_>>()));
    }
    for score in &none {
        say(&format!("{}: no appointment is upcoming after {}; nothing to score", score.source, report.as_of));
    }
    for score in &report.sources {
        drift(score);
        if score.outcomes_from_the_future > 0 {
            note(&format!(
                "{}: {} appointments dated after {} have an outcome already; it is not used",
                score.source, score.outcomes_from_the_future, report.as_of
            ));
        }
    }
    if !some.is_empty() {
        say("by day and practitioner: carelake sql \"select * from gold.no_show_risk_by_day\"");
    }
}

/// Names what drifts most.
fn drift(score: &SourceScore) {
    let Some(drift) = &score.drift else { return };
    let mut moved: Vec<_> = drift.features.iter().filter(|feature| feature.alarm >= Alarm::Moderate).collect();
    moved.sort_by(|one, other| other.psi.total_cmp(&one.psi));
    if !moved.is_empty() {
        let names = moved.iter().take(SHOWN).map(|feature| format!("{} {:.2}", feature.feature, feature.psi));
        note(&format!(
            "{}: {} features differ from training (PSI from 0.1): {}",
            score.source,
            moved.len(),
            names.collect::<Vec<_>>().join(", ")
        ));
    }
}
