//! Errors of requests, as Athena's clients know them.

use carelake_lake::LakeError;
use serde_json::{Value, json};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The request is wrong. A code where Athena has one.
    InvalidRequest(String, Option<&'static str>),
    /// There is no such entry in the catalogue, or it cannot be read.
    Metadata(String),
    /// There is no such prepared statement or workgroup.
    NotFound(String),
    /// Too many queries wait.
    TooManyRequests(String),
    /// The operation is none of those answered here.
    UnknownOperation(String),
    /// Something broke that the client cannot mend.
    Internal(String),
}

impl Fault {
    /// A wrong request, in those words.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidRequest(message.into(), None)
    }

    /// A statement that is no SQL.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::InvalidRequest(message.into(), Some("MALFORMED_QUERY"))
    }

    /// An entry that the catalogue has not, in the words that Athena hands on from Glue: clients read the code in them.
    pub fn entity_not_found(what: &str) -> Self {
        let of = "(Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException; Request ID: none; Proxy: null)";
        Self::Metadata(format!("{what} not found. {of}"))
    }

    /// The answer's status and body.
    pub fn answer(&self) -> (u16, Value) {
        let (status, kind, message, code) = match self {
            Self::InvalidRequest(message, code) => (400, "InvalidRequestException", message, *code),
            Self::Metadata(message) => (400, "MetadataException", message, None),
            Self::NotFound(message) => (400, "ResourceNotFoundException", message, None),
            Self::TooManyRequests(message) => (400, "TooManyRequestsException", message, None),
            Self::UnknownOperation(message) => (400, "UnknownOperationException", message, None),
            Self::Internal(message) => (500, "InternalServerException", message, None),
        };
        let mut body = json!({"__type": kind, "Message": message});
        if let (Some(code), Some(body)) = (code, body.as_object_mut()) {
            body.insert("AthenaErrorCode".to_owned(), json!(code));
        }
        (status, body)
    }
}

impl From<LakeError> for Fault {
    fn from(error: LakeError) -> Self {
        Self::Metadata(error.to_string())
    }
}
