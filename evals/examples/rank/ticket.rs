/*! A stand-in for intake: just enough of Python and JVM traces to measure ranking with. */

use millwright_memory::types::*;

pub(crate) fn parse(bytes: &[u8]) -> ParsedTicket {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut traces: Vec<StackTrace> = Vec::new();
    let mut tests = Vec::new();
    let mut errors: Vec<ErrorMessage> = Vec::new();
    let mut symptom = String::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut python: Vec<ExceptionInfo> = Vec::new();
    let mut java: Option<ExceptionInfo> = None;
    let mut in_trace = false;
    let is_error = |line: &str| {
        let head = line.split([':', ' ']).next().unwrap_or("");
        let last = head.rsplit('.').next().unwrap_or("");
        last.starts_with(|c: char| c.is_ascii_uppercase())
            && (last.ends_with("Error")
                || last.ends_with("Exception")
                || last.ends_with("Failure")
                || last.ends_with("Warning")
                || last.ends_with("DoesNotExist")
                || last.ends_with("MultipleObjectsReturned"))
    };
    let split = |line: &str| {
        let (kind, message) = line.split_once(':').unwrap_or((line, ""));
        (kind.trim().to_owned(), message.trim().to_owned())
    };
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(rest) = trimmed.strip_prefix("Failing test: ") {
            let (class, function) = rest.split_once("::").unwrap_or((rest, ""));
            tests.push(test(
                TestFramework::JUnit,
                class.rsplit_once('.').map(|c| c.0),
                class.rsplit('.').next(),
                function,
            ));
            java.take().map(|e| {
                traces.push(StackTrace { language: Language::Jvm, exceptions: vec![e], span: None })
            });
        } else if trimmed.starts_with("ERROR: ") || trimmed.starts_with("FAIL: ") {
            if let Some((name, rest)) = trimmed.split_once(": ").unwrap().1.split_once(" (") {
                let path = rest.split(')').next().unwrap_or("");
                let mut parts: Vec<&str> = path.split('.').collect();
                if parts.last() == Some(&name) {
                    parts.pop();
                }
                let class = parts.pop().unwrap_or("");
                tests.push(test(TestFramework::Unittest, Some(&parts.join(".")), Some(class), name));
            }
        } else if line.starts_with("Traceback") {
            in_trace = true;
        } else if let (true, Some(rest)) = (in_trace, trimmed.strip_prefix("File \"")) {
            let (path, rest) = rest.split_once("\", line ").unwrap_or((rest, ""));
            let (number, function) = rest.split_once(", in ").unwrap_or((rest, ""));
            frames.push(Frame {
                path: Some(path.into()),
                line: number.parse().ok(),
                function: Some(function.into()),
                in_app: path.starts_with("django/") || path.starts_with("tests/"),
                ..Default::default()
            });
        } else if in_trace && line.starts_with("    ") {
            if let Some(last) = frames.last_mut()
                && last.context_line.is_none()
                && trimmed.bytes().any(|b| b.is_ascii_alphanumeric())
            {
                last.context_line = Some(trimmed.into());
            }
        } else if in_trace && is_error(line) {
            let (kind, message) = split(line);
            frames.reverse();
            errors.push(ErrorMessage { kind: Some(kind.clone()), message: message.clone(), span: None });
            python.insert(0, ExceptionInfo { kind, message, frames: std::mem::take(&mut frames) });
            in_trace = false;
        } else if let Some(rest) = trimmed.strip_prefix("at ")
            && rest.contains('(')
        {
            let (name, place) = rest.split_once('(').unwrap();
            let (module, function) = name.rsplit_once('.').unwrap_or(("", name));
            let (file, number) = place.trim_end_matches(')').split_once(':').unwrap_or((place, ""));
            let library =
                ["java.", "junit.", "org.junit", "sun.", "javax."].iter().any(|p| module.starts_with(p));
            java.get_or_insert_default().frames.push(Frame {
                path: Some(file.into()),
                line: number.parse().ok(),
                function: Some(function.into()),
                module: Some(module.into()),
                in_app: !library,
                ..Default::default()
            });
        } else if is_error(trimmed) && !tests.is_empty() && tests[0].framework == TestFramework::JUnit {
            let (kind, message) = split(trimmed);
            errors.push(ErrorMessage { kind: Some(kind.clone()), message: message.clone(), span: None });
            java = Some(ExceptionInfo { kind, message, frames: vec![] });
        } else if is_error(trimmed) && errors.is_empty() {
            let (kind, message) = split(trimmed);
            errors.push(ErrorMessage { kind: Some(kind), message, span: None });
        } else if symptom.is_empty()
            && !trimmed.is_empty()
            && !trimmed.starts_with('[')
            && tests.is_empty()
            && errors.is_empty()
        {
            symptom = trimmed.into();
        }
    }
    java.take().map(|e| traces.push(StackTrace { language: Language::Jvm, exceptions: vec![e], span: None }));
    if !python.is_empty() {
        traces.push(StackTrace { language: Language::Python, exceptions: python, span: None });
    }
    ParsedTicket {
        format: TicketFormat::Text,
        title: text.lines().next().unwrap_or("").into(),
        symptom,
        traces,
        failing_tests: tests,
        errors,
        code: vec![],
        log_spans: vec![],
        context: TicketContext::default(),
        fingerprint: Fingerprint::default(),
        notes: vec![],
        text,
    }
}

fn test(framework: TestFramework, module: Option<&str>, class: Option<&str>, function: &str) -> FailingTest {
    FailingTest {
        framework,
        name: function.into(),
        id: function.into(),
        module: module.map(Into::into),
        class: class.map(Into::into),
        function: Some(function.into()),
        file: None,
    }
}
