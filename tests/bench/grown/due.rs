//! What `PostgreSQL` reads for the due work: the pages that each statement touches, by plans made for the values and by plans
//! made for any, while nothing is due and while [`DUE`] rows are.

use crate::installation::Installation;
use crate::server::Session;
use crate::table::Table;

const DAY: i64 = 86_400_000;

/// Rows that are made due: as many as one piece of work takes.
const DUE: usize = 500;

/// A table of so many pages is read as a whole when that is the shortest way.
const LITTLE: u64 = 64;

/// A statement of the due work.
struct Statement {
    name: &'static str,
    source: &'static str,
    /// What must be found in the source.
    pieces: &'static [&'static str],
    sql: &'static str,
    /// The values of its parameters, as SQL: `before` is a time until which nothing is kept.
    values: &'static str,
    /// Makes [`DUE`] rows due; they are taken back.
    make: &'static str,
}

const JOB: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/postgres/job.rs"));
const ERASE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/postgres/erase.rs"));
const REVOCATION: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/postgres/revocation.rs"));
const TOKEN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/postgres/token.rs"));
const DELETE: &str = "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} ORDER BY {by} LIMIT {MOST})";

/// The first rows by an index that does not order by what falls due.
const SOME: &str = "(SELECT seq FROM access_request ORDER BY id LIMIT 500)";

const STATEMENTS: [Statement; 14] = [
    Statement {
        name: "jobs that are due",
        source: JOB,
        pieces: &[
            "SELECT id, due, task, request, tries, node FROM job
             WHERE due <= $1 AND (task = $3) = $4 AND (node = $5 OR node = ''
                 OR NOT EXISTS (SELECT 1 FROM node WHERE name = job.node AND until > {NOW}))
             ORDER BY due, id LIMIT $2 FOR UPDATE OF job SKIP LOCKED",
        ],
        sql: "SELECT id, due, task, request, tries, node FROM job
             WHERE due <= $1 AND (task = $3) = $4 AND (node = $5 OR node = ''
                 OR NOT EXISTS (SELECT 1 FROM node WHERE name = job.node AND until >
                     CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)))
             ORDER BY due, id LIMIT $2 FOR UPDATE OF job SKIP LOCKED",
        values: "{now}, 500, 9, false, 'bench'",
        make: "UPDATE job SET due = {now} - 1 WHERE id IN (SELECT id FROM job ORDER BY request LIMIT 500)",
    },
    Statement {
        name: "when the next job is due",
        source: JOB,
        pieces: &["SELECT min(due) FROM job"],
        sql: "SELECT min(due) FROM job",
        values: "",
        make: "UPDATE job SET due = {now} - 1 WHERE id IN (SELECT id FROM job ORDER BY request LIMIT 500)",
    },
    Statement {
        name: "sweep: persons",
        source: ERASE,
        pieces: &[PERSONS],
        sql: PERSONS,
        values: "{years}, 500, 1",
        make: "UPDATE access_request SET ended = {years} - 1 WHERE seq IN {some}",
    },
    Statement {
        name: "sweep: numbers",
        source: ERASE,
        pieces: &[NUMBERS],
        sql: "SELECT seq, id, bin, method, told, terms, consent, person, jti, token, subject, opened, issued, idx
             FROM access_request WHERE keeps = 2 AND keeps > 0 AND ended < $1 LIMIT $2 FOR UPDATE SKIP LOCKED",
        values: "{months}, 500",
        make: "UPDATE access_request SET ended = {months} - 1, keeps = 2 WHERE seq IN {some}",
    },
    Statement {
        name: "sweep: links to subjects",
        source: ERASE,
        pieces: &[LINKS],
        sql: LINKS,
        values: "{years} / 86400000, 500",
        make: "UPDATE subject SET seen = 1 WHERE id IN (SELECT id FROM subject ORDER BY hash LIMIT 500)",
    },
    Statement {
        name: "sweep: verification tokens",
        source: ERASE,
        pieces: &["\"ovt_use\", \"until < $1\"", "\"ovt_use\" => \"until, ovt, subject, services\"", DELETE],
        sql: "DELETE FROM ovt_use WHERE (until, ovt, subject, services) IN
              (SELECT until, ovt, subject, services FROM ovt_use WHERE until < $1 ORDER BY until LIMIT 500)",
        values: "100",
        make: "UPDATE ovt_use SET until = 1 WHERE ovt IN (SELECT ovt FROM ovt_use ORDER BY ovt LIMIT 500)",
    },
    Statement {
        name: "sweep: limits of verification tokens",
        source: ERASE,
        pieces: &["\"ovt_limit\", \"until < $1\"", "\"ovt_limit\" => \"until, ovt\"", DELETE],
        sql: "DELETE FROM ovt_limit WHERE (until, ovt) IN
              (SELECT until, ovt FROM ovt_limit WHERE until < $1 ORDER BY until LIMIT 500)",
        values: "100",
        make: "UPDATE ovt_limit SET until = 1 WHERE ovt IN (SELECT ovt FROM ovt_limit ORDER BY ovt LIMIT 500)",
    },
    Statement {
        name: "sweep: changes of the status list",
        source: ERASE,
        pieces: &["\"status_change\", \"ends < $1\"", "\"status_change\" | \"asynchronous\" => \"seq\"", DELETE],
        sql: "DELETE FROM status_change WHERE (seq) IN (SELECT seq FROM status_change WHERE ends < $1 ORDER BY ends LIMIT 500)",
        values: "100",
        make: "UPDATE status_change SET ends = 1 WHERE seq IN (SELECT seq FROM status_change ORDER BY seq LIMIT 500)",
    },
    Statement {
        name: "sweep: SMS that were heard",
        source: ERASE,
        pieces: &["\"heard_sms\", \"at < $1\"", "\"heard_sms\" => \"sms\"", DELETE],
        sql: "DELETE FROM heard_sms WHERE (sms) IN (SELECT sms FROM heard_sms WHERE at < $1 ORDER BY at LIMIT 500)",
        values: "100",
        make: "UPDATE heard_sms SET at = 1 WHERE sms IN (SELECT sms FROM heard_sms ORDER BY sms LIMIT 500)",
    },
    Statement {
        name: "sweep: messages of strict senders",
        source: ERASE,
        pieces: &["\"message\", \"at < $1\"", "\"message\" => \"sender, message_id\"", DELETE],
        sql: "DELETE FROM message WHERE (sender, message_id) IN
              (SELECT sender, message_id FROM message WHERE at < $1 ORDER BY at LIMIT 500)",
        values: "100",
        make: "UPDATE message SET at = 1 WHERE message_id IN
               (SELECT message_id FROM message ORDER BY sender, message_id LIMIT 500)",
    },
    Statement {
        name: "sweep: budgets",
        source: ERASE,
        pieces: &["\"budget\", \"day < $1\"", "_ => \"holder, day\"", DELETE],
        sql: "DELETE FROM budget WHERE (holder, day) IN (SELECT holder, day FROM budget WHERE day < $1 ORDER BY day LIMIT 500)",
        values: "100",
        make: "UPDATE budget SET day = 1 WHERE holder IN (SELECT holder FROM budget ORDER BY holder LIMIT 500)",
    },
    Statement {
        name: "review: its application",
        source: REVOCATION,
        pieces: &["FROM revocation AS v JOIN access_request AS r ON r.seq = v.request", "\"v.id = $1\""],
        sql: "SELECT v.seq, r.id FROM revocation AS v JOIN access_request AS r ON r.seq = v.request
             WHERE v.person IS NOT NULL AND r.person IS NOT NULL AND v.id = $1",
        values: "'{application}'",
        make: "",
    },
    Statement {
        name: "list to revoke: a page of 500",
        source: REVOCATION,
        pieces: &["v.state = 'open' AND v.bin = $1 AND v.seq > $2 AND v.ends > $3 ORDER BY v.seq LIMIT $4"],
        sql: "SELECT v.seq, r.id FROM revocation AS v JOIN access_request AS r ON r.seq = v.request
             WHERE v.person IS NOT NULL AND r.person IS NOT NULL AND v.state = 'open' AND v.bin = $1
             AND v.seq > $2 AND v.ends > $3 ORDER BY v.seq LIMIT $4",
        values: "'260140990117', 0, {now}, 500",
        make: "",
    },
    Statement {
        name: "changes of the status list, none new",
        source: TOKEN,
        pieces: &["SELECT seq, idx, standing FROM status_change WHERE seq > $1 ORDER BY seq LIMIT $2"],
        sql: "SELECT seq, idx, standing FROM status_change WHERE seq > $1 ORDER BY seq LIMIT $2",
        values: "{last}, 100000",
        make: "",
    },
];

const PERSONS: &str = "SELECT seq FROM access_request WHERE keeps = $3 AND keeps > 0 AND ended < $1
             AND NOT EXISTS (SELECT 1 FROM revocation WHERE request = access_request.seq AND state = 'open')
             ORDER BY ended LIMIT $2 FOR UPDATE SKIP LOCKED";
const NUMBERS: &str = "keeps = 2 AND keeps > 0 AND ended < $1 LIMIT $2 FOR UPDATE SKIP LOCKED";
const LINKS: &str = "SELECT id FROM subject WHERE hash IS NOT NULL AND seen < $1 ORDER BY seen LIMIT $2
             FOR UPDATE SKIP LOCKED";

pub fn measure(table: &mut Table, large: &Installation) {
    let session = large.server().expect("a server").session();
    let value = |sql: &str| session.value(sql).expect("a row");
    let now: i64 =
        value("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)").parse().expect("a time");
    let values = [
        ("{some}", SOME.to_owned()),
        ("{now}", now.to_string()),
        ("{years}", (now - 1826 * DAY).to_string()),
        ("{months}", (now - 90 * DAY).to_string()),
        ("{application}", value("SELECT id FROM revocation LIMIT 1")),
        ("{last}", value("SELECT max(seq) FROM status_change")),
    ];
    table.group("due work, pages touched by plans for the values and for any:");
    table.row(&format!("nothing due, the same; {DUE} rows due, the same"), String::new(), "");
    for statement in &STATEMENTS {
        table.row(statement.name, statement.verdict(&session, &values), "no scan");
    }
}

impl Statement {
    fn verdict(&self, session: &Session, values: &[(&str, String)]) -> String {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let source = words(self.source);
        if let Some(piece) = self.pieces.iter().find(|piece| !source.contains(&words(piece))) {
            return format!("the source does not say any more: {piece}");
        }
        let filled =
            |text: &str| values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
        let (values, make) = (filled(self.values), filled(self.make));
        let mut said = Vec::new();
        let mut scans = Vec::new();
        for is_due in [false, true].into_iter().filter(|is_due| !is_due || !make.is_empty()) {
            for mode in ["force_custom_plan", "force_generic_plan"] {
                session.run("BEGIN");
                if is_due {
                    session.run(&make);
                }
                session.run(&format!("SET LOCAL plan_cache_mode = {mode}; PREPARE measured AS {}", self.sql));
                let values = if values.is_empty() { String::new() } else { format!("({values})") };
                let execute = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE measured{values}");
                // Once to read what everybody reads once, as the catalogue.
                session.run("SAVEPOINT before");
                session.run(&execute);
                session.run("ROLLBACK TO before");
                let plan: Vec<String> = session.rows(&execute).into_iter().flatten().collect();
                session.run("ROLLBACK; DEALLOCATE measured");
                said.push(pages(&plan).to_string());
                scans.extend(plan.into_iter().filter(|line| !line.contains("never executed")));
            }
        }
        let is_large = |table: &str| {
            let pages = session.value(&format!("SELECT relpages FROM pg_class WHERE relname = '{table}'"));
            pages.and_then(|pages| pages.parse::<u64>().ok()).is_some_and(|pages| pages > LITTLE)
        };
        let scanned = scans.iter().filter_map(|line| line.split_once("Seq Scan on ")?.1.split(' ').next());
        let scanned = scanned.into_iter().find(|table| is_large(table));
        format!("{}{}", said.join(" "), scanned.map(|table| format!(" SCAN {table}")).unwrap_or_default())
    }
}

/// Pages that the whole plan touched: its first line of `Buffers`, which is that of its root.
fn pages(plan: &[String]) -> u64 {
    let line = plan.iter().find(|line| line.contains("Buffers:")).map(String::as_str).unwrap_or_default();
    let counts = line.split_ascii_whitespace().filter_map(|word| {
        let count = word.strip_prefix("hit=").or_else(|| word.strip_prefix("read="))?;
        count.trim_end_matches(',').parse::<u64>().ok()
    });
    counts.sum()
}
