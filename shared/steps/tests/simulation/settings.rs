//! Which seeds, and how many crashes.

/// From `CARELAKE_SIMULATE`: a number of seeds (then every crash is tried), or `seed:N` for one.
pub struct Settings {
    pub first: u64,
    pub seeds: u64,
    pub exhaustive: bool,
}

impl Settings {
    #[expect(clippy::disallowed_methods, reason = "a test program is configured by its environment")]
    pub fn read() -> Self {
        let text = std::env::var("CARELAKE_SIMULATE").unwrap_or_default();
        if let Some(seed) = text.strip_prefix("seed:") {
            return Self { first: seed.parse().unwrap(), seeds: 1, exhaustive: false };
        }
        match text.parse() {
            Ok(seeds) => Self { first: 0, seeds, exhaustive: true },
            Err(_) => Self { first: 0, seeds: 200, exhaustive: false },
        }
    }
}
