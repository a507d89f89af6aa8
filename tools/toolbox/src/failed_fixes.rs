/*!
Fixes that memory knows to be wrong although the replay passes with them. A later run that cannot repeat the check
that failed then must not call them right.
*/

use millwright_git::unified_diff::{self, DiffLineKind};
use millwright_model::{Fix, TestsResult};
use millwright_store::FailedFixRecord;

use super::{RunMemory, ToolContext, ToolError};

/// Loads the repository's fixes that are known to be wrong.
pub(super) async fn load(ctx: &ToolContext) -> Result<Vec<FailedFixRecord>, ToolError> {
    let Some(RunMemory { store, repository }) = &ctx.workbench.memory else { return Ok(Vec::new()) };
    let unreadable = |error| ToolError::unavailable("memory cannot be read").with_detail(error);
    store.failed_fixes(repository).await.map_err(unreadable)
}

/// Why `fix` is known to be wrong; `None` if the project's tests ran with it now and passed.
pub(super) fn known_to_fail(failed: &[FailedFixRecord], fix: &Fix) -> Option<String> {
    if fix.tests == TestsResult::Pass {
        return None;
    }
    let lines = changed_lines(&fix.diff);
    let known = failed.iter().find(|known| changed_lines(&known.fix.diff) == lines)?;
    let day = known.created_at.day();
    Some(format!(
        "the same fix was tried for incident {} on {day} and was not verified: {}",
        known.incident_id, known.fix.because
    ))
}

/// The lines that a diff adds and removes per file, without their positions.
fn changed_lines(diff: &str) -> Vec<ChangedLine> {
    let mut out = Vec::new();
    for file in &unified_diff::parse(diff).files {
        let changed = file.lines().filter(|line| line.kind != DiffLineKind::Context);
        out.extend(changed.map(|line| (file.path().to_owned(), line.kind, line.text().to_owned())));
    }
    out
}

/// Path, kind and text.
type ChangedLine = (String, DiffLineKind, String);

#[cfg(test)]
mod tests {
    use millwright_model::{FailedFix, FixKind};

    use super::*;

    const DIFF: &str = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n";

    fn failed() -> Vec<FailedFixRecord> {
        vec![FailedFixRecord {
            incident_id: "inc_1".parse().unwrap(),
            created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            fix: FailedFix { diff: DIFF.into(), because: "2 tests fail".into() },
        }]
    }

    #[test]
    fn the_same_lines_elsewhere_in_the_file_are_the_same_fix() {
        let moved = "--- a/x\n+++ b/x\n@@ -7,2 +7,2 @@\n z\n-b\n+c\n";
        let fix = Fix::untested(FixKind::PartialRevert, moved);
        let because = known_to_fail(&failed(), &fix).unwrap();
        assert!(because.contains("inc_1") && because.contains("2026-01-02"), "{because}");
        assert!(because.ends_with("2 tests fail"));
        let passed = Fix { tests: TestsResult::Pass, ..fix };
        assert_eq!(known_to_fail(&failed(), &passed), None, "tests that pass now are newer");
    }

    #[test]
    fn another_file_or_line_is_another_fix() {
        let comment = DIFF.replace("-b", "--- b");
        for other in [DIFF.replace("b/x", "b/y"), DIFF.replace("+c", "+d"), comment] {
            assert_eq!(known_to_fail(&failed(), &Fix::untested(FixKind::Revert, other.as_str())), None);
        }
    }
}
