/*!
Log lines inside a ticket: where a record begins, and which level it has. This is just enough to distinguish a log
excerpt from a sentence and an error from other records; the `logs` module reads complete log files.
*/

const LEVELS: &[&str] = &[
    "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL", "SEVERE", "ALERT",
    "EMERG", "PANIC",
];
const ERROR_LEVELS: &[&str] = &["ERROR", "FATAL", "CRITICAL", "SEVERE", "ALERT", "EMERG", "PANIC"];
const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: &[&str] = &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// How much of a line is searched for a level.
const HEAD_BYTES: usize = 120;

/// Whether the line begins a log record: a time stamp, a level, or a structured record.
pub(crate) fn starts_record(line: &str) -> bool {
    let text = line.trim_start_matches(['[', '<', '(', ' ']);
    let Some(first) = text.bytes().next() else { return false };
    match first {
        b'0'..=b'9' => starts_with_time(text),
        b'{' => {
            text.starts_with("{\"")
                && ["\"level\"", "\"msg\"", "\"message\"", "\"severity\"", "\"lvl\""]
                    .iter()
                    .any(|key| text.contains(key))
        }
        b'l' | b't' => ["level=", "ts=", "time="].iter().any(|key| text.starts_with(key)),
        b'A'..=b'Z' => leading_level(text).is_some() || starts_with_month(text) || is_klog(text),
        _ => compose_head(line).is_some_and(starts_record),
    }
}

/// `web_1  | record`
fn compose_head(line: &str) -> Option<&str> {
    let (head, rest) = line.split_once(" | ")?;
    (head.len() <= 40
        && !head.trim().contains(' ')
        && head.trim_end().ends_with(|c: char| c.is_ascii_digit()))
    .then_some(rest)
}

fn starts_with_time(text: &str) -> bool {
    // `0` matches any digit.
    const SHAPES: &[&[u8]] = &[
        b"0000-00-00T00:00",
        b"0000-00-00 00:00",
        b"0000/00/00 00:00",
        b"00:00:00",
        b"00/00/0000 00:00",
        b"00-00-0000 00:00",
        b"00-00 00:00:00",
        b"000000 00:00:00",
        b"0000000000 ",
        b"0000000000.0",
    ];
    let bytes = text.as_bytes();
    let has = |shape: &[u8]| {
        bytes.len() >= shape.len()
            && shape
                .iter()
                .zip(bytes)
                .all(|(want, have)| if *want == b'0' { have.is_ascii_digit() } else { want == have })
    };
    SHAPES.iter().any(|shape| has(shape))
        || has(b"00/") && text.get(3..6).is_some_and(|month| MONTHS.contains(&month))
}

fn starts_with_month(text: &str) -> bool {
    let text = match text.get(..3) {
        Some(day) if DAYS.contains(&day) => text.get(3..).unwrap_or("").trim_start_matches([',', ' ']),
        _ => text,
    };
    text.get(..3).is_some_and(|month| MONTHS.contains(&month))
        && text.get(3..).is_some_and(|rest| {
            let rest = rest.trim_start();
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (1..=2).contains(&digits)
                && rest.get(digits..).is_some_and(|tail| {
                    tail.trim_start().bytes().take(3).eq(*b"00:")
                        || tail.trim_start().as_bytes().get(2) == Some(&b':')
                })
        })
}

/// `E1122 23:24:00.000000`
fn is_klog(text: &str) -> bool {
    text.starts_with(['I', 'W', 'E', 'F'])
        && text.get(1..).is_some_and(|rest| {
            rest.bytes().take(4).all(|b| b.is_ascii_digit()) && rest.as_bytes().get(7) == Some(&b':')
        })
}

fn leading_level(text: &str) -> Option<&'static str> {
    let word = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let level = LEVELS.iter().find(|level| text.get(..word) == Some(level))?;
    let next = text.as_bytes().get(word);
    let unit_test = text.starts_with("ERROR: ") && text.ends_with(')')
        || text.starts_with("ERROR at ")
        || text.starts_with("ERROR collecting");
    (!unit_test && matches!(next, Some(b' ' | b':' | b']' | b'\t' | b'|'))).then_some(*level)
}

/// The message of a log record of level error or worse.
pub(crate) fn error_message(line: &str) -> Option<&str> {
    if !starts_record(line) {
        return None;
    }
    let head = super::text::clip(line, HEAD_BYTES);
    for level in ERROR_LEVELS {
        for (at, _) in head.match_indices(level) {
            let before = head.get(..at).and_then(|text| text.chars().next_back());
            let rest = line.get(at + level.len()..)?;
            let bounded = before.is_none_or(|c| !c.is_alphanumeric())
                && rest.chars().next().is_none_or(|c| !c.is_alphanumeric());
            if bounded {
                return Some(rest.trim_start_matches([']', ':', ' ', '\t', '|', '-', ')', '>']).trim());
            }
        }
    }
    for key in [
        "level=error",
        "level=fatal",
        "\"level\":\"error\"",
        "\"level\": \"error\"",
        "\"severity\":\"ERROR\"",
    ] {
        if line.contains(key) {
            return structured_message(line).or(Some(line));
        }
    }
    None
}

fn structured_message(line: &str) -> Option<&str> {
    for (key, close) in [
        ("msg=\"", '"'),
        ("message=\"", '"'),
        ("\"msg\":\"", '"'),
        ("\"message\":\"", '"'),
        ("\"msg\": \"", '"'),
        ("\"message\": \"", '"'),
    ] {
        if let Some((_, rest)) = line.split_once(key) {
            return rest.split(close).next();
        }
    }
    line.split_once("msg=").and_then(|(_, rest)| rest.split(' ').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_from_sentences() {
        for line in [
            "2024-01-02 10:00:00,123 ERROR foo",
            "[2024-01-02T10:00:00Z] production.ERROR: x",
            "Nov 22 23:24:00 host app[1]: x",
            "10:00:00.123 [main] INFO x",
            "ERROR: something broke",
            "[ERROR] something broke",
            "level=error msg=\"x\"",
            "{\"level\":\"error\",\"msg\":\"x\"}",
            "E1122 23:24:00.123456 1 main.go:3] x",
        ] {
            assert!(starts_record(line), "{line}");
        }
        for line in [
            "The ERROR is gone",
            "3 apples",
            "Information is lost",
            "ERROR: test_x (a.b.C)",
            "{1: 2}",
            "Error: x",
            "May be wrong at 3:00",
        ] {
            assert!(!starts_record(line), "{line}");
        }
    }

    #[test]
    fn messages_of_errors() {
        assert_eq!(
            error_message("2024-01-02 10:00:00,123 ERROR [main] payment failed"),
            Some("[main] payment failed")
        );
        assert_eq!(error_message("level=error ts=1 msg=\"no route\" x=1"), Some("no route"));
        assert_eq!(error_message("2024-01-02 10:00:00 INFO fine"), None);
    }
}
