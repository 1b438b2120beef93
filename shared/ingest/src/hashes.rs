//! Keyed hashes of rows' keys: who does not have the lake's key cannot make two of them collide.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use carelake_lake::{Lake, LakeError};
use siphasher::sip128::SipHasher13;

/// A set of hashes.
pub type Hashes = HashSet<u128, BuildHasherDefault<Half>>;

/// The hash of the lake.
///
/// # Errors
/// When the lake's key is not at hand.
pub fn keyed(lake: &Lake) -> Result<SipHasher13, LakeError> {
    let seed = u128::from_str_radix(&lake.key()?.name("keys", &[]), 16).unwrap_or_default();
    Ok(SipHasher13::new_with_key(&seed.to_le_bytes()))
}

/// What is hashed already is hashed by one half of it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Half(u64);

impl Hasher for Half {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = u64::try_from(hash & u128::from(u64::MAX)).unwrap_or_default();
    }
}
