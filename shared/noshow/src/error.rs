//! What went wrong with a feature list, rows, training or a model file, and what to do about it.

use std::fmt;

/// Kinds of errors. None of them passes by trying again: the input has to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The feature list does not say what it must.
    FeatureList,
    /// A setting is out of its bounds.
    Settings,
    /// A column is missing, of another type, or of another length.
    Columns,
    /// There is no row to learn from.
    EmptyWindow,
    /// There are too few rows, or too few of one outcome, or too few days.
    TooFewRows,
    /// All rows have the same outcome.
    OneClass,
    /// Rows to learn from have no outcome.
    UnknownOutcome,
    /// No feature holds anything to learn from.
    NoSignal,
    /// The model was made for another feature list.
    OtherSchema,
    /// These bytes are not a model file.
    NotAModel,
    /// The model file ends too early.
    Truncated,
    /// The model file was changed after it was written.
    Tampered,
    /// The model file was written by a later version.
    FutureFormat,
    /// The model file is whole, but what it says makes no sense.
    Corrupt,
}

impl ErrorKind {
    fn words(self) -> &'static str {
        match self {
            Self::FeatureList => "the feature list is not valid",
            Self::Settings => "a setting is not valid",
            Self::Columns => "the columns do not fit the feature list",
            Self::EmptyWindow => "the training window holds no row; take an earlier start or a later end",
            Self::TooFewRows => "too little to learn from; take a longer training window",
            Self::OneClass => "all outcomes are the same, so that nothing can be learnt",
            Self::UnknownOutcome => "rows without an outcome cannot be learnt from; leave them out",
            Self::NoSignal => "no feature has two different values",
            Self::OtherSchema => "the model was made for another feature list; train it again",
            Self::NotAModel => "not a model file",
            Self::Truncated => "the model file ends too early; copy it again",
            Self::Tampered => "the model file was changed after it was written; take it from where it was made",
            Self::FutureFormat => "the model file was written by a later version of carelake; use that version",
            Self::Corrupt => "the model file contradicts itself",
        }
    }
}

/// An error of this crate. It names features and counts, never values of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelError {
    /// What kind.
    pub kind: ErrorKind,
    /// Where, and the figures that matter.
    pub context: String,
}

impl ModelError {
    /// An error of that kind.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into() }
    }

    /// True when the same call may succeed later; never, as every cause lies in the input.
    pub fn retryable(&self) -> bool {
        false
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.kind.words(), self.context)
    }
}

impl std::error::Error for ModelError {}
