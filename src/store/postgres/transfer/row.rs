//! Rows that move, as the driver has them.

use super::super::fault::failed;
use crate::store::StoreError;
use crate::store::transfer::table::Column;
use crate::store::transfer::{Part, Row, Value};
use bytes::BytesMut;
use std::error::Error;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// The type of a column.
pub fn type_of(column: Column) -> Type {
    match column {
        Column::Number(_) => Type::INT8,
        Column::Text(_) => Type::TEXT,
        Column::Bytes(_) => Type::BYTEA,
    }
}

/// The first values of a row.
pub fn read(row: &tokio_postgres::Row, count: usize) -> Result<Row, StoreError> {
    (0..count).map(|at| row.try_get(at).map_err(failed)).collect()
}

/// The values of a statement.
pub fn values(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// Whether the server can keep the texts: it has no place for U+0000.
///
/// # Errors
/// [`StoreError::Setup`] names the table.
pub fn storable(part: &Part, rows: &[Row]) -> Result<(), StoreError> {
    let has_zero = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    if rows.iter().flatten().any(has_zero) {
        let table = part.table.name;
        return Err(StoreError::Setup(format!("{table}: a text holds U+0000, which PostgreSQL cannot keep")));
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::None => Ok(IsNull::Yes),
            Self::Number(number) => number.to_sql_checked(ty, out),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Value {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Self::Number(i64::from_sql(ty, raw)?),
            Type::TEXT => Self::Text(String::from_sql(ty, raw)?),
            _ => Self::Bytes(raw.to_vec()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::None)
    }

    fn accepts(ty: &Type) -> bool {
        <Self as ToSql>::accepts(ty)
    }
}
