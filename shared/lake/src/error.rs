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
#[derive(Debug, Clone)]
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
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::Full,
            _ => ErrorKind::Transient,
        };
        Self::new(kind, context).caused_by(error.kind())
    }

    /// From the object store.
    pub fn store(context: impl Into<String>, error: &object_store::Error) -> Self {
        Self::new(store_kind(error), context).caused_by(error)
    }

    /// From the table format.
    pub fn delta(context: impl Into<String>, error: &deltalake::DeltaTableError) -> Self {
        use deltalake::DeltaTableError as Delta;
        let text = error.to_string();
        let kind = match error {
            Delta::NotATable(_) => ErrorKind::NotFound,
            Delta::VersionAlreadyExists(_) => ErrorKind::Conflict,
            // A commit that the store could not take is no lost race.
            Delta::Transaction { source } => source_kind(source).unwrap_or(ErrorKind::Conflict),
            _ if text.contains("already exists") || text.contains("commit attempts") => ErrorKind::Conflict,
            Delta::ObjectStore { source } => return Self::store(context, source),
            other => source_kind(other).or_else(|| text_kind(&text)).unwrap_or(ErrorKind::Invalid),
        };
        Self::new(kind, context).caused_by(redact(&text))
    }

    /// From a query.
    pub fn query(context: impl Into<String>, error: &DataFusionError) -> Self {
        let by_text = || if is_of_words(error) { None } else { text_kind(&error.to_string()) };
        let kind = source_kind(error).or_else(by_text).unwrap_or(ErrorKind::Invalid);
        Self::new(kind, context).caused_by(explain(error))
    }
}

/// What a query engine's error says, without values of rows: a text about the query's words is kept whole, any other is
/// redacted.
pub fn explain(error: &DataFusionError) -> String {
    if matches!(error.find_root(), DataFusionError::ExecutionJoin(_)) {
        // The text of a panic is not known, and may hold anything.
        return "a worker of the query engine stopped".to_owned();
    }
    let text = error.strip_backtrace();
    if is_of_words(error) { text } else { redact(&text) }
}

/// True when a query is not valid: the error is about its words.
fn is_of_words(error: &DataFusionError) -> bool {
    use DataFusionError::{NotImplemented, Plan, SQL, SchemaError};
    matches!(error.find_root(), SQL(..) | Plan(_) | SchemaError(..) | NotImplemented(_))
}

/// The kind by the words of object_store and the system, for errors that Parquet and delta-rs hand on as text alone.
fn text_kind(text: &str) -> Option<ErrorKind> {
    let says = |words: &[&str]| words.iter().all(|word| text.contains(word));
    let kinds: [(&[&str], ErrorKind); 6] = [
        (&["Object at location", "not found"], ErrorKind::NotFound),
        (&["No space left on device"], ErrorKind::Full),
        (&["Disk quota exceeded"], ErrorKind::Full),
        (&["File too large"], ErrorKind::Full),
        (&["Read-only file system"], ErrorKind::Denied),
        (&["Permission denied"], ErrorKind::Denied),
    ];
    kinds.into_iter().find(|(words, _)| says(words)).map(|(_, kind)| kind)
}

fn store_kind(error: &object_store::Error) -> ErrorKind {
    use object_store::Error as Store;
    match error {
        Store::NotFound { .. } => ErrorKind::NotFound,
        Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => ErrorKind::Denied,
        Store::AlreadyExists { .. } | Store::Precondition { .. } => ErrorKind::Conflict,
        other => std::error::Error::source(other).and_then(source_kind).unwrap_or(ErrorKind::Transient),
    }
}

/// The kind of the first storage error behind another error.
fn source_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(lake) = current.downcast_ref::<LakeError>() {
            return Some(lake.kind);
        }
        if let Some(store) = current.downcast_ref::<object_store::Error>() {
            return Some(store_kind(store));
        }
        if let Some(io) = current.downcast_ref::<std::io::Error>() {
            // An error that was made into one of I/O is not among its sources.
            let inner = io.get_ref().and_then(|inner| source_kind(inner));
            if inner.is_some() {
                return inner;
            }
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

#[cfg(test)]
mod tests {
    use deltalake::DeltaTableError;
    use deltalake::kernel::transaction::TransactionError;

    use super::*;

    fn full() -> object_store::Error {
        let source = Box::new(std::io::Error::from(std::io::ErrorKind::StorageFull));
        object_store::Error::Generic { store: "disk", source }
    }

    #[test]
    fn a_commit_that_the_disk_has_no_room_for_is_no_lost_race() {
        let source = TransactionError::ObjectStore { source: full() };
        let error = LakeError::delta("committing", &DeltaTableError::Transaction { source });
        assert_eq!(error.kind, ErrorKind::Full);
        let lost = DeltaTableError::Transaction { source: TransactionError::MaxCommitAttempts(1) };
        assert_eq!(LakeError::delta("committing", &lost).kind, ErrorKind::Conflict);
    }

    #[test]
    fn a_refusal_that_a_writer_made_an_error_of_io_is_still_a_refusal() {
        let source = "403".into();
        let refused = object_store::Error::PermissionDenied { path: "silver/sources".to_owned(), source };
        let written = DataFusionError::IoError(std::io::Error::other(refused));
        assert_eq!(LakeError::query("writing", &written).kind, ErrorKind::Denied);
    }

    #[test]
    fn a_query_that_storage_failed_is_told_from_a_wrong_one() {
        let storage = DataFusionError::ObjectStore(Box::new(full()));
        assert_eq!(LakeError::query("reading", &storage.context("a plan")).kind, ErrorKind::Full);
        let wrong = DataFusionError::Plan("no such column".to_owned());
        assert_eq!(LakeError::query("reading", &wrong).kind, ErrorKind::Invalid);
    }

    #[test]
    fn a_file_that_another_writer_removed_is_known_by_its_text_alone() {
        let text = "Parquet error: External: Object at location /silver/part-1.parquet not found: No such file";
        assert_eq!(
            LakeError::delta("committing", &DeltaTableError::Generic(text.to_owned())).kind,
            ErrorKind::NotFound
        );
        assert_eq!(LakeError::query("reading", &DataFusionError::Execution(text.to_owned())).kind, ErrorKind::NotFound);
        let words = DataFusionError::Plan(format!("no column \"{text}\""));
        assert_eq!(LakeError::query("reading", &words).kind, ErrorKind::Invalid);
    }
}
