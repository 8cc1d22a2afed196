//! Databases on the `PostgreSQL` server that `KDP_POSTGRES` names (`./test` starts one): one for each test.

use std::error::Error;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, NoTls};

/// A database that goes with this.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A new one; `None`, and said so, when there is no server.
    pub fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("KDP_POSTGRES") else {
            eprintln!("SKIPPED: KDP_POSTGRES is not set; nothing was tried on PostgreSQL");
            return None;
        };
        let name = format!("kdp_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        on(&format!("{server}/postgres"), |client| {
            let sql = format!("CREATE DATABASE {name} STRATEGY = FILE_COPY");
            async move { client.batch_execute(&sql).await.unwrap() }
        });
        Some(Self { server, name })
    }

    pub fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// The same, by way of another address: `host:port`, several with commas between them.
    pub fn url_by(&self, hosts: &str) -> String {
        let config: tokio_postgres::Config = self.server.parse().unwrap();
        format!("postgres://{}@{hosts}/{}", config.get_user().unwrap_or("postgres"), self.name)
    }

    /// Runs statements.
    pub fn run(&self, sql: &str) {
        on(&self.url(), |client| async move { client.batch_execute(sql).await.unwrap() });
    }

    /// Everything that stands in it: of each table the bytes of all values.
    pub fn tables(&self) -> Vec<(String, Vec<u8>)> {
        let names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
        let names = self.ask(names).into_iter().map(|mut row| row.remove(0).unwrap());
        let names: Vec<String> = names.collect();
        on(&self.url(), |client| async move {
            let mut tables = Vec::new();
            for name in names {
                let mut bytes = Vec::new();
                for row in client.query(&format!("SELECT * FROM {name}"), &[]).await.unwrap() {
                    for column in 0..row.len() {
                        let Raw(value) = row.get(column);
                        bytes.extend(value);
                        bytes.push(0);
                    }
                }
                tables.push((name, bytes));
            }
            tables
        })
    }

    /// What a query says, each value as text.
    pub fn ask(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        on(&self.url(), |client| async move {
            let said = client.simple_query(sql).await.unwrap();
            let rows = said.into_iter().filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            });
            rows.map(|row| (0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()).collect()
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        on(&format!("{}/postgres", self.server), |client| async move {
            let _ = client.batch_execute(&sql).await;
        });
    }
}

/// A value as the server sends it.
struct Raw(Vec<u8>);

impl<'r> FromSql<'r> for Raw {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Vec::new()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Does `work` on a connection of its own: a test may or may not run within tokio.
fn on<T: Send, F: Future<Output = T>>(url: &str, work: impl FnOnce(Client) -> F + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
                let talk = tokio::spawn(connection);
                let done = work(client).await;
                talk.abort();
                done
            })
        });
        thread.join().unwrap()
    })
}
