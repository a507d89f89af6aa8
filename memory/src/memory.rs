/*!
The facade: memory as the CLI, the service and the agent use it. One value holds the store; recall and the words
of the command line (`confirm`, `reject`, `forget` …) are methods, so that every door does the same.
*/

use std::ops::Deref;

use crate::recall::{self, RecallQuery, Recalled};
use crate::store::{Actor, Store, StoreError};
use crate::types::{Approval, Resolution};

/// What Millwright knows, in one data folder. Everything of [`Store`] can be called on it.
#[derive(Debug, Clone)]
pub struct Memory {
    store: Store,
}

impl Memory {
    /// `location` is a data folder or a `sqlite://` url; both are created where missing.
    pub async fn open(location: &str) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open(location).await? })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Precedents, best first; empty means that there is none.
    pub async fn recall(&self, query: &RecallQuery<'_>) -> Result<Vec<Recalled>, StoreError> {
        recall::recall(&self.store, query).await
    }

    /// A person says that a resolution is right. Takes its id, or an incident's whose best resolution is meant.
    pub async fn confirm(&self, id: &str, by: Actor<'_>) -> Result<Resolution, StoreError> {
        self.approve(id, Approval::Confirmed, by).await
    }

    /// A person says that it was not it. The resolution stays, and is never presented as known again.
    pub async fn reject(&self, id: &str, by: Actor<'_>) -> Result<Resolution, StoreError> {
        self.approve(id, Approval::Rejected, by).await
    }

    async fn approve(&self, id: &str, approval: Approval, by: Actor<'_>) -> Result<Resolution, StoreError> {
        let resolution = match self.store.get_resolution(id).await {
            Ok(resolution) => resolution.id,
            Err(StoreError::NotFound { .. }) => self.only_resolution(id).await?,
            Err(other) => return Err(other),
        };
        let incident = self.store.get_resolution(&resolution).await?.incident_id;
        let recorded = self.store.record_feedback(&incident, Some(&resolution), approval, by).await?;
        recorded.resolution.ok_or(StoreError::NotFound { what: "resolution", id: resolution })
    }

    /// The resolution meant by an incident's id or by a shortened one of its own.
    async fn only_resolution(&self, id: &str) -> Result<String, StoreError> {
        let incident = self.store.resolve_incident_id(id).await?;
        let of_incident = self.store.resolutions(&incident).await?;
        let named: Vec<&Resolution> = of_incident.iter().filter(|r| r.id.ends_with(id.trim())).collect();
        match (named.as_slice(), of_incident.as_slice()) {
            ([one], _) => Ok(one.id.clone()),
            (_, [one]) => Ok(one.id.clone()),
            (_, []) => Err(StoreError::NotFound { what: "resolution of incident", id: incident }),
            (_, several) => {
                let candidates = several.iter().map(|r| r.id.as_str()).collect::<Vec<_>>().join(", ");
                Err(StoreError::Ambiguous { id: id.to_owned(), candidates })
            }
        }
    }

    /// Forgets an incident for real, by its id or a shortened one; returns the full id.
    pub async fn forget(&self, id: &str, by: Actor<'_>) -> Result<String, StoreError> {
        let id = self.store.resolve_incident_id(id).await?;
        self.store.forget(&id, by).await?;
        Ok(id)
    }
}

impl Deref for Memory {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
