/*!
Values for a statement: text, numbers, booleans, bytes, and typed NULLs. NULLs need a type because PostgreSQL asks for
the type of each parameter.
*/

use millwright_model::{
    AuditId, ConversationId, DeploymentId, EvaluationId, FileId, IncidentId, JobId, MessageId, NoteId,
    ProblemId, ReportId, RepositoryId, RepositoryName, ResolutionId, RunId, Timestamp,
};
use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use super::postgres::armoured;
use crate::StoreError;

#[derive(Debug)]
pub(crate) enum Arg {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(Option<bool>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! arg_from {
    ($($from:ty => $variant:ident, |$value:ident| $to:expr;)*) => {
        $(impl From<$from> for Arg {
            fn from($value: $from) -> Self {
                Self::$variant($to)
            }
        })*
    };
}

arg_from! {
    &str => Text, |value| Some(value.to_owned());
    &&str => Text, |value| Some((*value).to_owned());
    String => Text, |value| Some(value);
    &String => Text, |value| Some(value.clone());
    Option<&str> => Text, |value| value.map(str::to_owned);
    Option<String> => Text, |value| value;
    Option<&String> => Text, |value| value.cloned();
    &Option<String> => Text, |value| value.clone();
    Timestamp => Text, |value| Some(value.to_string());
    &Timestamp => Text, |value| Some(value.to_string());
    Option<Timestamp> => Text, |value| value.map(|at| at.to_string());
    &Option<Timestamp> => Text, |value| value.map(|at| at.to_string());
    i64 => Int, |value| Some(value);
    Option<i64> => Int, |value| value;
    bool => Bool, |value| Some(value);
    Vec<u8> => Bytes, |value| Some(value);
    Option<Vec<u8>> => Bytes, |value| value;
}

macro_rules! arg_from_ids {
    ($($id:ident)*) => {
        arg_from! {$(
            &$id => Text, |id| Some(id.as_str().to_owned());
            &&$id => Text, |id| Some(id.as_str().to_owned());
            $id => Text, |id| Some(id.into());
            Option<&$id> => Text, |id| id.map(|id| id.as_str().to_owned());
            Option<$id> => Text, |id| id.map(String::from);
            &Option<$id> => Text, |id| id.as_ref().map(|id| id.as_str().to_owned());
        )*}
    };
}

arg_from_ids! {
    IncidentId RunId ReportId ResolutionId ProblemId RepositoryId MessageId JobId NoteId FileId AuditId EvaluationId DeploymentId
    RepositoryName ConversationId
}

pub(super) fn sqlite(args: Vec<Arg>) -> Result<SqliteArguments, StoreError> {
    let mut all = SqliteArguments::default();
    for arg in args {
        match arg {
            Arg::Text(value) => all.add(value),
            Arg::Int(value) => all.add(value),
            Arg::Bool(value) => all.add(value),
            Arg::Bytes(value) => all.add(value),
        }
        .map_err(|error| StoreError::Sql(sqlx::Error::Encode(error)))?;
    }
    Ok(all)
}

pub(super) fn postgres(args: Vec<Arg>) -> Result<PgArguments, StoreError> {
    let mut all = PgArguments::default();
    for arg in args {
        match arg {
            Arg::Text(value) => all.add(value.map(armoured)),
            Arg::Int(value) => all.add(value),
            Arg::Bool(value) => all.add(value),
            Arg::Bytes(value) => all.add(value),
        }
        .map_err(|error| StoreError::Sql(sqlx::Error::Encode(error)))?;
    }
    Ok(all)
}
