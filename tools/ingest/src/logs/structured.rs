/*!
Records with named fields: JSON lines and logfmt. The names differ between libraries; the aliases here cover the
common ones (ECS, OpenTelemetry, Docker, Bunyan, pino, zap, logrus, logstash, structlog).
*/

use serde_json::{Map, Value};

use super::header::trace_id;
use super::level::LogLevel;
use super::timestamp::{from_epoch, parse_value};

/// The content of a structured line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StructuredFields {
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) level: Option<LogLevel>,
    pub(crate) service: Option<String>,
    pub(crate) trace_id: Option<String>,
    pub(crate) message: String,
}

const TIME: &[&str] =
    &["ts", "time", "@timestamp", "timestamp", "datetime", "date", "asctime", "eventTime", "t"];
const LEVEL: &[&str] = &[
    "level",
    "severity",
    "lvl",
    "log.level",
    "levelname",
    "loglevel",
    "severity_text",
    "severityText",
    "@level",
];
const MESSAGE: &[&str] =
    &["msg", "message", "body", "log", "event", "@message", "text", "MESSAGE", "short_message"];
const TRACE: &[&str] =
    &["trace_id", "traceId", "trace.id", "traceID", "dd.trace_id", "otelTraceID", "traceid", "X-B3-TraceId"];
const SERVICE: &[&str] = &[
    "service",
    "service.name",
    "service_name",
    "serviceName",
    "app",
    "application",
    "component",
    "container_name",
    "logger",
    "logger_name",
    "name",
    "caller",
    "module",
];
const STACK: &[&str] = &[
    "stack_trace",
    "stacktrace",
    "stack",
    "error.stack_trace",
    "exception",
    "exc_info",
    "traceback",
    "err.stack",
    "error.stack",
];
/// Longer values are not names.
const MAX_NAME: usize = 200;

/// A line that is one JSON object.
pub(crate) fn json(line: &str, reference_ms: i64) -> Option<StructuredFields> {
    if !line.trim_start().starts_with('{') {
        return None;
    }
    let map: Map<String, Value> = serde_json::from_str(line).ok()?;
    let mut message = text(&map, MESSAGE).unwrap_or_default().trim_end().to_owned();
    if message.is_empty() {
        line.trim().clone_into(&mut message);
    }
    if let Some(stack) = text(&map, STACK) {
        message.push('\n');
        message.push_str(stack.trim_end());
    } else if let Some(error) = text(&map, &["error", "err", "error.message", "err.message"]) {
        message.push_str(": ");
        message.push_str(&error);
    }
    let level = LEVEL.iter().find_map(|name| match field(&map, name)? {
        Value::String(name) => LogLevel::parse(name),
        Value::Number(number) => LogLevel::from_number(number.as_i64()?),
        _ => None,
    });
    let timestamp_ms = TIME.iter().find_map(|name| match field(&map, name)? {
        Value::String(text) => parse_value(text, reference_ms),
        Value::Number(number) => from_epoch(number.as_f64()?),
        _ => None,
    });
    let name = |names| text(&map, names).filter(|name| !name.is_empty() && name.len() <= MAX_NAME);
    Some(StructuredFields { timestamp_ms, level, service: name(SERVICE), trace_id: name(TRACE), message })
}

fn text(map: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match field(map, name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Array(lines) if lines.iter().all(Value::is_string) && !lines.is_empty() => {
            Some(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// `a.b` is either a field of that name or a nested field.
fn field<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    map.get(name).or_else(|| {
        let (outer, inner) = name.split_once('.')?;
        map.get(outer)?.as_object()?.get(inner)
    })
}

/// `time=… level=info msg="…"`: pairs from the start, with at least one of the known names.
pub(crate) fn logfmt(line: &str, reference_ms: i64) -> Option<StructuredFields> {
    let mut fields = StructuredFields::default();
    let mut rest = line.trim_start();
    let (mut pairs, mut known, mut error) = (0, false, None);
    while !rest.is_empty() {
        let (key, value, after) = pair(rest)?;
        pairs += 1;
        known |= TIME.contains(&key) || LEVEL.contains(&key) || MESSAGE.contains(&key);
        let short = || (!value.is_empty() && value.len() <= MAX_NAME).then(|| value.clone());
        if TIME.contains(&key) {
            fields.timestamp_ms = fields.timestamp_ms.or_else(|| parse_value(&value, reference_ms));
        } else if LEVEL.contains(&key) {
            fields.level = fields.level.or_else(|| LogLevel::parse(&value));
        } else if MESSAGE.contains(&key) && fields.message.is_empty() {
            fields.message = value;
        } else if TRACE.contains(&key) {
            fields.trace_id = short();
        } else if SERVICE.contains(&key) && fields.service.is_none() {
            fields.service = short();
        } else if matches!(key, "err" | "error") {
            error = Some(value);
        }
        rest = after.trim_start();
    }
    if pairs < 2 || !known {
        return None;
    }
    if fields.message.is_empty() {
        line.trim().clone_into(&mut fields.message);
    } else if let Some(error) = error {
        fields.message.push_str(": ");
        fields.message.push_str(&error);
    }
    fields.trace_id = fields.trace_id.or_else(|| trace_id(line));
    Some(fields)
}

fn pair(text: &str) -> Option<(&str, String, &str)> {
    let equals = text.find(['=', ' '])?;
    let (key, value) = (text.get(..equals)?, text.get(equals..)?.strip_prefix('=')?);
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_.@-/".contains(&byte);
    if key.is_empty() || key.len() > 64 || !key.bytes().all(named) {
        return None;
    }
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find([' ', '\t']).unwrap_or(value.len());
        return Some((key, value.get(..end)?.to_owned(), value.get(end..)?));
    };
    let mut out = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((key, out, quoted.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => out.push(other),
            },
            _ => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_aliases() {
        let line = r#"{"@timestamp":"2026-11-22T10:00:00Z","log":{"level":"error"},"service":{"name":"pay"},"trace":{"id":"abc"},"message":"it broke","error":{"stack_trace":"a\nb"}}"#;
        insta::assert_debug_snapshot!(json(line, 0).unwrap(), @r#"
        StructuredFields {
            timestamp_ms: Some(
                1795341600000,
            ),
            level: Some(
                Error,
            ),
            service: Some(
                "pay",
            ),
            trace_id: Some(
                "abc",
            ),
            message: "it broke\na\nb",
        }
        "#);
        let pino =
            json(r#"{"level":50,"time":1795341600000,"msg":"no","name":"api","traceId":"t1"}"#, 0).unwrap();
        assert_eq!(
            (pino.level, pino.timestamp_ms, pino.trace_id.as_deref()),
            (Some(LogLevel::Error), Some(1_795_341_600_000), Some("t1"))
        );
        assert_eq!(json("{not json", 0), None);
        assert_eq!(json(r#"{"a":1}"#, 0).unwrap().message, r#"{"a":1}"#);
    }

    #[test]
    fn logfmt_pairs() {
        let fields = logfmt(
            r#"time="2026-11-22T10:00:00Z" level=warning msg="slow \"query\"" component=db err=timeout"#,
            0,
        )
        .unwrap();
        assert_eq!(fields.message, "slow \"query\": timeout");
        assert_eq!(
            (fields.level, fields.service.as_deref(), fields.timestamp_ms),
            (Some(LogLevel::Warn), Some("db"), Some(1_795_341_600_000))
        );
        for plain in ["a=b", "uid=0 euid=0 tty=x", "level=info then prose", "msg=\"open", "", "=x level=info"]
        {
            assert_eq!(logfmt(plain, 0), None, "{plain}");
        }
    }
}
