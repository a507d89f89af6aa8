/*!
Homes of new stores, on the engine under test.
*/

use std::path::Path;

use tempfile::TempDir;

use crate::postgres::{PostgresServer, SERVER};

/// The location of a test's store.
pub enum StoreHome {
    Folder(TempDir),
    Database(String),
}

impl StoreHome {
    /// The folder or URL to open the store with; the same store again each time.
    pub fn location(&self) -> String {
        match self {
            Self::Folder(dir) => dir.path().to_str().unwrap().to_owned(),
            Self::Database(url) => url.clone(),
        }
    }

    pub fn path(&self) -> &Path {
        match self {
            Self::Folder(dir) => dir.path(),
            Self::Database(_) => panic!("a test of files runs on SQLite only"),
        }
    }

    /// The bytes of SQLite's files; empty for a server.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Folder(dir) => std::fs::read_dir(dir.path())
                .unwrap()
                .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
                .collect(),
            Self::Database(_) => Vec::new(),
        }
    }
}

/// A location for a new store: SQLite's folder, or a database if [`SERVER`] names a server, see [`hold_on_a_server`].
///
/// [`hold_on_a_server`]: crate::postgres::hold_on_a_server
pub fn new_home() -> StoreHome {
    match std::env::var(SERVER) {
        Ok(_) => {
            let server = PostgresServer::find().unwrap();
            StoreHome::Database(server.database(&format!("t_{}", uuid::Uuid::new_v4().simple())))
        }
        Err(_) => StoreHome::Folder(TempDir::new().unwrap()),
    }
}
