/*!
Times at the start of log lines, in the formats that occur in practice. Parsed by hand, because this runs for every
line.

A time without a zone is taken as UTC. A date without a year gets the latest year in which it is not after the
reference time (the file's modification time), as syslog intends.
*/

/// Milliseconds since the Unix epoch, and the end of the time in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParsedTimestamp {
    /// `None` for a time of day without a date.
    pub(crate) ms: Option<i64>,
    pub(crate) end: usize,
    pub(crate) format: StampFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StampFormat {
    Iso,
    Syslog,
    Epoch,
    Glog,
    Other,
}

const MONTHS: &[&[u8]] =
    &[b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: &[&[u8]] = &[b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const DAY_MS: i64 = 86_400_000;
const YEAR_MS: i64 = 365 * DAY_MS;

/// The time that begins at `at`, possibly after an opening bracket or quote.
pub(crate) fn parse_at(line: &[u8], at: usize, reference_ms: i64) -> Option<ParsedTimestamp> {
    let at = at + usize::from(matches!(line.get(at), Some(b'[' | b'(' | b'"' | b'<')));
    let first = *line.get(at)?;
    let mut stamp = if first.is_ascii_digit() {
        numeric(line, at, reference_ms)?
    } else {
        named(line, at, reference_ms).or_else(|| glog(line, at, reference_ms))?
    };
    while matches!(line.get(stamp.end), Some(b']' | b')' | b'"' | b'>')) {
        stamp.end += 1;
    }
    Some(stamp)
}

/// A complete string or number that is a time, as in JSON fields.
pub(crate) fn parse_value(text: &str, reference_ms: i64) -> Option<i64> {
    parse_at(text.trim().as_bytes(), 0, reference_ms).and_then(|stamp| stamp.ms)
}

/// Seconds, milliseconds, microseconds or nanoseconds since the epoch, distinguished by magnitude (years 2001 to
/// 2100).
pub(crate) fn from_epoch(number: f64) -> Option<i64> {
    let scale = match number {
        n if (1e9..4.2e9).contains(&n) => 1e3,
        n if (1e12..4.2e12).contains(&n) => 1.0,
        n if (1e15..4.2e15).contains(&n) => 1e-3,
        n if (1e18..4.2e18).contains(&n) => 1e-6,
        _ => return None,
    };
    Some((number * scale).round() as i64)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date_ms(year: i64, month: i64, day: i64) -> Option<i64> {
    ((1..=12).contains(&month) && (1..=31).contains(&day) && (1970..=2200).contains(&year))
        .then(|| days_from_civil(year, month, day) * DAY_MS)
}

/// The latest year in which this month and day are not after the reference.
fn yearless_ms(month: i64, day: i64, time_ms: i64, reference_ms: i64) -> Option<i64> {
    let year = 1970 + reference_ms.div_euclid(DAY_MS * 365 + DAY_MS / 4);
    let last =
        (year - 1..=year + 1).rev().filter_map(|year| date_ms(year, month, day)).map(|date| date + time_ms);
    last.into_iter()
        .find(|ms| *ms <= reference_ms + DAY_MS)
        .or_else(|| date_ms(year, month, day).map(|ms| ms + time_ms - YEAR_MS))
}

fn digits(line: &[u8], at: usize) -> usize {
    line.get(at..).unwrap_or_default().iter().take(20).take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(line: &[u8], at: usize, length: usize) -> Option<i64> {
    let piece = line.get(at..at + length)?;
    (length > 0 && length <= 18 && piece.iter().all(u8::is_ascii_digit))
        .then(|| piece.iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0')))
}

/// `hh:mm[:ss[.fraction]]` (with colons or dots): milliseconds of the day, and the end.
fn clock(line: &[u8], at: usize) -> Option<(i64, usize)> {
    let separator = *line.get(at + 2)?;
    if digits(line, at) == 6 {
        return compact_clock(line, at);
    }
    if digits(line, at) != 2 || !matches!(separator, b':' | b'.') || digits(line, at + 3) != 2 {
        return None;
    }
    let (hour, minute) = (number(line, at, 2)?, number(line, at + 3, 2)?);
    if line.get(at + 5) != Some(&separator) || digits(line, at + 6) != 2 {
        let plausible = hour < 24 && minute < 60 && separator == b':';
        return plausible.then_some(((hour * 60 + minute) * 60_000, at + 5));
    }
    let second = number(line, at + 6, 2)?;
    let mut ms = ((hour * 60 + minute) * 60 + second) * 1000;
    let mut end = at + 8;
    if matches!(line.get(end), Some(b'.' | b',' | b':')) {
        let length = digits(line, end + 1);
        if length > 0 && length <= 9 {
            let shown = number(line, end + 1, length.min(3))?;
            ms += shown * [0, 100, 10, 1][length.min(3)];
            end += 1 + length;
        }
    }
    (hour < 24 && minute < 60 && second <= 60).then_some((ms, end))
}

fn compact_clock(line: &[u8], at: usize) -> Option<(i64, usize)> {
    let (hour, minute, second) = (number(line, at, 2)?, number(line, at + 2, 2)?, number(line, at + 4, 2)?);
    (hour < 24 && minute < 60 && second <= 60)
        .then_some((((hour * 60 + minute) * 60 + second) * 1000, at + 6))
}

/// Offset from UTC in milliseconds, and the end.
fn zone(line: &[u8], at: usize) -> (i64, usize) {
    let start = if line.get(at) == Some(&b' ') { at + 1 } else { at };
    match line.get(start) {
        Some(b'Z') if !line.get(start + 1).is_some_and(u8::is_ascii_alphanumeric) => (0, start + 1),
        Some(sign @ (b'+' | b'-')) if digits(line, start + 1) == 2 || digits(line, start + 1) == 4 => {
            let hours = number(line, start + 1, 2).unwrap_or_default();
            let colon = usize::from(line.get(start + 3) == Some(&b':'));
            let minutes = number(line, start + 3 + colon, 2);
            let end = start + 3 + minutes.map_or(0, |_| 2 + colon);
            // A dash after a space is usually a field separator: `12:00:00 - 12 …`.
            if start > at && minutes.is_none() || hours > 14 {
                return (0, at);
            }
            let offset = (hours * 60 + minutes.unwrap_or_default()) * 60_000;
            (if *sign == b'-' { -offset } else { offset }, end)
        }
        _ if line.get(start..start + 3) == Some(b"UTC") || line.get(start..start + 3) == Some(b"GMT") => {
            (0, start + 3)
        }
        _ => (0, at),
    }
}

fn numeric(line: &[u8], at: usize, reference_ms: i64) -> Option<ParsedTimestamp> {
    let run = digits(line, at);
    let separator = line.get(at + run).copied().unwrap_or(b' ');
    match (run, separator) {
        (4, b'-' | b'/' | b'.') => {
            let (month, day) = (digits(line, at + 5), 0);
            let day_at = at + 5 + month + 1 + day;
            if !(1..=2).contains(&month) || line.get(at + 5 + month) != Some(&separator) {
                return None;
            }
            let day = digits(line, day_at).min(2);
            let date =
                date_ms(number(line, at, 4)?, number(line, at + 5, month)?, number(line, day_at, day)?)?;
            timed(line, date, day_at + day, StampFormat::Iso)
        }
        (8, b'T' | b'-' | b' ' | b'_') => {
            let date = date_ms(number(line, at, 4)?, number(line, at + 4, 2)?, number(line, at + 6, 2)?)?;
            timed(line, date, at + 8, StampFormat::Other).filter(|stamp| stamp.end > at + 8)
        }
        (6, b' ') if digits(line, at + 7) == 6 => {
            let date =
                date_ms(2000 + number(line, at, 2)?, number(line, at + 2, 2)?, number(line, at + 4, 2)?)?;
            timed(line, date, at + 6, StampFormat::Other)
        }
        (2, b':') => {
            let (_, end) = clock(line, at)?;
            (end >= at + 8).then_some(ParsedTimestamp { ms: None, end, format: StampFormat::Other })
        }
        (1..=2, b'/' | b'-' | b'.') => dayed(line, at, run, separator, reference_ms),
        (10 | 13 | 16 | 19, b' ' | b'.' | b',' | b']' | b'|' | b'\t' | b':') => {
            let fraction = if separator == b'.' { digits(line, at + run + 1) } else { 0 };
            let end = at + run + if fraction > 0 { fraction + 1 } else { 0 };
            let text = std::str::from_utf8(line.get(at..end)?).ok()?;
            Some(ParsedTimestamp {
                ms: Some(from_epoch(text.parse().ok()?)?),
                end,
                format: StampFormat::Epoch,
            })
        }
        (10 | 13 | 16 | 19, _) if at + run == line.len() => Some(ParsedTimestamp {
            ms: Some(from_epoch(number(line, at, run)? as f64)?),
            end: at + run,
            format: StampFormat::Epoch,
        }),
        _ => None,
    }
}

/// Dates that begin with a day or a month, or have a two-digit year.
fn dayed(line: &[u8], at: usize, run: usize, separator: u8, reference_ms: i64) -> Option<ParsedTimestamp> {
    let first = number(line, at, run)?;
    let next = at + run + 1;
    if let Some(month) = line.get(next..next + 3).and_then(month) {
        // 10/Oct/2000:13:55:36 -0700, 10-Oct-2000 13:55:36
        let year_at = next + 4;
        let date = date_ms(number(line, year_at, 4)?, month, first)?;
        return timed(line, date, year_at + 4, StampFormat::Other);
    }
    let second_run = digits(line, next);
    let second = number(line, next, second_run)?;
    let after = next + second_run;
    if !(1..=2).contains(&second_run) {
        return None;
    }
    if line.get(after) != Some(&separator) {
        // 03-17 16:13:38.811, 10.30 16:49:06: month and day without a year.
        let (time, end) = clock(line, after + 1).filter(|_| line.get(after) == Some(&b' '))?;
        let ms = yearless_ms(first, second, time, reference_ms).filter(|_| end >= after + 9)?;
        return Some(ParsedTimestamp { ms: Some(ms), end, format: StampFormat::Other });
    }
    let third_run = digits(line, after + 1);
    let third = number(line, after + 1, third_run)?;
    let (year, month, day) = match third_run {
        4 if separator == b'/' && first <= 12 => (third, first, second),
        4 => (third, second, first),
        // 17/06/09 20:10:40: log4j's `yy/MM/dd`.
        2 => (2000 + first, second, third),
        _ => return None,
    };
    timed(line, date_ms(year, month, day)?, after + 1 + third_run, StampFormat::Other)
}

/// A date, with the time of day and zone after it, if they follow.
fn timed(line: &[u8], date: i64, at: usize, format: StampFormat) -> Option<ParsedTimestamp> {
    let start = match line.get(at) {
        Some(b'T' | b't' | b' ' | b'-' | b'_' | b':' | b',') => {
            at + 1 + usize::from(matches!((line.get(at), line.get(at + 1)), (Some(b' ' | b','), Some(b' '))))
        }
        _ => at,
    };
    match clock(line, start).filter(|_| start > at) {
        Some((time, end)) => {
            let (offset, end) = zone(line, end);
            Some(ParsedTimestamp { ms: Some(date + time - offset), end, format })
        }
        None => Some(ParsedTimestamp { ms: Some(date), end: at, format }),
    }
}

fn month(name: &[u8]) -> Option<i64> {
    MONTHS.iter().position(|month| *month == name).and_then(|index| i64::try_from(index + 1).ok())
}

/// `Sun Dec 04 04:47:44[.123] 2005`, `Jun 14 15:16:01`, `Thu, 12 Jan 2026 10:00:00 GMT`.
fn named(line: &[u8], at: usize, reference_ms: i64) -> Option<ParsedTimestamp> {
    let mut at = at;
    if line.get(at..at + 3).is_some_and(|name| DAYS.contains(&name)) {
        at += 3 + usize::from(line.get(at + 3) == Some(&b','));
        at += line.get(at..)?.iter().take_while(|byte| **byte == b' ').count();
        let run = digits(line, at);
        if (1..=2).contains(&run) {
            let month = line.get(at + run + 1..at + run + 4).and_then(month)?;
            let date = date_ms(number(line, at + run + 5, 4)?, month, number(line, at, run)?)?;
            return timed(line, date, at + run + 9, StampFormat::Other);
        }
    }
    let month = line.get(at..at + 3).and_then(month)?;
    let day_at = at + 3 + line.get(at + 3..)?.iter().take_while(|byte| **byte == b' ').count();
    let run = digits(line, day_at);
    let day = number(line, day_at, run).filter(|_| run <= 2 && day_at > at + 3)?;
    let comma = day_at + run + usize::from(line.get(day_at + run) == Some(&b','));
    let year_first = number(line, comma + 1, 4).filter(|_| digits(line, comma + 1) == 4);
    if let Some(year) = year_first {
        // Jan 12, 2026 10:00:00
        return timed(line, date_ms(year, month, day)?, comma + 5, StampFormat::Other);
    }
    let (time, end) = clock(line, comma + 1)?;
    match number(line, end + 1, 4).filter(|_| line.get(end) == Some(&b' ') && digits(line, end + 1) == 4) {
        Some(year)
            if (1970..2200).contains(&year)
                && end + 5 <= line.len()
                && !line.get(end + 5).is_some_and(u8::is_ascii_alphanumeric) =>
        {
            Some(ParsedTimestamp {
                ms: Some(date_ms(year, month, day)? + time),
                end: end + 5,
                format: StampFormat::Other,
            })
        }
        _ => {
            let ms = yearless_ms(month, day, time, reference_ms)?;
            Some(ParsedTimestamp { ms: Some(ms), end, format: StampFormat::Syslog })
        }
    }
}

/// `I1122 23:47:54.123456`, the format of glog and klog.
fn glog(line: &[u8], at: usize, reference_ms: i64) -> Option<ParsedTimestamp> {
    super::level::LogLevel::from_letter(*line.get(at)?)?;
    if digits(line, at + 1) != 4 || line.get(at + 5) != Some(&b' ') {
        return None;
    }
    let (time, end) = clock(line, at + 6).filter(|(_, end)| *end > at + 14)?;
    let ms = yearless_ms(number(line, at + 1, 2)?, number(line, at + 3, 2)?, time, reference_ms)?;
    Some(ParsedTimestamp { ms: Some(ms), end, format: StampFormat::Glog })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T23:47:54Z
    const NOW: i64 = 1_795_391_274_000;

    fn check(text: &str, expected: &str, rest: &str) {
        let stamp = parse_at(text.as_bytes(), 0, NOW).unwrap_or_else(|| panic!("no time in {text}"));
        let shown = jiff::Timestamp::from_millisecond(stamp.ms.unwrap()).unwrap().to_string();
        assert_eq!((shown.as_str(), &text[stamp.end..]), (expected, rest), "{text}");
    }

    #[test]
    fn formats() {
        check("2026-11-22T10:00:01.250Z x", "2026-11-22T10:00:01.25Z", " x");
        check("2026-11-22T10:00:01+02:00 x", "2026-11-22T08:00:01Z", " x");
        check("2015-10-18 18:01:47,978 INFO", "2015-10-18T18:01:47.978Z", " INFO");
        check("2016-09-28 04:30:30, Info", "2016-09-28T04:30:30Z", ", Info");
        check("2005-06-03-15.42.50.675872 R", "2005-06-03T15:42:50.675Z", " R");
        check("2026/11/22 10:00:00 [error]", "2026-11-22T10:00:00Z", " [error]");
        check("20171223-22:15:29:606|Step", "2017-12-23T22:15:29.606Z", "|Step");
        check("081109 203615 148 INFO", "2008-11-09T20:36:15Z", " 148 INFO");
        check("17/06/09 20:10:40 INFO", "2017-06-09T20:10:40Z", " INFO");
        check("03-17 16:13:38.811  1702", "2026-03-17T16:13:38.811Z", "  1702");
        check("12-24 16:13:38.811  1702", "2025-12-24T16:13:38.811Z", "  1702");
        check("[10.30 16:49:06] chrome", "2026-10-30T16:49:06Z", " chrome");
        check("Jun 14 15:16:01 combo", "2026-06-14T15:16:01Z", " combo");
        check("[Sun Dec 04 04:47:44 2005] [notice]", "2005-12-04T04:47:44Z", " [notice]");
        check("[10/Oct/2000:13:55:36 -0700] x", "2000-10-10T20:55:36Z", " x");
        check("1117838570 2005", "2005-06-03T22:42:50Z", " 2005");
        check("1795391274.5 x", "2026-11-22T23:47:54.5Z", " x");
        check("1795391274123", "2026-11-22T23:47:54.123Z", "");
        check("I1122 10:00:00.123456   99 a.go:1] x", "2026-11-22T10:00:00.123Z", "   99 a.go:1] x");
        check("22.11.2026 10:00:00 x", "2026-11-22T10:00:00Z", " x");
        check("Thu, 12 Jan 2023 10:00:00 GMT x", "2023-01-12T10:00:00Z", " x");
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "1",
            "hello",
            "12345 apples",
            "10.0.0.1 - -",
            "2026",
            "99:99:99",
            "[",
            "May be",
            "3.14 pi",
            "1-2-3",
        ] {
            let stamp = parse_at(text.as_bytes(), 0, NOW);
            assert!(stamp.is_none_or(|stamp| stamp.ms.is_none()), "{text}: {stamp:?}");
        }
    }
}
