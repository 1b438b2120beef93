//! `carelake generate`: a synthetic hospital.

use std::process::ExitCode;

use indicatif::ProgressBar;

use super::Problem;
use crate::cli::Generate;
use crate::console::say;

/// Writes the files of a hospital and says what was planted.
pub fn generate(arguments: &Generate) -> Result<ExitCode, Problem> {
    let options = carelake_generate::Options {
        patients: arguments.patients,
        seed: arguments.seed,
        out: arguments.out.clone(),
        as_of: arguments.as_of,
        clean: arguments.clean,
    };
    let bar = ProgressBar::new_spinner();
    let manifest =
        carelake_generate::generate(&options, &mut |_| bar.tick()).map_err(|error| Problem::new(error.to_string()))?;
    bar.finish_and_clear();
    say(&format!(
        "{} files in {}; {}",
        manifest.files.len(),
        arguments.out.display(),
        if arguments.clean { "no errors are planted" } else { "manifest.json there lists every planted error" }
    ));
    Ok(ExitCode::SUCCESS)
}
