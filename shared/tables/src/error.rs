//! Errors of the table format and the query engine as errors of storage.

use carelake_privacy::redact;
use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;

pub(crate) use carelake_lake::{ErrorKind, LakeError};

/// From the engine.
pub trait EngineError {
    /// From the table format.
    fn delta(context: impl Into<String>, error: &DeltaTableError) -> Self;

    /// From a query.
    fn query(context: impl Into<String>, error: &DataFusionError) -> Self;
}

impl EngineError for LakeError {
    fn delta(context: impl Into<String>, error: &DeltaTableError) -> Self {
        use DeltaTableError as Delta;
        let text = error.to_string();
        let kind = match error {
            Delta::NotATable(_) => ErrorKind::NotFound,
            Delta::VersionAlreadyExists(_) => ErrorKind::Conflict,
            // A commit that the store could not take is no lost race.
            Delta::Transaction { source } => ErrorKind::of_source(source).unwrap_or(ErrorKind::Conflict),
            _ if text.contains("already exists") || text.contains("commit attempts") => ErrorKind::Conflict,
            Delta::ObjectStore { source } => return Self::store(context, source),
            other => ErrorKind::of_source(other).or_else(|| ErrorKind::of_text(&text)).unwrap_or(ErrorKind::Invalid),
        };
        Self::new(kind, context).caused_by(redact(&text))
    }

    fn query(context: impl Into<String>, error: &DataFusionError) -> Self {
        let by_text = || if is_of_words(error) { None } else { ErrorKind::of_text(&error.to_string()) };
        let kind = ErrorKind::of_source(error).or_else(by_text).unwrap_or(ErrorKind::Invalid);
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

#[cfg(test)]
mod tests {
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
