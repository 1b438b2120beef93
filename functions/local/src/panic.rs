//! What is shown of a panic: where, never what. The message of a panic may hold a value of a row.

use std::panic::Location;

use crate::console::complain;

/// From here on, a panic of any thread is told by its place alone.
pub fn install() {
    std::panic::set_hook(Box::new(|panic| {
        if !panic.location().is_some_and(is_caught) {
            complain(&words(panic.location()));
        }
    }));
}

/// The upload buffer panics when it is closed after a failed write; delta-rs catches that and tells of the write.
fn is_caught(location: &Location<'_>) -> bool {
    location.file().ends_with("src/buffered.rs") && location.file().contains("object_store")
}

fn words(location: Option<&Location<'_>>) -> String {
    let place = match location {
        // The folders before the file tell of the machine it was compiled on.
        Some(location) => {
            let file = location.file().rsplit(['/', '\\']).next().unwrap_or_default();
            format!("{file}:{}:{}", location.line(), location.column())
        }
        None => "an unknown place".to_owned(),
    };
    format!(
        "stopped at {place}; this is an error in carelake, please report it; a damaged file that caused it is in quarantine"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_panic_tells_its_place_and_not_its_message() {
        let heard = Arc::new(Mutex::new(String::new()));
        let hears = heard.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| *hears.lock().unwrap() = words(panic.location())));
        let stopped = std::thread::spawn(|| panic!("Ann Sentinel, P100001")).join();
        std::panic::set_hook(before);
        assert!(stopped.is_err());
        let heard = heard.lock().unwrap();
        assert!(heard.starts_with("stopped at panic.rs:"), "{heard}");
        assert!(!heard.contains("Sentinel") && !heard.contains("P100001") && !heard.contains('/'), "{heard}");
    }
}
