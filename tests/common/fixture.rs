//! The messages in `fixtures/`.

use std::path::{Path, PathBuf};

/// Those of a folder, in order.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let mut files: Vec<PathBuf> = path.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "xml" || e == "bin"));
    files.sort();
    files
}

/// What a message is called, which says what it comes to.
pub fn name(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}
