//! A landing zone behind a wire: keys come in any order and more than once, files break off.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, Write};
use std::sync::Arc;

use carelake_lake::{ErrorKind, LakeError, Landing, LandingFile, LandingKey};
use chrono::{DateTime, Utc};

use crate::wire::{Class, Fault, Verdict, Weather, Wire};

/// A file's content and time of arrival.
pub type Content = (Vec<u8>, DateTime<Utc>);

#[derive(Debug)]
pub struct WiredLanding {
    pub files: BTreeMap<String, Content>,
    pub wire: Arc<Wire>,
}

impl WiredLanding {
    fn enter(&self, class: Class, path: &str) -> Result<Option<Fault>, LakeError> {
        match self.wire.enter(class, path) {
            Verdict::Pass => Ok(None),
            Verdict::After(Fault::CutShort) => Ok(Some(Fault::CutShort)),
            Verdict::Before(_) | Verdict::After(_) => {
                Err(LakeError::new(ErrorKind::Transient, "reading a landing file"))
            }
        }
    }

    fn content(&self, key: &LandingKey) -> Result<&Content, LakeError> {
        let gone = || LakeError::new(ErrorKind::NotFound, "reading a landing file");
        self.files.get(key.expose()).ok_or_else(gone)
    }
}

impl Landing for WiredLanding {
    fn list(&self) -> Result<Vec<LandingKey>, LakeError> {
        self.enter(Class::LandingList, "")?;
        let mut keys: Vec<LandingKey> = self.files.keys().map(LandingKey::new).collect();
        if let Weather::Stormy { chance, .. } = &self.wire.weather {
            let again: Vec<_> =
                keys.iter().filter(|key| chance.draw(&["again", key.expose()]).is_multiple_of(4)).cloned().collect();
            keys.extend(again);
            keys.sort_by_cached_key(|key| chance.draw(&["order", key.expose()]));
        }
        Ok(keys)
    }

    fn peek(&self, key: &LandingKey) -> Result<(u64, DateTime<Utc>), LakeError> {
        self.enter(Class::LandingPeek, key.expose())?;
        let (bytes, modified) = self.content(key)?;
        Ok((bytes.len() as u64, *modified))
    }

    fn open(&self, key: &LandingKey) -> Result<LandingFile, LakeError> {
        let fault = self.enter(Class::LandingOpen, key.expose())?;
        let (bytes, modified) = self.content(key)?;
        let read = self.wire.enter(Class::LandingRead, key.expose());
        let file = match (fault, read) {
            (None, Verdict::Pass) => readable(bytes),
            _ => unreadable(),
        };
        Ok(LandingFile { file, bytes: bytes.len() as u64, modified: *modified })
    }
}

fn readable(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// A file whose handle stopped working after it was opened.
fn unreadable() -> File {
    OpenOptions::new().write(true).open("/dev/null").unwrap()
}
