//! Scores appointments. README.md tells its environment and what it is called with.

use carelake_aws::functions::Score;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    carelake_aws::run(Score).await
}
