//! Giving a scratch file its name in a lake on a folder, without copying it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, OFlags, linkat};

/// A file in `folder` that has no name, so that nothing is left of it when the process dies.
///
/// # Errors
/// When the file system has no such files, or cannot take one.
pub fn nameless(folder: &Path) -> io::Result<File> {
    let mode = i32::try_from(OFlags::TMPFILE.bits()).map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
    std::fs::OpenOptions::new().read(true).write(true).custom_flags(mode).mode(0o666).open(folder)
}

/// Gives a nameless file the name `target`, unless something has it: whole, at once. False when that is not possible
/// here, or the name is taken.
pub fn name(file: &File, target: &Path) -> bool {
    let Some(folder) = target.parent() else { return false };
    if std::fs::create_dir_all(folder).is_err() {
        return false;
    }
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(CWD, unnamed.as_str(), CWD, target, AtFlags::SYMLINK_FOLLOW).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_gets_a_free_name_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/down/object");
        let mut first = nameless(folder.path()).unwrap();
        first.write_all(b"first").unwrap();
        assert!(name(&first, &target));
        let mut second = nameless(folder.path()).unwrap();
        second.write_all(b"second").unwrap();
        assert!(!name(&second, &target));
        assert_eq!(std::fs::read(&target).unwrap(), b"first");
        drop((first, second));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
