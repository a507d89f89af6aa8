/*!
Points in time. The whole workspace uses this one type, so that no two places compare times in different notations: as
text it is RFC 3339 in UTC with six fractional digits, so texts sort in the order of time.
*/

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a time: write it as 2026-11-30T08:15:00Z, or with an offset as 2026-11-30T09:15:00+01:00"
)]
pub struct InvalidTimestamp {
    /// The beginning of what was given.
    pub text: String,
}

/// A moment, to the microsecond, which is what every database keeps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Before everything that ever happened here.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// # Errors
    /// When the text is not RFC 3339 with `Z` or an offset.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let moment = text.trim().parse::<jiff::Timestamp>();
        moment.map(Self::from).map_err(|_| InvalidTimestamp { text: text.chars().take(80).collect() })
    }

    /// A time that was stored as an outside text told it: before times were read on arrival, any text was kept. Text that
    /// is not a time tells none.
    pub fn parse_stored(text: Option<&str>) -> Option<Self> {
        Self::parse(text?).ok()
    }

    pub fn as_jiff(self) -> jiff::Timestamp {
        self.0
    }

    /// Seconds since 1970; `None` beyond the years that dates are written in.
    pub fn from_second(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(Self::from)
    }

    pub fn as_second(self) -> i64 {
        self.0.as_second()
    }

    pub fn as_millisecond(self) -> i64 {
        self.0.as_millisecond()
    }

    /// So much later; the last moment there is where that would be beyond it.
    #[must_use]
    pub fn later_by(self, wait: Duration) -> Self {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        Self::from(self.0.checked_add(wait).unwrap_or(jiff::Timestamp::MAX))
    }

    /// So much earlier; the first moment there is where that would be before it.
    #[must_use]
    pub fn earlier_by(self, time: Duration) -> Self {
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        Self::from(self.0.checked_sub(time).unwrap_or(jiff::Timestamp::MIN))
    }

    /// How long after an earlier moment this is; negative where that one is later.
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }

    /// The day in UTC, as `2026-11-30`.
    pub fn day(self) -> String {
        self.0.to_zoned(TimeZone::UTC).date().to_string()
    }
}

impl From<jiff::Timestamp> for Timestamp {
    /// Rounds down to the microsecond, so that what was stored equals what is read back.
    fn from(moment: jiff::Timestamp) -> Self {
        Self(jiff::Timestamp::from_microsecond(moment.as_microsecond()).unwrap_or(moment))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        Self::parse(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// [`Timestamp::parse_stored`] for serde.
pub(crate) fn deserialize_stored<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<Cow<'_, str>>::deserialize(deserializer)?;
    Ok(Timestamp::parse_stored(text.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_sort_as_moments_whatever_the_offset_they_were_told_with() {
        let told = ["2026-11-30T09:15:00+02:00", "2026-11-30T07:15:00.5Z", "2026-11-30T08:00:00Z"];
        let moments: Vec<Timestamp> = told.iter().map(|text| Timestamp::parse(text).unwrap()).collect();
        assert!(moments.is_sorted());
        let texts: Vec<String> = moments.iter().map(Timestamp::to_string).collect();
        assert!(texts.is_sorted());
        assert_eq!(texts[0], "2026-11-30T07:15:00.000000Z");
        assert_eq!(moments[0].day(), "2026-11-30");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "yesterday", "2026-11-30", "2026-11-30T08:15:00", "2026-13-01T00:00:00Z"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
        let wrong = serde_json::from_str::<Timestamp>("\"soon\"").unwrap_err();
        assert!(wrong.to_string().contains("\"soon\" is not a time"), "{wrong}");
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let moment = Timestamp::from(jiff::Timestamp::new(1_800_000_000, 123_456_789).unwrap());
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert!(moment.later_by(Duration::MAX) > moment && moment.earlier_by(Duration::MAX) < moment);
    }
}
