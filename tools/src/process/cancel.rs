/*!
The one way to say "stop" to work under way: tools look at it between steps, and the sandbox kills what it runs.
*/

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Says "stop" to work under way. Clones share the flag; a child stops with its parent, not the other way round.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag {
    own: Arc<AtomicBool>,
    parents: Vec<Arc<AtomicBool>>,
}

impl CancelFlag {
    pub fn cancel(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.own.load(Ordering::Relaxed) || self.parents.iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    #[must_use]
    pub fn child(&self) -> Self {
        let mut parents = self.parents.clone();
        parents.push(self.own.clone());
        Self { own: Arc::default(), parents }
    }

    /// Waits until cancelled. Looks every few milliseconds: flags are set by signal handlers and other threads
    /// that have no waker at hand.
    pub async fn cancelled(&self) {
        while !self.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{TestRepo, snapshot};
    use crate::tool::ToolErrorKind;
    use crate::tool::testing::context;

    #[test]
    fn tools_see_only_what_bad_reaches() {
        let repo = TestRepo::new();
        let first = repo.commit("first", &[("a.txt", "1\n")]);
        let bad = repo.commit("bad", &[("a.txt", "2\n")]);
        let mut ctx = context(&repo);
        ctx.good = Some(first.clone());
        let fix = repo.commit("the fix, later", &[("a.txt", "3\n")]);
        repo.git(&["branch", "side", &first]);

        let before = snapshot(&repo.git_dir());
        for (revision, expected) in [
            (None, &bad),
            (Some(""), &bad),
            (Some("bad"), &bad),
            (Some("HEAD"), &bad),
            (Some("bad~1"), &first),
            (Some("HEAD^"), &first),
            (Some("good"), &first),
            (Some("side"), &first),
            (Some(&bad[..9]), &bad),
            (Some("main~2"), &first),
        ] {
            assert_eq!(&ctx.visible(revision).unwrap(), expected, "{revision:?}");
        }
        for revision in
            ["main", &fix, &fix[..9], ":/later", "nonsense", "main:a.txt", "good~1", "--all", "a..b"]
        {
            let error = ctx.visible(Some(revision)).unwrap_err();
            assert_eq!(error.kind, ToolErrorKind::NotFound, "{revision}: {error}");
            assert!(
                error.feedback.contains("names no commit that the failing revision reaches"),
                "{error:?}"
            );
        }
        ctx.good = None;
        assert!(ctx.visible(Some("good")).unwrap_err().feedback.contains("no good revision is known"));
        assert_eq!(snapshot(&repo.git_dir()), before);
    }

    #[test]
    fn cancelling_goes_down_only() {
        let run = CancelFlag::default();
        let call = run.child();
        let step = call.child();
        call.cancel();
        assert_eq!((run.is_cancelled(), call.is_cancelled(), step.is_cancelled()), (false, true, true));
        run.cancel();
        assert!(run.child().is_cancelled());
    }
}
