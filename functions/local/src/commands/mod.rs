//! The subcommands.

mod contract;
mod data;
mod erase;
mod export;
mod generate;
mod land;
mod maintain;
mod measures;
mod model;
mod models;
mod publish;
mod quality;
mod quarantine;
mod report;
mod risk;
mod rotate_key;
mod run;
mod score;
mod serve;
mod settle;
mod train;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use carelake_contracts::ContractSet;
use carelake_lake::{FolderCatalog, Lake};
use carelake_sql::session::LakeSession;
use carelake_sql::views::Views;

use crate::cli::{Cli, Command};

/// Why a command failed, in words for people.
#[derive(Debug)]
pub struct Problem(String);

impl Problem {
    /// A problem of those words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! problem_from {
    ($($error:ty),*) => {$(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        }
    )*};
}
problem_from!(
    carelake_lake::LakeError,
    carelake_steps::StepError,
    carelake_contracts::ContractErrors,
    carelake_contracts::ContractError,
    carelake_sql::views::ViewError,
    serde_json::Error
);

impl From<datafusion::error::DataFusionError> for Problem {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        Self(carelake_tables::explain(&error))
    }
}

/// Runs a command.
///
/// # Errors
/// What keeps it from doing its work.
pub async fn dispatch(cli: Cli) -> Result<ExitCode, Problem> {
    match cli.command {
        Command::Run(arguments) => run::run(&arguments).await,
        Command::Watch(arguments) => run::watch(&arguments).await,
        Command::Land(arguments) => land::land(&arguments),
        Command::Sql(arguments) => data::sql(&arguments).await,
        Command::Call(arguments) => data::call(&arguments).await,
        Command::Report(arguments) => report::report(&arguments).await,
        Command::Serve(arguments) => serve::serve(&arguments).await,
        Command::Tables(place) => data::tables(&place).await,
        Command::Describe(arguments) => data::describe(&arguments).await,
        Command::Measures { command } => measures::dispatch(&command),
        Command::History(arguments) => data::history(&arguments).await,
        Command::Quarantine { command } => quarantine::dispatch(&command).await,
        Command::Dq(arguments) => quality::dq(&arguments).await,
        Command::Publish(arguments) => publish::publish(&arguments).await,
        Command::Export(arguments) => export::export(&arguments).await,
        Command::Erase(arguments) => erase::erase(&arguments).await,
        Command::Maintain(arguments) => maintain::maintain(&arguments).await,
        Command::RotateKey(arguments) => rotate_key::rotate_key(&arguments).await,
        Command::Contract { command } => contract::dispatch(&command),
        Command::Train(arguments) => train::train(&arguments).await,
        Command::Score(arguments) => score::score(&arguments).await,
        Command::Risk(arguments) => risk::risk(&arguments).await,
        Command::Model { command } => model::dispatch(&command).await,
        Command::Generate(arguments) => generate::generate(&arguments),
    }
}

fn contracts(folder: Option<&Path>) -> Result<ContractSet, Problem> {
    Ok(match folder {
        Some(folder) => ContractSet::with_folder(folder)?,
        None => ContractSet::embedded()?,
    })
}

fn views(folder: Option<&Path>) -> Result<Views, Problem> {
    Ok(match folder {
        Some(folder) => Views::with_overlay(folder)?,
        None => Views::embedded()?,
    })
}

async fn session(folder: &Path, as_of: Option<chrono::DateTime<chrono::Utc>>) -> Result<LakeSession, Problem> {
    let lake = Lake::open_existing(folder)?;
    Ok(LakeSession::open(&lake, &FolderCatalog::new(&lake), as_of).await?)
}
