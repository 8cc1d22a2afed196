//! How long a sandbox takes to be ready on data that it made before.

use crate::process::Process;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use tokio::time::Instant;

/// Milliseconds of `count` starts.
pub fn starts(place: &Path, count: usize) -> Vec<f64> {
    let directory = tempfile::Builder::new().prefix("kdp-bench-").tempdir_in(place).expect("a directory");
    // The first makes keys, certificates and database.
    start(directory.path());
    (0..count).map(|_| start(directory.path())).collect()
}

fn start(data: &Path) -> f64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    command.args(["sandbox", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    let started = Instant::now();
    let mut process = Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut line = String::new();
    let stdout = process.take_stdout();
    BufReader::new(stdout).read_line(&mut line).expect("the sandbox writes");
    let taken = started.elapsed();
    assert!(line.starts_with("ready http://"), "{line}");
    process.stop();
    taken.as_secs_f64() * 1e3
}
