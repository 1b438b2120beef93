//! Placeholder.
use super::Problem;
pub fn dispatch(_: &crate::cli::Contract) -> Result<std::process::ExitCode, Problem> {
    Err(Problem::new("not yet"))
}
