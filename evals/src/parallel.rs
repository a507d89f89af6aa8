/*!
Cases side by side: a few threads that take the next case when they are done with one.

No pool of rayon's: judging a case ranks, which works on such a pool itself, and a thread that waits there for its own case
would begin another one, whose time would count for the first. A case also waits for replays, which is no work for a pool.
*/

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cases::EvalCase;

/// Judges cases on `jobs` threads, results in the order of the cases.
pub(crate) fn in_parallel<T: Send>(
    cases: &[EvalCase],
    jobs: usize,
    judge: impl Fn(&EvalCase) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(cases.len()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, 64) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { break };
                    let judged = judge(case);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, judged));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, judged)| judged).collect()
}
