//! A file as one side of a move ([`crate::store::transfer`]): held for this program alone as long as it is open.

use super::migration::lay;
use super::restore::{Hindrance, await_alone, given_away, in_use};
use super::writer::failed;
use super::{SCHEMA, journal, must_exist, setup, version};
use crate::store::transfer::table::{Column, STATUS_CHANGE, Table};
use crate::store::transfer::{MARK, Mark, PAGE, Part, Refusal, Row, Side, State, Step, Value};
use crate::store::{Record, StoreError};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use rustix::fs::OFlags;
use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The tables that the engine numbers by `AUTOINCREMENT`; it numbers the others behind the highest that is there, so that
/// it may give once more what the other side gave to a row that was never written, or is gone. It always did so with rows
/// of its own that are gone, and nothing is harmed by it: these numbers never leave the database, only swept rows of
/// `asynchronous` and `access` ever go, and nothing names one of those by its number.
const BY_SEQUENCE: [&str; 3] = ["subject", "job", STATUS_CHANGE];

/// A file that nobody else has open.
pub struct Held {
    path: PathBuf,
    connection: Connection,
    /// Whether the file was made for this move.
    is_new: bool,
    /// What is being read, and behind which key.
    reading: Option<(Part, Option<Row>)>,
}

impl Drop for Held {
    /// Where nothing came, nothing stays.
    fn drop(&mut self) {
        if self.is_new && version(&self.connection) == Ok(0) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Held {
    /// Holds a file that is there.
    ///
    /// # Errors
    /// [`Refusal::InUse`]; [`StoreError::Setup`].
    pub fn source(path: &Path) -> Result<Self, Refusal> {
        must_exist(path)?;
        Self::open(path, false)
    }

    /// Holds a file, which is made, for its owner alone, when it is not there. An empty one becomes its owner's alone.
    ///
    /// # Errors
    /// [`Refusal::InUse`]; [`StoreError::Setup`].
    pub fn target(path: &Path) -> Result<Self, Refusal> {
        let cannot = |e: &std::io::Error| {
            StoreError::Setup(format!("{}: cannot be made: {}", path.display(), e.kind()))
        };
        let is_new = !path.exists();
        if is_new {
            let file = File::options().create_new(true).write(true).mode(0o600).open(path);
            file.and_then(|file| given_away(&file, folder(path))).map_err(|e| cannot(&e))?;
        } else {
            closed_to_others(path).map_err(|e| cannot(&e))?;
        }
        Self::open(path, is_new)
    }

    fn open(path: &Path, is_new: bool) -> Result<Self, Refusal> {
        let used = || Refusal::InUse(path.display().to_string());
        match in_use(path) {
            Ok(file) => drop(file),
            Err(Hindrance::Store(error)) => return Err(error.into()),
            Err(_) => return Err(used()),
        }
        let connection = await_alone(path, "the database is in use: stop the service first")?;
        // The lock outlives the transactions.
        let keep = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; COMMIT;
                    BEGIN EXCLUSIVE; COMMIT;";
        connection.execute_batch(keep).map_err(failed)?;
        Ok(Self { path: path.to_owned(), connection, is_new, reading: None })
    }

    fn mark(&self) -> Result<Mark, StoreError> {
        mark(&self.connection).and_then(|mark| mark.ok_or(StoreError::Unreadable("transfer.step")))
    }

    /// Runs `work` in one transaction, at this step.
    fn at_step(
        &self,
        from: Step,
        work: impl FnOnce(&Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let change = self.connection.unchecked_transaction().map_err(failed)?;
        if self.mark()?.step != from {
            return Err(StoreError::Unreadable("transfer.step"));
        }
        work(&change)?;
        change.commit().map_err(failed)
    }
}

/// The folder of a file: a new one is for its owner.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Has an empty file be as one that is made for the move.
fn closed_to_others(path: &Path) -> std::io::Result<()> {
    let is_empty = |meta: &std::fs::Metadata| meta.is_file() && meta.len() == 0 && meta.nlink() == 1;
    if !is_empty(&std::fs::symlink_metadata(path)?) {
        return Ok(());
    }
    // The folder is the service's, and who moves may be root: no link leads to another's file.
    let file = File::options()
        .read(true)
        .write(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)?;
    let meta = file.metadata()?;
    if !is_empty(&meta) {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    let is_ours = meta.uid() == rustix::process::geteuid().as_raw();
    if is_ours { given_away(&file, folder(path)) } else { Ok(()) }
}

/// Why a database is not in force, if it says so.
pub(super) fn mark(connection: &Connection) -> Result<Option<Mark>, StoreError> {
    let sql = "SELECT id, step, peer, operator FROM transfer";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let found = statement.query_row([], |row| {
        let step: String = row.get(1)?;
        Ok((Step::parse(&step), row.get(0)?, row.get(2)?, row.get(3)?))
    });
    let found = found.optional().map_err(failed)?;
    Ok(found.and_then(|(step, id, peer, operator)| Some(Mark { id, step: step?, peer, operator })))
}

fn write_mark(connection: &Connection, mark: &Mark) -> Result<(), StoreError> {
    connection.execute_batch(&format!("CREATE TABLE transfer ({MARK}) STRICT")).map_err(failed)?;
    let sql = "INSERT INTO transfer (id, step, peer, operator) VALUES (?1, ?2, ?3, ?4)";
    let values = params![mark.id, mark.step.word(), mark.peer, mark.operator];
    connection.execute(sql, values).map_err(failed)?;
    connection.pragma_update(None, "user_version", -SCHEMA).map_err(failed)
}

impl Side for Held {
    fn place(&self) -> String {
        format!("sqlite://{}", self.path.display())
    }

    fn node(&self) -> Option<&str> {
        None
    }

    fn state(&mut self) -> Result<State, StoreError> {
        match version(&self.connection)? {
            0 => {
                let tables = "SELECT count(*) FROM sqlite_schema";
                let tables: i64 =
                    self.connection.query_row(tables, [], |row| row.get(0)).map_err(|e| setup(&e))?;
                Ok(if tables == 0 { State::Empty } else { State::InForce })
            }
            SCHEMA => Ok(State::InForce),
            version if version == -SCHEMA => Ok(State::Marked(self.mark()?)),
            other => Err(super::wrong_version(&self.connection, other)),
        }
    }

    fn alone(&mut self) -> Result<(), Refusal> {
        // The lock sees to it.
        Ok(())
    }

    fn leave(&mut self, mark: &Mark, record: &Record) -> Result<(), Refusal> {
        let change = self.connection.unchecked_transaction().map_err(failed)?;
        journal::append_about(&change, None, record)?;
        write_mark(&change, mark)?;
        Ok(change.commit().map_err(failed)?)
    }

    fn make(&mut self, mark: &Mark) -> Result<(), StoreError> {
        let change = self.connection.unchecked_transaction().map_err(failed)?;
        lay(&change)?;
        // What the schema begins with comes from the other side.
        let begun = "DELETE FROM registry_version; DELETE FROM counter; DELETE FROM job; DELETE FROM sqlite_sequence;";
        change.execute_batch(begun).map_err(failed)?;
        write_mark(&change, mark)?;
        change.commit().map_err(failed)
    }

    fn step(&mut self, from: Step, to: Step) -> Result<(), StoreError> {
        self.at_step(from, |change| {
            change.execute("UPDATE transfer SET step = ?1", [to.word()]).map(|_| ()).map_err(failed)
        })
    }

    fn enforce(&mut self, from: Step, record: &Record) -> Result<(), StoreError> {
        self.at_step(from, |change| {
            change.execute_batch("DROP TABLE transfer").map_err(failed)?;
            if from == Step::Complete {
                // How far sealing anew came is told by an order that is the engine's own: it begins again.
                let sql = "DELETE FROM counter WHERE name LIKE 'reseal-at %' OR name LIKE 'reseal-past %'";
                change.execute(sql, []).map_err(failed)?;
            }
            journal::append_about(change, None, record)?;
            change.pragma_update(None, "user_version", SCHEMA).map_err(failed)
        })
    }

    fn nodes(&mut self) -> Result<Vec<String>, StoreError> {
        let next = "SELECT min(node) FROM journal_of_node WHERE node > ?1";
        let (mut nodes, mut last) = (Vec::new(), String::new());
        loop {
            let found: Option<String> =
                self.connection.query_row(next, [&last], |row| row.get(0)).map_err(failed)?;
            let Some(node) = found else { return Ok(nodes) };
            nodes.push(node.clone());
            last = node;
        }
    }

    fn count(&mut self, part: &Part) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}{}", part.table.name, of_node(part, "WHERE"));
        let count: i64 = self
            .connection
            .query_row(&sql, params_from_iter(part.node.iter()), |row| row.get(0))
            .map_err(failed)?;
        Ok(count.unsigned_abs())
    }

    fn last(&mut self, part: &Part) -> Result<Option<Row>, StoreError> {
        let Table { name, key, .. } = part.table;
        let (key, of_node) = (names(key), of_node(part, "WHERE"));
        let sql = format!(
            "SELECT {} FROM {name}{of_node} ORDER BY {} LIMIT 1",
            key.join(", "),
            key.join(" DESC, ") + " DESC"
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query(params_from_iter(part.node.iter())).map_err(failed)?;
        let row = rows.next().map_err(failed)?;
        row.map(|row| read(row, part.table, key.len())).transpose()
    }

    fn read(&mut self, part: &Part, after: Option<Row>) -> Result<(), StoreError> {
        self.reading = Some((part.clone(), after));
        Ok(())
    }

    fn page(&mut self) -> Result<Vec<Row>, StoreError> {
        let Some((part, after)) = &mut self.reading else { return Ok(Vec::new()) };
        let Table { name, key, .. } = part.table;
        let names: Vec<_> = part.table.columns().map(Column::name).collect();
        let keys = names.get(..key.len()).unwrap_or_default().join(", ");
        let mut conditions = Vec::new();
        if part.node.is_some() {
            conditions.push("node = ?".to_owned());
        }
        if after.is_some() {
            conditions.push(format!("({keys}) > ({})", vec!["?"; key.len()].join(", ")));
        }
        let condition = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let sql = format!("SELECT {} FROM {name}{condition} ORDER BY {keys} LIMIT {PAGE}", names.join(", "));
        let node = part.node.clone().map(Value::Text);
        let values = node.iter().chain(after.iter().flatten());
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let mut found = statement.query(params_from_iter(values)).map_err(failed)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(failed)? {
            rows.push(read(row, part.table, names.len())?);
        }
        if let Some(last) = rows.last() {
            *after = Some(last.iter().take(key.len()).cloned().collect());
        }
        Ok(rows)
    }

    fn put(&mut self, part: &Part, rows: &[Row]) -> Result<(), StoreError> {
        let mut names: Vec<_> = part.table.columns().map(Column::name).collect();
        let node = part.node.clone().map(Value::Text);
        if node.is_some() {
            names.insert(0, "node");
        }
        let places = vec!["?"; names.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", part.table.name, names.join(", "));
        let change = self.connection.unchecked_transaction().map_err(failed)?;
        {
            let mut statement = change.prepare_cached(&sql).map_err(failed)?;
            for row in rows {
                statement.execute(params_from_iter(node.iter().chain(row))).map_err(failed)?;
            }
        }
        change.commit().map_err(failed)
    }

    fn highest(&mut self, table: &str) -> Result<i64, StoreError> {
        let key = if ["subject", "job"].contains(&table) { "id" } else { "seq" };
        let there = format!("SELECT coalesce(max({key}), 0) FROM {table}");
        let there: i64 = self.connection.query_row(&there, [], |row| row.get(0)).map_err(failed)?;
        let given = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
        let given: Option<i64> =
            self.connection.query_row(given, [table], |row| row.get(0)).optional().map_err(failed)?;
        Ok(given.unwrap_or(0).max(there))
    }

    fn keeps_highest(&self, table: &str) -> bool {
        BY_SEQUENCE.contains(&table)
    }

    fn go_on_behind(&mut self, table: &str, highest: i64) -> Result<(), StoreError> {
        if !self.keeps_highest(table) {
            return Ok(());
        }
        let change = self.connection.unchecked_transaction().map_err(failed)?;
        change.execute("DELETE FROM sqlite_sequence WHERE name = ?1", [table]).map_err(failed)?;
        let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)";
        change.execute(sql, params![table, highest]).map_err(failed)?;
        change.commit().map_err(failed)
    }

    fn complete(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn of_node(part: &Part, word: &str) -> String {
    if part.node.is_some() { format!(" {word} node = ?1") } else { String::new() }
}

fn names(columns: &[Column]) -> Vec<&'static str> {
    columns.iter().map(|column| column.name()).collect()
}

/// The first values of a row.
fn read(row: &rusqlite::Row<'_>, table: &Table, count: usize) -> Result<Row, StoreError> {
    let value = |at: usize| {
        Ok(match row.get_ref(at).map_err(failed)? {
            ValueRef::Null => Value::None,
            ValueRef::Integer(number) => Value::Number(number),
            ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => return Err(StoreError::Setup(format!("{}: a text is not UTF-8", table.name))),
            },
            ValueRef::Real(_) => return Err(StoreError::Unreadable("a real number")),
        })
    };
    (0..count).map(value).collect()
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::None => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
