//! The `carelake` command: the lake on a folder.

mod cli;
mod commands;
mod console;
mod panic;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser;

/// Gives freed memory back within half a second (`.cargo/config.toml`), where the system's allocator keeps more.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    panic::install();
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
