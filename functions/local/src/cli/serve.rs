//! The part of the command line that shows the lake to others: programs, and people with a browser.

use std::path::PathBuf;

use clap::Args;

use super::{Contracts, InLake};

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Clients of Athena are pointed to it with\n  export AWS_ENDPOINT_URL_ATHENA=http://127.0.0.1:8765 AWS_ENDPOINT_URL_S3=http://127.0.0.1:8765\n  export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_REGION=us-east-1"
)]
pub struct Serve {
    #[command(flatten)]
    pub place: InLake,
    #[command(flatten)]
    pub contracts: Contracts,
    /// Port on 127.0.0.1; 0 for any that is free
    #[arg(long, default_value_t = 8765)]
    pub port: u16,
    /// Serve the workgroup restricted as well, whose queries may name patients; who reaches the port may use it
    #[arg(long)]
    pub restricted: bool,
    /// MB of memory that the queries may hold together
    #[arg(long, default_value_t = 1024)]
    pub memory: usize,
    /// Minutes that a query may run
    #[arg(long, default_value_t = 30)]
    pub timeout: u64,
    /// Queries that run at the same time; others wait
    #[arg(long, default_value_t = 8)]
    pub concurrent: usize,
    /// MB of a result
    #[arg(long, default_value_t = 1024)]
    pub max_result: u64,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    pub place: InLake,
    #[command(flatten)]
    pub contracts: Contracts,
    /// Folder in which to write the site; files of the same names are replaced
    #[arg(long, default_value = "report")]
    pub out: PathBuf,
}
