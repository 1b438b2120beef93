//! Chance that follows from a seed and from what is asked, not from the order of the questions.

use sha2::{Digest, Sha256};

#[derive(Debug, Clone, Copy)]
pub struct Chance {
    seed: u64,
    stream: u64,
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self { seed, stream: 0 }
    }

    /// Independent chance of the same seed.
    pub fn stream(self, stream: u64) -> Self {
        Self { stream, ..self }
    }

    /// 64 bits for a question.
    pub fn draw(&self, question: &[&str]) -> u64 {
        let mut digest = Sha256::new();
        digest.update(self.seed.to_le_bytes());
        digest.update(self.stream.to_le_bytes());
        for part in question {
            digest.update([0]);
            digest.update(part);
        }
        digest.finalize().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }

    /// A number in `0..n`.
    pub fn below(&self, question: &str, n: u64) -> u64 {
        self.draw(&[question]) % n
    }
}
