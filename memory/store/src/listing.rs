/*!
Views of memory: pages of incidents with their resolutions, and everything about one incident. A person must be able
to see what was learned and why it is trusted, and to clean up.
*/

use millwright_model::{IncidentId, Proof};

use super::codec::{from_word, word};
use super::db::{Row, StatementBuilder};
use super::{Incident, MemoryEntry, MemoryFilter, MemoryItem, Store, StoreError};

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 1_000;

impl Store {
    /// A page of incidents, newest first; continue with `after` set to the last item's id.
    pub async fn list_memory(&self, filter: &MemoryFilter) -> Result<Vec<MemoryItem>, StoreError> {
        let mut sql = StatementBuilder::new(
            "SELECT i.id, i.created_at, i.state, i.repository, i.service, i.problem_id, i.title FROM incidents i \
             WHERE 1 = 1",
        );
        sql.push_narrowing(self.told());
        let wanted = [
            ("i.repository", filter.repository.clone().map(String::from)),
            ("i.service", filter.service.clone()),
            ("i.state", filter.state.as_ref().map(word)),
        ];
        for (column, value) in wanted {
            if let Some(value) = value {
                sql.push(" AND ").push(column).push(" = ").push_bind(value);
            }
        }
        if let Some(after) = &filter.after {
            sql.push(" AND i.id < ").push_bind(after.clone());
        }
        if filter.proof_at_least.is_some() || filter.approval.is_some() || filter.outcome.is_some() {
            sql.push(" AND EXISTS (SELECT 1 FROM resolutions r WHERE r.incident_id = i.id");
            if let Some(least) = filter.proof_at_least {
                let all = [Proof::None, Proof::Reproduced, Proof::CauseConfirmed, Proof::FixVerified];
                sql.push(" AND r.proof IN (");
                for (at, proof) in all.into_iter().filter(|p| *p >= least).enumerate() {
                    sql.push(if at > 0 { ", " } else { "" }).push_bind(word(&proof));
                }
                sql.push(")");
            }
            if let Some(approval) = &filter.approval {
                sql.push(" AND r.approval = ").push_bind(word(approval));
            }
            if let Some(outcome) = &filter.outcome {
                sql.push(" AND r.outcome = ").push_bind(word(outcome));
            }
            sql.push(")");
        }
        let limit = if filter.limit == 0 { DEFAULT_PAGE } else { filter.limit.min(MAX_PAGE) };
        sql.push(" ORDER BY i.id DESC LIMIT ").push_bind(i64::from(limit));
        let rows = sql.build().fetch_all(&self.read).await?;
        let mut items = rows.iter().map(item_from_row).collect::<Result<Vec<_>, _>>()?;
        self.add_knowledge(&mut items).await?;
        Ok(items)
    }

    /// Incidents with any of the words, best first; the score is relative to the best result.
    pub async fn search_memory(&self, text: &str, limit: u32) -> Result<Vec<MemoryItem>, StoreError> {
        let mut words = crate::tokenize::split(text);
        words.sort();
        words.dedup();
        words.truncate(64);
        let limit = if limit == 0 { DEFAULT_PAGE } else { limit.min(MAX_PAGE) };
        // Some of the best may not exist for the caller, so more candidates are fetched.
        let most = if self.told().is_empty() { limit } else { MAX_PAGE };
        let candidates = self.find_words(&words, None, most).await?;
        let docs: Vec<i64> = candidates.iter().map(|c| c.doc).collect();
        let documents = self.documents(&docs).await?;
        // The best incident that exists for the caller: a relative score must reveal nothing about the others.
        let best = candidates.iter().find(|c| documents.contains_key(&c.doc));
        let best = best.map_or(1.0, |c| c.score.max(f64::MIN_POSITIVE));
        let mut items = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            if items.len() >= limit as usize {
                break;
            }
            let Some(document) = documents.get(&candidate.doc) else { continue };
            match self.get_incident(&document.incident_id).await {
                Ok(incident) => items.push(MemoryItem {
                    score: Some((candidate.score / best).clamp(0.0, 1.0)),
                    ..item_of(incident)
                }),
                Err(StoreError::NotFound { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        self.add_knowledge(&mut items).await?;
        Ok(items)
    }

    /// Everything about one incident; accepts shortened ids and ids of its resolutions.
    pub async fn show_memory(&self, id: &str) -> Result<MemoryEntry, StoreError> {
        let id = self.resolve_incident_id(id).await?;
        let incident = self.get_incident(&id).await?;
        let (mut problem, mut recurrences) = (None, Vec::new());
        if let Some(problem_id) = &incident.problem_id {
            problem = self.get_problem(problem_id).await?;
            recurrences = self.incidents_of_problem(problem_id).await?;
            recurrences.retain(|other| *other != id);
        }
        Ok(MemoryEntry {
            resolutions: self.resolutions(&id).await?,
            hypotheses: self.hypotheses(&id).await?,
            evidence: self.list_evidence(&id).await?,
            reports: self.list_reports(&id).await?,
            runs: self.list_runs(&id).await?,
            audit: self.audit(Some(&id)).await?,
            incident,
            problem,
            recurrences,
        })
    }

    async fn add_knowledge(&self, items: &mut [MemoryItem]) -> Result<(), StoreError> {
        let ids: Vec<IncidentId> = items.iter().map(|i| i.incident_id.clone()).collect();
        let mut knowledge = self.knowledge_of(&ids).await?;
        for item in items {
            if let Some((resolutions, refuted)) = knowledge.remove(&item.incident_id) {
                item.resolutions = resolutions;
                item.refuted = u32::try_from(refuted.len()).unwrap_or(u32::MAX);
            }
        }
        Ok(())
    }
}

fn item_of(incident: Incident) -> MemoryItem {
    MemoryItem {
        incident_id: incident.id,
        created_at: incident.created_at,
        state: incident.state,
        repository: incident.repository,
        service: incident.service,
        problem_id: incident.problem_id,
        title: incident.ticket.title,
        resolutions: Vec::new(),
        refuted: 0,
        score: None,
    }
}

fn item_from_row(row: &Row) -> Result<MemoryItem, StoreError> {
    let incident_id: IncidentId = row.try_get("id")?;
    let state: String = row.try_get("state")?;
    Ok(MemoryItem {
        state: from_word("incident", &incident_id, &state)?,
        created_at: row.try_get("created_at")?,
        repository: row.try_get("repository")?,
        service: row.try_get("service")?,
        problem_id: row.try_get("problem_id")?,
        title: row.try_get("title")?,
        resolutions: Vec::new(),
        refuted: 0,
        score: None,
        incident_id,
    })
}
