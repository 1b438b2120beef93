//! Bronze to silver. README.md tells its environment and what it is called with.

mod conform;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    carelake_aws::run(conform::Conform).await
}
