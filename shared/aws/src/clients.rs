//! Clients of AWS, made once when a function starts.

use aws_sdk_s3::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::config::Config;

/// The clients.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Of S3, for what only S3 has: versions, tags.
    pub s3: aws_sdk_s3::Client,
    /// Of the Glue catalogue.
    pub glue: aws_sdk_glue::Client,
}

impl Clients {
    /// Clients by those settings.
    pub fn new(config: &Config) -> Self {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let keys = &config.credentials;
        let credentials =
            aws_sdk_s3::config::Credentials::new(&keys.id, &keys.secret, keys.token.clone(), None, "environment");
        let credentials = SharedCredentialsProvider::new(credentials);
        let region = Region::new(config.region.clone());
        let mut s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .http_client(http.clone())
            .force_path_style(config.endpoint.is_some());
        let mut glue = aws_sdk_glue::Config::builder()
            .behavior_version(aws_sdk_glue::config::BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials)
            .http_client(http);
        s3.set_endpoint_url(config.endpoint.clone());
        glue.set_endpoint_url(config.endpoint.clone());
        Self { s3: aws_sdk_s3::Client::from_conf(s3.build()), glue: aws_sdk_glue::Client::from_conf(glue.build()) }
    }
}
