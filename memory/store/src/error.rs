/*!
The errors of the store, for a person: each variant says what happened and how to fix it.

`db/translate.rs` alone translates the engines' errors into these, so that the rest of the workspace never inspects a
database error.
*/

use millwright_model::IncidentId;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the database {path} is damaged ({detail}); move it and its -wal and -shm files away and start again, \
         then restore a backup, or import an export with `millwright memory import`"
    )]
    Corrupt { path: String, detail: String },
    #[error(
        "cannot write in {path} ({detail}); give this user write permission, or choose another folder with --data-dir"
    )]
    ReadOnly { path: String, detail: String },
    #[error("no space left for {path}; free some disk space and repeat: nothing was half-written")]
    DiskFull { path: String },
    #[error(
        "cannot open {path} ({detail}); check that the folder exists and may be read, or choose another with --data-dir"
    )]
    CannotOpen { path: String, detail: String },
    #[error(
        "{path} was written by a newer millwright (its schema has step {version}, this one knows {known}); \
         update this millwright, or use another --data-dir"
    )]
    Newer { path: String, version: i64, known: i64 },
    #[error("{path} is a SQLite database, but not millwright's ({detail}); choose another --data-dir")]
    NotOurs { path: String, detail: String },
    #[error(
        "cannot bring {path} up to date ({detail}); restore a backup, or use the millwright that wrote it"
    )]
    Migration { path: String, detail: String },
    #[error(
        "the store url {url:?} is not understood ({detail}); use a folder, sqlite:///path/to/millwright.db or \
         postgres://user@host:5432/database"
    )]
    BadUrl { url: String, detail: String },
    #[error("the PostgreSQL database {server} cannot be used ({detail}); {mend}")]
    Server { server: String, detail: String, mend: &'static str },
    #[error(
        "the PostgreSQL database {server} does not answer ({detail}); check that PostgreSQL runs there and can be reached \
         from here, and that store.url names it; nothing was half-written"
    )]
    Away { server: String, detail: String },
    #[error("the connection to the database was lost ({detail}); nothing was half-written: repeat")]
    Lost { detail: String },
    #[error(
        "another process locks the database for too long; try again, or look for a millwright process that hangs"
    )]
    Busy,
    #[error("there is no {what} {id}{}", lists(what))]
    NotFound { what: &'static str, id: String },
    #[error(
        "this link was used already, and each link works once; anyone who has an account can still judge the answer there"
    )]
    LinkSpent,
    #[error(
        "this concerns the whole installation, but this token is bound to some of its repositories; use a \
         token that is not bound"
    )]
    OutsideScope,
    #[error("{id} matches several ids: {candidates}; give more of the id")]
    Ambiguous { id: String, candidates: String },
    #[error("run {run} went on elsewhere (next event is {found}, not {expected}); read its events again")]
    Conflict { run: String, expected: i64, found: i64 },
    /// Another report was delivered under this id before.
    #[error("another report was delivered with the same id before; give each report its own id")]
    OtherContent { incident: Option<IncidentId> },
    #[error("{what} has {found} bytes, at most {limit} are kept; shorten it")]
    TooLarge { what: &'static str, found: usize, limit: usize },
    #[error(
        "{what} {id} cannot be read ({detail}); it was written by another version, or the database is damaged"
    )]
    Unreadable { what: &'static str, id: String, detail: String },
    #[error("line {line} of the import: {detail}; lines before it are imported; fix it and repeat")]
    BadImport { line: u64, detail: String },
    #[error("reading or writing the file: {0}; check the path and the space left")]
    Io(#[from] std::io::Error),
    #[error("the database refused: {0}; this is a bug in millwright, please report it")]
    Sql(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether a retry a little later may succeed without a fix.
    pub fn is_transient(&self) -> bool {
        self.shared().is_some()
    }

    /// The same error for another caller that waits for the same result; `None` if the error concerns one request
    /// only.
    pub fn shared(&self) -> Option<Self> {
        match self {
            Self::Busy => Some(Self::Busy),
            Self::Lost { detail } => Some(Self::Lost { detail: detail.clone() }),
            Self::Away { server, detail } => {
                Some(Self::Away { server: server.clone(), detail: detail.clone() })
            }
            _ => None,
        }
    }

    pub(crate) fn no_answer(server: &str, patience: Duration) -> Self {
        Self::Away {
            server: server.to_owned(),
            detail: format!("there was no answer within {} s", patience.as_secs()),
        }
    }
}

/// Whether an error comes from a store that is down or busy for a while, so that a retry may succeed. Searches all
/// sources of the error.
pub fn is_transient(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<StoreError>())
        .any(StoreError::is_transient)
}

/// Where the ids of a kind are listed, as a hint after an error.
fn lists(what: &str) -> &'static str {
    match what {
        "incident" | "resolution" | "resolution of incident" => {
            "; `millwright memory list` shows what there is"
        }
        "valid token" => "; `millwright token list` shows what there is",
        "version of the weights" => "; `millwright memory weights list` shows what there is",
        // Pages and programs supply these ids, not persons.
        _ => "",
    }
}
