/*!
Helpers of the tests of store and recall: new stores on the engine under test, and realistic tickets.
*/

use millwright_model::{
    ErrorMessage, ExceptionInfo, Fingerprint, Frame, Language, MappedFrame, NewIncident, ParsedTicket, Proof,
    RepositoryId, Scope, StackTrace, TicketContext, TicketFormat,
};
use tempfile::TempDir;

pub(crate) use super::test_server::missing_part::report_missing;
use super::test_server::{SERVER, Server};
use super::{Actor, NewResolution, Store, StoreError};

pub(crate) fn repository() -> RepositoryId {
    "root:4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap()
}
pub(crate) const ANNA: Actor<'static> = Actor { who: "anna@example.org", why: "saw it on the dashboard" };

/// The location of a test's store.
pub(crate) enum Home {
    Folder(TempDir),
    Database(String),
}

impl Home {
    /// The argument for [`open`], to open the same store again.
    pub(crate) fn location(&self) -> String {
        match self {
            Self::Folder(dir) => dir.path().to_str().unwrap().to_owned(),
            Self::Database(url) => url.clone(),
        }
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        match self {
            Self::Folder(dir) => dir.path(),
            Self::Database(_) => panic!("a test of files runs on SQLite only"),
        }
    }

    /// The bytes of SQLite's files; empty for a server.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Folder(dir) => std::fs::read_dir(dir.path())
                .unwrap()
                .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
                .collect(),
            Self::Database(_) => Vec::new(),
        }
    }
}

/// A location for a new store.
pub(crate) fn new_home() -> Home {
    match std::env::var(SERVER) {
        Ok(_) => {
            let server = Server::find().unwrap();
            Home::Database(server.database(&format!("t_{}", uuid::Uuid::new_v4().simple())))
        }
        Err(_) => Home::Folder(TempDir::new().unwrap()),
    }
}

/// The store at a location, with the operator's scope.
pub(crate) async fn open(location: &str) -> Result<Store, StoreError> {
    Store::open(location, Scope::installation("test")).await
}

/// A new store: SQLite, or PostgreSQL if the environment names a server, see `postgres_tests.rs`.
pub(crate) async fn temporary() -> (Store, Home) {
    let home = new_home();
    (open(&home.location()).await.unwrap(), home)
}

pub(crate) fn prose(title: &str, symptom: &str) -> ParsedTicket {
    ParsedTicket {
        format: TicketFormat::Text,
        title: title.into(),
        text: format!("{title}\n\n{symptom}"),
        symptom: symptom.into(),
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

/// A ticket with a trace through `symbols` (`path::function`, crash site first).
pub(crate) fn traced(title: &str, exception: &str, template: &str, symbols: &[&str]) -> ParsedTicket {
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

pub(crate) fn incident(ticket: ParsedTicket) -> NewIncident {
    NewIncident {
        repository_name: None,
        repository: Some(repository()),
        source: Some("cli".into()),
        ticket,
        mapped: vec![],
    }
}

pub(crate) fn resolution(culprit: &str, proof: Proof) -> NewResolution {
    NewResolution {
        repository: Some(repository()),
        statement: format!("{culprit} drops the currency before adding"),
        culprit: Some(culprit.into()),
        units: vec!["shop/money.py::Money.add".into()],
        failing_revision: "f".repeat(40),
        fix_diff: "--- a/shop/money.py\n+++ b/shop/money.py\n".into(),
        fix_kind: None,
        fix_checks: None,
        failed_fixes: Vec::new(),
        replay: Some(serde_json::json!({"command": "pytest -q"})),
        proof,
    }
}
