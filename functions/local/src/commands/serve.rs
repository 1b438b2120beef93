//! `carelake serve`.

use std::process::ExitCode;

use carelake_athena::{Limits, Server, Settings};
use carelake_lake::Lake;
use chrono::{DateTime, Utc};
use tokio::signal::unix::{SignalKind, signal};

use super::{Problem, views};
use crate::cli::Serve;
use crate::console::{note, say};

const MB: usize = 1 << 20;

/// Answers Athena's clients until it is interrupted.
pub async fn serve(arguments: &Serve) -> Result<ExitCode, Problem> {
    let lake = Lake::open_existing(&arguments.place.lake)?;
    let views = views(arguments.contracts.contracts.as_deref())?;
    let settings = Settings {
        port: arguments.port,
        restricted: arguments.restricted,
        limits: Limits {
            memory: arguments.memory.saturating_mul(MB),
            minutes: arguments.timeout,
            at_once: arguments.concurrent,
            result: arguments.max_result.saturating_mul(MB as u64),
        },
        clock: now,
    };
    let unstoppable = |error: std::io::Error| Problem::new(format!("cannot wait for signals: {error}"));
    let mut ended = signal(SignalKind::terminate()).map_err(unstoppable)?;
    let server = Server::bind(lake, &views, &settings).await.map_err(Problem::new)?;
    say(&format!("http://{}", server.address()));
    let groups = if arguments.restricted { "analyst, primary, restricted" } else { "analyst, primary" };
    note(&format!("Athena's API of {}; workgroups {groups}; Ctrl-C ends", arguments.place.lake.display()));
    server
        .run(async {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = ended.recv() => {}
            }
        })
        .await;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "the command reads the clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
