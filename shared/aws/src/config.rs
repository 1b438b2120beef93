//! Settings of a function, read once from its environment when it starts.

use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

use crate::lineage::Target;

/// MB of a part of a large file. What is read of a part stands on the function's disk beside it.
const PART_MB: u64 = 256;
/// MB of a file that cannot be cut.
const WHOLE_MB: u64 = 1024;

/// What a function is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the function, a dimension of its metrics.
    pub function: String,
    /// Bucket of the lake.
    pub lake: String,
    /// Bucket of `identity/`; the lake's own unless told.
    pub identity: String,
    /// Bucket where senders drop files; what needs it says so.
    pub landing: Option<String>,
    /// Namespace of metrics.
    pub namespace: String,
    /// With less time left than this, no new piece of work is begun.
    pub reserve: Duration,
    /// Files of more bytes are read in parts of about so many, where their format can be cut.
    pub part_bytes: u64,
    /// Files of more bytes are refused, where it cannot.
    pub whole_bytes: u64,
    /// How long a version of a table that was replaced can still be read.
    pub keep_versions: TimeDelta,
    /// Region of the services.
    pub region: String,
    /// Where the services answer, when not at AWS: an emulator, or a VPC endpoint.
    pub endpoint: Option<String>,
    /// Credentials of the function's role.
    pub credentials: Credentials,
    /// Where OpenLineage's events go, if anywhere.
    pub lineage: Option<Target>,
}

/// Credentials, as Lambda gives them. `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id.
    pub id: String,
    /// Secret access key.
    pub secret: String,
    /// Session token.
    pub token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

/// All that is wrong with an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the function's environment is not complete: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Reads the environment through `variable`.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn read(function: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut errors = Vec::new();
        let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let mut need = |name: &str, what: &str| {
            get(name).unwrap_or_else(|| {
                errors.push(format!("{name} is not set ({what})"));
                String::new()
            })
        };
        let lake = need("CARELAKE_LAKE_BUCKET", "the bucket of the lake");
        let region = need("AWS_REGION", "set by Lambda itself");
        let id = need("AWS_ACCESS_KEY_ID", "set by Lambda itself");
        let secret = need("AWS_SECRET_ACCESS_KEY", "set by Lambda itself");
        let reserve = get("CARELAKE_RESERVE_SECONDS").unwrap_or_else(|| "10".to_owned());
        let reserve = reserve.parse::<u32>().unwrap_or_else(|_| {
            errors.push("CARELAKE_RESERVE_SECONDS is not a whole number of seconds".to_owned());
            0
        });
        let mut megabytes = |name: &str, default: u64| {
            let text = get(name).unwrap_or_else(|| default.to_string());
            let bytes = text.parse::<u32>().ok().filter(|count| *count > 0).map(|count| u64::from(count) << 20);
            bytes.unwrap_or_else(|| {
                errors.push(format!("{name} is not a whole number of MB above 0"));
                0
            })
        };
        let part_bytes = megabytes("CARELAKE_PART_MB", PART_MB);
        let whole_bytes = megabytes("CARELAKE_WHOLE_MB", WHOLE_MB);
        let days = get("CARELAKE_KEEP_VERSIONS_DAYS").unwrap_or_else(|| "30".to_owned());
        let days = days.parse::<u16>().unwrap_or_else(|_| {
            errors.push("CARELAKE_KEEP_VERSIONS_DAYS is not a whole number of days".to_owned());
            0
        });
        let endpoint = get("AWS_ENDPOINT_URL");
        if endpoint.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            errors.push("AWS_ENDPOINT_URL does not begin with http:// or https://".to_owned());
        }
        let lineage = lineage(&get).unwrap_or_else(|error| {
            errors.push(error);
            None
        });
        if !errors.is_empty() {
            return Err(ConfigErrors(errors));
        }
        Ok(Self {
            function: get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| function.to_owned()),
            identity: get("CARELAKE_IDENTITY_BUCKET").unwrap_or_else(|| lake.clone()),
            lake,
            landing: get("CARELAKE_LANDING_BUCKET"),
            namespace: get("CARELAKE_METRICS_NAMESPACE").unwrap_or_else(|| "carelake".to_owned()),
            reserve: Duration::from_secs(u64::from(reserve)),
            part_bytes,
            keep_versions: TimeDelta::days(i64::from(days)),
            whole_bytes,
            region,
            endpoint,
            credentials: Credentials { id, secret, token: get("AWS_SESSION_TOKEN") },
            lineage,
        })
    }
}

/// The lineage file, else the backend by OpenLineage's own variables.
fn lineage(get: &impl Fn(&str) -> Option<String>) -> Result<Option<Target>, String> {
    if let Some(path) = get("CARELAKE_LINEAGE_FILE") {
        return Ok(Some(Target::File(path.into())));
    }
    let Some(base) = get("OPENLINEAGE_URL") else { return Ok(None) };
    let endpoint = get("OPENLINEAGE_ENDPOINT").unwrap_or_else(|| "api/v1/lineage".to_owned());
    let url = format!("{}/{}", base.trim_end_matches('/'), endpoint.trim_start_matches('/'));
    match Url::parse(&url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            Ok(Some(Target::Http { url, key: get("OPENLINEAGE_API_KEY") }))
        }
        _ => Err("OPENLINEAGE_URL does not begin with http:// or https://".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        Config::read("ingest", |name| variables.get(name).map(|value| (*value).to_owned()))
    }

    const ENOUGH: [(&str, &str); 4] = [
        ("CARELAKE_LAKE_BUCKET", "lake"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "very secret"),
    ];

    #[test]
    fn defaults_stand_for_what_is_not_set() {
        let config = read(&ENOUGH).unwrap();
        assert_eq!((config.identity.as_str(), config.function.as_str()), ("lake", "ingest"));
        assert_eq!((config.reserve, config.landing), (Duration::from_secs(10), None));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let errors =
            read(&[("CARELAKE_RESERVE_SECONDS", "soon"), ("AWS_ENDPOINT_URL", "127.0.0.1"), ("AWS_REGION", " ")]);
        let text = errors.unwrap_err().to_string();
        for name in
            ["LAKE_BUCKET", "AWS_REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "RESERVE_SECONDS", "ENDPOINT_URL"]
        {
            assert!(text.contains(name), "{name} in {text}");
        }
    }

    #[test]
    fn lineage_goes_to_a_file_or_to_a_backend_or_nowhere() {
        let target = |variables: &[(&str, &str)]| read(&[&ENOUGH, variables].concat()).map(|config| config.lineage);
        assert_eq!(target(&[]).unwrap(), None);
        let file = target(&[("CARELAKE_LINEAGE_FILE", "/tmp/x"), ("OPENLINEAGE_URL", "http://b")]).unwrap();
        assert_eq!(file, Some(Target::File("/tmp/x".into())));
        let Some(Target::Http { url, key }) =
            target(&[("OPENLINEAGE_URL", "https://b:5000/"), ("OPENLINEAGE_API_KEY", "k")]).unwrap()
        else {
            panic!("no backend")
        };
        assert_eq!((url.as_str(), key.as_deref()), ("https://b:5000/api/v1/lineage", Some("k")));
        assert!(target(&[("OPENLINEAGE_URL", "b:5000")]).is_err());
    }

    #[test]
    fn credentials_do_not_show() {
        let shown = format!("{:?}", read(&ENOUGH).unwrap());
        assert!(!shown.contains("very secret"), "{shown}");
    }
}
