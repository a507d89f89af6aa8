/*!
The format of values in columns: enums as the words of the report schema, structures as JSON, times and ids so that
text order is time order. One module defines it, so that all tables write a value the same way.
*/

use millwright_model::{TextId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// The current time, by the clock of this machine.
pub fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// A new id; ids sort by the time they were made.
pub(crate) fn new_id<T: TextId>() -> T {
    T::from_bits(uuid::Uuid::now_v7().as_u128())
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Unreadable {
        what: "a value",
        id: "to store".into(),
        detail: e.to_string(),
    })
}

pub(crate) fn from_json<T: DeserializeOwned>(
    what: &'static str,
    id: &(impl AsRef<str> + ?Sized),
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Unreadable {
        what,
        id: id.as_ref().to_owned(),
        detail: e.to_string(),
    })
}

/// The word for an enum value.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(s)) => s,
        _ => String::new(),
    }
}

pub(crate) fn from_word<T: DeserializeOwned>(
    what: &'static str,
    id: &(impl AsRef<str> + ?Sized),
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|e| StoreError::Unreadable {
        what,
        id: id.as_ref().to_owned(),
        detail: e.to_string(),
    })
}
