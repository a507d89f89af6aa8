/*!
Knowledge from before this memory: tickets and postmortems that another system kept. They come without proof, and with
approval only where the file says who gave it.

An entry's id follows from where it comes from and what it is called there, so an import that was cut short is simply
repeated, one that was made twice changes nothing, and what was forgotten here does not come back with the next file.
*/

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::audit::{self, Change};
use super::codec::{id_of, now};
use super::db::Tx;
use super::{Actor, IncidentState, NewIncident, Store, StoreError, incidents, index, resolutions};
use crate::recall::Keys;
use crate::types::{Approval, Outcome, Proof, Resolution};

/// An incident that was closed elsewhere. All texts must be redacted already.
#[derive(Debug, Clone)]
pub struct PastIncident {
    /// What tells it from all others: the system it comes from and its id there, or its text.
    pub key: String,
    pub at: Option<Timestamp>,
    pub incident: NewIncident,
    pub resolution: Option<PastResolution>,
}

/// What was written down as the cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastResolution {
    pub statement: String,
    pub culprit: Option<String>,
    pub units: Vec<String>,
    /// Who said that it is right.
    pub confirmed_by: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PastSummary {
    pub new_incidents: u64,
    pub new_resolutions: u64,
    /// Of those, confirmed by somebody whom the file names.
    pub confirmed: u64,
    /// Here already, or named twice.
    pub known_incidents: u64,
    /// Left out because they were forgotten here.
    pub forgotten: u64,
}

impl PastSummary {
    pub fn add(&mut self, other: PastSummary) {
        self.new_incidents += other.new_incidents;
        self.new_resolutions += other.new_resolutions;
        self.confirmed += other.confirmed;
        self.known_incidents += other.known_incidents;
        self.forgotten += other.forgotten;
    }
}

impl PastIncident {
    /// The same for the same key and time, for good; sorts among other ids by when it happened.
    pub fn id(&self) -> String {
        self.id_as("inc")
    }

    fn id_as(&self, prefix: &str) -> String {
        let digest = Sha256::digest(format!("{prefix}\n{}", self.key));
        let tail = digest.iter().take(10).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let at = self.at.map_or(0, |at| at.as_millisecond().max(0).unsigned_abs());
        id_of(prefix, u128::from(at) << 80 | tail)
    }
}

impl Store {
    /// Takes in a batch, all of it or nothing.
    pub async fn take_in_past(
        &self,
        past: &[PastIncident],
        dry_run: bool,
        by: Actor<'_>,
    ) -> Result<PastSummary, StoreError> {
        let mut summary = PastSummary::default();
        let mut tx = self.begin().await?;
        for one in past {
            self.take_in_one(&mut tx, one, by, &mut summary).await?;
        }
        if dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
        }
        Ok(summary)
    }

    async fn take_in_one(
        &self,
        tx: &mut Tx,
        one: &PastIncident,
        by: Actor<'_>,
        summary: &mut PastSummary,
    ) -> Result<(), StoreError> {
        let id = one.id();
        if super::transfer::was_forgotten(tx, &id).await? {
            summary.forgotten += 1;
            return Ok(());
        }
        match index::doc_of(tx, &id).await {
            Ok(_) => {
                summary.known_incidents += 1;
                return Ok(());
            }
            Err(StoreError::NotFound { .. }) => {}
            Err(other) => return Err(other),
        }
        let mut incident = incidents::complete(&one.incident);
        incident.id.clone_from(&id);
        // Nothing is to be investigated about it.
        incident.state = IncidentState::Done;
        let keys = Keys::of(&incident.ticket, &one.incident.mapped);
        incidents::insert(tx, &incident, &keys, self.dense()).await?;
        summary.new_incidents += 1;
        let Some(known) = &one.resolution else { return Ok(()) };
        let resolution = Resolution {
            id: one.id_as("res"),
            incident_id: id.clone(),
            repository: incident.repository.clone().unwrap_or_default(),
            statement: known.statement.clone(),
            culprit: known.culprit.clone(),
            units: known.units.clone(),
            failing_revision: String::new(),
            fix_diff: String::new(),
            fix_kind: None,
            fix_checks: None,
            failed_fixes: Vec::new(),
            replay: None,
            proof: Proof::None,
            approval: if known.confirmed_by.is_some() { Approval::Confirmed } else { Approval::None },
            approved_by: known.confirmed_by.clone(),
            outcome: Outcome::Unknown,
            created_at: one.at.map_or_else(now, |at| format!("{at:.6}")),
        };
        if !resolutions::insert(tx, &resolution).await? {
            return Ok(());
        }
        summary.new_resolutions += 1;
        summary.confirmed += u64::from(known.confirmed_by.is_some());
        let doc = index::doc_of(tx, &id).await?;
        index::enter_units(tx, doc, &resolution.units).await?;
        let confirmed =
            known.confirmed_by.as_ref().map(|who| format!("confirmed by {who}, as the file says"));
        let change = Change {
            action: "import",
            subject: &resolution.id,
            incident: Some(&id),
            before: None,
            after: confirmed.as_deref(),
        };
        audit::record(tx, by, change).await
    }
}
