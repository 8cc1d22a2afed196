//! What the kernel keeps in memory of the files of the database, and must forget after a write that failed.
//!
//! A page whose write failed may stay in memory marked clean: written once more, and waited for with success, it is
//! still not on the disk (seen with ext4 and blocks that are new). `SQLite` writes such pages again as soon as the
//! disk lets it, and what is committed after that would be gone at the next power cut. So before the next transaction
//! the files are waited for and dropped from memory: what is read then is what the disk has.

use crate::store::StoreError;
use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

/// The files of one database.
pub struct Disk {
    path: PathBuf,
    /// Opened when it is first needed, and never closed: closing any descriptor of the file would end the locks that the
    /// engine holds on it in this process (fcntl).
    file: Option<ManuallyDrop<File>>,
}

impl Disk {
    /// Those of the database at `path`; nothing is opened.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Waits until what is in memory is on the disk, and drops it from memory.
    ///
    /// # Errors
    /// [`StoreError::Unusable`]: the disk does not take it yet.
    pub fn forget(&mut self) -> Result<(), StoreError> {
        self.try_forget().map_err(|_| StoreError::Unusable(super::condition::DISK))
    }

    fn try_forget(&mut self) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => ManuallyDrop::new(File::options().read(true).write(true).open(&self.path)?),
        };
        let dropped = drop_from_memory(&file);
        self.file = Some(file);
        dropped?;
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        // No locks are held on the log itself.
        match File::options().read(true).write(true).open(log) {
            Ok(log) => drop_from_memory(&log),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn drop_from_memory(file: &File) -> io::Result<()> {
    file.sync_data()?;
    Ok(fadvise(file, 0, None, Advice::DontNeed)?)
}
