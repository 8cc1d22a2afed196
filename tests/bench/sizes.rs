//! What a million tokens take on the disk, by table and index, on both engines: real exchanges over HTTP, so that every row,
//! journal detail and seal is as the service makes it.

use crate::client::{Ask, Client};
use crate::installation::{Disk, Engine, Installation};
use crate::load::{Drive, Sample};
use crate::round::Loaded;
use crate::stand::Stand;
use crate::table::Table;
use kdp::trust::outgoing::KeyInfoForm;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// Requests that are signed at a time.
const BATCH: usize = 5_000;

/// What is smaller does not grow with the tokens: bytes.
const LEAST: f64 = 100_000.0;

#[derive(clap::Args)]
pub struct Options {
    /// Tokens that are granted on each engine, by method 2
    #[arg(long, default_value_t = 20_000)]
    tokens: usize,
    /// Checks of each token
    #[arg(long, default_value_t = 3)]
    accesses: usize,
}

impl Options {
    pub fn run(&self, place: &Path) {
        let mut table = Table::default();
        for (engine, name) in [(Engine::File, "SQLite"), (Engine::Server, "PostgreSQL 15")] {
            let (cpu, installation) = self.fill(engine, place);
            table.group(&format!("{name}: MB for a million tokens, each checked {} times", self.accesses));
            let mut sum = 0.0;
            for (name, bytes) in sizes(&installation) {
                let each = bytes / self.tokens as f64;
                sum += each;
                if bytes >= LEAST {
                    table.row(&name, format!("{each:.0}"), "");
                }
            }
            table.row("all of it", format!("{sum:.0}"), "");
            for (name, [ours, database, log]) in cpu {
                table.row(&format!("{name}: CPU of the service"), format!("{ours:.0} µs"), "");
                if engine == Engine::Server {
                    table.row(&format!("{name}: CPU of the database"), format!("{database:.0} µs"), "");
                    table.row(&format!("{name}: log of the database"), format!("{log:.0} B"), "");
                }
            }
        }
        table.print();
    }

    /// Answers with what an exchange of each kind cost: µs of the service, µs of the database, bytes of its log.
    fn fill(&self, engine: Engine, place: &Path) -> (Vec<(&'static str, [f64; 3])>, Installation) {
        let mut installation = Installation::temporary_on(engine, place);
        installation.restart(crate::server::Care::Durable);
        let stand = Stand::start(installation, Disk::Full);
        let client = Client::new(KeyInfoForm::Certificate);
        let drive = |keep| Drive { connections: 32, rate: None, keep };
        let mut costs: BTreeMap<&'static str, Vec<[f64; 3]>> = BTreeMap::new();
        for begin in (0..self.tokens).step_by(BATCH) {
            let mut load = |name, asks: &[Ask], keep| {
                let log = log_position(&stand.installation);
                let loaded = Loaded::of(&stand, &client.sign(&stand, asks), drive(keep));
                let log = (log_position(&stand.installation) - log) / loaded.exchanges();
                costs.entry(name).or_default().push([loaded.cpu(), loaded.each(loaded.database), log]);
                loaded
            };
            let asks = client.about_others(BATCH.min(self.tokens - begin), Ask::Grant);
            let granted = load("grant, method 2", &asks, 1);
            let tokens: Vec<_> = granted.round.samples.iter().map(Sample::issued).collect();
            let checks: Vec<Ask> = tokens.iter().cloned().map(Ask::Check).collect();
            for _ in 0..self.accesses {
                load("token check", &checks, 1_000);
            }
            let pages: Vec<Ask> = tokens.iter().take(BATCH / 10).map(|token| Ask::Look(token.iin)).collect();
            load("page of KDP_PERSONALDATA", &pages, 100);
            eprintln!("{} tokens", begin + asks.len());
        }
        let middle =
            |all: &[[f64; 3]], i: usize| crate::table::median(&all.iter().map(|c| c[i]).collect::<Vec<_>>());
        let costs = costs.into_iter().map(|(name, all)| (name, [0, 1, 2].map(|i| middle(&all, i)))).collect();
        (costs, stand.stop())
    }
}

/// Bytes that the server has written to its log so far; of a file 0.
fn log_position(installation: &Installation) -> f64 {
    let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')";
    installation.server().map_or(0.0, |server| number(server.session().value(sql).as_ref()))
}

fn number(text: Option<&String>) -> f64 {
    text.and_then(|number| number.parse().ok()).expect("a number")
}

/// Bytes of each table and each index, the largest first.
fn sizes(installation: &Installation) -> Vec<(String, f64)> {
    let mut sizes = if let Some(server) = installation.server() {
        let session = server.session();
        session.run("VACUUM ANALYZE");
        let sql = "SELECT CASE relkind WHEN 'i' THEN (SELECT indrelid::regclass::TEXT FROM pg_index WHERE indexrelid = c.oid)
                           || ': ' ELSE '' END || relname,
                           CASE relkind WHEN 'i' THEN pg_relation_size(oid) ELSE pg_table_size(oid) END
                       FROM pg_class AS c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')";
        session.rows(sql).iter().map(|row| (row[0].clone(), number(row.get(1)))).collect::<Vec<_>>()
    } else {
        let database = Connection::open_with_flags(installation.database(), OpenFlags::SQLITE_OPEN_READ_ONLY);
        let database = database.expect("the database is there");
        let sql = "SELECT iif(s.type = 'index', s.tbl_name || ': ', '') || d.name, sum(d.pgsize)
                       FROM dbstat AS d JOIN sqlite_schema AS s ON s.name = d.name GROUP BY d.name";
        let mut sizes = database.prepare(sql).expect("a statement");
        let rows = sizes.query_map([], |row| Ok((row.get(0)?, row.get::<_, f64>(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("sizes")
    };
    sizes.sort_by(|a, b| b.1.total_cmp(&a.1));
    sizes
}
