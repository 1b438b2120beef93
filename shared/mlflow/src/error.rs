//! What went wrong between carelake and an MLflow server.

use std::fmt;

/// A failed call. It names the call and what the server said, never the address's user or password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MlflowError {
    /// What was being done.
    pub context: String,
    /// What is known of the cause.
    pub cause: String,
    /// The server's code, such as `RESOURCE_DOES_NOT_EXIST`; empty when it did not answer.
    pub code: String,
    /// True when the same call may succeed later: the server is away, or had an error of its own.
    pub retryable: bool,
}

impl MlflowError {
    /// The address makes no sense.
    pub fn address(cause: impl Into<String>) -> Self {
        Self { context: "reading the address".to_owned(), cause: cause.into(), code: String::new(), retryable: false }
    }

    /// The server did not answer.
    pub(crate) fn away(context: &str, error: reqwest::Error) -> Self {
        let error = error.without_url();
        let cause = if error.is_connect() {
            "nothing listens there".to_owned()
        } else if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            error.to_string()
        };
        Self { context: context.to_owned(), cause, code: String::new(), retryable: true }
    }
}

impl fmt::Display for MlflowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MLflow, {}: {}", self.context, self.cause)?;
        if self.code.is_empty() { Ok(()) } else { write!(f, " ({})", self.code) }
    }
}

impl std::error::Error for MlflowError {}
