//! A wrapper for values that identify a person.

use std::fmt;

/// A value that identifies a person. It cannot be formatted, so it cannot reach a log, an error or a report by accident.
///
/// ```
/// let id = carelake_privacy::Phi::new("P100001");
/// assert_eq!(format!("{id:?} {:?} {id:#?}", Some(id)), "Phi(redacted) Some(Phi(redacted)) Phi(redacted)");
/// ```
///
/// Each of these compiles with `id.expose()` in place of `id`, and not without it:
///
/// ```compile_fail
/// let id = carelake_privacy::Phi::new("P100001");
/// println!("{id}");
/// ```
///
/// ```compile_fail
/// let id = carelake_privacy::Phi::new("P100001");
/// let text = id.to_string();
/// ```
///
/// ```compile_fail
/// let id = carelake_privacy::Phi::new("P100001");
/// let text: String = id.into();
/// ```
///
/// ```compile_fail
/// let id = carelake_privacy::Phi::new("P100001");
/// let length = id.len();
/// ```
///
/// ```compile_fail
/// fn json(value: impl serde::Serialize) {}
/// json(carelake_privacy::Phi::new("P100001"));
/// ```
///
/// ```
/// fn json(value: impl serde::Serialize) {}
/// let id = carelake_privacy::Phi::new("P100001");
/// println!("{}", id.expose());
/// let text = id.expose().to_string();
/// let text: String = id.expose().into();
/// let length = id.expose().len();
/// json(id.expose());
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
