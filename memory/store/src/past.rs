/*!
Knowledge from before this memory: tickets and postmortems of another system. They come without proof, and with
approval only if the file names who gave it.

An entry's id follows from its origin and its name there. So an interrupted import can be repeated, a second import
changes nothing, and an incident that was forgotten here does not come back with the next file.
*/

use millwright_model::{
    Approval, IncidentId, JudgingAuthority, Outcome, PastIncident, Proof, Resolution, TextId,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::audit::{self, AuditedChange};
use super::codec::now;
use super::db::{WriteTransaction, WriteTurn};
use super::{Actor, IncidentState, Store, StoreError, incidents, index, resolutions};
use crate::structure_keys::StructureKeys;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PastSummary {
    pub new_incidents: u64,
    pub new_resolutions: u64,
    /// Of those, confirmed by a person whom the file names.
    pub confirmed: u64,
    /// Already stored here, or present twice in the file.
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

/// The id of a past incident. It is always the same for the same key and time, and sorts among other ids by the time
/// of the incident.
pub fn past_incident_id(past: &PastIncident) -> IncidentId {
    id_as(past)
}

fn id_as<T: TextId>(past: &PastIncident) -> T {
    let digest = Sha256::digest(format!("{}\n{}", T::PREFIX, past.key));
    let tail = digest.iter().take(10).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    let at = past.at.map_or(0, |at| at.as_millisecond().max(0).unsigned_abs());
    T::from_bits(u128::from(at) << 80 | tail)
}

impl Store {
    /// Imports a batch, all of it or nothing.
    pub async fn take_in_past(
        &self,
        past: &[PastIncident],
        dry_run: bool,
        by: Actor<'_>,
    ) -> Result<PastSummary, StoreError> {
        self.require_everything()?;
        let mut summary = PastSummary::default();
        let mut tx = self.begin(WriteTurn::Whole).await?;
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
        tx: &mut WriteTransaction,
        one: &PastIncident,
        by: Actor<'_>,
        summary: &mut PastSummary,
    ) -> Result<(), StoreError> {
        let id = past_incident_id(one);
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
        // There is nothing to investigate about it.
        incident.state = IncidentState::Done;
        let keys = StructureKeys::of(&incident.ticket, &one.incident.mapped);
        incidents::insert(tx, &incident, &keys, self.vector_index()).await?;
        summary.new_incidents += 1;
        let Some(known) = &one.resolution else { return Ok(()) };
        let resolution = Resolution {
            id: id_as(one),
            incident_id: id.clone(),
            repository: incident.repository.clone(),
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
            // The importer chooses the field, and so vouches for it.
            approval_authority: known.confirmed_by.as_ref().map(|_| JudgingAuthority::Admin),
            approval_suffices: known.confirmed_by.is_some(),
            outcome: Outcome::Unknown,
            created_at: one.at.unwrap_or_else(now),
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
        let change = AuditedChange {
            action: "import",
            subject: resolution.id.as_str(),
            incident: Some(&id),
            before: None,
            after: confirmed.as_deref(),
        };
        audit::record(tx, by, change).await
    }
}
