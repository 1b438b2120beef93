//! The lake's secret key, and what is derived from it.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::short::Short;

type HmacSha256 = Hmac<Sha256>;

/// Hexadecimal digits of a pseudonym: 128 bits, half the hash, the least that RFC 2104 section 5 recommends to keep.
const PSEUDONYM_DIGITS: usize = 32;

/// 256 random bits that belong to one lake. `Debug` shows nothing of them.
#[derive(Clone)]
pub struct LakeKey {
    mac: HmacSha256,
    short: Short,
}

/// Why the key cannot be used.
#[derive(Debug)]
pub enum KeyError {
    /// The file cannot be read or written.
    Io(std::io::ErrorKind),
    /// Others may read the file.
    Exposed,
    /// The file does not hold 64 hexadecimal digits.
    Malformed,
    /// The system has no randomness to give.
    NoRandomness,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(kind) => {
                write!(f, "the lake's key file cannot be read or written ({kind}); check its folder's permissions")
            }
            Self::Exposed => f.write_str(
                "the lake's key file can be read by others; run chmod 600 on it, and consider rotating the key",
            ),
            Self::Malformed => {
                f.write_str("the lake's key file is damaged; restore it from a backup, pseudonyms depend on it")
            }
            Self::NoRandomness => f.write_str("the system gives no random numbers; try again"),
        }
    }
}

impl std::error::Error for KeyError {}

impl fmt::Debug for LakeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LakeKey(redacted)")
    }
}

impl LakeKey {
    /// A key of those bytes.
    ///
    /// # Errors
    /// Never for 32 bytes; HMAC takes any length.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let mac = HmacSha256::new_from_slice(bytes).map_err(|_| KeyError::Malformed)?;
        Ok(Self { mac, short: Short::new(bytes) })
    }

    /// Reads the key of a lake, or makes one when the lake has none. Two processes that start at once get the same key.
    ///
    /// # Errors
    /// When the file cannot be used, is damaged, or can be read by group or others.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        if !path.exists() {
            create(path)?;
        }
        Self::load(path)
    }

    /// Reads the key of a lake.
    ///
    /// # Errors
    /// When the file cannot be used, is damaged, or can be read by group or others.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let io = |error: std::io::Error| KeyError::Io(error.kind());
        if fs::metadata(path).map_err(io)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed);
        }
        Self::parse(&fs::read_to_string(path).map_err(io)?)
    }

    /// A key of the text of its file.
    ///
    /// # Errors
    /// When the text is not 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| KeyError::Malformed)?;
        Self::from_bytes(&bytes)
    }

    /// The text of a new key's file.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random_text() -> Result<String, KeyError> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| KeyError::NoRandomness)?;
        Ok(hex::encode(bytes))
    }

    /// Keyed hash of `parts` for naming things, 32 hexadecimal digits. `domain` keeps uses apart.
    pub fn name(&self, domain: &str, parts: &[&str]) -> String {
        let mut mac = self.mac.clone();
        feed(&mut mac, domain);
        for part in parts {
            feed(&mut mac, part);
        }
        let mut text = hex::encode(mac.finalize().into_bytes());
        text.truncate(PSEUDONYM_DIGITS);
        text
    }

    /// The pseudonyms of one source's persons.
    pub fn pseudonyms(&self, source: &str) -> Pseudonyms {
        let mut mac = self.mac.clone();
        feed(&mut mac, "person");
        feed(&mut mac, source);
        let mut prefix = framed("person");
        prefix.extend(framed(source));
        Pseudonyms { mac, short: self.short.after(&prefix) }
    }
}

/// A hexadecimal digit.
fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

/// What [`feed`] feeds.
fn framed(part: &str) -> Vec<u8> {
    [&(part.len() as u64).to_le_bytes(), part.as_bytes()].concat()
}

/// Length first, so that no two lists of parts hash alike.
fn feed(mac: &mut HmacSha256, part: &str) {
    mac.update(&(part.len() as u64).to_le_bytes());
    mac.update(part.as_bytes());
}

/// The whole key is in place or absent: written aside, then linked under its name.
fn create(path: &Path) -> Result<(), KeyError> {
    let io = |error: std::io::Error| KeyError::Io(error.kind());
    let text = LakeKey::random_text()?;
    let mut suffix = [0_u8; 8];
    getrandom::fill(&mut suffix).map_err(|_| KeyError::NoRandomness)?;
    let aside = path.with_extension(hex::encode(suffix));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).map_err(io)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&aside, path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    let removed = fs::remove_file(&aside);
    linked.and(removed).map_err(io)
}

/// Makes pseudonyms for the persons of one source.
#[derive(Clone)]
pub struct Pseudonyms {
    mac: HmacSha256,
    short: Short,
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(redacted)")
    }
}

impl Pseudonyms {
    /// The pseudonym of a person: HMAC-SHA-256 of source and identifier, 32 hexadecimal digits.
    pub fn of<'a>(&self, id: crate::Phi<&str>, buffer: &'a mut [u8; PSEUDONYM_DIGITS]) -> &'a str {
        let digest = self.short.of(id.expose().as_bytes()).unwrap_or_else(|| {
            let mut mac = self.mac.clone();
            feed(&mut mac, id.expose());
            mac.finalize().into_bytes().into()
        });
        for (digits, byte) in buffer.chunks_exact_mut(2).zip(digest) {
            digits.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        std::str::from_utf8(buffer).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Phi;

    fn pseudonym(key: &LakeKey, source: &str, id: &str) -> String {
        key.pseudonyms(source).of(Phi::new(id), &mut [0; 32]).to_owned()
    }

    #[test]
    fn a_person_has_one_pseudonym_in_a_lake_and_another_elsewhere() {
        let (one, two) = (LakeKey::from_bytes(&[1; 32]).unwrap(), LakeKey::from_bytes(&[2; 32]).unwrap());
        assert_eq!(pseudonym(&one, "clinic", "P1"), pseudonym(&one, "clinic", "P1"));
        assert_ne!(pseudonym(&one, "clinic", "P1"), pseudonym(&one, "network", "P1"));
        assert_ne!(pseudonym(&one, "clinic", "P1"), pseudonym(&two, "clinic", "P1"));
        assert_ne!(pseudonym(&one, "ab", "c"), pseudonym(&one, "a", "bc"));
        assert_eq!(pseudonym(&one, "clinic", "P1").len(), 32);
    }

    #[test]
    fn a_pseudonym_is_the_half_of_an_hmac_whatever_the_lengths() {
        let key = LakeKey::from_bytes(&[7; 32]).unwrap();
        for length in 0..150 {
            for source in ["s", "a-hospital-with-a-name-that-fills-more-than-a-block-of-the-hash-by-itself"] {
                let (id, mut mac) = ("7".repeat(length), HmacSha256::new_from_slice(&[7; 32]).unwrap());
                for part in ["person", source, &id] {
                    feed(&mut mac, part);
                }
                let wanted = hex::encode(mac.finalize().into_bytes().get(..16).unwrap());
                assert_eq!(pseudonym(&key, source, &id), wanted, "{source} {length}");
            }
        }
    }

    #[test]
    fn the_key_file_is_private_and_stable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = LakeKey::load_or_create(&path).unwrap();
        let again = LakeKey::load_or_create(&path).unwrap();
        assert_eq!(pseudonym(&first, "s", "x"), pseudonym(&again, "s", "x"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        LakeKey::load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(LakeKey::load_or_create(&path), Err(KeyError::Exposed)));
    }
}
