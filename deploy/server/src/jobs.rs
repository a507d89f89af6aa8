/*!
How jobs of every kind end: the outcome is stored even if the store cannot be reached for a while, and a failed job waits
before its next attempt.
*/

use std::future::Future;
use std::time::Duration;

use millwright_model::JobId;
use millwright_store::StoreError;
use millwright_tools::CancelFlag;

/// Time between attempts to reach a store that is unavailable.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Stores how a job ended, and retries as long as the store is unavailable: a live worker must not be counted as one that
/// died with its job. Any other error is logged; then the lease expires, and the job is done again from what is stored.
/// Returns `None` in that case, and when the process ends before the store is back.
pub(crate) async fn persist<T, F>(job: &JobId, stop: &CancelFlag, mut store: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match store().await {
            Ok(stored) => return Some(stored),
            Err(error) if error.is_transient() && !stop.is_cancelled() => {
                tracing::warn!(%job, %error, "the result of a job is stored when the store is available again");
                tokio::select! {
                    () = tokio::time::sleep(STORE_RETRY) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::error!(%job, %error, "the result of a job could not be stored");
                return None;
            }
        }
    }
}

/// How long a failed job waits before its next attempt.
pub(crate) fn retry_backoff(failures: i64) -> Duration {
    let exponent = u32::try_from(failures.clamp(0, 8)).unwrap_or(0);
    Duration::from_secs(2_u64.saturating_pow(exponent + 1).min(300))
}
