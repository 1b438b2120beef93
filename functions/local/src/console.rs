//! The one place that writes to the terminal. A closed pipe ends the command quietly.

use std::io::Write;

/// Writes a line to standard output.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes text to standard output as it is.
pub fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Writes an error to standard error.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "carelake: {line}");
}

/// Writes a remark to standard error.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
