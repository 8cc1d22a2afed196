//! What is read when nothing is due: the plans of the statements, and their time and bytes on both databases.

use super::rows;
use crate::installation::Installation;
use crate::table::{Table, median};
use kdp::store::{Record, Sweeping};
use rusqlite::Connection;
use std::fs;
use tokio::time::Instant;

const DAY: i64 = 86_400_000;

/// Fresh openings of a database that are measured.
const OPENINGS: usize = 9;

/// A statement of the due work: where it stands, in pieces that must be found there, and all of it.
struct Statement {
    name: &'static str,
    source: &'static str,
    pieces: &'static [&'static str],
    sql: &'static str,
}

const JOB: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite/job.rs"));
const ERASE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite/erase.rs"));
const REVOCATION: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite/revocation.rs"));

const PERSONS: &str = "SELECT seq FROM access_request WHERE keeps IN (1, 2) AND keeps > 0 AND ended < ?1
             AND NOT EXISTS (SELECT 1 FROM revocation WHERE request = access_request.seq AND state = 'open')
             LIMIT ?2";
const LINKS: &str = "FROM subject AS s WHERE hash IS NOT NULL AND seen < ?1 ORDER BY seen LIMIT ?2";
const DELETE: &str =
    "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {MOST})";

const STATEMENTS: [Statement; 12] = [
    Statement {
        name: "jobs that are due",
        source: JOB,
        pieces: &["SELECT id, due, task, request, tries FROM job WHERE due <= ?1 ORDER BY due, id LIMIT ?2"],
        sql: "SELECT id, due, task, request, tries FROM job WHERE due <= ?1 ORDER BY due, id LIMIT ?2",
    },
    Statement {
        name: "when the next job is due",
        source: JOB,
        pieces: &["SELECT min(due) FROM job"],
        sql: "SELECT min(due) FROM job",
    },
    Statement { name: "sweep: persons", source: ERASE, pieces: &[PERSONS], sql: PERSONS },
    Statement {
        name: "sweep: numbers",
        source: ERASE,
        pieces: &["FROM access_request WHERE keeps = 2 AND keeps > 0 AND ended < ?1 LIMIT ?2"],
        sql: "SELECT seq, person FROM access_request WHERE keeps = 2 AND keeps > 0 AND ended < ?1 LIMIT ?2",
    },
    Statement {
        name: "sweep: links to subjects",
        source: ERASE,
        pieces: &[LINKS],
        sql: "SELECT id, EXISTS (SELECT 1 FROM hold WHERE subject = s.id AND until IS NULL),
                EXISTS (SELECT 1 FROM access_request WHERE subject = s.id AND keeps > 0 AND ended IS NULL),
                (SELECT max(ended) FROM access_request WHERE subject = s.id AND keeps > 0)
             FROM subject AS s WHERE hash IS NOT NULL AND seen < ?1 ORDER BY seen LIMIT ?2",
    },
    Statement {
        name: "sweep: verification tokens",
        source: ERASE,
        pieces: &["\"ovt_use\", \"until < ?1\"", "\"ovt_use\" => \"until, ovt, subject, services\"", DELETE],
        sql: "DELETE FROM ovt_use WHERE (until, ovt, subject, services) IN
              (SELECT until, ovt, subject, services FROM ovt_use WHERE until < ?1 LIMIT 500)",
    },
    Statement {
        name: "sweep: changes of the status list",
        source: ERASE,
        pieces: &["\"status_change\", \"ends < ?1\"", "\"status_change\" => \"seq\"", DELETE],
        sql: "DELETE FROM status_change WHERE (seq) IN (SELECT seq FROM status_change WHERE ends < ?1 LIMIT 500)",
    },
    Statement {
        name: "sweep: SMS that were heard",
        source: ERASE,
        pieces: &["\"heard_sms\", \"at < ?1\"", "\"heard_sms\" => \"sms\"", DELETE],
        sql: "DELETE FROM heard_sms WHERE (sms) IN (SELECT sms FROM heard_sms WHERE at < ?1 LIMIT 500)",
    },
    Statement {
        name: "sweep: messages of strict senders",
        source: ERASE,
        pieces: &["\"message\", \"at < ?1\"", "\"message\" => \"sender, message_id\"", DELETE],
        sql: "DELETE FROM message WHERE (sender, message_id) IN
              (SELECT sender, message_id FROM message WHERE at < ?1 LIMIT 500)",
    },
    Statement {
        name: "sweep: budgets",
        source: ERASE,
        pieces: &["\"budget\", \"day < ?1\"", "_ => \"holder, day\"", DELETE],
        sql: "DELETE FROM budget WHERE (holder, day) IN (SELECT holder, day FROM budget WHERE day < ?1 LIMIT 500)",
    },
    Statement {
        name: "review: its application",
        source: REVOCATION,
        pieces: &["FROM revocation AS v JOIN access_request AS r ON r.seq = v.request", "\"v.id = ?1\""],
        sql: "SELECT v.seq, r.id FROM revocation AS v JOIN access_request AS r ON r.seq = v.request
             WHERE v.person IS NOT NULL AND r.person IS NOT NULL AND v.id = ?1",
    },
    Statement {
        name: "list to revoke: a page",
        source: REVOCATION,
        pieces: &["v.state = 'open' AND v.bin = ?1 AND v.seq > ?2 AND v.ends > ?3 ORDER BY v.seq LIMIT ?4"],
        sql: "SELECT v.seq, r.id FROM revocation AS v JOIN access_request AS r ON r.seq = v.request
             WHERE v.person IS NOT NULL AND r.person IS NOT NULL AND v.state = 'open' AND v.bin = ?1
             AND v.seq > ?2 AND v.ends > ?3 ORDER BY v.seq LIMIT ?4",
    },
];

pub fn measure(table: &mut Table, small: &Installation, large: &Installation) {
    table.group("plans of the due work (EXPLAIN QUERY PLAN)");
    let database = rows::file(large);
    for statement in &STATEMENTS {
        table.row(statement.name, statement.verdict(&database), "index");
    }
    table.group(&format!("due work with nothing due, median of {OPENINGS} fresh openings"));
    let [small, large] = [small, large].map(Idle::on);
    table.row("large ÷ small, time", format!("{:.2}", large.time / small.time), "");
    for (name, idle) in [("small", small), ("large", large)] {
        table.row(&format!("  {name}: jobs looked for, swept"), format!("{:.2} ms", idle.time), "");
        table.row(&format!("  {name}: read from the database"), format!("{:.0} KiB", idle.read / 1024.0), "");
    }
}

impl Statement {
    /// What the engine would do: `index`, or the line of its plan that reads a whole table.
    fn verdict(&self, database: &Connection) -> String {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let source = words(self.source);
        if !self.pieces.iter().all(|piece| source.contains(&words(piece))) {
            return "not what the source says any more".to_owned();
        }
        let mut plan = database.prepare(&format!("EXPLAIN QUERY PLAN {}", self.sql)).expect("a statement");
        let lines = plan.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<Result<Vec<_>, _>>();
        let lines = lines.expect("a plan");
        lines.into_iter().find(|line| line.starts_with("SCAN ")).unwrap_or_else(|| "index".to_owned())
    }
}

/// What the due work costs while nothing is due.
struct Idle {
    /// Milliseconds.
    time: f64,
    /// Bytes that were read from files.
    read: f64,
}

impl Idle {
    fn on(installation: &Installation) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (mut times, mut bytes) = (Vec::new(), Vec::new());
        for _ in 0..OPENINGS {
            let opened = installation.open();
            let at = opened.clock.now();
            let sweeping = Sweeping {
                phones_before: at - 90 * DAY,
                persons_before: at - 1826 * DAY,
                accesses_before: at - 1826 * DAY,
            };
            let record = Record { at, kind: "event", outcome: "sweep".to_owned(), ..Record::default() };
            let (begun, before) = (Instant::now(), read_so_far());
            runtime.block_on(async {
                let due =
                    opened.store.due(kdp::store::Lane::Consent, at, 256).await.expect("the store reads");
                assert!(due.is_empty(), "something is due");
                let next = opened.store.next_due().await.expect("the store reads");
                assert!(next.is_some_and(|next| next > at));
                let more = opened.store.sweep(sweeping, record).await.expect("a sweep");
                assert!(!more, "something was swept");
            });
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            bytes.push(read_so_far() - before);
        }
        Self { time: median(&times), read: median(&bytes) }
    }
}

/// Bytes that this process has read from files, whether from memory or disk.
fn read_so_far() -> f64 {
    let io = fs::read_to_string("/proc/self/io").expect("/proc is mounted");
    let count = io.lines().find_map(|line| line.strip_prefix("rchar: "));
    count.and_then(|count| count.parse().ok()).expect("a count of bytes")
}
