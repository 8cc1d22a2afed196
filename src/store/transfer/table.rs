//! The tables as they move: one description for every engine, held against the schemas by `tests/transfer.rs`.

/// A column with the kind of its values; in either engine a value may be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// 64 bits with a sign.
    Number(&'static str),
    /// UTF-8.
    Text(&'static str),
    /// Bytes.
    Bytes(&'static str),
}

use Column::{Bytes as B, Number as N, Text as T};

impl Column {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Number(name) | Self::Text(name) | Self::Bytes(name) => name,
        }
    }
}

/// A table of the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, as `SQLite` has it.
    pub name: &'static str,
    /// What names a row, in the order in which rows move: texts by their bytes.
    pub key: &'static [Column],
    /// The other columns.
    pub rest: &'static [Column],
}

impl Table {
    /// All columns, the key first: the order of the values of a row that moves.
    pub fn columns(&self) -> impl Iterator<Item = Column> + Clone {
        self.key.iter().chain(self.rest).copied()
    }

    /// Whether a text is among what orders it: `PostgreSQL` then has no index by the bytes.
    #[must_use]
    pub fn is_ordered_by_text(&self) -> bool {
        self.key.iter().any(|column| matches!(column, T(_)))
    }
}

const fn table(name: &'static str, key: &'static [Column], rest: &'static [Column]) -> Table {
    Table { name, key, rest }
}

/// Where a node's own chain of the journal stands; `PostgreSQL` has all chains in one table, told apart by `node`.
pub const JOURNAL: &str = "journal";
/// The heads of it.
pub const HEADS: &str = "journal_head";
/// The chains of all other nodes: they move one after the other.
pub const JOURNAL_OF_NODE: &str = "journal_of_node";
/// The heads of those.
pub const HEADS_OF_NODE: &str = "journal_head_of_node";
/// Numbers that go on. On `PostgreSQL` what was handed on of a chain carries the name of its node.
pub const COUNTER: &str = "counter";
/// Who is suspended; on `PostgreSQL` also those who are not, for rows that grants hold on to.
pub const SUSPENSION: &str = "suspension";
/// Its numbers are given by the engine on `SQLite`, and by a row of [`COUNTER`] on `PostgreSQL`.
pub const STATUS_CHANGE: &str = "status_change";

const RECORD: [Column; 13] = [
    N("at"),
    T("kind"),
    T("operator"),
    B("decision"),
    T("sender"),
    T("message_id"),
    B("message"),
    T("service"),
    B("request"),
    N("subject"),
    T("outcome"),
    T("detail"),
    B("chain"),
];

/// All tables that move, small ones first: a mistake shows early.
pub const TABLES: [Table; 22] = [
    table("registry_version", &[N("version")], &[]),
    table("registered", &[T("kind"), T("id"), N("revision")], &[N("at"), T("record")]),
    table("signing_key", &[T("kid")], &[B("record")]),
    table("operator_guard", &[T("name")], &[N("wrong"), N("until")]),
    table(
        "approval",
        &[B("id")],
        &[
            T("act"),
            B("digest"),
            T("asked_by"),
            N("asked"),
            N("until"),
            T("approved_by"),
            N("approved"),
            N("done"),
        ],
    ),
    table(SUSPENSION, &[T("sender")], &[N("since")]),
    table(COUNTER, &[T("name")], &[N("next")]),
    table("job", &[N("id")], &[N("due"), N("task"), B("request"), N("tries")]),
    table("hold", &[N("subject"), N("kind"), N("since")], &[N("until")]),
    table("withdrawal", &[N("subject"), T("bin")], &[N("at")]),
    table("budget", &[B("holder"), N("day")], &[N("asked")]),
    table("heard_sms", &[T("sms")], &[N("at")]),
    table("message", &[T("sender"), T("message_id")], &[B("body"), N("at")]),
    table(
        "asynchronous",
        &[N("seq")],
        &[
            B("id"),
            B("chain"),
            B("sender"),
            B("digest"),
            N("since"),
            N("state"),
            N("begun"),
            B("request"),
            B("theirs"),
            B("message"),
        ],
    ),
    table(
        "revocation",
        &[N("seq")],
        &[
            B("id"),
            N("request"),
            T("bin"),
            N("subject"),
            N("filed"),
            T("deadline"),
            N("ends"),
            N("reminded"),
            T("state"),
            N("decided"),
            B("person"),
        ],
    ),
    table(STATUS_CHANGE, &[N("seq")], &[N("idx"), N("standing"), N("ends")]),
    table("subject", &[N("id")], &[B("hash"), N("seen")]),
    table("ovt_use", &[N("until"), B("ovt"), N("subject"), B("services")], &[B("request")]),
    table(
        "access_request",
        &[N("seq")],
        &[
            B("id"),
            T("bin"),
            N("method"),
            N("subject"),
            N("opened"),
            B("live"),
            B("phone"),
            N("told"),
            T("terms"),
            T("consent"),
            N("keeps"),
            N("ended"),
            B("person"),
            B("jti"),
            B("token"),
            N("issued"),
            N("idx"),
        ],
    ),
    table(
        "access",
        &[N("seq")],
        &[N("at"), N("subject"), N("request"), T("service"), T("owner"), T("status")],
    ),
    table(HEADS, &[N("seq")], &[N("at"), T("jws")]),
    table(JOURNAL, &[N("seq")], &RECORD),
];

/// What `SQLite` keeps in tables of its own, and `PostgreSQL` beside the node's own in the same.
pub const OF_NODES: [Table; 2] = [
    table(HEADS_OF_NODE, &[T("node"), N("seq")], &[N("at"), T("jws")]),
    // One node after the other, so by its number alone.
    table(JOURNAL_OF_NODE, &[N("seq")], &RECORD),
];

/// Tables whose rows the engine numbers: it goes on behind the highest number that it ever gave. Each is numbered by the
/// first column of its key.
pub const NUMBERED: [&str; 7] =
    ["job", "asynchronous", "revocation", STATUS_CHANGE, "subject", "access_request", "access"];

/// Tables that one engine alone has and that do not move, with the reason.
pub const STAYING: [(&str, &str); 5] = [
    ("schema_version", "SQLite has the number in the head of the file"),
    ("node", "who works on due jobs now: nobody does during a move"),
    ("ovt_limit", "rows that a count holds on to: it makes them"),
    ("asynchronous_taking", "rows that a count holds on to: it makes them"),
    ("journal_end", "the end of each chain, once more: it follows from the journal"),
];

/// Columns that one engine alone has, beside `node` of the journal.
pub const STAYING_COLUMNS: [(&str, &str, &str); 1] =
    [("job", "node", "who works on it: nobody does during a move")];
