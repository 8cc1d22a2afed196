//! A look into the database from outside, by the `sqlite3` program: the service's own reading proves nothing.

use std::path::Path;
use std::process::Command;

/// What `sql` answers: a line a row, columns separated by `|`. It may be read while the service writes.
pub fn sqlite(database: &Path, sql: &str) -> String {
    let output = Command::new("sqlite3").arg("-cmd").arg(".timeout 5000").arg(database).arg(sql).output();
    let output = output.expect("the program sqlite3 is needed (Debian: sqlite3)");
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
