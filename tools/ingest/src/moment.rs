/*!
Parses times as issue trackers export them: in a dozen formats, without naming the format.
*/

use jiff::Timestamp as Moment;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use millwright_model::Timestamp;

/// Parses the time formats that issue trackers export.
pub fn moment(text: &str) -> Option<Timestamp> {
    read(text.trim()).map(Timestamp::from)
}

fn read(text: &str) -> Option<Moment> {
    if let Ok(at) = text.parse::<Moment>() {
        return Some(at);
    }
    if let Ok(number) = text.parse::<i64>() {
        // Smaller numbers are seconds (until the year 5138), larger ones milliseconds.
        return match number > 100_000_000_000 {
            true => Moment::from_millisecond(number).ok(),
            false => Moment::from_second(number).ok(),
        };
    }
    const ZONED: [&str; 4] =
        ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%:z", "%a, %d %b %Y %T %z"];
    const LOCAL: [&str; 8] = [
        "%d/%b/%y %H:%M",
        "%d/%b/%Y %H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%d/%b/%y %I:%M %p",
        "%m/%d/%Y %H:%M",
        "%m/%d/%Y %H:%M:%S",
    ];
    let zoned = ZONED.iter().find_map(|form| strtime::parse(form, text).ok()?.to_timestamp().ok());
    let local = || {
        LOCAL.iter().find_map(|form| {
            let at = strtime::parse(form, text).ok()?.to_datetime().ok()?;
            Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
        })
    };
    let day = || strtime::parse("%Y-%m-%d", text.get(..10)?).ok()?.to_date().ok();
    let day = || Some(day()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    zoned.or_else(local).or_else(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_trackers_are_read() {
        for (text, expected) in [
            ("30/Sep/21 17:20", "2021-09-30T17:20:00Z"),
            ("2013-05-20T14:03:22Z", "2013-05-20T14:03:22Z"),
            ("2013-05-20 14:03:22 -0700", "2013-05-20T21:03:22Z"),
            ("2013-05-20T14:03:22.000+0000", "2013-05-20T14:03:22Z"),
            ("2013-05-20 14:03:22", "2013-05-20T14:03:22Z"),
            ("2013-05-20", "2013-05-20T00:00:00Z"),
            ("1369058602", "2013-05-20T14:03:22Z"),
        ] {
            assert_eq!(moment(text), Timestamp::parse(expected).ok(), "{text}");
        }
        assert_eq!(moment("last week"), None);
    }
}
