//! `carelake report`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_lake::{FolderLanding, Lake, Registry};
use carelake_noshow::{Comparison, card};
use carelake_report::{Figure, Page, Point, Shape, gold, html};
use carelake_steps::Context;
use carelake_steps::noshow::load;
use carelake_steps::quality::quality;
use carelake_steps::report::RunReport;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::error::DataFusionError;

use super::{Problem, contracts, session};
use crate::cli::Report;
use crate::console::say;

/// Runs shown, newest first.
const RUNS: usize = 50;
/// Checks shown, those that fail most first.
const CHECKS: usize = 200;

/// Writes the site.
pub async fn report(arguments: &Report) -> Result<ExitCode, Problem> {
    let lake = Lake::open_existing(&arguments.place.lake)?;
    let session = session(&arguments.place.lake, None).await?;
    let mut pages = gold(&session).await?;
    pages.push(checks(arguments, &lake).await?);
    pages.push(runs(&lake).await?);
    std::fs::create_dir_all(&arguments.out).map_err(|error| unwritten(&arguments.out, &error))?;
    pages.push(models(&lake, &arguments.out).await?);
    let links = |page: &Page| (page.file.clone(), page.title.clone(), page.lead.clone());
    let index = Page {
        file: "index.html".to_owned(),
        title: "The lake".to_owned(),
        lead: "Plots and tables from the gold views, what was checked, what was run, the models.".to_owned(),
        figures: vec![Figure {
            title: "Pages".to_owned(),
            about: "Every page is a file of its own, and needs neither a server nor the network.".to_owned(),
            shape: Shape::Links(pages.iter().map(links).collect()),
        }],
    };
    pages.insert(0, index);
    let all: Vec<(String, String)> = pages.iter().map(|page| (page.file.clone(), page.title.clone())).collect();
    let day = session.query("SELECT CAST(max(as_of_date) AS varchar) AS day FROM gold.as_of").await?.collect().await?;
    let day = day.first().ok_or_else(|| Problem::new("the lake has no as-of day; carelake run makes one"))?;
    let day = array_value_to_string(day.column(0), 0).map_err(DataFusionError::from)?;
    let foot = format!("As of {day}. Made by carelake {}.", env!("CARGO_PKG_VERSION"));
    for page in &pages {
        write(&arguments.out.join(&page.file), &html(page, &all, &foot))?;
    }
    say(&format!("{} pages; open {}", pages.len(), arguments.out.join("index.html").display()));
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> Result<(), Problem> {
    std::fs::write(path, text).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(format!("{} cannot be written ({})", path.display(), error.kind()))
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

async fn checks(arguments: &Report, lake: &Lake) -> Result<Page, Problem> {
    let landing = Arc::new(FolderLanding::new(&arguments.place.lake));
    let contracts = contracts(arguments.contracts.contracts.as_deref())?;
    let context =
        Context::new(lake.clone(), landing, contracts, Sources::default(), chrono::NaiveDate::default(), String::new());
    let mut results = quality(&context).await?;
    let share = |failed: u64, checked: u64| if checked == 0 { 0.0 } else { 100.0 * failed as f64 / checked as f64 };
    let mut by_source: Vec<Point> = Vec::new();
    for result in &results {
        let failing = f64::from(u8::from(!result.passed));
        match by_source.iter_mut().find(|point| point.label == result.source) {
            Some(point) => point.value += failing,
            None => by_source.push(Point { series: String::new(), label: result.source.clone(), value: failing }),
        }
    }
    let failing = results.iter().filter(|result| !result.passed).count();
    let about = format!("{} checks, {failing} fail; those with the largest share of failed rows first.", results.len());
    results.sort_by(|one, other| {
        share(other.failed, other.checked)
            .total_cmp(&share(one.failed, one.checked))
            .then_with(|| (&one.source, &one.rule).cmp(&(&other.source, &other.rule)))
    });
    let rows = results.iter().filter(|result| result.failed > 0).take(CHECKS).map(|result| {
        vec![
            result.source.clone(),
            result.rule.clone(),
            result.severity.as_str().to_owned(),
            result.failed.to_string(),
            result.checked.to_string(),
            format!("{:.3}", share(result.failed, result.checked)),
            if result.passed { "pass" } else { "FAIL" }.to_owned(),
        ]
    });
    Ok(Page {
        file: "quality.html".to_owned(),
        title: "Data quality".to_owned(),
        lead: "Every check with its numerator and denominator, judged by the thresholds of the contracts.".to_owned(),
        figures: vec![
            Figure {
                title: "Failing checks by source".to_owned(),
                about: "Checks whose share of failed rows is over their threshold.".to_owned(),
                shape: Shape::Bars(by_source),
            },
            Figure {
                title: "Checks with failed rows".to_owned(),
                about,
                shape: Shape::Table {
                    names: texts(["source", "check", "severity", "failed", "checked", "percent", "status"]),
                    rows: rows.collect(),
                },
            },
        ],
    })
}

async fn runs(lake: &Lake) -> Result<Page, Problem> {
    let mut reports: Vec<RunReport> = Vec::new();
    for path in lake.list("_carelake/runs").await? {
        // A report of another kind of work is no run.
        if let Ok(Some(report)) = lake.get_json::<RunReport>(&path).await {
            reports.push(report);
        }
    }
    reports.sort_by(|one, other| other.run_id.cmp(&one.run_id));
    let rows = reports.iter().take(RUNS).map(|report| {
        let sum = |of: fn(&carelake_steps::report::DatasetReport) -> u64| {
            report.datasets.iter().map(of).sum::<u64>().to_string()
        };
        let seconds: f64 = report.stages.iter().map(|stage| stage.seconds).sum();
        vec![
            report.run_id.clone(),
            report.as_of.clone(),
            sum(|dataset| dataset.files),
            sum(|dataset| dataset.rows_in),
            sum(|dataset| dataset.accepted),
            sum(|dataset| dataset.rejected),
            sum(|dataset| dataset.deduplicated),
            format!("{seconds:.1}"),
            report.failures.len().to_string(),
        ]
    });
    Ok(Page {
        file: "runs.html".to_owned(),
        title: "Runs".to_owned(),
        lead: "What each run took: rows in are accepted, rejected and deduplicated rows.".to_owned(),
        figures: vec![Figure {
            title: "Runs".to_owned(),
            about: "Newest first.".to_owned(),
            shape: Shape::Table {
                names: texts([
                    "run",
                    "as_of",
                    "files",
                    "rows_in",
                    "accepted",
                    "rejected",
                    "deduplicated",
                    "seconds",
                    "failures",
                ]),
                rows: rows.collect(),
            },
        }],
    })
}

/// Writes the cards of the champions, and the page that leads to them.
async fn models(lake: &Lake, out: &Path) -> Result<Page, Problem> {
    let registry = Registry::new(lake);
    let mut links = Vec::new();
    for name in registry.names().await? {
        let Some(champion) = registry.champion(&name).await? else { continue };
        let Some(version) = registry.version(&name, champion.version).await? else { continue };
        let file = load(&registry, &version).await?;
        let comparison: Option<Comparison> =
            version.about.get("comparison").and_then(|value| serde_json::from_value(value.clone()).ok());
        let page = format!("model-{name}.html");
        write(&out.join(&page), &card::html(&file, comparison.as_ref()))?;
        links.push((page, name, format!("version {}", champion.version)));
    }
    Ok(Page {
        file: "models.html".to_owned(),
        title: "Models".to_owned(),
        lead: "The model cards of the champions: what they are for, how good they are, for whom they are worse."
            .to_owned(),
        figures: vec![Figure {
            title: "Model cards".to_owned(),
            about: "One for each source with a model.".to_owned(),
            shape: Shape::Links(links),
        }],
    })
}
