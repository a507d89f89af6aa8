/*!
How values stand in columns: enums as the words of the report schema, structures as JSON, times and ids so that
text order is time order. One place, so that two tables never spell the same thing differently.
*/

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// RFC 3339, UTC, always six fractional digits: sorts as text.
pub(crate) fn now() -> String {
    format!("{:.6}", Timestamp::now())
}

/// The same form of a time later than another.
pub(crate) fn later(at: Timestamp, wait: Duration) -> String {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    format!("{:.6}", at.checked_add(wait).unwrap_or(Timestamp::MAX))
}

/// `prefix_` and a UUIDv7 in 26 letters of Crockford's base 32: short, without look-alikes, sorted by time.
pub(crate) fn new_id(prefix: &str) -> String {
    id_of(prefix, uuid::Uuid::now_v7().as_u128())
}

/// The same form of other bits, of which the highest 48 are the milliseconds since 1970.
pub(crate) fn id_of(prefix: &str, bits: u128) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letters = (0..26).rev().map(|i| {
        let digit = ((bits >> (5 * i)) & 31) as usize;
        char::from(*ALPHABET.get(digit).unwrap_or(&b'0'))
    });
    format!("{prefix}_{}", letters.collect::<String>())
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
    id: &str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Unreadable {
        what,
        id: id.to_owned(),
        detail: e.to_string(),
    })
}

/// The word an enum is written as.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(s)) => s,
        _ => String::new(),
    }
}

pub(crate) fn from_word<T: DeserializeOwned>(
    what: &'static str,
    id: &str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|e| StoreError::Unreadable {
        what,
        id: id.to_owned(),
        detail: e.to_string(),
    })
}
