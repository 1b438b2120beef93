//! Work on every core.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What `check` has to say of the items, each under its name; a panic counts as having something to say.
pub fn each<T: Sync>(
    items: &[T],
    name: impl Fn(&T) -> String + Sync,
    check: impl Fn(&T) -> String + Sync,
) -> Vec<String> {
    let (next, said) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let wrong = catch_unwind(AssertUnwindSafe(|| check(item))).unwrap_or_else(|_| "a panic".to_owned());
                    if !wrong.is_empty() {
                        println!("failed: {}\n{wrong}", name(item));
                        said.lock().unwrap().push(name(item));
                    }
                }
            });
        }
    });
    said.into_inner().unwrap()
}
