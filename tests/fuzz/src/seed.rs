//! Seeds: what a target knows to be sound, or soundly refused. They are made from the fixtures when they are
//! asked for, so none is kept twice in the tree.

use std::path::Path;

/// Writes the seeds into the folder that `KDP_FUZZ_SEEDS` names, and ends the process; does nothing without
/// it.
///
/// # Panics
/// When the folder cannot be written.
pub fn write_if_asked(seeds: &[Vec<u8>]) {
    let Some(folder) = std::env::var_os("KDP_FUZZ_SEEDS") else { return };
    std::fs::create_dir_all(&folder).expect("the folder of the seeds can be made");
    for (number, seed) in seeds.iter().enumerate() {
        let path = Path::new(&folder).join(format!("seed-{number:03}"));
        std::fs::write(path, seed).expect("a seed can be written");
    }
    std::process::exit(0);
}
