//! Silver to gold and the catalogue. README.md tells its environment and what it is called with.

mod publish;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    carelake_aws::run(publish::Publish).await
}
