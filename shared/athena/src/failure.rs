//! Why a query failed, as Athena says it: a reason that begins with a code, a category and a type of its error catalogue.

use carelake_lake::LakeError;
use carelake_tables::explain;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use serde_json::{Value, json};

use crate::statement::place_of;

/// Categories of Athena's error catalogue.
const SYSTEM: u8 = 1;
const USER: u8 = 2;

/// A failed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, for people.
    pub reason: String,
    category: u8,
    kind: u16,
    retryable: bool,
}

impl Failure {
    /// An error of the query's words: the code of Trino, and what is wrong.
    pub fn user(kind: u16, code: &str, words: impl AsRef<str>) -> Self {
        Self { reason: format!("{code}: {}", words.as_ref()), category: USER, kind, retryable: false }
    }

    /// A query that means nothing.
    pub fn syntax(words: impl AsRef<str>) -> Self {
        Self::user(1006, "SYNTAX_ERROR", words)
    }

    /// A statement that is not among those answered here.
    pub fn not_supported(words: impl AsRef<str>) -> Self {
        Self::user(1200, "NOT_SUPPORTED", words)
    }

    /// A query that needs more than it may have.
    pub fn exhausted(words: &str) -> Self {
        let reason = format!("Query exhausted resources at this scale factor: {words}");
        Self { reason, category: USER, kind: 1, retryable: false }
    }

    /// A query that ran out of time.
    pub fn timed_out(minutes: u64) -> Self {
        let reason = format!("Query timed out: it ran for {minutes} minutes; carelake serve --timeout allows more");
        Self { reason, category: SYSTEM, kind: 206, retryable: false }
    }

    /// Something that the client cannot mend.
    pub fn internal(words: &str) -> Self {
        Self { reason: format!("GENERIC_INTERNAL_ERROR: {words}"), category: SYSTEM, kind: 200, retryable: true }
    }

    /// From the catalogue or storage.
    pub fn storage(error: &LakeError) -> Self {
        let reason = format!("GENERIC_INTERNAL_ERROR: {error}");
        Self { reason, category: SYSTEM, kind: 204, retryable: error.kind.retryable() }
    }

    /// From the engine, about the statement `sql`.
    pub fn engine(error: &DataFusionError, sql: &str) -> Self {
        let words = explain(error);
        match error.find_root() {
            DataFusionError::SQL(..) => Self::syntax(words),
            DataFusionError::SchemaError(problem, _) => Self::schema(problem, sql, &words),
            DataFusionError::Plan(_) => Self::plan(&words, sql),
            DataFusionError::NotImplemented(_) => Self::not_supported(words),
            DataFusionError::ResourcesExhausted(_) => {
                Self::exhausted("memory; read less, group by less, or give carelake serve --memory more")
            }
            DataFusionError::ArrowError(problem, _) => Self::arrow(problem, &words),
            DataFusionError::Execution(_) => Self::user(1007, "INVALID_FUNCTION_ARGUMENT", words),
            DataFusionError::External(problem) => match problem.downcast_ref::<LakeError>() {
                Some(problem) => Self::storage(problem),
                None => Self::internal(&words),
            },
            _ => Self::internal(&words),
        }
    }

    fn schema(problem: &SchemaError, sql: &str, words: &str) -> Self {
        match problem {
            SchemaError::FieldNotFound { field, .. } => Self::user(
                1006,
                "COLUMN_NOT_FOUND",
                format!(
                    "{}Column '{}' cannot be resolved or requester is not authorized to access requested resources",
                    place_of(sql, &field.name),
                    field.name
                ),
            ),
            _ => Self::syntax(words),
        }
    }

    fn plan(words: &str, sql: &str) -> Self {
        let words = words.strip_prefix("Error during planning: ").unwrap_or(words);
        if let Some(name) = words.strip_prefix("Invalid function '").and_then(|rest| rest.split('\'').next()) {
            let words = format!("{}Function '{name}' not registered", place_of(sql, name));
            return Self::user(1303, "FUNCTION_NOT_FOUND", words);
        }
        if ["coerce", "Cannot infer common", "type mismatch", "Cannot get result type"]
            .iter()
            .any(|sign| words.contains(sign))
        {
            return Self::user(1006, "TYPE_MISMATCH", words);
        }
        Self::syntax(words)
    }

    fn arrow(problem: &datafusion::arrow::error::ArrowError, words: &str) -> Self {
        use datafusion::arrow::error::ArrowError;
        match problem {
            ArrowError::DivideByZero => Self::user(1007, "DIVISION_BY_ZERO", "Division by zero"),
            ArrowError::CastError(_) | ArrowError::ParseError(_) => {
                Self::user(1007, "INVALID_CAST_ARGUMENT", "a value cannot be cast; TRY_CAST gives NULL for such values")
            }
            ArrowError::ArithmeticOverflow(_) => {
                Self::user(1007, "NUMERIC_VALUE_OUT_OF_RANGE", "a number does not fit its type")
            }
            _ => Self::internal(words),
        }
    }

    /// As `AthenaError`.
    pub fn described(&self) -> Value {
        json!({
            "ErrorCategory": self.category,
            "ErrorType": self.kind,
            "Retryable": self.retryable,
            "ErrorMessage": self.reason,
        })
    }
}
