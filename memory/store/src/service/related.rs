/*!
Incidents of the same failure with different readers. They stay separate, so that no channel sees what another one
said, and are stored as related for signed-in users.
*/

use std::collections::{BTreeMap, BTreeSet};

use millwright_model::{Audience, ConversationId, IncidentId, Timestamp};

use super::super::codec::from_word;
use super::super::db::{AssertSqlSafe, WriteTransaction, marks, query, query_as, query_scalar};
use super::super::{Store, StoreError};
use super::ingest::may_be_joined;
use super::{IncomingReport, SHARED_KEY};

/// Most related incidents that are listed for one.
const MOST: i64 = 20;
/// Most keys in one statement; each key has one form for each audience.
const KEYS_AT_ONCE: usize = 1_000;

impl Store {
    /// Incidents that would be one with this one if they had the same readers; newest first.
    pub async fn related_incidents(&self, incident: &IncidentId) -> Result<Vec<IncidentId>, StoreError> {
        self.require_incident(incident).await?;
        let sql = format!(
            "SELECT i.id FROM incidents i WHERE i.id IN (SELECT related_id FROM related_incidents WHERE incident_id = $1 \
             UNION SELECT incident_id FROM related_incidents WHERE related_id = $1){} ORDER BY 1 DESC LIMIT $2",
            self.visible()
        );
        query_scalar(AssertSqlSafe(sql)).bind(incident).bind(MOST).fetch_all(&self.read).await
    }
}

/// A key in the form for reports of an audience, and of the closed conversation that they come from.
pub(super) fn scoped(key: &str, audience: Audience, conversation: Option<&ConversationId>) -> String {
    let key = match conversation {
        None => key.to_owned(),
        Some(conversation) => format!("in {conversation}:{key}"),
    };
    match audience {
        Audience::Internal => key,
        other => format!("{}:{key}", other.as_str()),
    }
}

/// The keys by which an arrival finds the incident it joins.
pub(super) fn keys_to_join(arrival: &IncomingReport) -> Vec<String> {
    let own = |key: &&String| !key.starts_with(SHARED_KEY);
    let within = arrival.conversation.as_ref();
    if arrival.resolved {
        // A resolved arrival only notes that its own ticket is closed; the ticket may have had other readers when it
        // was reported.
        let keys = arrival.correlation.iter();
        let scopes = |key: &String| match own(&key) {
            true => Audience::ALL.to_vec(),
            false => vec![arrival.audience],
        };
        return keys
            .flat_map(|key| scopes(key).into_iter().map(|audience| scoped(key, audience, within)))
            .collect();
    }
    // Two reports with unknown readers may have different ones, unless they are about one ticket.
    let keys = arrival.correlation.iter().filter(|key| arrival.audience != Audience::Unknown || own(key));
    keys.map(|key| scoped(key, arrival.audience, within)).collect()
}

/// Stores which other incidents this arrival would have joined if they had the same readers: those that are open, or
/// came in after `since`.
pub(super) async fn relate(
    tx: &mut WriteTransaction,
    arrival: &IncomingReport,
    incident: &IncidentId,
    since: Timestamp,
) -> Result<(), StoreError> {
    // A closed conversation is not revealed to others, and is not told what is said elsewhere.
    if arrival.conversation.is_some() {
        return Ok(());
    }
    // Incidents with the same readers were not joined because of their age, so they are not related by this rule.
    let others = Audience::ALL
        .into_iter()
        .filter(|audience| *audience != arrival.audience || *audience == Audience::Unknown);
    let keys: BTreeSet<String> = others
        .flat_map(|audience| arrival.correlation.iter().map(move |key| scoped(key, audience, None)))
        .collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let mut found: BTreeMap<IncidentId, (String, Timestamp)> = BTreeMap::new();
    for keys in keys.chunks(KEYS_AT_ONCE) {
        let sql = format!(
            "SELECT DISTINCT i.id, i.state, i.created_at FROM correlations c JOIN incidents i ON i.id = c.incident_id \
             WHERE c.key IN ({})",
            marks(1, keys.len())
        );
        let rows: Vec<(IncidentId, String, Timestamp)> = keys
            .iter()
            .fold(query_as(AssertSqlSafe(sql)), |query, key| query.bind(key))
            .fetch_all(&mut *tx)
            .await?;
        found.extend(rows.into_iter().map(|(id, state, created_at)| (id, (state, created_at))));
    }
    found.remove(incident);
    for (other, (state, created_at)) in found {
        if may_be_joined(from_word("incident", &other, &state)?, created_at, since) {
            query(
                "INSERT INTO related_incidents (incident_id, related_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(incident)
            .bind(&other)
            .execute(&mut *tx)
            .await?;
        }
    }
    Ok(())
}

pub(super) async fn audience_of(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
) -> Result<Audience, StoreError> {
    let word: String = query_scalar("SELECT audience FROM incidents WHERE id = $1")
        .bind(incident)
        .fetch_one(&mut *tx)
        .await?;
    from_word("incident", incident, &word)
}
