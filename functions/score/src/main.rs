//! Scores appointments. README.md tells its environment and what it is called with.

mod score;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    carelake_aws::run(score::Score).await
}
