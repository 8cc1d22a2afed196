//! The sealed columns: nothing else is sealed, and all of them are sealed anew when the key changes.

/// A column whose values are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// `table.column`: a part of the seal.
    pub name: &'static str,
    /// Its table.
    pub table: &'static str,
    /// Its name within the table.
    pub column: &'static str,
    /// Columns that name the row and order the table.
    pub key: &'static [&'static str],
    /// What of the row is a part of the seal, as SQL that gives bytes.
    pub row: &'static str,
    /// Whether a value is text: base64, beside records that are JSON and not sealed.
    pub is_text: bool,
}

/// All of them. [`super::KeyFileSeal`] seals for no other place, so that none can be forgotten here.
pub const COLUMNS: [Column; 6] = [
    Column {
        name: "access_request.person",
        table: "access_request",
        column: "person",
        key: &["seq"],
        row: "id",
        is_text: false,
    },
    Column {
        name: "access_request.token",
        table: "access_request",
        column: "token",
        key: &["seq"],
        row: "id",
        is_text: false,
    },
    Column {
        name: "revocation.person",
        table: "revocation",
        column: "person",
        key: &["seq"],
        row: "id",
        is_text: false,
    },
    Column {
        name: "signing_key.record",
        table: "signing_key",
        column: "record",
        key: &["kid"],
        row: "CAST(kid AS BLOB)",
        is_text: false,
    },
    Column {
        name: "registered.record",
        table: "registered",
        column: "record",
        key: &["kind", "id", "revision"],
        row: "CAST(id || '/' || revision AS BLOB)",
        is_text: true,
    },
    Column {
        name: "asynchronous.message",
        table: "asynchronous",
        column: "message",
        key: &["seq"],
        row: "id",
        is_text: false,
    },
];

impl Column {
    /// Whether the rows are numbered, so that a pass can go on behind the last that it saw.
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        self.key == ["seq"]
    }
}

/// Whether values may be sealed for this place.
#[must_use]
pub fn is_listed(name: &str) -> bool {
    COLUMNS.iter().any(|column| column.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_table_and_column_and_stands_once() {
        for (i, column) in COLUMNS.iter().enumerate() {
            assert_eq!(column.name, format!("{}.{}", column.table, column.column));
            assert_eq!(COLUMNS.iter().position(|other| other.name == column.name), Some(i));
        }
        assert!(is_listed("access_request.token") && !is_listed("journal.detail"));
    }
}
