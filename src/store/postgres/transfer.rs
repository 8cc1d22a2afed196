//! A database on a server as one side of a move ([`crate::store::transfer`]).
//!
//! Nobody else uses it meanwhile: no session of another `kdp` is open, which `pg_stat_activity` tells, and no node has said of
//! late that it lives; that is looked at again before the source is marked as left. Whoever comes after the mark was set reads
//! the version before anything else, on every connection. Two moves exclude each other by a lock of the session.
//!
//! What is used besides what the store uses: COPY, `pg_stat_activity`, `pg_get_serial_sequence`, `setval` and
//! `pg_try_advisory_lock`.

mod row;

use super::connect::{MOVER, Place};
use super::fault::failed;
use super::migration::{self, SCHEMA, lay};
use super::row::{bytes, get};
use super::transaction::{Tx, transact};
use super::{Parts, job, journal};
use crate::consent::Spans;
use crate::store::transfer::table::{
    COUNTER, Column, HEADS, HEADS_OF_NODE, JOURNAL, JOURNAL_OF_NODE, STATUS_CHANGE, SUSPENSION,
};
use crate::store::transfer::{MARK, Mark, PAGE, Part, Refusal, Row, Side, State, Step, Value};
use crate::store::{Record, StoreError};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

/// How long a node that ended may still be said to live.
const PATIENCE: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(200);

/// A table may take long.
const UNHURRIED: &str =
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET TIME ZONE 'UTC'";

/// What two moves of one database cannot both hold.
const MOVING: i64 = i64::from_be_bytes(*b"kdp move");

/// The row that numbers the changes of the status list.
const CHANGES: &str = "status-change";

/// A database that no node uses.
pub struct Server {
    name: String,
    node: String,
    client: Client,
    talk: JoinHandle<()>,
    parts: Parts,
    reading: Reading,
    /// The connections live on it.
    runtime: Rc<Runtime>,
}

/// What is being read.
enum Reading {
    /// By an index, page by page, behind a key.
    Pages(Part, Option<Row>),
    /// By a cursor, in an order that no index has: the server sorts once. So many values are in a row.
    Cursor(usize),
    /// All at once.
    Kept(VecDeque<Row>),
}

impl Drop for Server {
    fn drop(&mut self) {
        self.talk.abort();
    }
}

impl Server {
    /// Connects, and holds the database against other moves. To be used on a thread that no runtime runs on.
    ///
    /// # Errors
    /// [`Refusal::InUse`]; [`StoreError`].
    pub fn connect(place: &Place) -> Result<Self, Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| StoreError::Setup("no thread can be started".to_owned()))?;
        let (name, place) = (place.name(), place.to_move());
        let node = place.node().to_owned();
        // Of the verbs none is used that applies a rule or a key.
        let config = crate::config::Config::default();
        let rules: (Spans, _) = (config.spans(), config.rule());
        let parts = Parts::new(&place, super::reseal::no_keys(), rules, std::sync::Arc::default())?;
        let unreachable = StoreError::Unusable(super::fault::UNREACHABLE);
        let connected = runtime.block_on(place.connect()).ok_or(unreachable)?;
        let (client, talk) = connected.map_err(failed)?;
        runtime.block_on(client.batch_execute(UNHURRIED)).map_err(failed)?;
        runtime.block_on(Self::exclude(&client))?;
        let reading = Reading::Kept(VecDeque::new());
        Ok(Self { name, node, client, talk, parts, reading, runtime: Rc::new(runtime) })
    }

    /// Who uses the database, of other processes.
    async fn others(client: &Client) -> Result<Option<String>, StoreError> {
        let sessions = "SELECT application_name, count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND application_name LIKE 'kdp %'
                        GROUP BY application_name ORDER BY application_name LIMIT 1";
        if let Some(row) = client.query_opt(sessions, &[]).await.map_err(failed)? {
            let (who, count) = (get::<&str>(&row, 0)?, get::<i64>(&row, 1)?);
            return Ok(Some(format!("{who}: {count}")));
        }
        let nodes = format!("SELECT name FROM node WHERE until > {} ORDER BY name LIMIT 1", job::NOW);
        let row = client.query_opt(&nodes, &[]).await.map_err(failed)?;
        row.map(|row| get::<String>(&row, 0).map(|node| format!("kdp {node}"))).transpose()
    }

    async fn await_alone(&self) -> Result<(), Refusal> {
        // What has just ended may still be said to be there.
        let mut waited = Duration::ZERO;
        while let Some(who) = Self::others(&self.client).await? {
            if waited >= PATIENCE {
                return Err(Refusal::InUse(who));
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
        Ok(())
    }

    /// Has no other move, nor whoever gives one up, work on the database until this connection ends.
    async fn exclude(client: &Client) -> Result<(), Refusal> {
        let mut waited = Duration::ZERO;
        loop {
            let held =
                client.query_one("SELECT pg_try_advisory_lock($1)", &[&MOVING]).await.map_err(failed)?;
            if get(&held, 0)? {
                return Ok(());
            }
            if waited >= PATIENCE {
                return Err(Refusal::InUse(MOVER.to_owned()));
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
    }

    async fn leave_alone(&self, mark: &Mark, record: &Record) -> Result<(), Refusal> {
        self.await_alone().await?;
        let parts = &self.parts;
        transact!(parts, "leave", |tx| leave(tx, mark, record))?;
        // Who came before the mark is here now; who comes after it reads it.
        if let Some(who) = Self::others(&self.client).await? {
            let stays = Record { outcome: "not moved: in use".to_owned(), ..record.clone() };
            transact!(parts, "enforce", |tx| enforce(tx, Step::Leaving, &stays))?;
            return Err(Refusal::InUse(who));
        }
        Ok(())
    }

    async fn create(&mut self, mark: &Mark) -> Result<(), StoreError> {
        let change = self.client.transaction().await.map_err(failed)?;
        lay(&change).await?;
        // What the schema begins with comes from the other side.
        let begun = "DELETE FROM registry_version; DELETE FROM counter; DELETE FROM job";
        change.batch_execute(begun).await.map_err(failed)?;
        for sql in [format!("UPDATE schema_version SET version = -{SCHEMA}"), made()] {
            change.batch_execute(&sql).await.map_err(failed)?;
        }
        let values: [&(dyn ToSql + Sync); 4] = [&mark.id, &mark.step.word(), &mark.peer, &mark.operator];
        change.execute(WRITTEN, &values).await.map_err(failed)?;
        change.commit().await.map_err(failed)
    }

    /// All rows that `sql` gives.
    fn rows(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        self.runtime.block_on(self.client.query(sql, values)).map_err(failed)
    }

    /// Ends what was being read.
    fn close(&mut self) -> Result<(), StoreError> {
        let was = std::mem::replace(&mut self.reading, Reading::Kept(VecDeque::new()));
        if let Reading::Cursor(_) = was {
            self.runtime.block_on(self.client.batch_execute("COMMIT")).map_err(failed)?;
        }
        Ok(())
    }

    fn number(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<i64, StoreError> {
        let rows = self.rows(sql, values)?;
        let number = rows.first().map(|row| get::<Option<i64>>(row, 0)).transpose()?;
        Ok(number.flatten().unwrap_or(0))
    }

    /// The rows of a part: the table with its condition, and what that is about.
    fn rows_of<'p>(&'p self, part: &'p Part) -> (&'static str, String, Option<&'p str>) {
        let table = match part.table.name {
            JOURNAL_OF_NODE => JOURNAL,
            HEADS_OF_NODE => HEADS,
            other => other,
        };
        match part.table.name {
            JOURNAL | HEADS => (table, "node = $1".to_owned(), Some(&self.node)),
            JOURNAL_OF_NODE => (table, "node = $1".to_owned(), part.node.as_deref()),
            HEADS_OF_NODE => (table, "node <> $1".to_owned(), Some(&self.node)),
            // Those who are not suspended have a row here only.
            SUSPENSION => (table, "since IS NOT NULL".to_owned(), None),
            COUNTER => (table, format!("name <> '{CHANGES}'"), None),
            _ => (table, "TRUE".to_owned(), None),
        }
    }

    fn select(&self, part: &Part, after: Option<&Row>, limit: bool) -> (String, Vec<Value>) {
        let (table, condition, about) = self.rows_of(part);
        let mut values: Vec<Value> = about.map(|about| Value::Text(about.to_owned())).into_iter().collect();
        let names: Vec<_> = part.table.columns().map(Column::name).collect();
        let keys = part.table.key.iter().map(|column| match column {
            Column::Text(name) => format!("{name} COLLATE \"C\""),
            other => other.name().to_owned(),
        });
        let keys = keys.collect::<Vec<_>>().join(", ");
        let mut behind = String::new();
        if let Some(after) = after {
            let places = (1..=after.len()).map(|i| format!("${}", values.len() + i));
            behind = format!(" AND ({keys}) > ({})", places.collect::<Vec<_>>().join(", "));
            values.extend(after.iter().cloned());
        }
        let limit = if limit { format!(" LIMIT {PAGE}") } else { String::new() };
        let names = names.join(", ");
        (format!("SELECT {names} FROM {table} WHERE {condition}{behind} ORDER BY {keys}{limit}"), values)
    }

    /// The counters as `SQLite` names them, in their order.
    fn counters(&self) -> Result<Vec<Row>, StoreError> {
        let sql = format!("SELECT name, next FROM counter WHERE name <> '{CHANGES}'");
        let mut rows = Vec::new();
        for row in self.rows(&sql, &[])? {
            let name: String = get(&row, 0)?;
            rows.push((unnamed(&name, &self.node).to_owned(), get::<i64>(&row, 1)?));
        }
        rows.sort();
        Ok(rows.into_iter().map(|(name, next)| vec![Value::Text(name), Value::Number(next)]).collect())
    }

    async fn copy_in(&mut self, part: &Part, rows: &[Row]) -> Result<(), StoreError> {
        let table = match part.table.name {
            JOURNAL_OF_NODE => JOURNAL,
            HEADS_OF_NODE => HEADS,
            other => other,
        };
        let mut names: Vec<_> = part.table.columns().map(Column::name).collect();
        let mut types: Vec<_> = part.table.columns().map(row::type_of).collect();
        let node = match part.table.name {
            JOURNAL | HEADS => Some(Value::Text(self.node.clone())),
            JOURNAL_OF_NODE => part.node.clone().map(Value::Text),
            _ => None,
        };
        if node.is_some() {
            names.insert(0, "node");
            types.insert(0, Type::TEXT);
        }
        let sql = format!("COPY {table} ({}) FROM STDIN BINARY", names.join(", "));
        let change = self.client.transaction().await.map_err(failed)?;
        let sink = change.copy_in(&sql).await.map_err(failed)?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for row in rows {
            let own;
            let row = if part.table.name == COUNTER {
                own = named(row, &self.node);
                &own
            } else {
                row
            };
            let values = node.iter().chain(row).map(|value| value as &(dyn ToSql + Sync));
            writer.as_mut().write(&values.collect::<Vec<_>>()).await.map_err(failed)?;
        }
        writer.as_mut().finish().await.map_err(failed)?;
        change.commit().await.map_err(failed)
    }
}

/// What counts the records that were handed on begins so; those of other nodes carry their names in either engine.
const HANDED_ON: &str = "journal:";

/// A counter as this node names it.
fn named(row: &Row, node: &str) -> Row {
    let mut row = row.clone();
    if let Some(Value::Text(name)) = row.first_mut()
        && name.starts_with(HANDED_ON)
        && !name.contains(' ')
    {
        *name = journal::of_node(name, node);
    }
    row
}

/// A counter of this node as `SQLite` names it.
fn unnamed<'n>(name: &'n str, node: &str) -> &'n str {
    match name.split_once(' ') {
        Some((target, _)) if target.starts_with(HANDED_ON) && name == journal::of_node(target, node) => {
            target
        }
        _ => name,
    }
}

/// Makes the table of the mark.
fn made() -> String {
    format!("CREATE TABLE transfer ({MARK})")
}

const WRITTEN: &str = "INSERT INTO transfer (id, step, peer, operator) VALUES ($1, $2, $3, $4)";
const READ: &str = "SELECT id, step, peer, operator FROM transfer";

/// Why a database is not in force, if it says so.
pub(super) async fn mark(client: &Client) -> Result<Option<Mark>, StoreError> {
    let row = client.query_opt(READ, &[]).await.map_err(failed)?;
    row.as_ref().map(read_mark).transpose().map(Option::flatten)
}

fn read_mark(row: &tokio_postgres::Row) -> Result<Option<Mark>, StoreError> {
    let step = Step::parse(get(row, 1)?);
    let (id, peer, operator) = (get(row, 0)?, get(row, 2)?, get(row, 3)?);
    Ok(step.map(|step| Mark { id, step, peer, operator }))
}

async fn leave(tx: &mut Tx<'_>, mark: &Mark, record: &Record) -> Result<(), StoreError> {
    let sql = format!("UPDATE schema_version SET version = -{SCHEMA} WHERE version = {SCHEMA}");
    if tx.execute(&sql, &[]).await? != 1 {
        return Err(StoreError::Setup("somebody else moves the database just now".to_owned()));
    }
    tx.execute(&made(), &[]).await?;
    tx.execute(WRITTEN, &[&mark.id, &mark.step.word(), &mark.peer, &mark.operator]).await?;
    journal::append(tx, record).await
}

async fn step(tx: &mut Tx<'_>, from: Step, to: Step) -> Result<(), StoreError> {
    let changed =
        tx.execute("UPDATE transfer SET step = $2 WHERE step = $1", &[&from.word(), &to.word()]).await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Unreadable("transfer.step")) }
}

async fn enforce(tx: &mut Tx<'_>, from: Step, record: &Record) -> Result<(), StoreError> {
    if !tx.exists("SELECT 1 FROM transfer WHERE step = $1", &[&from.word()]).await? {
        return Err(StoreError::Unreadable("transfer.step"));
    }
    tx.execute("DROP TABLE transfer", &[]).await?;
    if from == Step::Complete {
        // How far sealing anew came is told by an order that is the engine's own: it begins again.
        let sql = "DELETE FROM counter WHERE name LIKE 'reseal-at %' OR name LIKE 'reseal-past %'";
        tx.execute(sql, &[]).await?;
    }
    tx.execute(&format!("UPDATE schema_version SET version = {SCHEMA}"), &[]).await?;
    journal::append(tx, record).await
}

impl Side for Server {
    fn place(&self) -> String {
        self.name.clone()
    }

    fn node(&self) -> Option<&str> {
        Some(&self.node)
    }

    fn state(&mut self) -> Result<State, StoreError> {
        self.runtime.block_on(async {
            match migration::version(&self.client).await? {
                0 => {
                    let sql = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()";
                    let row = self.client.query_one(sql, &[]).await.map_err(failed)?;
                    Ok(if get::<i64>(&row, 0)? == 0 { State::Empty } else { State::InForce })
                }
                SCHEMA => Ok(State::InForce),
                version if version == -SCHEMA => {
                    let mark = mark(&self.client).await?;
                    mark.map(State::Marked).ok_or(StoreError::Unreadable("transfer.step"))
                }
                other => Err(migration::wrong_version(&self.client, other).await),
            }
        })
    }

    fn alone(&mut self) -> Result<(), Refusal> {
        self.runtime.block_on(self.await_alone())
    }

    fn leave(&mut self, mark: &Mark, record: &Record) -> Result<(), Refusal> {
        self.runtime.block_on(self.leave_alone(mark, record))
    }

    fn make(&mut self, mark: &Mark) -> Result<(), StoreError> {
        let runtime = self.runtime.clone();
        runtime.block_on(self.create(mark))
    }

    fn step(&mut self, from: Step, to: Step) -> Result<(), StoreError> {
        let parts = &self.parts;
        self.runtime.block_on(async { transact!(parts, "step", |tx| step(tx, from, to)) })
    }

    fn enforce(&mut self, from: Step, record: &Record) -> Result<(), StoreError> {
        let parts = &self.parts;
        self.runtime.block_on(async { transact!(parts, "enforce", |tx| enforce(tx, from, record)) })
    }

    fn nodes(&mut self) -> Result<Vec<String>, StoreError> {
        let next = "SELECT min(node) FROM journal WHERE node > $1";
        let (mut nodes, mut last) = (Vec::new(), String::new());
        loop {
            let rows = self.rows(next, &[&last])?;
            let found: Option<String> = rows.first().map(|row| get(row, 0)).transpose()?.flatten();
            let Some(node) = found else { break };
            last.clone_from(&node);
            if node != self.node {
                nodes.push(node);
            }
        }
        nodes.sort();
        Ok(nodes)
    }

    fn count(&mut self, part: &Part) -> Result<u64, StoreError> {
        let (table, condition, about) = self.rows_of(part);
        let sql = format!("SELECT count(*) FROM {table} WHERE {condition}");
        let values: Vec<&(dyn ToSql + Sync)> =
            about.iter().map(|about| about as &(dyn ToSql + Sync)).collect();
        Ok(self.number(&sql, &values)?.unsigned_abs())
    }

    fn last(&mut self, part: &Part) -> Result<Option<Row>, StoreError> {
        let length = part.table.key.len();
        if part.table.name == COUNTER {
            return Ok(self.counters()?.pop().map(|mut row| {
                row.truncate(length);
                row
            }));
        }
        let (table, condition, about) = self.rows_of(part);
        let names: Vec<_> = part.table.key.iter().map(|column| column.name()).collect();
        let order = part.table.key.iter().map(|column| match column {
            Column::Text(name) => format!("{name} COLLATE \"C\" DESC"),
            other => format!("{} DESC", other.name()),
        });
        let order = order.collect::<Vec<_>>().join(", ");
        let names = names.join(", ");
        let sql = format!("SELECT {names} FROM {table} WHERE {condition} ORDER BY {order} LIMIT 1");
        let values: Vec<&(dyn ToSql + Sync)> =
            about.iter().map(|about| about as &(dyn ToSql + Sync)).collect();
        self.rows(&sql, &values)?.first().map(|row| row::read(row, length)).transpose()
    }

    fn read(&mut self, part: &Part, after: Option<Row>) -> Result<(), StoreError> {
        self.close()?;
        self.reading = if part.table.name == COUNTER {
            let mut rows: VecDeque<Row> = self.counters()?.into();
            if let Some(after) = after {
                let passed = rows.iter().position(|row| row.first() == after.first()).map_or(0, |at| at + 1);
                rows.drain(..passed);
            }
            Reading::Kept(rows)
        } else if part.table.is_ordered_by_text() {
            let (sql, values) = self.select(part, after.as_ref(), false);
            let sql = format!("DECLARE moving NO SCROLL CURSOR FOR {sql}");
            self.runtime.block_on(self.client.batch_execute("BEGIN READ ONLY")).map_err(failed)?;
            self.reading = Reading::Cursor(part.table.columns().count());
            self.rows(&sql, &row::values(&values))?;
            return Ok(());
        } else {
            Reading::Pages(part.clone(), after)
        };
        Ok(())
    }

    fn page(&mut self) -> Result<Vec<Row>, StoreError> {
        if let Reading::Pages(part, after) = &self.reading {
            let (sql, values) = self.select(part, after.as_ref(), true);
            let (length, columns) = (part.table.key.len(), part.table.columns().count());
            let rows = self.rows(&sql, &row::values(&values))?;
            let rows: Vec<_> = rows.iter().map(|row| row::read(row, columns)).collect::<Result<_, _>>()?;
            if let (Some(last), Reading::Pages(_, after)) = (rows.last(), &mut self.reading) {
                *after = Some(last.iter().take(length).cloned().collect());
            }
            return Ok(rows);
        }
        match &mut self.reading {
            Reading::Kept(rows) => Ok(rows.drain(..rows.len().min(PAGE)).collect()),
            Reading::Cursor(columns) => {
                let columns = *columns;
                let rows = self.rows(&format!("FETCH FORWARD {PAGE} FROM moving"), &[])?;
                if rows.len() < PAGE {
                    self.close()?;
                }
                rows.iter().map(|row| row::read(row, columns)).collect()
            }
            Reading::Pages(..) => Ok(Vec::new()),
        }
    }

    fn put(&mut self, part: &Part, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        row::storable(part, rows)?;
        let runtime = self.runtime.clone();
        runtime.block_on(self.copy_in(part, rows))
    }

    fn highest(&mut self, table: &str) -> Result<i64, StoreError> {
        if table == STATUS_CHANGE {
            return self.number("SELECT next FROM counter WHERE name = $1", &[&CHANGES]);
        }
        let key = key_of(table);
        let there = self.number(&format!("SELECT max({key}) FROM {table}"), &[])?;
        let sequence = self.rows("SELECT pg_get_serial_sequence($1, $2)", &[&table, &key])?;
        let sequence: Option<String> = sequence.first().map(|row| get(row, 0)).transpose()?.flatten();
        let sequence = sequence.ok_or(StoreError::Unreadable("a sequence"))?;
        let given = format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}");
        Ok(self.number(&given, &[])?.max(there))
    }

    fn keeps_highest(&self, _table: &str) -> bool {
        true
    }

    fn go_on_behind(&mut self, table: &str, highest: i64) -> Result<(), StoreError> {
        if table == STATUS_CHANGE {
            let sql = "INSERT INTO counter (name, next) VALUES ($1, $2)
                       ON CONFLICT (name) DO UPDATE SET next = excluded.next";
            return self
                .runtime
                .block_on(self.client.execute(sql, &[&CHANGES, &highest]))
                .map(|_| ())
                .map_err(failed);
        }
        let key = key_of(table);
        // One that never gave a number gives the first again.
        let (number, is_called) = if highest == 0 { (1, false) } else { (highest, true) };
        let sql = "SELECT setval(pg_get_serial_sequence($1, $2), $3, $4)";
        self.rows(sql, &[&table, &key, &number, &is_called]).map(|_| ())
    }

    fn complete(&mut self) -> Result<(), StoreError> {
        let mut nodes = self.nodes()?;
        nodes.push(self.node.clone());
        for node in nodes {
            let sql = "SELECT seq, chain FROM journal WHERE node = $1 ORDER BY seq DESC LIMIT 1";
            let Some(last) = self.rows(sql, &[&node])?.pop() else { continue };
            let (seq, chain) = (get::<i64>(&last, 0)?, bytes::<32>(&last, 1, "journal.chain")?);
            let sql = "INSERT INTO journal_end (node, seq, chain) VALUES ($1, $2, $3)
                       ON CONFLICT (node) DO UPDATE SET seq = excluded.seq, chain = excluded.chain";
            self.rows(sql, &[&node, &seq, &&chain[..]])?;
        }
        // Rows that grants hold on to.
        let senders = "INSERT INTO suspension (sender, since)
                       SELECT DISTINCT id, CAST(NULL AS BIGINT) FROM registered WHERE kind = 'sender'
                       ON CONFLICT (sender) DO NOTHING";
        self.rows(senders, &[])?;
        self.runtime.block_on(self.client.batch_execute("ANALYZE")).map_err(failed)
    }
}

fn key_of(table: &str) -> &'static str {
    if ["subject", "job"].contains(&table) { "id" } else { "seq" }
}
