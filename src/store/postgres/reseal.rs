//! Sealing anew, after the key changed: in pieces, by the order of rows. How far it came stands in `counter`, so that any node
//! goes on there after an end of any kind; one of them does a piece at a time.

use super::connect::{Place as Whereabouts, aside};
use super::row::get;
use super::transaction::{Tx, look, transact};
use super::{Parts, PostgresStore, inspect, journal};
use crate::store::reseal::{Reseal, Resealing, Sealing};
use crate::store::seal::column::{COLUMNS, Column};
use crate::store::seal::{Place, Seal, WARN_AT, number_of};
use crate::store::{Pending, Record, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use zeroize::Zeroizing;

/// Held while a piece is done.
const LOCK: &str = "resealing";
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
/// Rows of each column, the oldest and as many of the newest, that tell whether keys fit.
const SAMPLES: u32 = 20;

impl Reseal for PostgresStore {
    fn reseal(&self, most: u32, record: Record) -> Pending<'_, Resealing> {
        Box::pin(async move {
            // Taken once, for a run that met others is done again.
            let count = i64::try_from(self.seal.take_count()).unwrap_or(i64::MAX);
            transact!(self, "reseal", |tx| step(tx, count, most, &record))
        })
    }
}

async fn step(tx: &mut Tx<'_>, count: i64, most: u32, record: &Record) -> Result<Resealing, StoreError> {
    let Some(number) = tx.seal.number() else { return Ok(Resealing::Done) };
    let lock = "INSERT INTO counter (name, next) VALUES ($1, 0) ON CONFLICT (name) DO UPDATE SET next = counter.next";
    tx.execute(lock, &[&LOCK]).await?;
    if count > 0 {
        let before = get_counter(tx, &count_of(number)).await?.unwrap_or(0);
        set(tx, &count_of(number), before.saturating_add(count)).await?;
        let late = |count: i64| count.unsigned_abs() >= WARN_AT;
        if late(before.saturating_add(count)) && !late(before) {
            tracing::warn!(
                key = number,
                "a sealing key has sealed half of what one key may: run `kdp seal-key add`"
            );
        }
    }
    let number_there = i64::from(number);
    if get_counter(tx, DONE).await? == Some(number_there) {
        return Ok(Resealing::Done);
    }
    if get_counter(tx, TO).await? != Some(number_there) {
        tx.execute("DELETE FROM counter WHERE name LIKE 'reseal-%'", &[]).await?;
        set(tx, TO, number_there).await?;
    }
    for column in &COLUMNS {
        if get_counter(tx, &finished(column)).await?.is_none() {
            piece(tx, (column, number), most, record).await?;
            return Ok(Resealing::Left(left(tx).await?));
        }
    }
    let found = get_counter(tx, FOUND).await?.unwrap_or(0);
    let lost = get_counter(tx, LOST).await?.unwrap_or(0);
    if found > 0 {
        // What was sealed by the old key before this pass began may have been written behind it.
        let sql = "DELETE FROM counter WHERE name LIKE 'reseal-at %' OR name LIKE 'reseal-past %' OR name IN ($1, $2)";
        tx.execute(sql, &[&FOUND, &LOST]).await?;
        return Ok(Resealing::Left(left(tx).await?));
    }
    set(tx, DONE, number_there).await?;
    if let Some(changed) = get_counter(tx, CHANGED).await?.filter(|changed| *changed > 0) {
        let outcome = format!("sealed anew by key {number}: {changed} values, {lost} unreadable");
        journal::append(tx, &Record { outcome, ..record.clone() }).await?;
    }
    Ok(Resealing::Done)
}

/// Looks at the next rows of one column.
async fn piece(
    tx: &mut Tx<'_>,
    (column, number): (&Column, u32),
    most: u32,
    record: &Record,
) -> Result<(), StoreError> {
    let from = get_counter(tx, &at(column)).await?.unwrap_or(0);
    let rows = rows(tx, column, from, most).await?;
    let (mut changed, mut lost) = (0, 0);
    for row in &rows {
        let value = row.value.bytes();
        if value.is_empty() || number_of(&value) == Some(number) {
            continue;
        }
        let place = Place { column: column.name, row: &row.row };
        let Some(plain) = tx.seal.open(place, &value) else {
            lost += 1;
            continue;
        };
        let sealed = tx.seal.seal(place, &plain).ok_or(StoreError::Unreadable(column.name))?;
        // The key may have changed since the piece began: the next one will tell. What somebody else wrote meanwhile stays.
        let sealed = row.value.sealed(sealed);
        let names = column.key.iter().enumerate().map(|(i, name)| format!("{name} = ${}", i + 3));
        let names = names.collect::<Vec<_>>().join(" AND ");
        let Column { table, column: name, .. } = column;
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![sealed.to_sql(), row.value.to_sql()];
        values.extend(row.key.iter().map(Key::to_sql));
        let sql = format!("UPDATE {table} SET {name} = $1 WHERE {name} = $2 AND {names}");
        changed += i64::try_from(tx.execute(&sql, &values).await?).unwrap_or(0);
    }
    if changed > 0 {
        if get_counter(tx, CHANGED).await?.is_none() {
            let outcome = format!("sealing anew by key {number}");
            journal::append(tx, &Record { outcome, ..record.clone() }).await?;
        }
        add(tx, FOUND, changed).await?;
        add(tx, CHANGED, changed).await?;
    }
    if lost > 0 {
        add(tx, LOST, lost).await?;
    }
    if let Some(end) = rows.last() {
        set(tx, &at(column), end.position(column, from, rows.len())).await?;
    }
    // Fewer than asked for: the end. To go on until nothing is left would never end under load.
    if rows.len() < most as usize { set(tx, &finished(column), 1).await } else { Ok(()) }
}

/// A sealed value with what names its row.
struct Found {
    key: Vec<Key>,
    row: Vec<u8>,
    value: Value,
}

enum Key {
    Number(i64),
    Text(String),
}

/// A value as it stands in its column.
enum Value {
    Bytes(Vec<u8>),
    Text(String),
}

impl Key {
    fn to_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Number(number) => number,
            Self::Text(text) => text,
        }
    }
}

impl Value {
    fn to_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text,
        }
    }

    /// As it was sealed. A record that is not sealed is JSON, which no base64 is: it becomes empty.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Text(text) => STANDARD.decode(text).unwrap_or_default(),
        }
    }

    /// The same kind of value, sealed anew.
    fn sealed(&self, sealed: Vec<u8>) -> Self {
        match self {
            Self::Bytes(_) => Self::Bytes(sealed),
            Self::Text(_) => Self::Text(STANDARD.encode(sealed)),
        }
    }
}

impl Found {
    /// Where to go on behind it: its number, or how many rows were passed. Rows of the second kind are never deleted.
    fn position(&self, column: &Column, from: i64, passed: usize) -> i64 {
        match self.key.as_slice() {
            [Key::Number(seq)] if column.is_numbered() => *seq,
            _ => from.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX)),
        }
    }
}

/// The next rows of a column; of text, also those that are not sealed.
async fn rows(tx: &mut Tx<'_>, column: &Column, from: i64, most: u32) -> Result<Vec<Found>, StoreError> {
    let Column { table, column: name, key, .. } = column;
    let row = match *table {
        "signing_key" => "convert_to(kid, 'UTF8')",
        "registered" => "convert_to(id || '/' || CAST(revision AS TEXT), 'UTF8')",
        _ => "id",
    };
    let key = key.join(", ");
    let behind = if column.is_numbered() {
        format!("{name} IS NOT NULL AND seq > $1 ORDER BY seq LIMIT $2")
    } else {
        format!("{name} IS NOT NULL ORDER BY {key} LIMIT $2 OFFSET $1")
    };
    let sql = format!("SELECT {row}, {name}, {key} FROM {table} WHERE {behind}");
    let found = tx.rows(&sql, &[&from, &i64::from(most)]).await?;
    found.iter().map(|row| read(column, row)).collect()
}

fn read(column: &Column, row: &Row) -> Result<Found, StoreError> {
    let value = if column.is_text { Value::Text(get(row, 1)?) } else { Value::Bytes(get(row, 1)?) };
    let key = column.key.iter().enumerate().map(|(i, name)| match *name {
        "seq" | "revision" => get(row, 2 + i).map(Key::Number),
        _ => get(row, 2 + i).map(Key::Text),
    });
    Ok(Found { row: get(row, 0)?, value, key: key.collect::<Result<_, _>>()? })
}

/// At most so many values wait to be looked at in this pass.
async fn left(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let mut left = 0;
    for column in &COLUMNS {
        if get_counter(tx, &finished(column)).await?.is_some() {
            continue;
        }
        let passed = get_counter(tx, &at(column)).await?.unwrap_or(0);
        left += last(tx, column).await?.saturating_sub(passed).max(0);
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

async fn get_counter(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>, StoreError> {
    tx.number("SELECT next FROM counter WHERE name = $1", &[&name]).await
}

async fn set(tx: &mut Tx<'_>, name: &str, value: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO counter (name, next) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET next = excluded.next";
    tx.execute(sql, &[&name, &value]).await.map(|_| ())
}

async fn add(tx: &mut Tx<'_>, name: &str, value: i64) -> Result<(), StoreError> {
    let before = get_counter(tx, name).await?.unwrap_or(0);
    set(tx, name, before.saturating_add(value)).await
}

/// The position behind the last row of a column.
async fn last(tx: &mut Tx<'_>, column: &Column) -> Result<i64, StoreError> {
    let last = if column.is_numbered() { "coalesce(max(seq), 0)" } else { "count(*)" };
    let sql = format!("SELECT {last} FROM {}", column.table);
    Ok(tx.number(&sql, &[]).await?.unwrap_or(0))
}

/// What the database tells of the sealing keys.
///
/// # Errors
/// [`StoreError`].
pub fn sealing(place: &Whereabouts) -> Result<Sealing, StoreError> {
    unsealed(place, async |parts| look!(parts, "sealing", |tx| read_sealing(tx)))
}

async fn read_sealing(tx: &mut Tx<'_>) -> Result<Sealing, StoreError> {
    let number = |counter: Option<i64>| counter.and_then(|n| u32::try_from(n).ok());
    let done = number(get_counter(tx, DONE).await?);
    let under_way = match number(get_counter(tx, TO).await?) {
        Some(to) if done != Some(to) => Some((to, left(tx).await?)),
        _ => None,
    };
    let mut counts = BTreeMap::new();
    for row in tx.rows("SELECT name, next FROM counter WHERE name LIKE 'seals-by %'", &[]).await? {
        let number = get::<&str>(&row, 0)?.strip_prefix("seals-by ").and_then(|number| number.parse().ok());
        if let (Some(number), Ok(count)) = (number, u64::try_from(get::<i64>(&row, 1)?)) {
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
pub fn sealed_by(
    place: &Whereabouts,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<BTreeMap<u32, u64>, StoreError> {
    unsealed(place, async |parts| {
        let (mut counts, mut looked) = (BTreeMap::new(), 0);
        for column in &COLUMNS {
            let mut from = 0;
            // Each reading is a transaction of its own: a long one would keep dead rows from being removed.
            loop {
                let rows = look!(parts, "sealed_by", |tx| rows(tx, column, from, CHUNK))?;
                let Some(last) = rows.last() else { break };
                from = last.position(column, from, rows.len());
                for number in rows.iter().filter_map(|row| number_of(&row.value.bytes())) {
                    *counts.entry(number).or_default() += 1;
                }
                looked += rows.len() as u64;
                progress(looked);
            }
        }
        Ok(counts)
    })
}

/// Has the service look at everything once more.
///
/// # Errors
/// [`StoreError`].
pub fn look_again(place: &Whereabouts) -> Result<(), StoreError> {
    unsealed(place, async |parts| transact!(parts, "look_again", |tx| forget_passes(tx)))
}

async fn forget_passes(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM counter WHERE name LIKE 'reseal-%'", &[]).await.map(|_| ())
}

/// Whether these keys open what stands in the database, as far as samples tell.
///
/// # Errors
/// [`StoreError::Unreadable`] names the column that they do not open; [`StoreError`].
pub fn keys_open(place: &Whereabouts, seal: Arc<dyn Seal>) -> Result<(), StoreError> {
    read_by(place, seal, async |parts| look!(parts, "keys_open", |tx| open_samples(tx)))
}

async fn open_samples(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    for column in &COLUMNS {
        let last = last(tx, column).await?;
        for from in [0, last.saturating_sub(i64::from(SAMPLES)).max(0)] {
            for found in rows(tx, column, from, SAMPLES).await? {
                let value = found.value.bytes();
                let place = Place { column: column.name, row: &found.row };
                if !value.is_empty() && tx.seal.open(place, &value).is_none() {
                    return Err(StoreError::Unreadable(column.name));
                }
            }
        }
    }
    Ok(())
}

/// Reads what is no secret.
fn unsealed<T: Send>(
    place: &Whereabouts,
    work: impl AsyncFnOnce(&Parts) -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    read_by(place, no_keys(), work)
}

fn read_by<T: Send>(
    place: &Whereabouts,
    seal: Arc<dyn Seal>,
    work: impl AsyncFnOnce(&Parts) -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    inspect(place)?;
    // No rule is applied.
    let rules = crate::config::Config::default();
    aside(async || {
        let parts = Parts::new(place, seal, (rules.spans(), rules.rule()), Arc::default())?;
        work(&parts).await
    })
}

/// For verbs that read and write no secret.
pub(super) fn no_keys() -> Arc<dyn Seal> {
    Arc::new(NoKeys)
}

/// Opens and seals nothing.
struct NoKeys;

impl Seal for NoKeys {
    fn seal(&self, _: Place<'_>, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn open(&self, _: Place<'_>, _: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        None
    }

    /// Finds nothing: no key is zero.
    fn hash(&self, _: &'static str, _: &[&[u8]]) -> [u8; 32] {
        [0; 32]
    }
}
