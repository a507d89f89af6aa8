/*!
The data that a page shows beside a report, and the figures of answered incidents: duration, cost, and position within
the problem.
*/

use millwright_model::{IncidentId, Report, ReportId, Timestamp, Verdict};

use super::super::codec::{from_json, from_word, json};
use super::super::db::{AssertSqlSafe, query, query_scalar};
use super::super::{Store, StoreError};
use crate::scope::ScopedRow;

/// An answered incident.
#[derive(Debug, Clone, PartialEq)]
pub struct AnsweredIncident {
    pub incident_id: IncidentId,
    pub at: Timestamp,
    pub verdict: Verdict,
    /// Counts from 1: the position of this incident among those of its problem.
    pub occurrence: i64,
    pub wall_ms: i64,
    pub cost_usd: f64,
    /// How often a person sent a message, decided or stopped.
    pub steered: i64,
}

impl Store {
    /// Stores what is shown beside a report.
    pub async fn save_view(&self, report: &Report, view: &serde_json::Value) -> Result<(), StoreError> {
        self.require_incident(&report.incident_id).await?;
        let number = |value: f64| if value.is_finite() { (value * 1e6).round() as i64 } else { 0 };
        query(
            "INSERT INTO report_views (report_id, incident_id, wall_ms, cost_micro_usd, body) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (report_id) DO UPDATE SET wall_ms = excluded.wall_ms, \
             cost_micro_usd = excluded.cost_micro_usd, body = excluded.body",
        )
        .bind(&report.id)
        .bind(&report.incident_id)
        .bind(i64::try_from(report.usage.wall_ms).unwrap_or(i64::MAX))
        .bind(number(report.usage.cost_usd))
        .bind(json(view)?)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub async fn view(&self, report: &ReportId) -> Result<Option<serde_json::Value>, StoreError> {
        self.require(ScopedRow::Report, report.as_str()).await?;
        let body: Option<String> = query_scalar("SELECT body FROM report_views WHERE report_id = $1")
            .bind(report)
            .fetch_optional(&self.read)
            .await?;
        body.map(|body| from_json("view", report, &body)).transpose()
    }

    /// The newest answers, newest first, at most `most`.
    pub async fn answered(&self, most: u32) -> Result<Vec<AnsweredIncident>, StoreError> {
        let sql = format!(
            "SELECT r.id, r.incident_id, r.created_at, r.verdict, v.wall_ms, v.cost_micro_usd, \
             (SELECT count(*) FROM incidents j WHERE j.problem_id = i.problem_id AND j.id <= i.id{1}) AS occurrence, \
             (SELECT count(*) FROM incident_messages m WHERE m.incident_id = i.id \
             AND m.kind IN ('remark', 'decision', 'stop')) AS steered \
             FROM report_views v JOIN reports r ON r.id = v.report_id JOIN incidents i ON i.id = r.incident_id \
             WHERE 1 = 1{0} ORDER BY r.created_at DESC, r.id DESC LIMIT $1",
            self.visible(),
            self.visible_by("j.id")
        );
        let rows = query(AssertSqlSafe(sql)).bind(i64::from(most)).fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| {
                let id: ReportId = row.try_get("id")?;
                let verdict: String = row.try_get("verdict")?;
                let occurrence: i64 = row.try_get("occurrence")?;
                let cost: i64 = row.try_get("cost_micro_usd")?;
                Ok(AnsweredIncident {
                    incident_id: row.try_get("incident_id")?,
                    at: row.try_get("created_at")?,
                    verdict: from_word("report", &id, &verdict)?,
                    // An incident without a problem is the first of its own.
                    occurrence: occurrence.max(1),
                    wall_ms: row.try_get("wall_ms")?,
                    cost_usd: cost as f64 / 1e6,
                    steered: row.try_get("steered")?,
                })
            })
            .collect()
    }
}
