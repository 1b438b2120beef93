//! `carelake land`: files into the landing folder, under the path that says what they are.

use std::fs;
use std::process::ExitCode;

use carelake_contracts::{file_format, is_name, parse_iso_date};

use super::{Problem, run};
use crate::cli::Land;
use crate::console::say;

/// Copies the files; each appears whole or not at all.
pub fn land(arguments: &Land) -> Result<ExitCode, Problem> {
    for name in [&arguments.source, &arguments.dataset] {
        if !is_name(name) {
            return Err(Problem::new(format!(
                "\"{name}\" cannot be a folder of the landing zone; use lower-case letters, digits and _"
            )));
        }
    }
    let mut folder = arguments.landing.join(&arguments.source).join(&arguments.dataset);
    if let Some(date) = &arguments.date {
        if parse_iso_date(date).is_none() {
            return Err(Problem::new(format!("\"{date}\" is not a day; write yyyy-mm-dd or yyyymmdd")));
        }
        folder = folder.join(date);
    }
    let io =
        |what: &std::path::Path, error: &std::io::Error| Problem::new(format!("{}: {}", what.display(), error.kind()));
    fs::create_dir_all(&folder).map_err(|error| io(&folder, &error))?;
    if let Some(feed) = &arguments.feed {
        let path = arguments.landing.join("sources.toml");
        let mut sources = run::sources(&arguments.landing)?;
        sources.bind(&arguments.source, feed);
        fs::write(&path, sources.to_toml()).map_err(|error| io(&path, &error))?;
    }
    for file in &arguments.files {
        let name = file.file_name().and_then(|name| name.to_str()).filter(|name| file_format(name).is_some());
        let Some(name) = name else {
            return Err(Problem::new(format!(
                "{}: not a file that carelake reads; use .csv, .json, .ndjson (.gz, .zst) or .parquet",
                file.display()
            )));
        };
        let (aside, place) = (folder.join(format!(".{name}.partial")), folder.join(name));
        fs::copy(file, &aside).map_err(|error| io(file, &error))?;
        fs::rename(&aside, &place).map_err(|error| io(&place, &error))?;
        say(&place.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}
