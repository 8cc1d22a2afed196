//! Tokens and subjects out of a database, by chance over all of it; and its pages in the memory of the system.

use super::fill::chance;
use crate::client::Issued;
use crate::installation::Installation;
use crate::table::Table;
use kdp::consent::Consent;
use kdp::random::Id;
use rusqlite::{Connection, OpenFlags};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A connection that only reads.
pub fn read(installation: &Installation) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(installation.database(), flags).expect("the database is there")
}

/// Tokens in force, never the same again but by chance.
pub fn tokens(installation: &Installation, count: usize) -> Vec<Issued> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let database = read(installation);
    let last: usize = number(&database, "SELECT max(seq) FROM access_request");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let opened = installation.open();
    let mut find = database.prepare("SELECT id FROM access_request WHERE seq = ?1").expect("a statement");
    let mut found = Vec::with_capacity(count);
    while found.len() < count {
        let seq = 1 + chance(NEXT.fetch_add(1, Ordering::Relaxed)) % last;
        let id = find.query_row([seq], |row| row.get(0)).expect("no number is left out");
        let request = runtime.block_on(opened.store.request(Id::from_bytes(id)));
        let request = request.expect("the store reads").expect("nothing is erased");
        if let (Consent::Granted { lapses: None, .. }, Some(token)) = (request.consent, request.token) {
            found.push(Issued { iin: request.iin, compact: token.compact });
        }
    }
    found
}

fn number(database: &Connection, sql: &str) -> usize {
    database.query_row(sql, [], |row| row.get(0)).expect("a number")
}

/// How much the database holds.
pub fn describe(table: &mut Table, installation: &Installation) {
    let database = read(installation);
    table.group("the large database");
    for (name, from) in [
        ("tokens", "access_request"),
        ("accesses by owners", "access"),
        ("subjects", "subject"),
        ("journal records", "journal"),
        ("applications for revocation", "revocation"),
        ("changes of the status list", "status_change"),
        ("messages that are remembered", "message"),
        ("SMS that are remembered", "heard_sms"),
        ("jobs, none due", "job"),
    ] {
        table.row(name, number(&database, &format!("SELECT count(*) FROM {from}")).to_string(), "");
    }
    let bytes = installation.database_bytes() as f64;
    table.row("on disk", format!("{:.1} GiB", bytes / f64::from(1 << 30)), "");
    table.row(
        "of it in the system's page cache",
        format!("{:.0} %", 100.0 * resident(installation) / bytes),
        "",
    );
}

/// Bytes of the database that the system keeps in memory.
pub fn resident(installation: &Installation) -> f64 {
    let mut fincore = Command::new("fincore");
    let output =
        fincore.args(["--bytes", "--noheadings", "--output", "RES"]).arg(installation.database()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.trim().parse().unwrap_or(f64::NAN)
}

/// Lets the system forget the pages of the database: what is read next comes from the disk.
pub fn forget(installation: &Installation) {
    let mut sync = Command::new("sync");
    assert!(sync.arg(installation.database()).status().expect("coreutils").success());
    let mut dd = Command::new("dd");
    let dd = dd.arg(format!("if={}", installation.database().display()));
    let output = dd.args(["iflag=nocache", "count=0"]).output().expect("coreutils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
