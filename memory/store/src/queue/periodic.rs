/*!
Periodic work that any worker may do. A turn is a lease: it lasts until the work is due again, unless its holder ends
or dies before; then another worker can have it.
*/

use std::time::Duration;

use super::super::db::{clock, query};
use super::super::{Store, StoreError};

impl Store {
    /// Tries to take the turn at a task for the duration of `lease`, during which nobody else gets it. The holder of
    /// the last turn may get the next one, too.
    pub async fn claim_turn(&self, task: &str, holder: &str, lease: Duration) -> Result<bool, StoreError> {
        self.require_installation()?;
        // All machines judge leases by one clock.
        let at = clock(&self.write).await?;
        let done = query(
            "INSERT INTO periodic_leases (task, holder, lease_until) VALUES ($1, $2, $3) \
             ON CONFLICT (task) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until \
             WHERE periodic_leases.lease_until <= $4",
        )
        .bind(task)
        .bind(holder)
        .bind(at.later_by(lease))
        .bind(at)
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Releases the turns of a holder that ends or has died; returns how many.
    pub async fn free_turns_of(&self, holder: &str) -> Result<u64, StoreError> {
        self.require_installation()?;
        let done =
            query("DELETE FROM periodic_leases WHERE holder = $1").bind(holder).execute(&self.write).await?;
        Ok(done.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::testing::temporary;

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn of_many_workers_one_has_the_turn() {
        let (store, _home) = temporary().await;
        let claims = (0..16).map(|at| {
            let store = store.clone();
            async move { store.claim_turn("vectors", &format!("w{at}"), LONG).await.unwrap() }
        });
        let won = futures_of(claims).await;
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
        assert!(store.claim_turn("retention", "w0", LONG).await.unwrap(), "another task is another turn");
        assert!(!store.claim_turn("retention", "w1", LONG).await.unwrap());
        // A holder that ends or dies releases its turn; anyone can take an expired turn.
        assert_eq!(store.job_holders().await.unwrap().iter().filter(|one| *one == "w0").count(), 1);
        store.free_turns_of("w0").await.unwrap();
        assert!(store.claim_turn("retention", "w1", Duration::ZERO).await.unwrap());
        assert!(store.claim_turn("retention", "w2", LONG).await.unwrap());
    }

    async fn futures_of<T: Send + 'static>(
        all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
    ) -> Vec<T> {
        let tasks: Vec<_> = all.map(tokio::spawn).collect();
        let mut out = Vec::new();
        for task in tasks {
            out.push(task.await.unwrap());
        }
        out
    }
}
