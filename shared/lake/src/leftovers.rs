//! What a process that was killed leaves behind in a lake on a folder, and no listing of objects shows.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::error::LakeError;
use crate::store::Lake;

/// Folders that hold files in the making and nothing else.
const SCRATCH: &str = "_carelake/scratch";

/// A file that nobody will ever read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// Length in bytes.
    pub bytes: u64,
    /// When it was written last.
    pub modified: DateTime<Utc>,
    /// True in the folder of a Delta table, which other tools may be writing to as well.
    pub in_table: bool,
}

impl Lake {
    /// Half-written files, scratch files, keys that never came into use. Who asks must know that no process is at work on
    /// the lake and no rotation is unfinished. A lake that is no folder has none.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn leftovers(&self) -> Result<Vec<Leftover>, LakeError> {
        let mut found = Vec::new();
        if self.folder.is_some()
            && let Ok(root) = self.url("")?.to_file_path()
        {
            walk(&root, &root, false, &mut found)
                .map_err(|error| LakeError::io("looking for left-over files", &error))?;
        }
        Ok(found)
    }
}

fn walk(root: &Path, folder: &Path, in_table: bool, found: &mut Vec<Leftover>) -> std::io::Result<()> {
    let in_table = in_table || folder.join("_delta_log").is_dir();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            walk(root, &path, in_table, found)?;
        } else if kind.is_file() && left_over(path.strip_prefix(root).unwrap_or(&path)) {
            let meta = entry.metadata()?;
            found.push(Leftover { path, bytes: meta.len(), modified: meta.modified()?.into(), in_table });
        }
    }
    Ok(())
}

/// The object store writes `name#1` and renames it; a key is written under `.key.<random>` and linked; `.next-key` is of
/// a rotation that never began.
fn left_over(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let staged = name.rsplit_once('#').is_some_and(|(_, number)| digits(number));
    let half_key = path.starts_with("identity")
        && [".key.", ".erasures-key.", ".next-key"].iter().any(|begin| name.starts_with(begin));
    staged || half_key || path.starts_with(SCRATCH)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn half_written_files_are_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        let write = |path: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        for path in
            ["bronze/t/a.parquet#1", "identity/.key.0123", "_carelake/scratch/one", "silver/t/_delta_log/1.json#12"]
        {
            write(path);
        }
        for path in ["bronze/t/a.parquet", "bronze/t/#x", "silver/t/a#b.parquet", "_carelake/runs/1.json"] {
            write(path);
        }
        let mut names: Vec<_> = lake.leftovers().unwrap().into_iter().map(|one| (one.path, one.in_table)).collect();
        names.sort();
        let root = std::fs::canonicalize(folder.path()).unwrap();
        let wanted = [
            ("_carelake/scratch/one", false),
            ("bronze/t/a.parquet#1", false),
            ("identity/.key.0123", false),
            ("silver/t/_delta_log/1.json#12", true),
        ];
        assert_eq!(names, wanted.map(|(path, in_table)| (root.join(path), in_table)));
    }
}
