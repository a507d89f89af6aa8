/*!
How jobs of every kind end: the outcome is stored however long the store is away, and a job that failed rests before it is tried
again.
*/

use std::future::Future;
use std::time::Duration;

use millwright_model::JobId;
use millwright_store::StoreError;
use millwright_tools::CancelFlag;

/// How often a store that is away is tried again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Stores how a job ended, however long the store is away: a worker that lives is not to be counted as one that died with its
/// job. Any other error is logged; then the lease runs out, and the job is done again from what is stored. `None` in both
/// cases, and where the process ends before the store is back.
pub(crate) async fn persist<T, F>(job: &JobId, stop: &CancelFlag, mut store: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match store().await {
            Ok(stored) => return Some(stored),
            Err(error) if error.is_transient() && !stop.is_cancelled() => {
                tracing::warn!(%job, %error, "how a job ended is stored when the store is back");
                tokio::select! {
                    () = tokio::time::sleep(STORE_RETRY) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::error!(%job, %error, "how a job ended could not be stored");
                return None;
            }
        }
    }
}

/// How long a job that failed rests before it is tried again.
pub(crate) fn retry_backoff(failures: i64) -> Duration {
    let exponent = u32::try_from(failures.clamp(0, 8)).unwrap_or(0);
    Duration::from_secs(2_u64.saturating_pow(exponent + 1).min(300))
}
