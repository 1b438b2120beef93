//! The `carelake` command: the lake on a folder.

mod cli;
mod commands;
mod console;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| console::complain(&stopped(panic.location()))));
    console::guard_panics();
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(8 << 20).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console::complain(&format!("cannot start worker threads: {error}"));
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(commands::dispatch(cli)) {
        Ok(code) => code,
        Err(problem) => {
            console::complain(&problem.to_string());
            ExitCode::from(2)
        }
    }
}

/// What is said of a panic: the place alone, as its own message may hold a value of a file.
fn stopped(place: Option<&std::panic::Location<'_>>) -> String {
    let place = place.map_or_else(String::new, |place| {
        let file = place.file().rsplit('/').next().unwrap_or_default();
        format!(" at {file}:{}", place.line())
    });
    format!("stopped by an error in the program{place}; a damaged file that caused it is in quarantine")
}
