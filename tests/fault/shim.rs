//! The program beside this file: faults of the machine for one process, switched while it runs.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const ENOSPC: i32 = 28;
pub const EIO: i32 = 5;
pub const EROFS: i32 = 30;

/// A switchboard of faults, in a directory of the test's.
pub struct Shim {
    library: PathBuf,
    path: PathBuf,
    control: File,
}

impl Shim {
    pub fn new(directory: &Path) -> Self {
        let library = directory.join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fault/shim.c");
        let built =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
        assert!(built.expect("the program cc, which builds the service too").success());
        let path = directory.join("faults");
        std::fs::write(&path, [0; 24]).unwrap();
        let control = File::options().write(true).open(&path).unwrap();
        Self { library, path, control }
    }

    /// What a process needs in its environment.
    pub fn environment(&self) -> [(&str, &str); 2] {
        [("LD_PRELOAD", self.library.to_str().unwrap()), ("KDP_SHIM", self.path.to_str().unwrap())]
    }

    /// Writes of the database fail by this errno; 0: they do not.
    pub fn writes_fail(&self, errno: i32) {
        self.control.write_all_at(&errno.to_ne_bytes(), 0).unwrap();
    }

    /// Waiting for the disk fails.
    pub fn syncs_fail(&self, errno: i32) {
        self.control.write_all_at(&errno.to_ne_bytes(), 4).unwrap();
    }

    /// The database cannot be opened for writing.
    pub fn opens_fail(&self, errno: i32) {
        self.control.write_all_at(&errno.to_ne_bytes(), 8).unwrap();
    }

    /// The clock is off by so many seconds.
    pub fn clock(&self, seconds: i64) {
        self.control.write_all_at(&seconds.to_ne_bytes(), 16).unwrap();
    }
}
