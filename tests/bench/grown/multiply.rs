//! Tens of millions of rows on `PostgreSQL`: a year of work done by the service's own verbs, and between each two of its rows
//! copies of the first, made by SQL. A copy has the state of its original and, but for the token, its lengths, other ids and
//! hashes, and belongs to a copy of its subject and its request. What the verbs wrote stays as it is and can be used: it is spread over all of
//! every table and every index.

use super::fill::DAYS;
use crate::installation::Installation;
use crate::server::{Care, Session};
use std::fs;
use tokio::time::Instant;

/// Tokens that the verbs make; all others are copies.
pub const ORIGINALS: usize = 10_000;

/// At most so many rows of the journal are there for each that was written by a verb: what is measured never reads a second,
/// and all of them would be three quarters of the disk.
const JOURNAL: usize = 50;

/// Bytes of a copy's token, of which an original has some 1200: so twenty million tokens and sixty million accesses take 40 GB.
const TOKEN: usize = 480;

/// The file that says how many tokens there are for each original.
const FACTOR: &str = "factor";

/// A table whose rows are copied, and what a copy has otherwise than its original.
struct Table {
    name: &'static str,
    /// Columns that are not as in the original.
    columns: &'static [(&'static str, Make)],
    /// Which rows are copied, as SQL.
    only: &'static str,
}

/// How a value of a copy is made.
#[derive(Clone, Copy)]
enum Make {
    /// A number from a sequence that leaves room for the copies.
    Number,
    /// A number that is counted without gaps: copies come behind all originals.
    Behind,
    /// 16 bytes that begin with the time.
    Id,
    /// A keyed hash of 16 bytes.
    Hash,
    /// The same of 32 bytes.
    Digest,
    /// The same in hexadecimal digits.
    Text,
    /// A time, milliseconds: copies lie between their original and the one before.
    Time,
    /// Another node's journal: each node has its own chain.
    Node,
    /// The beginning of a token.
    Short,
}

use Make::{Behind, Digest, Hash, Id, Node, Number, Short, Text, Time};

const TABLES: [Table; 14] = [
    Table { name: "subject", columns: &[("id", Number), ("hash", Hash)], only: "true" },
    Table { name: "hold", columns: &[("subject", Number)], only: "true" },
    Table { name: "withdrawal", columns: &[("subject", Number), ("at", Time)], only: "true" },
    Table {
        name: "access_request",
        columns: &[
            ("seq", Number),
            ("id", Id),
            ("subject", Number),
            ("opened", Time),
            ("live", Hash),
            ("phone", Hash),
            ("ended", Time),
            ("jti", Id),
            ("token", Short),
            ("issued", Time),
            ("idx", Behind),
        ],
        only: "true",
    },
    Table {
        name: "access",
        columns: &[("seq", Number), ("at", Time), ("subject", Number), ("request", Number)],
        only: "true",
    },
    Table {
        name: "revocation",
        columns: &[("seq", Number), ("id", Id), ("request", Number), ("subject", Number), ("filed", Time)],
        // An open one may have to be opened by a node that starts, when the calendar has moved its term.
        only: "r.state <> 'open'",
    },
    Table { name: "status_change", columns: &[("seq", Behind), ("idx", Behind)], only: "true" },
    Table {
        name: "ovt_use",
        columns: &[("ovt", Digest), ("subject", Number), ("request", Id)],
        only: "true",
    },
    Table { name: "ovt_limit", columns: &[("ovt", Digest)], only: "true" },
    Table { name: "budget", columns: &[("holder", Hash)], only: "true" },
    // Of jobs the reviews: the nightly sweep is one.
    Table { name: "job", columns: &[("id", Number), ("request", Id)], only: "r.task = 6" },
    Table { name: "heard_sms", columns: &[("sms", Text)], only: "true" },
    Table { name: "message", columns: &[("message_id", Text)], only: "true" },
    Table {
        name: "journal",
        columns: &[
            ("node", Node),
            ("seq", Behind),
            ("at", Time),
            ("decision", Id),
            ("request", Id),
            ("subject", Number),
        ],
        only: "true",
    },
];

impl Make {
    /// The value of copy `k` out of `factor`, as SQL; `gap`: milliseconds between copies.
    fn sql(self, column: &str, (factor, gap): (usize, usize)) -> String {
        let hashed = format!("sha256(r.{column} || int8send(k))");
        match self {
            Self::Number => format!("r.{column} - {factor} + k"),
            Self::Behind => format!("last.{column} + r.{column} * {} + k", factor - 1),
            Self::Id => format!("substring(r.{column} FROM 1 FOR 6) || substring({hashed} FROM 1 FOR 10)"),
            Self::Hash => format!("substring({hashed} FROM 1 FOR 16)"),
            Self::Digest => hashed,
            Self::Text => format!("encode(sha256(convert_to(r.{column} || k, 'UTF8')), 'hex')"),
            Self::Time => format!("r.{column} - ({factor} - k) * {gap}"),
            Self::Node => "'copies'".to_owned(),
            Self::Short => format!("substring(r.{column} FROM 1 FOR {TOKEN})"),
        }
    }
}

/// How many tokens are there for each that a verb made; 1: there are no copies.
pub fn factor(installation: &Installation) -> usize {
    fs::read_to_string(installation.file(FACTOR)).ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Leaves room in the sequences for the copies that will be made: what the verbs write from now on is numbered so.
pub fn leave_room(installation: &Installation, factor: usize) {
    fs::write(installation.file(FACTOR), factor.to_string()).expect("our directory");
    let Some(server) = installation.server().filter(|_| factor > 1) else { return };
    let session = server.session();
    for (table, column) in identities(&session) {
        session.run(&format!(
            "ALTER TABLE {table} ALTER COLUMN {column} SET INCREMENT BY {factor} SET START {factor} RESTART"
        ));
    }
    // The sweep has a number already, which a copy may not get.
    session.run(&format!("UPDATE job SET id = {factor} * (SELECT 1 + count(*) FROM job)"));
    session.run(&format!("ALTER TABLE job ALTER COLUMN id RESTART WITH {}", factor * 3));
}

/// Makes the copies, the statistics and the indexes, and has the server started as it is measured.
pub fn multiply(installation: &mut Installation) {
    let factor = factor(installation);
    if let Some(server) = installation.server() {
        let session = server.session();
        if factor > 1 {
            for table in &TABLES {
                let begun = Instant::now();
                let rows = table.multiply(&session, factor);
                eprintln!("{}: {rows} rows, {:.0} s", table.name, begun.elapsed().as_secs_f64());
            }
            for (table, column) in identities(&session) {
                session.run(&format!("ALTER TABLE {table} ALTER COLUMN {column} SET INCREMENT BY 1"));
                let next = format!("SELECT coalesce(max({column}), 0) + 1 FROM {table}");
                let next = session.value(&next).expect("a number");
                session.run(&format!("ALTER TABLE {table} ALTER COLUMN {column} RESTART WITH {next}"));
            }
            session.run(
                "UPDATE counter SET next = greatest(next, (SELECT max(seq) FROM status_change))
                    WHERE name = 'status-change';
                 UPDATE counter SET next = greatest(next, (SELECT max(idx) + 1 FROM access_request))
                    WHERE name = 'status'",
            );
        }
        eprintln!("vacuum, analyze");
        session.run("VACUUM (ANALYZE, FREEZE)");
        session.run("CHECKPOINT");
    }
    installation.restart(Care::Durable);
}

/// Columns that number themselves, with their tables.
fn identities(session: &Session) -> Vec<(String, String)> {
    let sql = "SELECT table_name, column_name FROM information_schema.columns
               WHERE table_schema = 'public' AND is_identity = 'YES'";
    let rows = session.rows(sql).into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
    rows.map(|[table, column]| (table, column)).collect()
}

impl Table {
    /// Answers with how many rows there are then. Indexes are made behind the rows; in one transaction, so that a second try
    /// finds all or nothing, and nothing of it goes through the log.
    fn multiply(&self, session: &Session, factor: usize) -> String {
        let Self { name, .. } = self;
        let keys = format!(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
             WHERE conrelid = '{name}'::regclass AND contype IN ('p', 'u') ORDER BY contype, conname"
        );
        let keys = session.rows(&keys);
        let indexes = format!(
            "SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index AS i WHERE indrelid = '{name}'::regclass
             AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)"
        );
        let indexes = session.rows(&indexes);
        session.run("BEGIN");
        session.run(&format!(
            "CREATE TEMPORARY TABLE original ON COMMIT DROP AS TABLE {name}; ANALYZE original"
        ));
        session.run(&format!("TRUNCATE {name}"));
        for key in &keys {
            session.run(&format!("ALTER TABLE {name} DROP CONSTRAINT {}", key[0]));
        }
        for index in &indexes {
            session.run(&format!("DROP INDEX {}", index[0]));
        }
        session.run(&self.insert(session, factor));
        for key in &keys {
            session.run(&format!("ALTER TABLE {name} ADD CONSTRAINT {} {}", key[0], key[1]));
        }
        for index in &indexes {
            session.run(&index[1]);
        }
        session.run("COMMIT");
        session.value(&format!("SELECT count(*) FROM {name}")).unwrap_or_default()
    }

    fn insert(&self, session: &Session, factor: usize) -> String {
        let Self { name, only, .. } = self;
        let columns = format!(
            "SELECT column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = '{name}' ORDER BY ordinal_position"
        );
        let columns: Vec<String> = session.rows(&columns).into_iter().flatten().collect();
        let count = session.value("SELECT greatest(count(*), 1) FROM original").expect("a number");
        let gap = (DAYS * 86_400_000) / (count.parse::<usize>().expect("a number") * factor);
        let made = |column: &String| match self.columns.iter().find(|(known, _)| known == column) {
            // The last of them is the original itself.
            Some((_, make)) => format!(
                "CASE WHEN k = {factor} THEN r.{column} ELSE {} END",
                make.sql(column, (factor, gap.max(1)))
            ),
            None => format!("r.{column}"),
        };
        let values = columns.iter().map(made).collect::<Vec<_>>().join(", ");
        let last: Vec<String> = self
            .columns
            .iter()
            .filter(|(_, make)| matches!(make, Behind))
            .map(|(column, _)| format!("max({column}) AS {column}"))
            .collect();
        let last = if last.is_empty() {
            "SELECT 1".to_owned()
        } else {
            format!("SELECT {} FROM original", last.join(", "))
        };
        let order = if columns.iter().any(|column| column == "seq") { "seq" } else { &columns[0] };
        let copies = if *name == "journal" { factor.saturating_sub(JOURNAL) } else { 0 };
        // The end of the series depends on the row: so it is the inner loop, and copies stand beside their original.
        format!(
            "INSERT INTO {name} ({}) SELECT {values} FROM (SELECT * FROM original ORDER BY {order}) AS r
             CROSS JOIN ({last}) AS last
             CROSS JOIN LATERAL generate_series(1 + {copies}, CASE WHEN r.{order} IS NULL THEN 0 ELSE {factor} END) AS k
             WHERE k = {factor} OR {only}",
            columns.join(", ")
        )
    }
}
