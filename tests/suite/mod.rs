//! Suites made by others, unpacked for one test.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// Unpacks `NAME.tar.xz` of the folder `KDP_SUITES` into a scratch folder.
///
/// None, said loudly, where the variable is not set; anything else that is
/// missing is a failure.
pub fn unpack(name: &str) -> Option<TempDir> {
    let Some(folder) = std::env::var_os("KDP_SUITES") else {
        eprintln!("SKIPPED: KDP_SUITES is not set, so the suite {name} was not run");
        return None;
    };
    let archive = PathBuf::from(folder).join(format!("{name}.tar.xz"));
    let scratch = TempDir::new().expect("a scratch folder");
    let status = Command::new("tar")
        .arg("-xJf")
        .arg(&archive)
        .arg("-C")
        .arg(scratch.path())
        .status()
        .expect("the program tar");
    assert!(status.success(), "tar cannot unpack {}", archive.display());
    Some(scratch)
}
