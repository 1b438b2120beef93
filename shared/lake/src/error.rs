//! What went wrong in storage, where, and whether a retry can help.

use std::fmt;

use carelake_privacy::redact;
use datafusion::error::DataFusionError;

/// Kinds of storage errors. One table, [`ErrorKind::retryable`], says which may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The store did not answer as it should; it may the next time.
    Transient,
    /// Another writer committed first: run the whole step again.
    Conflict,
    /// The object or table is not there.
    NotFound,
    /// The caller may not do this.
    Denied,
    /// There is no room left.
    Full,
    /// What is stored is not what carelake wrote.
    Corrupt,
    /// The request makes no sense for this lake.
    Invalid,
}

impl ErrorKind {
    /// True when the same call may succeed later.
    pub fn retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Conflict)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Transient => "storage did not answer; try again",
            Self::Conflict => "another writer was faster; the step is run again",
            Self::NotFound => "not found",
            Self::Denied => "access denied; check permissions",
            Self::Full => "no space left; free some and run again, the lake completes what is missing",
            Self::Corrupt => "stored data cannot be read",
            Self::Invalid => "not possible",
        }
    }
}

/// A storage error. It names places and causes, never values of rows.
#[derive(Debug)]
pub struct LakeError {
    /// What kind.
    pub kind: ErrorKind,
    /// What was being done, to what.
    pub context: String,
    cause: Option<String>,
}

impl LakeError {
    /// An error of that kind while doing `context`.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), cause: None }
    }

    /// The same error with what lies behind it.
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// From an I/O error.
    pub fn io(context: impl Into<String>, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::Denied,
            Io::StorageFull | Io::QuotaExceeded => ErrorKind::Full,
            _ => ErrorKind::Transient,
        };
        Self::new(kind, context).caused_by(error.kind())
    }

    /// From the object store.
    pub fn store(context: impl Into<String>, error: &object_store::Error) -> Self {
        use object_store::Error as Store;
        let kind = match error {
            Store::NotFound { .. } => ErrorKind::NotFound,
            Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => ErrorKind::Denied,
            Store::AlreadyExists { .. } | Store::Precondition { .. } => ErrorKind::Conflict,
            other => source_kind(other).unwrap_or(ErrorKind::Transient),
        };
        Self::new(kind, context).caused_by(error)
    }

    /// From the table format.
    pub fn delta(context: impl Into<String>, error: &deltalake::DeltaTableError) -> Self {
        use deltalake::DeltaTableError as Delta;
        let text = error.to_string();
        let kind = match error {
            Delta::NotATable(_) => ErrorKind::NotFound,
            Delta::Transaction { .. } | Delta::VersionAlreadyExists(_) => ErrorKind::Conflict,
            _ if text.contains("already exists") || text.contains("commit attempts") => ErrorKind::Conflict,
            Delta::ObjectStore { source } => return Self::store(context, source),
            other => source_kind(other).unwrap_or(ErrorKind::Invalid),
        };
        Self::new(kind, context).caused_by(redact(&text))
    }

    /// From a query.
    pub fn query(context: impl Into<String>, error: &DataFusionError) -> Self {
        let kind = source_kind(error).unwrap_or(ErrorKind::Invalid);
        Self::new(kind, context).caused_by(explain(error))
    }
}

/// What a query engine's error says, without values of rows: a text about the query's words is kept whole, any other is
/// redacted.
pub fn explain(error: &DataFusionError) -> String {
    match error.find_root() {
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_) => error.strip_backtrace(),
        // The text of a panic is not known, and may hold anything.
        DataFusionError::ExecutionJoin(_) => "a worker of the query engine stopped".to_owned(),
        _ => redact(&error.strip_backtrace()),
    }
}

/// The kind of the first I/O error behind another error.
fn source_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(io) = current.downcast_ref::<std::io::Error>() {
            return Some(LakeError::io("", io).kind);
        }
        next = current.source();
    }
    None
}

impl fmt::Display for LakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.context, self.kind.words())?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for LakeError {}
