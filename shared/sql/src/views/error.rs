//! What is wrong with a definition, where, and what to do about it.

use std::fmt;

/// A definition that cannot be used: the file, the line where known, the problem and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewError {
    /// File of the definition, as the reader knows it.
    pub file: String,
    /// Line of the problem, from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub advice: String,
}

impl ViewError {
    pub(crate) fn new(file: &str, line: Option<usize>, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, problem: problem.into(), advice: advice.into() }
    }
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}; {}", self.problem, self.advice)
    }
}

impl std::error::Error for ViewError {}
