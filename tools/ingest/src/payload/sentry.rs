/*!
Sentry events: as stored, as delivered by webhooks (`data.event`), and with interfaces as `entries[]`. Sentry lists
frames oldest first and exceptions cause first; both orders are reversed.
*/

use crate::moment;
use millwright_model::{ErrorMessage, ExceptionInfo, Frame, Language, StackTrace, TicketFormat, Timestamp};
use serde_json::Value;

use super::{ReadablePayload, owned, scalar, text};
use crate::text::{TextLines, span};
use crate::traces::MAX_FRAMES;

const MAX_EXCEPTIONS: usize = 32;
const MAX_BREADCRUMBS: usize = 30;

pub(super) fn read(value: &Value) -> Option<ReadablePayload> {
    let event = [&["data", "event"][..], &["event"], &["data", "issue"], &[]]
        .into_iter()
        .find_map(|path| path.iter().try_fold(value, |v, key| v.get(key)).filter(|event| is_event(event)))?;
    let exceptions = exceptions(event);
    let language = language(text(event, &["platform"]).unwrap_or(""), &exceptions);
    let title = title(event, &exceptions);
    let mut payload = ReadablePayload::new(TicketFormat::SentryEvent, &title);
    context(event, &mut payload);
    let message = message(event);
    if let Some(message) = &message {
        if *message != title {
            payload.paragraph(message);
        }
        payload.errors.push(ErrorMessage { kind: None, message: message.clone(), span: None });
    }
    if !exceptions.is_empty() {
        let from = TextLines::new(&payload.text).len() + 1;
        let rendered = render(&exceptions);
        payload.paragraph(&rendered);
        let to = TextLines::new(&payload.text).len();
        payload.traces.push(StackTrace { language, exceptions, span: Some(span(from, to)) });
    }
    breadcrumbs(event, &mut payload);
    Some(payload)
}

fn is_event(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some();
    has("exception")
        && (has("event_id")
            || has("platform")
            || has("level")
            || has("timestamp")
            || value.pointer("/exception/values").is_some())
        || has("entries") && value.get("entries").is_some_and(Value::is_array)
        || has("event_id") && (has("message") || has("logentry") || has("platform"))
        || has("culprit") && has("metadata") && has("shortId")
}

/// An interface by name, from the event or from its `entries`.
fn interface<'v>(event: &'v Value, name: &str) -> Option<&'v Value> {
    event.get(name).filter(|value| !value.is_null()).or_else(|| {
        let entries = event.get("entries")?.as_array()?;
        entries.iter().find(|entry| text(entry, &["type"]) == Some(name))?.get("data")
    })
}

fn values(interface: &Value) -> &[Value] {
    interface.get("values").unwrap_or(interface).as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Surfaced exception first.
fn exceptions(event: &Value) -> Vec<ExceptionInfo> {
    let Some(interface) = interface(event, "exception") else { return Vec::new() };
    let platform = text(event, &["platform"]).unwrap_or("");
    let mut list: Vec<ExceptionInfo> =
        values(interface).iter().rev().take(MAX_EXCEPTIONS).map(|value| exception(value, platform)).collect();
    // If the last exception has no frames, they may be in `threads` or at the top of the event.
    if list.iter().all(|e| e.frames.is_empty())
        && let Some(first) = list.first_mut()
    {
        let stack = event.get("stacktrace").or_else(|| {
            let threads = values(self::interface(event, "threads")?);
            threads
                .iter()
                .find(|thread| thread.get("crashed") == Some(&Value::Bool(true)))
                .or(threads.first())?
                .get("stacktrace")
        });
        first.frames = stack.map(|stack| frames(stack, platform)).unwrap_or_default();
    }
    list.retain(|e| !(e.kind.is_empty() && e.message.is_empty() && e.frames.is_empty()));
    list
}

fn exception(value: &Value, platform: &str) -> ExceptionInfo {
    let kind = owned(value, &["type"]).unwrap_or_default();
    // Sentry stores the package of a JVM class separately; for Python, the builtins' module is not useful.
    let module = text(value, &["module"])
        .filter(|module| !module.is_empty() && !matches!(*module, "builtins" | "exceptions" | "__main__"));
    let kind = match module {
        Some(module) if !kind.contains('.') && !kind.is_empty() => format!("{module}.{kind}"),
        _ => kind,
    };
    let message = value.get("value").and_then(scalar).unwrap_or_default();
    let stack =
        value.get("stacktrace").filter(|stack| !stack.is_null()).or_else(|| value.get("raw_stacktrace"));
    ExceptionInfo { kind, message, frames: stack.map(|stack| frames(stack, platform)).unwrap_or_default() }
}

/// Crash site first.
fn frames(stack: &Value, platform: &str) -> Vec<Frame> {
    let list = stack.get("frames").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().rev().take(MAX_FRAMES).map(|value| frame(value, platform)).collect()
}

fn frame(value: &Value, platform: &str) -> Frame {
    let key = |snake: &str, camel: &str| owned(value, &[snake]).or_else(|| owned(value, &[camel]));
    let number = |snake: &str, camel: &str| {
        value
            .get(snake)
            .or_else(|| value.get(camel))
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0)
    };
    let filename = key("filename", "filename");
    let absolute = key("abs_path", "absPath");
    // A JVM frame's `filename` is a bare name, and its module says where the file is. In other languages
    // `filename` is relative to the project and preferable, unless it is a bare name.
    let path = match (&filename, &absolute) {
        (Some(name), Some(path)) if !name.contains(['/', '\\']) && platform != "java" => Some(path.clone()),
        (Some(name), _) => Some(name.clone()),
        (None, path) => path.clone(),
    };
    let path_is_library = path.as_deref().is_some_and(crate::library::path_is_library);
    let context = value.get("context").and_then(Value::as_array).and_then(|lines| {
        let at = number("lineno", "lineNo")?;
        lines
            .iter()
            .find(|pair| pair.get(0).and_then(Value::as_u64) == Some(u64::from(at)))?
            .get(1)?
            .as_str()
            .map(str::to_owned)
    });
    Frame {
        line: number("lineno", "lineNo"),
        column: number("colno", "colNo"),
        function: owned(value, &["function"]).filter(|name| name != "?"),
        module: owned(value, &["module"]),
        context_line: key("context_line", "contextLine")
            .or(context)
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty()),
        in_app: value
            .get("in_app")
            .or_else(|| value.get("inApp"))
            .and_then(Value::as_bool)
            .unwrap_or(!path_is_library),
        path,
        mapped: None,
    }
}

fn language(platform: &str, exceptions: &[ExceptionInfo]) -> Language {
    match platform {
        "python" => Language::Python,
        "javascript" | "node" | "react-native" => Language::JavaScript,
        "java" | "kotlin" | "scala" => Language::Jvm,
        "go" => Language::Go,
        "rust" => Language::Rust,
        "csharp" | "dotnet" => Language::DotNet,
        "ruby" => Language::Ruby,
        "php" => Language::Php,
        "native" | "c" | "cocoa" => Language::Native,
        _ => by_extension(exceptions),
    }
}

fn by_extension(exceptions: &[ExceptionInfo]) -> Language {
    let paths = exceptions.iter().flat_map(|e| &e.frames).filter_map(|frame| frame.path.as_deref());
    let mut known = paths.filter_map(|path| {
        let path = path.split(['?', '#']).next()?;
        Some(match path.rsplit_once('.')?.1 {
            "py" => Language::Python,
            "js" | "ts" | "tsx" | "jsx" | "mjs" | "cjs" | "vue" => Language::JavaScript,
            "java" | "kt" | "scala" | "groovy" => Language::Jvm,
            "go" => Language::Go,
            "rs" => Language::Rust,
            "cs" => Language::DotNet,
            "rb" => Language::Ruby,
            "php" => Language::Php,
            "c" | "cc" | "cpp" | "h" | "m" | "swift" => Language::Native,
            _ => return None,
        })
    });
    known.next().unwrap_or(Language::Unknown)
}

fn message(event: &Value) -> Option<String> {
    let logged = interface(event, "logentry").or_else(|| interface(event, "message")).unwrap_or(&Value::Null);
    let found = owned(logged, &["formatted"]).or_else(|| owned(logged, &["message"]));
    found.or_else(|| logged.as_str().map(str::to_owned)).filter(|text| !text.trim().is_empty())
}

fn title(event: &Value, exceptions: &[ExceptionInfo]) -> String {
    let own = text(event, &["title"]).or_else(|| text(event, &["metadata", "title"])).map(str::to_owned);
    own.or_else(|| exceptions.first().map(headline)).or_else(|| message(event)).unwrap_or_default()
}

fn headline(e: &ExceptionInfo) -> String {
    let first = e.message.lines().next().unwrap_or("");
    if first.is_empty() { e.kind.clone() } else { format!("{}: {first}", e.kind) }
}

/// Readable text, one line per frame, with the source line if there is one.
fn render(exceptions: &[ExceptionInfo]) -> String {
    let mut out = String::new();
    for (index, exception) in exceptions.iter().enumerate() {
        if index > 0 {
            out.push_str("Caused by: ");
        }
        out.push_str(&format!("{}: {}\n", exception.kind, exception.message));
        for frame in &exception.frames {
            let function = frame.function.as_deref().unwrap_or("?");
            let place = frame.path.as_deref().or(frame.module.as_deref()).unwrap_or("?");
            let line = frame.line.map(|line| format!(":{line}")).unwrap_or_default();
            out.push_str(&format!(
                "    {function} in {place}{line}{}\n",
                if frame.in_app { "" } else { " (library)" }
            ));
            if let Some(context) = &frame.context_line {
                out.push_str(&format!("        {context}\n"));
            }
        }
    }
    out
}

fn context(event: &Value, payload: &mut ReadablePayload) {
    let tags = tags(event);
    let tag = |name: &str| tags.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let release = owned(event, &["release"])
        .or_else(|| owned(event, &["release", "version"]))
        .or_else(|| tag("release"));
    let context = &mut payload.context;
    context.release = release;
    context.environment = owned(event, &["environment"]).or_else(|| tag("environment"));
    context.service = tag("service")
        .or_else(|| owned(event, &["project_name"]))
        .or_else(|| owned(event, &["projectName"]))
        .or_else(|| owned(event, &["project", "slug"]));
    context.external_id =
        ["event_id", "eventID", "id", "issue_id"].iter().find_map(|key| event.get(key).and_then(scalar));
    context.first_seen =
        time(event, "firstSeen").or_else(|| time(event, "datetime")).or_else(|| timestamp(event));
    context.last_seen = time(event, "lastSeen").or(context.first_seen);
    context.users = ["userCount", "user_count"].iter().find_map(|key| event.get(key).and_then(Value::as_u64));
    let url = interface(event, "request").and_then(|request| owned(request, &["url"]));
    for route in owned(event, &["transaction"]).or_else(|| tag("transaction")).into_iter().chain(url) {
        if !context.routes.contains(&route) {
            context.routes.push(route);
        }
    }
    for key in ["server_name", "platform", "level", "logger"] {
        if let Some(value) = owned(event, &[key]) {
            payload.label(key, &value);
        }
    }
    if let Some(trace) = owned(event, &["contexts", "trace", "trace_id"]) {
        payload.label("trace_id", &trace);
    }
    for (key, value) in &tags {
        payload.label(key, value);
    }
}

/// RFC 3339, or seconds since 1970 as a number.
fn time(event: &Value, key: &str) -> Option<Timestamp> {
    moment(event.get(key)?.as_str()?)
}

fn timestamp(event: &Value) -> Option<Timestamp> {
    match event.get("timestamp")? {
        Value::String(text) => moment(text),
        Value::Number(number) => {
            let millis =
                number.as_f64().filter(|seconds| seconds.is_finite() && seconds.abs() < 1e11)? * 1000.0;
            #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
            jiff::Timestamp::from_millisecond(millis as i64).ok().map(Timestamp::from)
        }
        _ => None,
    }
}

/// `[["k","v"]]`, `[{"key","value"}]` or an object.
fn tags(event: &Value) -> Vec<(String, String)> {
    match event.get("tags") {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|tag| {
                let key = tag.get("key").or_else(|| tag.get(0)).and_then(scalar)?;
                Some((key, tag.get("value").or_else(|| tag.get(1)).and_then(scalar)?))
            })
            .collect(),
        Some(Value::Object(map)) => {
            map.iter().filter_map(|(key, value)| Some((key.clone(), scalar(value)?))).collect()
        }
        _ => Vec::new(),
    }
}

/// The last breadcrumbs before the crash, as log lines.
fn breadcrumbs(event: &Value, payload: &mut ReadablePayload) {
    let Some(interface) = interface(event, "breadcrumbs") else { return };
    let all = values(interface);
    let mut out = String::new();
    for crumb in all.iter().skip(all.len().saturating_sub(MAX_BREADCRUMBS)) {
        let at = crumb.get("timestamp").and_then(scalar).unwrap_or_default();
        let level = text(crumb, &["level"]).unwrap_or("info").to_ascii_uppercase();
        let category = text(crumb, &["category"]).unwrap_or("-");
        let message = text(crumb, &["message"])
            .map(str::to_owned)
            .or_else(|| crumb.get("data").map(Value::to_string))
            .unwrap_or_default();
        let message = crate::text::clip(&message, 500).replace('\n', " ");
        out.push_str(&format!("{at} {level} {category}: {message}\n"));
    }
    payload.paragraph(&out);
}
