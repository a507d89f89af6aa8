/*!
Rows of a result: columns by name, or tuples in the order of the columns.
*/

use millwright_model::{
    AuditId, ConversationId, EvaluationId, FileId, IncidentId, JobId, MessageId, NoteId, ProblemId, ReportId,
    RepositoryId, RepositoryName, ResolutionId, RunId, Timestamp,
};
use std::fmt;
use std::marker::PhantomData;

use sqlx::ColumnIndex;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::postgres::unarmoured;
use crate::StoreError;

pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn try_get<T: ColumnValue>(&self, column: &str) -> Result<T, StoreError> {
        self.at(column)
    }

    fn at<T, I>(&self, column: I) -> Result<T, StoreError>
    where
        T: ColumnValue,
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> + Copy + fmt::Debug,
    {
        let value = match self {
            Self::Sqlite(row) => T::of_sqlite(row, column),
            Self::Postgres(row) => T::of_postgres(row, column),
        };
        value.map_err(|error| match error {
            // The text does not match the current type of the column.
            sqlx::Error::Decode(why) => StoreError::Unreadable {
                what: "the column",
                id: format!("{column:?}"),
                detail: why.to_string(),
            },
            other => StoreError::Sql(other),
        })
    }

    /// A column of bytes, without a copy.
    pub(crate) fn bytes(&self, column: &str) -> Result<&[u8], StoreError> {
        let bytes = match self {
            Self::Sqlite(row) => sqlx::Row::try_get(row, column),
            Self::Postgres(row) => sqlx::Row::try_get(row, column),
        };
        bytes.map_err(StoreError::Sql)
    }
}

/// Types that a column can be read as.
pub(crate) trait ColumnValue: Sized {
    fn of_sqlite(row: &SqliteRow, column: impl ColumnIndex<SqliteRow>) -> Result<Self, sqlx::Error>;
    fn of_postgres(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Self, sqlx::Error>;
}

macro_rules! columns {
    ($($of:ty $(, |$value:ident| $mended:expr)?;)*) => {
        $(impl ColumnValue for $of {
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

macro_rules! columns_of_ids {
    ($($id:ident)*) => {
        $(impl ColumnValue for $id {
            fn of_sqlite(row: &SqliteRow, column: impl ColumnIndex<SqliteRow>) -> Result<Self, sqlx::Error> {
                id_of(String::of_sqlite(row, column)?)
            }
            fn of_postgres(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Self, sqlx::Error> {
                id_of(String::of_postgres(row, column)?)
            }
        }
        impl ColumnValue for Option<$id> {
            fn of_sqlite(row: &SqliteRow, column: impl ColumnIndex<SqliteRow>) -> Result<Self, sqlx::Error> {
                Option::<String>::of_sqlite(row, column)?.map(id_of).transpose()
            }
            fn of_postgres(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Self, sqlx::Error> {
                Option::<String>::of_postgres(row, column)?.map(id_of).transpose()
            }
        })*
    };
}

columns_of_ids! {
    IncidentId RunId ReportId ResolutionId ProblemId RepositoryId MessageId JobId NoteId FileId AuditId EvaluationId
    RepositoryName ConversationId
}

impl ColumnValue for Timestamp {
    fn of_sqlite(row: &SqliteRow, column: impl ColumnIndex<SqliteRow>) -> Result<Self, sqlx::Error> {
        time_of(&String::of_sqlite(row, column)?)
    }
    fn of_postgres(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Self, sqlx::Error> {
        time_of(&String::of_postgres(row, column)?)
    }
}

impl ColumnValue for Option<Timestamp> {
    fn of_sqlite(row: &SqliteRow, column: impl ColumnIndex<SqliteRow>) -> Result<Self, sqlx::Error> {
        Option::<String>::of_sqlite(row, column)?.as_deref().map(time_of).transpose()
    }
    fn of_postgres(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Self, sqlx::Error> {
        Option::<String>::of_postgres(row, column)?.as_deref().map(time_of).transpose()
    }
}

fn time_of(text: &str) -> Result<Timestamp, sqlx::Error> {
    Timestamp::parse(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn id_of<T>(text: String) -> Result<T, sqlx::Error>
where
    T: TryFrom<String, Error: std::error::Error + Send + Sync + 'static>,
{
    T::try_from(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// How the rows of a statement are read.
pub(crate) trait RowReader {
    type Out;
    fn read(row: Row) -> Result<Self::Out, StoreError>;
}

pub(crate) struct WholeRow;
pub(crate) struct TypedRow<T>(PhantomData<T>);
pub(crate) struct FirstColumn<T>(PhantomData<T>);

impl RowReader for WholeRow {
    type Out = Row;
    fn read(row: Row) -> Result<Row, StoreError> {
        Ok(row)
    }
}

impl<T: FromRow> RowReader for TypedRow<T> {
    type Out = T;
    fn read(row: Row) -> Result<T, StoreError> {
        T::from_row(&row)
    }
}

impl<T: ColumnValue> RowReader for FirstColumn<T> {
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
        $(impl<$($column: ColumnValue),+> FromRow for ($($column,)+) {
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
