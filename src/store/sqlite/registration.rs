//! The transactions on what is registered. Each raises the registry's version.

use super::row::journal;
use super::writer::failed;
use crate::consent::method::{DirectoryEntry, MAX_TERM};
use crate::registry::{Registry, SenderRecord};
use crate::store::seal::{Place, Seal};
use crate::store::{Record, StoreError};
use crate::token::key::{KeyRecord, KeyRing, Window};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::Zeroizing;

const KEY: &str = "signing_key.record";

/// A key of the service as it is sealed.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    pkcs8: Vec<u8>,
    created_at: i64,
    not_before: i64,
    not_after: i64,
    distrusted_at: Option<i64>,
}

pub fn version(connection: &Connection) -> Result<i64, StoreError> {
    connection
        .prepare_cached("SELECT version FROM registry_version")
        .and_then(|mut s| s.query_row([], |row| row.get(0)))
        .map_err(failed)
}

fn raise(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("UPDATE registry_version SET version = version + 1", []).map(|_| ()).map_err(failed)
}

pub fn registry(connection: &Connection, seal: &dyn Seal) -> Result<Registry, StoreError> {
    // One read transaction: the snapshot and its version belong together.
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let texts = |sql: &str| -> Result<Vec<String>, StoreError> {
        let mut statement = snapshot.prepare(sql).map_err(failed)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    };
    let mut senders = HashMap::new();
    for text in texts("SELECT record FROM sender")? {
        let record: SenderRecord =
            serde_json::from_str(&text).map_err(|_| StoreError::Unreadable("sender.record"))?;
        let sender = record.read().map_err(|e| StoreError::Setup(e.to_string()))?;
        senders.insert(sender.record.sender_id.clone(), Arc::new(sender));
    }
    let latest = "SELECT record FROM directory_entry AS e WHERE revision =
        (SELECT max(revision) FROM directory_entry WHERE id = e.id)";
    let mut entries = HashMap::new();
    for text in texts(latest)? {
        let entry: DirectoryEntry =
            serde_json::from_str(&text).map_err(|_| StoreError::Unreadable("directory_entry.record"))?;
        entries.insert(entry.id.clone(), entry);
    }
    let keys = stored_keys(&snapshot, seal)?;
    let keys = KeyRing::from_records(&keys, i64::from(MAX_TERM)).map_err(|_| StoreError::Unreadable(KEY))?;
    Ok(Registry { version: version(&snapshot)?, senders, entries, keys })
}

fn stored_keys(connection: &Connection, seal: &dyn Seal) -> Result<Vec<KeyRecord>, StoreError> {
    let mut statement =
        connection.prepare("SELECT kid, record FROM signing_key ORDER BY kid").map_err(failed)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    let mut keys = rows
        .map(|row| {
            let (kid, sealed): (String, Vec<u8>) = row.map_err(failed)?;
            let plain = seal
                .open(Place { column: KEY, row: kid.as_bytes() }, &sealed)
                .map(Zeroizing::new)
                .ok_or(StoreError::Unreadable(KEY))?;
            let key: StoredKey = serde_json::from_slice(&plain).map_err(|_| StoreError::Unreadable(KEY))?;
            let window =
                Window { created_at: key.created_at, not_before: key.not_before, not_after: key.not_after };
            Ok(KeyRecord { kid, pkcs8: Zeroizing::new(key.pkcs8), window, distrusted_at: key.distrusted_at })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    keys.sort_by_key(|key| key.window.created_at);
    Ok(keys)
}

pub fn sender(
    connection: &Connection,
    seal: &dyn Seal,
    sender: &SenderRecord,
    record: &Record,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(sender).map_err(|_| StoreError::Unreadable("sender.record"))?;
    connection
        .execute(
            "INSERT INTO sender (sender_id, record) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET record = excluded.record",
            params![sender.sender_id, text],
        )
        .map_err(failed)?;
    journal(connection, seal, record)?;
    raise(connection)
}

pub fn entry(
    connection: &Connection,
    seal: &dyn Seal,
    entry: &DirectoryEntry,
    record: &Record,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(entry).map_err(|_| StoreError::Unreadable("directory_entry.record"))?;
    connection
        .execute(
            "INSERT INTO directory_entry (id, revision, record)
             VALUES (?1, (SELECT coalesce(max(revision), 0) + 1 FROM directory_entry WHERE id = ?1), ?2)",
            params![entry.id, text],
        )
        .map_err(failed)?;
    journal(connection, seal, record)?;
    raise(connection)
}

pub fn keys(
    connection: &Connection,
    seal: &dyn Seal,
    keys: &[KeyRecord],
    record: &Record,
) -> Result<(), StoreError> {
    for key in keys {
        let stored = StoredKey {
            pkcs8: key.pkcs8.to_vec(),
            created_at: key.window.created_at,
            not_before: key.window.not_before,
            not_after: key.window.not_after,
            distrusted_at: key.distrusted_at,
        };
        let plain = serde_json::to_vec(&stored).map(Zeroizing::new);
        let plain = plain.map_err(|_| StoreError::Unreadable(KEY))?;
        let sealed = seal
            .seal(Place { column: KEY, row: key.kid.as_bytes() }, &plain)
            .ok_or(StoreError::Unreadable(KEY))?;
        connection
            .execute(
                "INSERT INTO signing_key (kid, record) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET record = excluded.record",
                params![key.kid, sealed],
            )
            .map_err(failed)?;
    }
    journal(connection, seal, record)?;
    raise(connection)
}
