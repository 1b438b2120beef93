//! The one error of this crate.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the feeds could not be written.
#[derive(Debug)]
pub enum Error {
    /// The options make no sense; nothing was written.
    Options(String),
    /// A file or folder could not be written.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Error {
    /// Adds the path to an I/O error; made for `map_err`.
    pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(reason) => write!(f, "invalid options: {reason}"),
            Self::Io { path, source } => write!(f, "cannot write {}: {source}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Options(_) => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}
