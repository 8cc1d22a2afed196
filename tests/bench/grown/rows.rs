//! What the benchmark reads of a database beside the service.

use crate::installation::Installation;
use crate::server::Session;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

/// A connection that only reads.
pub enum Rows {
    File(Connection),
    Server(Session),
}

impl Rows {
    pub fn of(installation: &Installation) -> Self {
        match installation.server() {
            Some(server) => Self::Server(server.session()),
            None => Self::File(file(installation)),
        }
    }

    /// The number that a query gives.
    pub fn number(&self, sql: &str) -> usize {
        match self {
            Self::File(database) => database.query_row(sql, [], |row| row.get(0)).expect("a number"),
            Self::Server(session) => {
                session.value(sql).and_then(|number| number.parse().ok()).expect("a number")
            }
        }
    }

    /// The id of the request with this number, if there is one.
    pub fn id(&self, seq: usize) -> Option<[u8; 16]> {
        match self {
            Self::File(database) => {
                let mut find = database.prepare_cached("SELECT id FROM access_request WHERE seq = ?1");
                let find = find.as_mut().expect("a statement");
                find.query_row([seq], |row| row.get(0)).optional().expect("the database reads")
            }
            Self::Server(session) => {
                let sql = format!("SELECT encode(id, 'hex') FROM access_request WHERE seq = {seq}");
                let digits = session.value(&sql)?;
                Some(u128::from_str_radix(&digits, 16).expect("digits").to_be_bytes())
            }
        }
    }
}

/// A connection to the file of an installation that has one.
pub fn file(installation: &Installation) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(installation.database(), flags).expect("the database is there")
}
