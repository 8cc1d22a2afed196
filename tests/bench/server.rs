//! A `PostgreSQL` server of the benchmark's own, in a folder; and what is asked of it beside the service.

use crate::process::{tree, tree_time};
use crate::stand::pause;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// The name of the database.
const NAME: &str = "kdp";
/// How long it may take to start and to answer, in pauses of this length: it may have much to write down first.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSES: usize = 6_000;

/// How the server treats what is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// As it is configured by default but for memory: what is measured.
    Durable,
    /// What is lost is made again: filling.
    Bulk,
}

impl Care {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Durable => &[
                "fsync=on",
                "full_page_writes=on",
                "synchronous_commit=on",
                "shared_buffers=1GB",
                "effective_cache_size=4GB",
                "max_wal_size=2GB",
            ],
            Self::Bulk => &[
                "synchronous_commit=off",
                "wal_level=minimal",
                "max_wal_senders=0",
                "shared_buffers=1GB",
                "maintenance_work_mem=1GB",
                "max_wal_size=2GB",
                "autovacuum=off",
            ],
        }
    }
}

/// A server that runs; it ends when dropped, its folder stays.
pub struct Server {
    script: Child,
    folder: PathBuf,
}

impl Server {
    /// Starts the one in `folder`, which is made if it is not there.
    pub fn start(folder: &Path, care: Care) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/postgres.sh");
        let mut command = Command::new(script);
        let settings = care.settings().iter().flat_map(|setting| ["-c", setting]);
        command.arg(folder).arg("--keep").args(settings).stdin(Stdio::piped()).stdout(Stdio::null());
        let script = command.spawn().expect("a shell");
        let server = Self { script, folder: folder.to_owned() };
        for _ in 0..PAUSES {
            if server.answers() {
                return server;
            }
            pause(PAUSE);
        }
        let said = fs::read_to_string(folder.join("log")).unwrap_or_default();
        panic!("the database does not start; it said:\n{said}");
    }

    fn answers(&self) -> bool {
        let mut ready = Command::new("/usr/lib/postgresql/15/bin/pg_isready");
        let ready = ready.arg("--quiet").arg("--host").arg(&self.folder).status();
        ready.expect("Debian's postgresql-15").success()
    }

    /// Makes the database, empty.
    pub fn create(&self) {
        Session::open(&self.address("postgres")).run(&format!("CREATE DATABASE {NAME}"));
    }

    /// Where the database is, as `database.url` says it.
    pub fn url(&self) -> String {
        self.address(NAME)
    }

    fn address(&self, name: &str) -> String {
        format!("postgres://kdp@{}/{name}", self.folder.display().to_string().replace('/', "%2F"))
    }

    /// A connection to the database.
    pub fn session(&self) -> Session {
        Session::open(&self.url())
    }

    /// CPU time of all its processes that run.
    pub fn cpu(&self) -> Duration {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("the server runs");
        let id = file.lines().next().and_then(|line| line.trim().parse().ok()).expect("a process id");
        tree_time(&tree(id))
    }

    /// The files that hold its tables.
    pub fn files(folder: &Path) -> Vec<PathBuf> {
        let mut folders = vec![folder.join("data/base")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            // The server removes files meanwhile.
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    Ok(_) => files.push(entry.path()),
                    Err(_) => {}
                }
            }
        }
        files
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its input ends, and with it the server.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

/// A connection on which statements follow each other.
pub struct Session {
    client: Client,
    talk: JoinHandle<Result<(), tokio_postgres::Error>>,
    runtime: Runtime,
}

impl Session {
    fn open(address: &str) -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime");
        let connected = runtime.block_on(tokio_postgres::connect(address, NoTls));
        let (client, connection) = connected.expect("the database answers");
        Self { client, talk: runtime.spawn(connection), runtime }
    }

    /// Runs statements.
    pub fn run(&self, sql: &str) {
        let done = self.runtime.block_on(self.client.batch_execute(sql));
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// What a query says, each value as text; nothing is "".
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let said = self.runtime.block_on(self.client.simple_query(sql));
        let said = said.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let rows = said.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| (0..row.len()).map(|i| row.get(i).unwrap_or_default().to_owned()).collect()).collect()
    }

    /// The first value that a query gives; `None`: it gives no row.
    pub fn value(&self, sql: &str) -> Option<String> {
        self.rows(sql).into_iter().next()?.into_iter().next()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.talk.abort();
    }
}
