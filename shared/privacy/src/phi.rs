//! A wrapper for values that identify a person.

use std::fmt;

/// A value that identifies a person. It cannot be formatted, so it cannot reach a log, an error or a report by accident.
///
/// ```
/// let id = carelake_privacy::Phi::new("P100001");
/// assert_eq!(format!("{id:?}"), "Phi(redacted)");
/// ```
///
/// ```compile_fail
/// let id = carelake_privacy::Phi::new("P100001");
/// println!("{id}");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Marks a value as PHI.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for hashing it or for writing it to identity.
    pub fn expose(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phi(redacted)")
    }
}
