//! Landing object to bronze, identity and quarantine. README.md tells its environment and what it is called with.

mod ingest;
mod landed;
mod large;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    carelake_aws::run(ingest::Ingest).await
}
