//! Tokens and subjects out of a database, by chance over all of it; and its pages in the memory of the system.

use super::fill::chance;
use super::multiply;
use super::rows::Rows;
use crate::client::Issued;
use crate::installation::Installation;
use crate::table::Table;
use kdp::consent::Consent;
use kdp::random::Id;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tokens in force, never the same again but by chance.
pub fn tokens(installation: &Installation, count: usize) -> Vec<Issued> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let database = Rows::of(installation);
    // Of copies nothing can be opened: every so many rows there is one that is none.
    let factor = multiply::factor(installation);
    let last = database.number("SELECT max(seq) FROM access_request") / factor;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // A store on a server has its connections live in the runtime.
    let within = runtime.enter();
    let opened = installation.open();
    let mut found = Vec::with_capacity(count);
    while found.len() < count {
        let seq = 1 + chance(NEXT.fetch_add(1, Ordering::Relaxed)) % last;
        let Some(id) = database.id(seq * factor) else { continue };
        let request = runtime.block_on(opened.store.request(Id::from_bytes(id)));
        let request = request.expect("the store reads").expect("nothing is erased");
        if let (Consent::Granted { lapses: None, .. }, Some(token)) = (request.consent, request.token) {
            found.push(Issued { iin: request.iin, compact: token.compact });
        }
    }
    drop(within);
    found
}

/// How much the database holds.
pub fn describe(table: &mut Table, installation: &Installation) {
    let database = Rows::of(installation);
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
        table.row(name, database.number(&format!("SELECT count(*) FROM {from}")).to_string(), "");
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
    let fincore = fincore.args(["--bytes", "--noheadings", "--output", "RES"]);
    let output = fincore.args(installation.database_files()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|bytes| bytes.parse::<f64>().ok()).sum()
}

/// Lets the system forget the pages of the database: what is read next comes from the disk.
pub fn forget(installation: &Installation) {
    for file in installation.database_files().iter().filter(|file| file.exists()) {
        let mut sync = Command::new("sync");
        assert!(sync.arg(file).status().expect("coreutils").success());
        let mut dd = Command::new("dd");
        let dd = dd.arg(format!("if={}", file.display()));
        let output = dd.args(["iflag=nocache", "count=0"]).output().expect("coreutils");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
