//! Keeps the lake in order. README.md tells its environment and what it is called with.

mod erase;
mod maintain;
mod review;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    carelake_aws::run(maintain::Maintain).await
}
