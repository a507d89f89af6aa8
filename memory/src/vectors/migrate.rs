/*!
Moves vectors from one engine to another without asking the model again, and looks whether they arrived: as many as
before, and a sample of them the same as before.
*/

use super::{Point, VectorError, VectorQuery, VectorStore};
use crate::embed::ModelId;

const PAGE: usize = 256;
/// Vectors looked up in the new engine by themselves.
const SAMPLES: usize = 20;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Migrated {
    pub points: u64,
    /// Checked to be found as their own nearest.
    pub samples: u64,
}

/// Copies everything of a model. Repeating it changes nothing; the source stays as it is.
///
/// # Errors
/// When an engine does not answer, or what arrived is not what was sent.
pub async fn migrate(
    model: &ModelId,
    from: &dyn VectorStore,
    to: &dyn VectorStore,
    mut complete: impl FnMut(&mut [Point]),
) -> Result<Migrated, VectorError> {
    let wrong = |detail: String| VectorError::Migration {
        from: from.name().to_owned(),
        to: to.name().to_owned(),
        detail,
    };
    to.prepare(model).await?;
    let (mut after, mut moved) = (None, Migrated::default());
    let mut samples: Vec<Point> = Vec::new();
    loop {
        let mut page = from.page(model, after, PAGE).await?;
        complete(&mut page.points);
        to.upsert(model, &page.points).await?;
        moved.points += page.points.len() as u64;
        // The first of each page, up to a number: spread over the whole without knowing its size.
        samples.extend(page.points.into_iter().find(|p| p.dense.iter().any(|x| *x != 0.0)));
        if samples.len() > SAMPLES {
            let mut keep = false;
            samples.retain(|_| {
                keep = !keep;
                keep
            });
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let arrived = to.count(model).await?;
    if arrived < moved.points {
        return Err(wrong(format!("{} were sent, {arrived} are there", moved.points)));
    }
    for sample in &samples {
        let query = VectorQuery { dense: &sample.dense, words: &[], repository: None, limit: 10 };
        let hits = to.search(model, query).await?;
        let found = hits.iter().find(|hit| hit.incident_id == sample.incident_id);
        let best = hits.first().map_or(0.0, |hit| hit.score);
        // Incidents with equal texts share a vector, and any ten of them may be the nearest.
        if found.map_or(best < 0.999, |hit| hit.score < 0.99) {
            return Err(wrong(format!("{} is not its own nearest there", sample.incident_id)));
        }
        moved.samples += 1;
    }
    Ok(moved)
}
