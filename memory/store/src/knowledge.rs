/*!
The knowledge about several incidents at once: their resolutions and their refuted hypotheses.
*/

use std::collections::HashMap;

use millwright_model::{IncidentId, Resolution};

use super::db::{AssertSqlSafe, MAX_BATCH, marks, query};
use super::hypotheses;
use super::resolutions::{from_row, most_trusted_first};
use super::{Store, StoreError, StoredHypothesis};

impl Store {
    /// Resolutions and refuted hypotheses of several incidents at once, resolutions most trusted first.
    pub async fn knowledge_of(
        &self,
        incidents: &[IncidentId],
    ) -> Result<HashMap<IncidentId, (Vec<Resolution>, Vec<StoredHypothesis>)>, StoreError> {
        let mut found: HashMap<IncidentId, (Vec<Resolution>, Vec<StoredHypothesis>)> = HashMap::new();
        for batch in incidents.chunks(MAX_BATCH) {
            let sql = format!(
                "SELECT * FROM resolutions r WHERE r.incident_id IN ({}){}",
                marks(1, batch.len()),
                self.visible_by("r.incident_id")
            );
            let select = batch.iter().fold(query(AssertSqlSafe(sql)), |q, id| q.bind(id));
            for row in select.fetch_all(&self.read).await? {
                let resolution = from_row(&row)?;
                found.entry(resolution.incident_id.clone()).or_default().0.push(resolution);
            }
            let sql = format!(
                "SELECT * FROM hypotheses h WHERE h.status = 'refuted' AND h.incident_id IN ({}){} \
                 ORDER BY h.created_at, h.id",
                marks(1, batch.len()),
                self.visible_by("h.incident_id")
            );
            let select = batch.iter().fold(query(AssertSqlSafe(sql)), |q, id| q.bind(id));
            for row in select.fetch_all(&self.read).await? {
                let incident: IncidentId = row.try_get("incident_id")?;
                found.entry(incident).or_default().1.push(hypotheses::from_row(&row)?);
            }
        }
        for (resolutions, _) in found.values_mut() {
            let known = self.without_names(std::mem::take(resolutions));
            *resolutions = most_trusted_first(known);
        }
        Ok(found)
    }
}
