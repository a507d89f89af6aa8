/*!
Reports as versioned JSON: the schema's name is stored beside the body, so that a report of an older schema can still
be recognised and returned as it was written.
*/

use millwright_model::{IncidentId, REPORT_SCHEMA, Report, ReportId, Timestamp};

use super::codec::{from_json, from_word, json, now, word};
use super::db::{WriteTransaction, WriteTurn, query, query_as};
use super::{ReportRef, Store, StoreError};
use crate::scope::ScopedRow;

impl Store {
    /// Stores a report under its own id; a later report with the same id replaces it.
    pub async fn save_report(&self, report: &Report) -> Result<(), StoreError> {
        self.require_incident(&report.incident_id).await?;
        let row = ReportRow {
            id: report.id.clone(),
            created_at: now(),
            schema: report.schema.clone(),
            verdict: word(&report.verdict),
            body: json(report)?,
        };
        let mut tx = self.begin(WriteTurn::Incident(&report.incident_id)).await?;
        super::incidents::must_exist(&mut tx, &report.incident_id).await?;
        query("DELETE FROM reports WHERE id = $1 AND incident_id = $2")
            .bind(&report.id)
            .bind(&report.incident_id)
            .execute(&mut tx)
            .await?;
        insert(&mut tx, &report.incident_id, &row).await?;
        tx.commit().await?;
        Ok(())
    }

    pub async fn get_report(&self, id: &ReportId) -> Result<Report, StoreError> {
        self.require(ScopedRow::Report, id.as_str()).await?;
        let row: Option<(String, String)> = query_as("SELECT schema_name, body FROM reports WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        match row {
            None => Err(StoreError::NotFound { what: "report", id: id.to_string() }),
            Some((schema, _)) if schema != REPORT_SCHEMA => Err(StoreError::Unreadable {
                what: "report",
                id: id.to_string(),
                detail: format!("its schema is {schema}"),
            }),
            Some((_, body)) => from_json("report", id, &body),
        }
    }

    /// Reports of an incident, newest first.
    pub async fn list_reports(&self, incident: &IncidentId) -> Result<Vec<ReportRef>, StoreError> {
        self.require_incident(incident).await?;
        let rows: Vec<(ReportId, Timestamp, String)> = query_as(
            "SELECT id, created_at, verdict FROM reports WHERE incident_id = $1 ORDER BY created_at DESC, id DESC",
        )
        .bind(incident)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(id, created_at, verdict)| {
                let verdict = from_word("report", &id, &verdict)?;
                Ok(ReportRef { id, incident_id: incident.clone(), created_at, verdict })
            })
            .collect()
    }

    /// Reports of an incident as stored in their rows, oldest first.
    pub(crate) async fn report_rows(&self, incident: &IncidentId) -> Result<Vec<ReportRow>, StoreError> {
        let rows: Vec<(ReportId, Timestamp, String, String, String)> = query_as(
            "SELECT id, created_at, schema_name, verdict, body FROM reports WHERE incident_id = $1 ORDER BY id",
        )
        .bind(incident)
        .fetch_all(&self.read)
        .await?;
        let row =
            |(id, created_at, schema, verdict, body)| ReportRow { id, created_at, schema, verdict, body };
        Ok(rows.into_iter().map(row).collect())
    }
}

/// A report as stored in its row, including one of a schema that this version cannot read.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ReportRow {
    pub(crate) id: ReportId,
    pub(crate) created_at: Timestamp,
    pub(crate) schema: String,
    pub(crate) verdict: String,
    pub(crate) body: String,
}

/// Returns whether the report was new.
pub(crate) async fn insert(
    tx: &mut WriteTransaction,
    incident: &IncidentId,
    row: &ReportRow,
) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO reports (id, incident_id, created_at, schema_name, verdict, body) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&row.id)
    .bind(incident)
    .bind(row.created_at)
    .bind(&row.schema)
    .bind(&row.verdict)
    .bind(&row.body)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() > 0)
}
