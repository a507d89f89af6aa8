/*!
Rows on their way out: columns by name, or tuples in the order of the columns.
*/

use std::marker::PhantomData;

use sqlx::ColumnIndex;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::postgres::unarmoured;
use crate::store::StoreError;

pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn try_get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        self.at(column)
    }

    fn at<T, I>(&self, column: I) -> Result<T, StoreError>
    where
        T: Column,
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        Ok(match self {
            Self::Sqlite(row) => T::of_sqlite(row, column)?,
            Self::Postgres(row) => T::of_postgres(row, column)?,
        })
    }

    /// A column of bytes, without copying them.
    pub(crate) fn bytes(&self, column: &str) -> Result<&[u8], StoreError> {
        Ok(match self {
            Self::Sqlite(row) => sqlx::Row::try_get(row, column)?,
            Self::Postgres(row) => sqlx::Row::try_get(row, column)?,
        })
    }
}

/// What a column may hold.
pub(crate) trait Column: Sized {
    fn of_sqlite(row: &SqliteRow, column: impl ColumnIndex<SqliteRow>) -> Result<Self, sqlx::Error>;
    fn of_postgres(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Self, sqlx::Error>;
}

macro_rules! columns {
    ($($of:ty $(, |$value:ident| $mended:expr)?;)*) => {
        $(impl Column for $of {
            fn of_sqlite(row: &SqliteRow, column: impl ColumnIndex<SqliteRow>) -> Result<Self, sqlx::Error> {
                sqlx::Row::try_get(row, column)
            }
            fn of_postgres(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Self, sqlx::Error> {
                let value: Self = sqlx::Row::try_get(row, column)?;
                $(let value = { let $value = value; $mended };)?
                Ok(value)
            }
        })*
    };
}

columns! {
    String, |text| unarmoured(text);
    Option<String>, |text| text.map(unarmoured);
    i64;
    Option<i64>;
    f64;
    bool;
}

/// How rows of a statement are read.
pub(crate) trait Read {
    type Out;
    fn read(row: Row) -> Result<Self::Out, StoreError>;
}

pub(crate) struct Whole;
pub(crate) struct As<T>(PhantomData<T>);
pub(crate) struct First<T>(PhantomData<T>);

impl Read for Whole {
    type Out = Row;
    fn read(row: Row) -> Result<Row, StoreError> {
        Ok(row)
    }
}

impl<T: FromRow> Read for As<T> {
    type Out = T;
    fn read(row: Row) -> Result<T, StoreError> {
        T::from_row(&row)
    }
}

impl<T: Column> Read for First<T> {
    type Out = T;
    fn read(row: Row) -> Result<T, StoreError> {
        row.at(0)
    }
}

pub(crate) trait FromRow: Sized {
    fn from_row(row: &Row) -> Result<Self, StoreError>;
}

macro_rules! tuples {
    ($(($($column:ident $at:tt),+))*) => {
        $(impl<$($column: Column),+> FromRow for ($($column,)+) {
            fn from_row(row: &Row) -> Result<Self, StoreError> {
                Ok(($(row.at::<$column, usize>($at)?,)+))
            }
        })*
    };
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
}
