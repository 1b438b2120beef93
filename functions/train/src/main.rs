//! Trains the no-show model. README.md tells its environment and what it is called with.

mod train;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    carelake_aws::run(train::Train).await
}
