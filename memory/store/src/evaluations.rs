/*!
The history of evals: one row per run of a suite, appended and never changed.
*/

use millwright_model::{Evaluation, EvaluationId, KeptEvaluation, Timestamp};

use super::codec::{from_json, json, new_id, now};
use super::db::{query, query_as};
use super::{Store, StoreError};

impl Store {
    /// Appends a run of a suite.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn add_evaluation(&self, evaluation: &Evaluation) -> Result<KeptEvaluation, StoreError> {
        self.require_installation()?;
        let kept = KeptEvaluation { id: new_id(), at: now(), evaluation: evaluation.clone() };
        query("INSERT INTO evaluations (id, at, suite, body) VALUES ($1, $2, $3, $4)")
            .bind(&kept.id)
            .bind(kept.at)
            .bind(&evaluation.suite)
            .bind(json(evaluation)?)
            .execute(&self.write)
            .await?;
        Ok(kept)
    }

    /// The newest `most` runs, of one suite or of all, newest first.
    ///
    /// # Errors
    /// When the database cannot be read, or another version of the program wrote a row in a different format.
    pub async fn evaluations(
        &self,
        suite: Option<&str>,
        most: u32,
    ) -> Result<Vec<KeptEvaluation>, StoreError> {
        self.require_installation()?;
        let rows: Vec<(EvaluationId, Timestamp, String)> = query_as(
            "SELECT id, at, body FROM evaluations WHERE ($1 IS NULL OR suite = $1) ORDER BY id DESC LIMIT $2",
        )
        .bind(suite)
        .bind(i64::from(most))
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(id, at, body)| {
                Ok(KeptEvaluation { evaluation: from_json("evaluation", &id, &body)?, id, at })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::temporary;
    use super::*;
    use millwright_model::KeyFigure;

    #[tokio::test]
    async fn runs_are_kept_in_their_order_and_cannot_be_changed() {
        let (store, _home) = temporary().await;
        assert_eq!(store.evaluations(None, 10).await.unwrap(), []);
        let of = |suite: &str, safe: f64| Evaluation {
            suite: suite.into(),
            program: "1.0".into(),
            planner: "playbook".into(),
            failures: vec!["investigate.safe is 0.9, expected at least 1".into()],
            figures: [(
                "investigate".to_owned(),
                [("safe".to_owned(), KeyFigure { value: safe, low: Some(0.5), high: None })].into(),
            )]
            .into(),
            ..Evaluation::default()
        };
        let mut kept = Vec::new();
        for (suite, safe) in [("smoke", 0.9), ("nightly", 0.8), ("smoke", 1.0)] {
            kept.push(store.add_evaluation(&of(suite, safe)).await.unwrap());
        }
        kept.reverse();
        assert_eq!(store.evaluations(None, 10).await.unwrap(), kept);
        assert_eq!(store.evaluations(None, 1).await.unwrap(), kept[..1]);
        let smoke = store.evaluations(Some("smoke"), 10).await.unwrap();
        assert_eq!(smoke, [kept[0].clone(), kept[2].clone()]);
        assert_eq!(smoke[0].evaluation.figure("investigate", "safe").map(|figure| figure.value), Some(1.0));
        assert!(!smoke[0].evaluation.held());
        for sql in ["UPDATE evaluations SET suite = 'x'", "DELETE FROM evaluations"] {
            let error = query(sql).execute(&store.write).await.unwrap_err().to_string();
            assert!(error.contains("append-only"), "{sql}: {error}");
        }
    }
}
