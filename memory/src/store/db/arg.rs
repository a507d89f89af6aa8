/*!
Values on their way into a statement: text, numbers, yes or no, bytes, and the absence of each. Typed absence matters,
because PostgreSQL wants to know what it is that is missing.
*/

use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use super::postgres::armoured;
use crate::store::StoreError;

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
    i64 => Int, |value| Some(value);
    Option<i64> => Int, |value| value;
    bool => Bool, |value| Some(value);
    Vec<u8> => Bytes, |value| Some(value);
    Option<Vec<u8>> => Bytes, |value| value;
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
        .map_err(sqlx::Error::Encode)?;
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
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(all)
}
