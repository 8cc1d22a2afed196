//! `--save`: requests and answers as they were on the wire.

use crate::cli::{Failure, Result};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Most exchanges that one directory holds.
const MOST: u32 = 9999;

/// The directory in which they are kept, in the order in which they were sent, for its owner alone.
pub struct Folder(PathBuf);

/// A request that was kept, whose answer is to come.
pub struct Kept(PathBuf);

impl Folder {
    /// Opens it, or makes it.
    pub fn open(path: &Path) -> Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| cannot(path, error.kind()))?;
        Ok(Self(path.to_owned()))
    }

    /// Keeps a request under the next number that is free.
    pub fn request(&self, service_id: &str, envelope: &[u8]) -> Result<Kept> {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let service: String = service_id.chars().take(64).map(plain).collect();
        for number in 1..=MOST {
            let beginning = format!("{number:04}-");
            if self.has(&beginning)? {
                continue;
            }
            let path = self.0.join(format!("{beginning}{service}.request.xml"));
            match write(&path, envelope) {
                Ok(()) => return Ok(Kept(self.0.join(format!("{beginning}{service}.answer.xml")))),
                Err(ErrorKind::AlreadyExists) => {}
                Err(kind) => return Err(cannot(&path, kind)),
            }
        }
        Err(Failure::unusable(format!("{}: {MOST} exchanges are there already", self.0.display())))
    }

    fn has(&self, beginning: &str) -> Result<bool> {
        let entries = std::fs::read_dir(&self.0).map_err(|error| cannot(&self.0, error.kind()))?;
        let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.any(|name| name.starts_with(beginning)))
    }
}

impl Kept {
    /// Keeps the answer beside it, whatever it is.
    pub fn answer(&self, body: &[u8]) -> Result<()> {
        write(&self.0, body).map_err(|kind| cannot(&self.0, kind))
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::result::Result<(), ErrorKind> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes)).map_err(|error| error.kind())
}

fn cannot(path: &Path, kind: ErrorKind) -> Failure {
    Failure::unusable(format!("--save: {}: {kind}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn exchanges_are_numbered_on_and_are_their_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        for _ in 0..2 {
            let folder = Folder::open(&path).unwrap();
            folder.request("KDP_SERVICE", b"asked").unwrap().answer(b"answered").unwrap();
        }
        Folder::open(&path).unwrap().request("../KDP", b"without an answer").unwrap();
        let mut names: Vec<_> =
            path.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(
            names,
            [
                "0001-KDP_SERVICE.answer.xml",
                "0001-KDP_SERVICE.request.xml",
                "0002-KDP_SERVICE.answer.xml",
                "0002-KDP_SERVICE.request.xml",
                "0003----KDP.request.xml",
            ]
        );
        let file = path.join(&names[0]);
        assert_eq!(std::fs::read(&file).unwrap(), b"answered");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}
