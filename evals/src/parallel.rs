/*!
Judges cases in parallel: each of a few threads takes the next case when it has finished one.

This does not use a rayon pool. Judging a case ranks commits, which uses such a pool itself, and a waiting pool thread would
begin another case, whose time would count for the first. A case also waits for replays, and pool threads should not wait.
*/

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Judges cases on `jobs` threads. The results are in the order of the cases.
pub(crate) fn in_parallel<C: Sync, T: Send>(
    cases: &[C],
    jobs: usize,
    judge: impl Fn(&C) -> T + Sync,
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
