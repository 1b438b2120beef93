//! Trains the no-show model. README.md tells its environment and what it is called with.

use carelake_aws::functions::Train;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    carelake_aws::run(Train).await
}
