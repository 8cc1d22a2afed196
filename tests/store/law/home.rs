//! Where the state of a story lives: a copy of a database in which everybody is registered, on an engine of the store.

use super::super::bench::{Database, FaultySeal, NOON, bin, new_database, open_postgres, texts, whereabouts};
use super::super::registration::{key, sender};
use super::service::{
    CERTIFICATES, ENTRY, ENTRY_PERIOD, GROUND, INITIATORS, MAX_TERM, PROACTIVE, PROACTIVE_PERIOD, SERVICES,
};
use kdp::config::Config;
use kdp::consent::directory::{DirectoryEntry, Ground, Name, ProactiveService};
use kdp::consent::method::{Allowance, Method};
use kdp::consent::revocation::Rule;
use kdp::metric::Metrics;
use kdp::registry::{Role, SenderRecord};
use kdp::store::register::Item;
use kdp::store::sqlite::{SqliteStore, Synchronous, migrate};
use kdp::store::{Record, Store};
use kdp::token::key::{KeyRecord, Window};
use kdp::trust::sign::EcSigner;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// An engine, ready for stories one after the other.
pub enum Engine {
    File,
    /// What one story left is replaced when the next begins.
    Server(Arc<Database>),
}

/// The state of one story.
pub struct Home {
    directory: tempfile::TempDir,
    database: Option<Arc<Database>>,
}

impl Engine {
    /// Makes what all stories on a file begin with; outside of any runtime, since it has its own.
    pub fn file() -> Self {
        LazyLock::force(&TEMPLATE);
        Self::File
    }

    /// `None`, and said so, when there is no server. Outside of any runtime, too.
    pub fn server() -> Option<Self> {
        let database = new_database()?;
        kdp::store::postgres::migrate(&whereabouts(&database, NODES[0])).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { register(&*on_server(&database, NODES[0], &FaultySeal::new())).await });
        database.run(KEEP);
        Some(Self::Server(Arc::new(database)))
    }

    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::file()).chain(Self::server())
    }

    /// A copy, to begin with.
    pub fn home(&self) -> Home {
        let directory = tempfile::tempdir().unwrap();
        let database = match self {
            Self::File => {
                std::fs::write(directory.path().join("kdp.db"), &*TEMPLATE).unwrap();
                None
            }
            Self::Server(database) => {
                database.run("SELECT kept.begin_anew()");
                Some(database.clone())
            }
        };
        Home { directory, database }
    }
}

impl Home {
    /// The nodes that serve a story in turn: many where the engine has many.
    pub fn nodes(&self) -> &'static [&'static str] {
        if self.database.is_some() { &NODES } else { &NODES[..1] }
    }

    pub fn open(&self, node: &str, seal: &Arc<FaultySeal>) -> Arc<dyn Store> {
        match &self.database {
            Some(database) => on_server(database, node, seal),
            None => on_file(&self.path(), seal),
        }
    }

    /// The texts that `sql` selects.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.path(), self.database.as_deref(), sql)
    }

    /// What records of the journal are ordered by to stand as they were written: one after the other, in a story. Each node
    /// numbers its own; the server numbers the transactions of all.
    pub fn order(&self) -> &'static str {
        if self.database.is_some() { "CAST(CAST(xmin AS TEXT) AS BIGINT), seq" } else { "seq" }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("kdp.db")
    }
}

const NODES: [&str; 2] = ["one", "two"];

/// Keeps the rows of now in a schema of their own, and makes what brings them back, in a millisecond. To truncate the tables
/// takes 80, for their new files; a database made from a template, 400.
const KEEP: &str = "
    CREATE SCHEMA kept;
    DO $$ DECLARE name TEXT; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('CREATE TABLE kept.%1$I AS TABLE public.%1$I', name);
        END LOOP;
    END $$;
    CREATE FUNCTION kept.begin_anew() RETURNS VOID LANGUAGE plpgsql AS $$ DECLARE name TEXT; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'kept' LOOP
            EXECUTE format('DELETE FROM public.%1$I', name);
            EXECUTE format('INSERT INTO public.%1$I TABLE kept.%1$I', name);
        END LOOP;
    END $$;
";

/// The bytes of a file.
static TEMPLATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("kdp.db"), directory.path().join("copy.db"));
    migrate(&path, 0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { register(&*on_file(&path, &FaultySeal::new())).await });
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    std::fs::read(copy).unwrap()
});

fn on_file(path: &Path, seal: &Arc<FaultySeal>) -> Arc<dyn Store> {
    let rules = (Config::default().spans(), Rule::default());
    let metrics = Metrics::default().store.clone();
    Arc::new(SqliteStore::open(path, Synchronous::Off, seal.clone(), rules, metrics).unwrap())
}

fn on_server(database: &Database, node: &str, seal: &Arc<FaultySeal>) -> Arc<dyn Store> {
    let rules = (Config::default().spans(), Rule::default());
    open_postgres(database, node, seal, rules, &Metrics::default())
}

async fn register(store: &dyn Store) {
    for item in registered() {
        store.register(item, 0, Record { at: NOON, ..Record::default() }).await.unwrap().unwrap();
    }
    let window = Window { created_at: 0, not_before: 0, not_after: i64::MAX };
    let receipts = KeyRecord::new(&EcSigner::generate().unwrap(), window).unwrap();
    store.keep_keys(vec![key(), receipts], Record { at: NOON, ..Record::default() }).await.unwrap();
}

fn registered() -> Vec<Item> {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let name = || Name { kk: "Қызмет".to_owned(), ru: "Услуга".to_owned() };
    let all = [Method::Sms, Method::OwnMeans, Method::Proactive, Method::Logging, Method::Code];
    let initiator = |n: usize, methods: &[Method]| SenderRecord {
        sender_id: INITIATORS[n].to_owned(),
        bin: bin(n as u64).as_str().to_owned(),
        ovt_keys: vec![CERTIFICATES[n].to_owned()],
        allowance: Allowance {
            methods: methods.to_vec(),
            services: texts(&SERVICES),
            max_term_seconds: MAX_TERM[n],
            logging: true,
            ..Allowance::default()
        },
        ..sender("Банк")
    };
    let other = |id: &str, role: Role| SenderRecord {
        sender_id: id.to_owned(),
        bin: bin(9).as_str().to_owned(),
        role,
        allowance: Allowance { services: texts(&SERVICES), ..Allowance::default() },
        ..sender("Собственник")
    };
    let senders = [
        initiator(0, &all),
        initiator(1, &[Method::Sms, Method::OwnMeans, Method::Code]),
        other("register", Role::Owner),
        other("egov", Role::Egov),
    ];
    let mut items: Vec<Item> = senders.into_iter().map(|sender| Item::Sender(Box::new(sender))).collect();
    items.push(Item::Entry(DirectoryEntry {
        id: ENTRY.to_owned(),
        revision: 0,
        bin: bin(0).as_str().to_owned(),
        name: name(),
        services: texts(&["A", "B"]),
        period_seconds: ENTRY_PERIOD,
        storage_seconds: ENTRY_PERIOD,
        processing_seconds: ENTRY_PERIOD,
        storage_ground: "94-V 12".to_owned(),
        data: "ФИО".to_owned(),
        valid_from: 0,
        expires_at: None,
        application: None,
    }));
    items.push(Item::Ground(Ground {
        id: GROUND.to_owned(),
        revision: 0,
        text: name(),
        methods: vec![Method::Proactive, Method::Logging],
        source: "94-V 9".to_owned(),
        exempt: false,
        confirmed: None,
        expires_at: None,
    }));
    items.push(Item::Proactive(ProactiveService {
        code: PROACTIVE.to_owned(),
        revision: 0,
        bin: bin(0).as_str().to_owned(),
        name: name(),
        services: texts(&SERVICES),
        period_seconds: PROACTIVE_PERIOD,
        expires_at: None,
    }));
    items
}
