//! Errors of AWS services as errors of the lake.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use carelake_lake::{ErrorKind, LakeError};

/// What a failed call means. The service's code is kept, its text is not: it may name keys.
pub fn problem<E: ProvideErrorMetadata>(context: impl Into<String>, error: &SdkError<E, HttpResponse>) -> LakeError {
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    let told = match (code, status) {
        (Some(code), _) => code.to_owned(),
        (None, Some(status)) => format!("HTTP {status}"),
        (None, None) => unanswered(error).to_owned(),
    };
    LakeError::new(kind(code, status), context).caused_by(told)
}

fn unanswered<E>(error: &SdkError<E, HttpResponse>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "the service cannot be reached",
        SdkError::ConstructionFailure(_) => "the request cannot be built",
        _ => "the answer cannot be read",
    }
}

/// One table for every service: by the code where it says enough, else by the status.
pub fn kind(code: Option<&str>, status: Option<u16>) -> ErrorKind {
    match code.unwrap_or_default() {
        "NoSuchKey"
        | "NoSuchVersion"
        | "NoSuchBucket"
        | "NotFound"
        | "EntityNotFoundException"
        | "MethodNotAllowed" => {
            return ErrorKind::NotFound;
        }
        "AccessDenied"
        | "AccessDeniedException"
        | "AllAccessDisabled"
        | "InvalidAccessKeyId"
        | "KMS.DisabledException"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "UnrecognizedClientException" => {
            return ErrorKind::Denied;
        }
        "PreconditionFailed"
        | "ConditionalRequestConflict"
        | "ConcurrentModificationException"
        | "AlreadyExistsException"
        | "VersionMismatchException" => return ErrorKind::Conflict,
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "InternalServiceException"
        | "OperationTimeoutException"
        | "InternalError"
        | "RequestTimeout"
        | "ServiceUnavailable"
        | "ResourceNotReadyException" => return ErrorKind::Transient,
        _ => {}
    }
    match status {
        Some(403 | 401) => ErrorKind::Denied,
        Some(404 | 405 | 410) => ErrorKind::NotFound,
        Some(409 | 412) => ErrorKind::Conflict,
        Some(408 | 429) => ErrorKind::Transient,
        Some(400..=499) => ErrorKind::Invalid,
        _ => ErrorKind::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_is_retried_refusal_is_not_and_a_missing_object_is_neither() {
        assert_eq!(kind(Some("SlowDown"), Some(503)), ErrorKind::Transient);
        assert_eq!(kind(Some("ThrottlingException"), Some(400)), ErrorKind::Transient);
        assert_eq!(kind(None, Some(500)), ErrorKind::Transient);
        assert_eq!(kind(None, None), ErrorKind::Transient);
        assert_eq!(kind(Some("AccessDeniedException"), Some(400)), ErrorKind::Denied);
        assert_eq!(kind(Some("NoSuchVersion"), Some(404)), ErrorKind::NotFound);
        assert_eq!(kind(None, Some(412)), ErrorKind::Conflict);
        assert_eq!(kind(Some("InvalidInputException"), Some(400)), ErrorKind::Invalid);
    }
}
