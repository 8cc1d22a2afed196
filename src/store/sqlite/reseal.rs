//! Sealing anew, after the key changed: in pieces, by the order of rows, through the writing thread. How far it came
//! stands in `counter`, so that it goes on there after an end of any kind.

use super::writer::failed;
use super::{SqliteStore, journal, reading};
use crate::store::reseal::{Reseal, Resealing, Sealing};
use crate::store::seal::column::{COLUMNS, Column};
use crate::store::seal::{Place, Seal, WARN_AT, number_of};
use crate::store::{Pending, Record, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use std::collections::BTreeMap;
use std::path::Path;

/// The key by which everything was found sealed.
const DONE: &str = "reseal-done";
/// The key by which the pass seals.
const TO: &str = "reseal-to";
/// Values that the pass sealed anew, and those since the key changed.
const FOUND: &str = "reseal-found";
const CHANGED: &str = "reseal-changed";
/// Values that the pass could not open.
const LOST: &str = "reseal-lost";
/// Rows that are counted in one reading.
const CHUNK: u32 = 10_000;

impl Reseal for SqliteStore {
    fn reseal(&self, most: u32, record: Record) -> Pending<'_, Resealing> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| step(c, &*seal, most, &record)))
    }
}

fn step(
    connection: &Connection,
    seal: &dyn Seal,
    most: u32,
    record: &Record,
) -> Result<Resealing, StoreError> {
    let Some(number) = seal.number() else { return Ok(Resealing::Done) };
    let count = i64::try_from(seal.take_count()).unwrap_or(i64::MAX);
    if count > 0 {
        let before = get(connection, &count_of(number))?.unwrap_or(0);
        set(connection, &count_of(number), before.saturating_add(count))?;
        let late = |count: i64| count.unsigned_abs() >= WARN_AT;
        if late(before.saturating_add(count)) && !late(before) {
            tracing::warn!(
                key = number,
                "a sealing key has sealed half of what one key may: run `kdp seal-key add`"
            );
        }
    }
    let number_there = i64::from(number);
    if get(connection, DONE)? == Some(number_there) {
        return Ok(Resealing::Done);
    }
    if get(connection, TO)? != Some(number_there) {
        connection.execute("DELETE FROM counter WHERE name LIKE 'reseal-%'", []).map_err(failed)?;
        set(connection, TO, number_there)?;
    }
    for column in &COLUMNS {
        if get(connection, &finished(column))?.is_none() {
            piece(connection, seal, (column, number), most, record)?;
            return Ok(Resealing::Left(left(connection)?));
        }
    }
    let (found, lost) = (get(connection, FOUND)?.unwrap_or(0), get(connection, LOST)?.unwrap_or(0));
    if found > 0 {
        // What was sealed by the old key before this pass began may have been written behind it.
        let sql = "DELETE FROM counter WHERE name LIKE 'reseal-at %' OR name LIKE 'reseal-past %' OR name IN (?1, ?2)";
        connection.execute(sql, [FOUND, LOST]).map_err(failed)?;
        return Ok(Resealing::Left(left(connection)?));
    }
    set(connection, DONE, number_there)?;
    if let Some(changed) = get(connection, CHANGED)?.filter(|changed| *changed > 0) {
        let outcome = format!("sealed anew by key {number}: {changed} values, {lost} unreadable");
        journal::append(connection, seal, &Record { outcome, ..record.clone() })?;
    }
    Ok(Resealing::Done)
}

/// Looks at the next rows of one column.
fn piece(
    connection: &Connection,
    seal: &dyn Seal,
    (column, number): (&Column, u32),
    most: u32,
    record: &Record,
) -> Result<(), StoreError> {
    let from = get(connection, &at(column))?.unwrap_or(0);
    let rows = rows(connection, column, from, most)?;
    let (mut changed, mut lost) = (0, 0);
    for row in &rows {
        if row.sealed.is_empty() || number_of(&row.sealed) == Some(number) {
            continue;
        }
        let place = Place { column: column.name, row: &row.row };
        let Some(plain) = seal.open(place, &row.sealed) else {
            lost += 1;
            continue;
        };
        let sealed = seal.seal(place, &plain).ok_or(StoreError::Unreadable(column.name))?;
        // The key may have changed since the piece began: the next one will tell.
        let sealed = if column.is_text { Value::Text(STANDARD.encode(sealed)) } else { Value::Blob(sealed) };
        let names = column.key.iter().enumerate().map(|(i, name)| format!("{name} = ?{}", i + 2));
        let names = names.collect::<Vec<_>>().join(" AND ");
        connection
            .prepare_cached(&format!("UPDATE {} SET {} = ?1 WHERE {names}", column.table, column.column))
            .and_then(|mut s| s.execute(params_from_iter(std::iter::once(&sealed).chain(&row.key))))
            .map_err(failed)?;
        changed += 1;
    }
    if changed > 0 {
        if get(connection, CHANGED)?.is_none() {
            let outcome = format!("sealing anew by key {number}");
            journal::append(connection, seal, &Record { outcome, ..record.clone() })?;
        }
        add(connection, FOUND, changed)?;
        add(connection, CHANGED, changed)?;
    }
    if lost > 0 {
        add(connection, LOST, lost)?;
    }
    if let Some(end) = rows.last() {
        set(connection, &at(column), end.position(column, from, rows.len()))?;
    }
    // Fewer than asked for: the end. To go on until nothing is left would never end under load.
    if rows.len() < most as usize { set(connection, &finished(column), 1) } else { Ok(()) }
}

/// A sealed value with what names its row.
struct Found {
    key: Vec<Value>,
    row: Vec<u8>,
    sealed: Vec<u8>,
}

impl Found {
    /// Where to go on behind it: its number, or how many rows were passed. Rows of the second kind are never deleted.
    fn position(&self, column: &Column, from: i64, passed: usize) -> i64 {
        match self.key.as_slice() {
            [Value::Integer(seq)] if column.is_numbered() => *seq,
            _ => from.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX)),
        }
    }
}

/// The next rows of a column; of text, also those that are not sealed.
fn rows(connection: &Connection, column: &Column, from: i64, most: u32) -> Result<Vec<Found>, StoreError> {
    let Column { table, column: name, row, key, .. } = column;
    let key = key.join(", ");
    let behind = if column.is_numbered() {
        format!("{name} IS NOT NULL AND seq > ?1 ORDER BY seq LIMIT ?2")
    } else {
        format!("{name} IS NOT NULL ORDER BY {key} LIMIT ?2 OFFSET ?1")
    };
    let sql = format!("SELECT {row}, {name}, {key} FROM {table} WHERE {behind}");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let found = |row: &Row<'_>| {
        let key = (0..column.key.len()).map(|i| row.get(2 + i)).collect::<Result<_, _>>()?;
        Ok(Found { row: row.get(0)?, sealed: bytes(row.get_ref(1)?), key })
    };
    let rows = statement.query_map(params![from, most], found).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// A value as it was sealed. A record that is not sealed is JSON, which no base64 is: it becomes empty.
fn bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Blob(bytes) => bytes.to_vec(),
        ValueRef::Text(text) => STANDARD.decode(text).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// At most so many values wait to be looked at in this pass.
fn left(connection: &Connection) -> Result<u64, StoreError> {
    let mut left = 0;
    for column in &COLUMNS {
        if get(connection, &finished(column))?.is_some() {
            continue;
        }
        left += last(connection, column)?.saturating_sub(get(connection, &at(column))?.unwrap_or(0)).max(0);
    }
    Ok(left.unsigned_abs())
}

fn at(column: &Column) -> String {
    format!("reseal-at {}", column.name)
}

fn finished(column: &Column) -> String {
    format!("reseal-past {}", column.name)
}

fn count_of(number: u32) -> String {
    format!("seals-by {number}")
}

fn get(connection: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    connection
        .prepare_cached("SELECT next FROM counter WHERE name = ?1")
        .and_then(|mut s| s.query_row([name], |row| row.get(0)).optional())
        .map_err(failed)
}

fn set(connection: &Connection, name: &str, value: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO counter VALUES (?1, ?2) ON CONFLICT DO UPDATE SET next = excluded.next")
        .and_then(|mut s| s.execute(params![name, value]))
        .map(|_| ())
        .map_err(failed)
}

fn add(connection: &Connection, name: &str, value: i64) -> Result<(), StoreError> {
    set(connection, name, get(connection, name)?.unwrap_or(0).saturating_add(value))
}

/// Reads it.
///
/// # Errors
/// [`StoreError`].
pub fn sealing(path: &Path) -> Result<Sealing, StoreError> {
    super::must_exist(path)?;
    let connection = reading(path)?;
    let number = |name| Ok::<_, StoreError>(get(&connection, name)?.and_then(|n| u32::try_from(n).ok()));
    let done = number(DONE)?;
    let under_way = match number(TO)? {
        Some(to) if done != Some(to) => Some((to, left(&connection)?)),
        _ => None,
    };
    let mut statement =
        connection.prepare("SELECT name, next FROM counter WHERE name LIKE 'seals-by %'").map_err(failed)?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)))
        .map_err(failed)?;
    let mut counts = BTreeMap::new();
    for row in rows {
        let (name, count) = row.map_err(failed)?;
        if let Some(number) = name.strip_prefix("seals-by ").and_then(|number| number.parse().ok()) {
            counts.insert(number, count);
        }
    }
    Ok(Sealing { done, under_way, counts })
}

/// Counts the values that each key has sealed and that are there, by looking at all of them; `progress` is told how
/// many were.
///
/// # Errors
/// [`StoreError`].
pub fn sealed_by(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<BTreeMap<u32, u64>, StoreError> {
    super::must_exist(path)?;
    sealed_by_in(&reading(path)?, progress)
}

/// The same, through a connection.
///
/// # Errors
/// [`StoreError`].
pub fn sealed_by_in(
    connection: &Connection,
    progress: &mut dyn FnMut(u64),
) -> Result<BTreeMap<u32, u64>, StoreError> {
    let (mut counts, mut looked) = (BTreeMap::new(), 0);
    for column in present(connection)? {
        let mut from = 0;
        // Each reading is a transaction of its own: a long one would keep the log from being emptied.
        loop {
            let rows = rows(connection, column, from, CHUNK)?;
            let Some(last) = rows.last() else { break };
            from = last.position(column, from, rows.len());
            for number in rows.iter().filter_map(|row| number_of(&row.sealed)) {
                *counts.entry(number).or_default() += 1;
            }
            looked += rows.len() as u64;
            progress(looked);
        }
    }
    Ok(counts)
}

/// Has the service look at everything once more.
///
/// # Errors
/// [`StoreError`].
pub fn look_again(path: &Path) -> Result<(), StoreError> {
    super::must_exist(path)?;
    let connection = super::writing(path, super::Synchronous::Full)?;
    connection.execute("DELETE FROM counter WHERE name LIKE 'reseal-%'", []).map(|_| ()).map_err(failed)
}

/// Whether these keys open what stands in the database, as far as samples tell.
///
/// # Errors
/// [`StoreError::Unreadable`] names the column that they do not open; [`StoreError`].
pub fn keys_open(path: &Path, seal: &dyn Seal) -> Result<(), StoreError> {
    super::must_exist(path)?;
    open_samples(&reading(path)?, seal, 20).map(|_| ())
}

/// Opens samples of every sealed column: the oldest and the newest. Answers with how many were opened.
///
/// # Errors
/// [`StoreError::Unreadable`] names the column; the keys are not those that sealed it.
pub fn open_samples(connection: &Connection, seal: &dyn Seal, of_each: u32) -> Result<u64, StoreError> {
    let mut opened = 0;
    for column in present(connection)? {
        let last = last(connection, column)?;
        for from in [0, last.saturating_sub(i64::from(of_each)).max(0)] {
            for row in rows(connection, column, from, of_each)?.iter().filter(|row| !row.sealed.is_empty()) {
                let place = Place { column: column.name, row: &row.row };
                seal.open(place, &row.sealed).ok_or(StoreError::Unreadable(column.name))?;
                opened += 1;
            }
        }
    }
    Ok(opened)
}

/// The columns that the version of the database has.
fn present(connection: &Connection) -> Result<Vec<&'static Column>, StoreError> {
    let mut found = Vec::new();
    for column in &COLUMNS {
        let there = connection
            .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")
            .and_then(|mut s| s.exists([column.table]))
            .map_err(failed)?;
        if there {
            found.push(column);
        }
    }
    Ok(found)
}

/// The position behind the last row of a column.
fn last(connection: &Connection, column: &Column) -> Result<i64, StoreError> {
    let last = if column.is_numbered() { "coalesce(max(seq), 0)" } else { "count(*)" };
    connection
        .prepare_cached(&format!("SELECT {last} FROM {}", column.table))
        .and_then(|mut s| s.query_row([], |row| row.get(0)))
        .map_err(failed)
}
