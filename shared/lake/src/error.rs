//! What went wrong in storage, where, and whether a retry can help.

use std::fmt;

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

    /// The kind by the words of object_store and the system, for errors that Parquet and delta-rs hand on as text alone.
    pub fn of_text(text: &str) -> Option<Self> {
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

    /// The kind of the first storage error behind another error.
    pub fn of_source(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(current) = next {
            if let Some(lake) = current.downcast_ref::<LakeError>() {
                return Some(lake.kind);
            }
            if let Some(store) = current.downcast_ref::<object_store::Error>() {
                return Some(Self::of_store(store));
            }
            if let Some(io) = current.downcast_ref::<std::io::Error>() {
                // An error that was made into one of I/O is not among its sources.
                let inner = io.get_ref().and_then(|inner| Self::of_source(inner));
                if inner.is_some() {
                    return inner;
                }
                return Some(LakeError::io("", io).kind);
            }
            next = current.source();
        }
        None
    }

    fn of_store(error: &object_store::Error) -> Self {
        use object_store::Error as Store;
        match error {
            Store::NotFound { .. } => ErrorKind::NotFound,
            Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => ErrorKind::Denied,
            Store::AlreadyExists { .. } | Store::Precondition { .. } => ErrorKind::Conflict,
            other => std::error::Error::source(other).and_then(Self::of_source).unwrap_or(ErrorKind::Transient),
        }
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
        Self::new(ErrorKind::of_store(error), context).caused_by(error)
    }
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
