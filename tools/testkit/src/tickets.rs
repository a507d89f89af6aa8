/*!
Realistic tickets, incidents and resolutions of one small shop.
*/

use millwright_model::{
    ErrorMessage, ExceptionInfo, Fingerprint, Frame, Language, MappedFrame, NewIncident, NewResolution,
    ParsedTicket, Proof, RepositoryId, StackTrace, TicketContext, TicketFormat,
};

pub fn repository() -> RepositoryId {
    "root:4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap()
}

/// A ticket without text, for a test to complete.
pub fn empty_ticket() -> ParsedTicket {
    ParsedTicket {
        format: TicketFormat::Text,
        title: String::new(),
        text: String::new(),
        symptom: String::new(),
        traces: vec![],
        failing_tests: vec![],
        errors: vec![],
        code: vec![],
        log_spans: vec![],
        context: TicketContext::default(),
        fingerprint: Fingerprint::default(),
        notes: vec![],
    }
}

pub fn prose(title: &str, symptom: &str) -> ParsedTicket {
    ParsedTicket {
        title: title.into(),
        text: format!("{title}\n\n{symptom}"),
        symptom: symptom.into(),
        ..empty_ticket()
    }
}

/// A ticket with a trace through `symbols` (`path::function`, crash site first).
pub fn traced(title: &str, exception: &str, template: &str, symbols: &[&str]) -> ParsedTicket {
    let frames = symbols
        .iter()
        .map(|s| {
            let (path, function) = s.split_once("::").unwrap();
            Frame {
                path: Some(path.into()),
                line: Some(7),
                function: Some(function.into()),
                in_app: true,
                mapped: Some(MappedFrame {
                    path: path.into(),
                    symbol: Some(function.into()),
                    is_test: false,
                }),
                ..Frame::default()
            }
        })
        .collect();
    let functions: Vec<String> =
        symbols.iter().filter_map(|s| s.split_once("::")).map(|s| s.1.into()).collect();
    let value = millwright_model::Evidence::hash(&format!("{exception}{template}{functions:?}"));
    ParsedTicket {
        traces: vec![StackTrace {
            language: Language::Python,
            exceptions: vec![ExceptionInfo { kind: exception.into(), message: template.into(), frames }],
            span: None,
        }],
        errors: vec![ErrorMessage { kind: Some(exception.into()), message: template.into(), span: None }],
        fingerprint: Fingerprint {
            value,
            exception: Some(exception.into()),
            symbols: functions,
            template: Some(template.into()),
        },
        text: format!("{title}\n{exception}: {template}\n  at {}", symbols.join("\n  at ")),
        ..prose(title, "")
    }
}

pub fn incident(ticket: ParsedTicket) -> NewIncident {
    NewIncident {
        repository_name: None,
        repository: Some(repository()),
        source: Some("cli".into()),
        ticket,
        mapped: vec![],
    }
}

/// A resolution with a statement alone, for a test to complete.
pub fn stated(statement: &str, proof: Proof) -> NewResolution {
    NewResolution {
        repository: Some(repository()),
        statement: statement.into(),
        culprit: None,
        units: Vec::new(),
        failing_revision: String::new(),
        fix_diff: String::new(),
        fix_kind: None,
        fix_checks: None,
        failed_fixes: Vec::new(),
        replay: None,
        proof,
    }
}

pub fn resolution(culprit: &str, proof: Proof) -> NewResolution {
    NewResolution {
        culprit: Some(culprit.into()),
        units: vec!["shop/money.py::Money.add".into()],
        failing_revision: "f".repeat(40),
        fix_diff: "--- a/shop/money.py\n+++ b/shop/money.py\n".into(),
        replay: Some(serde_json::json!({"command": "pytest -q"})),
        ..stated(&format!("{culprit} drops the currency before adding"), proof)
    }
}
