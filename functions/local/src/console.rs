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

/// Says of a panic where it was, never what: its text may hold a value of a row.
pub fn guard_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let Some(location) = panic.location() else { return complain("an error in carelake; please report it") };
        // The upload buffer panics when it is closed after a failed write; delta-rs catches that and tells of the write.
        if location.file().ends_with("src/buffered.rs") && location.file().contains("object_store") {
            return;
        }
        let file = location.file().rsplit('/').next().unwrap_or_default();
        complain(&format!("an error in carelake at {file}:{}; please report it", location.line()));
    }));
}
