//! What is wrong with a contract file, where, and what to do about it.

use std::fmt;

/// A contract, silver table or source binding that cannot be used.
///
/// `Display` reads `file:line: problem; remedy`, so that an editor can jump to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractError {
    /// The file, relative to the contract folder.
    pub file: String,
    /// 1-based line, when the problem has one.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl ContractError {
    /// An error about `file` as a whole.
    pub fn new(file: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, problem: problem.into(), remedy: remedy.into() }
    }

    /// The same error at the line of byte `offset` in `text`.
    pub fn at(mut self, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        self.line = Some(before.matches('\n').count() + 1);
        self
    }
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: ", self.file)?,
            None => write!(f, "{}: ", self.file)?,
        }
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}

impl std::error::Error for ContractError {}

/// Every problem found in one load, so that all are mended in one go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractErrors(pub Vec<ContractError>);

impl fmt::Display for ContractErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ContractErrors {}

impl From<ContractError> for ContractErrors {
    fn from(error: ContractError) -> Self {
        Self(vec![error])
    }
}
