/*!
Artifacts of runs, stored if several machines work on one database and a run may continue on another. They are deleted
with their run, or when it ends.
*/

use millwright_model::RunId;

use super::codec::now;
use super::db::{WriteTurn, query, query_as};
use super::{DatabaseLocation, Store, StoreError};
use crate::scope::ScopedRow;

impl Store {
    /// Whether other machines may work on the same store.
    pub fn is_shared(&self) -> bool {
        matches!(*self.place, DatabaseLocation::Server(_))
    }

    /// Stores files of a run by name; a later file with the same name replaces it.
    pub async fn keep_run_files(&self, run: &RunId, files: &[(String, String)]) -> Result<(), StoreError> {
        self.require(ScopedRow::Run, run.as_str()).await?;
        let mut tx = self.begin(WriteTurn::Run(run)).await?;
        for (name, text) in files {
            query(
                "INSERT INTO run_files (run_id, name, updated_at, body) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (run_id, name) DO UPDATE SET updated_at = excluded.updated_at, body = excluded.body",
            )
            .bind(run)
            .bind(name)
            .bind(now())
            .bind(text)
            .execute(&mut tx)
            .await?;
        }
        tx.commit().await
    }

    /// Name and text of each.
    pub async fn run_files(&self, run: &RunId) -> Result<Vec<(String, String)>, StoreError> {
        self.require(ScopedRow::Run, run.as_str()).await?;
        query_as("SELECT name, body FROM run_files WHERE run_id = $1 ORDER BY name")
            .bind(run)
            .fetch_all(&self.read)
            .await
    }
}
