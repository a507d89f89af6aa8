/*!
Detects whether the code of a remembered resolution was rewritten since the resolution was proven. Such a resolution
is not wrong, but it is about lines that no longer exist: it is shown as stale and must be checked before it is used.
*/

use millwright_git as git;
use millwright_model::{LineSpan, Resolution};
use millwright_recall::RecalledIncident;

use super::guilty_code::removed_lines;
use super::{ToolContext, ToolError};

/// Maximum number of places of a fix that are looked up; more would not change the result.
const PLACES: usize = 5;

/// Lowers the trust of precedents whose guilty lines were rewritten, and records the reason.
pub(super) async fn mark(
    ctx: &ToolContext,
    mut found: Vec<RecalledIncident>,
) -> Result<Vec<RecalledIncident>, ToolError> {
    ctx.blocking(move |ctx| {
        for recalled in &mut found {
            let Some(reason) = recalled.resolutions.first().and_then(|best| rewritten(ctx, best)) else {
                continue;
            };
            recalled.why.push(format!("stale: {reason}, check it first"));
            recalled.trust.outdate(reason);
        }
        Ok(found)
    })
    .await
}

/// Says which of the guilty lines were rewritten. `None` if the lines cannot be looked up.
fn rewritten(ctx: &ToolContext, known: &Resolution) -> Option<String> {
    let then = ctx.visible(Some(&known.failing_revision)).ok()?;
    if then == ctx.bad {
        return None;
    }
    removed_lines(&known.fix_diff).into_iter().take(PLACES).find_map(|at| {
        let span = LineSpan { start: at.start_line, end: at.end_line };
        match git::map_lines(&ctx.repo, &at.path, span, &then, &ctx.bad, &ctx.cancel) {
            Ok(None) => Some(format!("{} was removed since", at.path)),
            Ok(Some(now)) if now.changed => {
                Some(format!("{}:{} was rewritten since", at.path, at.start_line))
            }
            Ok(Some(_)) | Err(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use millwright_model::{Approval, Outcome, Proof};

    use millwright_testkit::repository::TestRepo;

    use super::super::testing::context;
    use super::*;

    const FIX: &str =
        "--- a/total.sh\n+++ b/total.sh\n@@ -1,3 +1,3 @@\n a=1\n b=2\n-echo $((a - b))\n+echo $((a + b))\n";

    fn known(failing_revision: &str) -> Resolution {
        Resolution {
            id: "res_1".parse().unwrap(),
            incident_id: "inc_1".parse().unwrap(),
            repository: None,
            statement: "the sign is wrong".into(),
            culprit: None,
            units: vec!["total.sh".into()],
            failing_revision: failing_revision.into(),
            fix_diff: FIX.into(),
            fix_kind: None,
            fix_checks: None,
            failed_fixes: Vec::new(),
            replay: None,
            proof: Proof::FixVerified,
            approval: Approval::None,
            approved_by: None,
            approval_authority: None,
            approval_suffices: false,
            outcome: Outcome::Unknown,
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn only_rewritten_guilty_lines_make_knowledge_stale() {
        let repo = TestRepo::new();
        let said = |then: &str| rewritten(&context(&repo), &known(then));
        let then = repo.commit("Add the total", &[("total.sh", "a=1\nb=2\necho $((a - b))\n"), ("x", "1\n")]);
        assert_eq!(said(&then), None, "nothing has changed");
        repo.commit("Change something else", &[("x", "2\n")]);
        assert_eq!(said(&then), None);
        repo.commit("Explain", &[("total.sh", "# sums up\n# two\na=1\nb=2\necho $((a - b))\n")]);
        assert_eq!(said(&then), None, "lines that moved are the same lines");
        repo.commit("Divide", &[("total.sh", "# sums up\n# two\na=1\nb=2\necho $((a / b))\n")]);
        assert_eq!(said(&then).as_deref(), Some("total.sh:3 was rewritten since"));
        assert_eq!(said(&"0".repeat(40)), None, "what cannot be looked up says nothing");
    }
}
