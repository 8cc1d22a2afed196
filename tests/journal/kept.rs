//! A journal in a database, with heads, for whoever would change it.

use super::bench::{Bench, Disk, NOON, id, iin, sqlite};
use kdp::journal::Chain;
use kdp::journal::head::Keys;
use kdp::journal::keep;
use kdp::journal::verify::{Found, Task, verify};
use kdp::store::Record;
use kdp::token::key::{KeyRing, Rotation, SigningKey};
use kdp::trust::sign::EcSigner;
use rusqlite::Connection;
use rusqlite::types::Value;

pub const INSTALLATION: &str = "kdp-test";
/// Records, in all.
pub const RECORDS: i64 = 16;
/// Those that a head covers.
pub const HEADS: [i64; 3] = [4, 9, 12];

pub struct Kept {
    pub bench: Bench,
    pub ring: KeyRing,
    /// Every row as it was written, by its number.
    pub rows: Vec<Vec<Value>>,
    heads: Vec<Vec<Value>>,
}

/// A ring with one key that signs from [`NOON`] on, for a day.
pub fn ring() -> KeyRing {
    let mut ring = KeyRing::new(3600);
    let rotation = Rotation { lead: 0, signs_for: 86_400 };
    let key = ring.rotate(&EcSigner::generate().unwrap(), NOON / 1000, rotation).unwrap();
    ring.add(SigningKey::from_record(&key).unwrap()).unwrap();
    ring
}

/// Records of several forms.
pub fn records() -> impl Iterator<Item = Record> {
    (1..=RECORDS).map(|n| Record {
        at: NOON + n,
        kind: if n % 5 == 0 { "registration" } else { "decision" },
        operator: if n % 5 == 0 { "registrar".to_owned() } else { String::new() },
        decision: (n % 5 != 0).then(|| id(NOON)),
        sender: "bank".to_owned(),
        message: (n % 2 == 0).then_some([7; 32]),
        message_id: format!("m-{n}"),
        service: "KDP_SERVICE".to_owned(),
        request: (n % 3 == 0).then(|| id(NOON)),
        subject: (n % 5 != 0).then(|| iin(u64::try_from(n % 3).unwrap())),
        outcome: "granted".to_owned(),
        detail: format!("{{\"n\":{n},\"text\":\"ұзын\"}}"),
    })
}

/// What happens to a journal, milliseconds after [`NOON`].
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// The service decides a message.
    Message(i64),
    /// An operator does something.
    Act(i64),
    /// What fell due is written down, dated so.
    Due(i64),
    /// The service signs a head.
    Head(i64),
}

impl Kept {
    pub async fn new() -> Self {
        let bench = sqlite(Disk::Hurries);
        let ring = ring();
        for (n, record) in (1..).zip(records()) {
            bench.store.note(record).await.unwrap();
            if HEADS.contains(&n) {
                keep::sign(&*bench.store, &ring, INSTALLATION, NOON + n).await.unwrap();
            }
        }
        let kept = Self::of(bench, ring);
        assert_eq!((kept.rows.len(), kept.heads.len()), (usize::try_from(RECORDS).unwrap(), HEADS.len()));
        kept
    }

    /// A journal with a past of these steps.
    pub async fn after(steps: &[Step]) -> Self {
        let kept = Self::of(sqlite(Disk::Hurries), ring());
        for step in steps {
            kept.step(*step).await;
        }
        Self::of(kept.bench, kept.ring)
    }

    pub async fn step(&self, step: Step) {
        let base = |at: i64, kind| Record { at: NOON + at, kind, ..Record::default() };
        let record = match step {
            Step::Head(at) => {
                keep::sign(&*self.bench.store, &self.ring, INSTALLATION, NOON + at).await.unwrap();
                return;
            }
            Step::Message(at) => Record { decision: Some(id(NOON + at)), ..base(at, "decision") },
            Step::Act(at) => Record { operator: "registrar".to_owned(), ..base(at, "registration") },
            Step::Due(at) => base(at, "event"),
        };
        let outcome = format!("{step:?}");
        self.bench.store.note(Record { outcome, ..record }).await.unwrap();
    }

    fn of(bench: Bench, ring: KeyRing) -> Self {
        let rows = all(&bench.connection(), "SELECT * FROM journal ORDER BY seq");
        let heads = all(&bench.connection(), "SELECT * FROM journal_head ORDER BY seq");
        Self { bench, ring, rows, heads }
    }

    /// What a verification finds.
    pub async fn found(&self) -> Found {
        self.found_from(1, &[]).await
    }

    pub async fn found_from(&self, from: i64, known: &[(i64, Chain)]) -> Found {
        self.found_at(NOON + RECORDS, from, known).await
    }

    pub async fn found_at(&self, now: i64, from: i64, known: &[(i64, Chain)]) -> Found {
        let keys = Keys::of_ring(&self.ring);
        verify(&*self.bench.store, Task { keys: &keys, from, known, now }, |_| {}).await.unwrap()
    }

    /// Puts everything back as it was.
    pub fn restore(&self) {
        let connection = self.bench.connection();
        connection
            .execute_batch("PRAGMA synchronous = OFF; DELETE FROM journal; DELETE FROM journal_head;")
            .unwrap();
        for (table, rows) in [("journal", &self.rows), ("journal_head", &self.heads)] {
            for row in rows {
                insert(&connection, table, row);
            }
        }
    }

    /// Runs SQL as whoever can write into the database.
    pub fn tamper(&self, sql: &str) {
        let connection = self.bench.connection();
        connection.execute_batch(&format!("PRAGMA synchronous = OFF; {sql}")).unwrap();
    }

    /// The chain up to a record, as it was written.
    pub fn chain(&self, seq: i64) -> Chain {
        let row = &self.rows[usize::try_from(seq - 1).unwrap()];
        let Some(Value::Blob(chain)) = row.last() else { panic!("no chain") };
        chain.as_slice().try_into().unwrap()
    }

    /// What the right program would have written, had the records always been as they are now.
    pub async fn rebuild(&self) {
        let mut chain = kdp::journal::GENESIS;
        for record in self.bench.store.journal(0, 1000).await.unwrap() {
            chain = record.entry.link(&chain);
            let sql = "UPDATE journal SET chain = ?2 WHERE seq = ?1";
            self.bench.connection().execute(sql, (record.entry.seq, chain)).unwrap();
        }
    }
}

pub fn all(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
}

pub fn insert(connection: &Connection, table: &str, row: &[Value]) {
    // The columns of the journal stand in the order in which versions of the schema added them: so they were read.
    let places = vec!["?"; row.len()].join(", ");
    let sql = format!("INSERT INTO {table} VALUES ({places})");
    connection.execute(&sql, rusqlite::params_from_iter(row)).unwrap();
}
