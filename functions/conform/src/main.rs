//! Bronze to silver. README.md tells its environment and what it is called with.

use carelake_aws::functions::Conform;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    carelake_aws::run(Conform).await
}
