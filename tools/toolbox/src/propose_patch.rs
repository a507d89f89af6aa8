/*! Tool: records a fix that the caller wrote as a candidate to verify. */

use millwright_culprit::fixes::{self, FixCandidate, TextEdit, WrittenChange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, candidates};

#[derive(Debug, Clone, Copy)]
pub struct ProposePatch;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposePatchArgs {
    /// Exact replacements, applied in order. Prefer them: they need no line numbers. Give `edits` or `diff`.
    #[serde(default)]
    pub edits: Vec<TextEdit>,
    /// A unified diff against the failing revision, with `--- a/path`, `+++ b/path` and `@@` lines and some
    /// unchanged lines around each change. Give `edits` or `diff`.
    #[serde(default)]
    pub diff: Option<String>,
    /// Why this fixes the cause, in one or two sentences. It is quoted in the commit message.
    pub rationale: String,
}

/// A patch that was taken down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatchResult {
    pub candidate: FixCandidate,
    pub rationale: String,
    /// Attempts left after this one.
    pub attempts_left: u32,
}

/// The artifact with the attempts.
const PATCHES: &str = "patches.json";
const LONGEST_RATIONALE: usize = 2_000;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Patches {
    /// Taken down, in order; `patch_1` is the first.
    taken: Vec<Noted>,
    /// Could not be placed or were not allowed.
    refused: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Noted {
    id: String,
    rationale: String,
}

/// Why a patch is thought to mend the cause, in the words of who wrote it.
pub(super) fn rationale(ctx: &ToolContext, candidate: &str) -> Option<String> {
    let patches: Patches = ctx.workbench.artifact(PATCHES)?;
    patches.taken.into_iter().find(|noted| noted.id == candidate).map(|noted| noted.rationale)
}

impl Tool for ProposePatch {
    type Args = ProposePatchArgs;
    const NAME: &'static str = "propose_patch";
    // The patch is stored in the run's own folder. Verification applies it to a checkout, never to the repository.
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Records a fix you wrote against the failing revision as candidate `patch_N`. Nothing is changed or \
         run: call `verify_fix` with the candidate next. Tests, submodules and .git cannot be changed. The \
         number of patches is limited, and a smaller verified one wins over a larger."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: ProposePatchArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| work(ctx, args)).await
    }
}

fn work(ctx: &ToolContext, args: ProposePatchArgs) -> Result<ToolOutput, ToolError> {
    let written = match (args.diff.filter(|diff| !diff.trim().is_empty()), args.edits.is_empty()) {
        (Some(diff), true) => WrittenChange::Diff(diff),
        (None, false) => WrittenChange::Edits(args.edits),
        (Some(_), false) => {
            return Err(ToolError::invalid("give either `diff` or `edits`, not both"));
        }
        (None, true) => {
            return Err(ToolError::invalid(
                "give `edits`: [{\"path\", \"old\", \"new\"}], or a unified `diff`; both are missing",
            ));
        }
    };
    let rationale: String = args.rationale.trim().chars().take(LONGEST_RATIONALE).collect();
    if rationale.is_empty() {
        return Err(ToolError::invalid("say in `rationale` why this fixes the cause"));
    }
    let mut patches: Patches = ctx.workbench.artifact(PATCHES).unwrap_or_default();
    let allowed = ctx.workbench.attempts.patches;
    let taken = u32::try_from(patches.taken.len()).unwrap_or(u32::MAX);
    // A patch that cannot be placed costs little, so more of them are allowed, but not without end.
    if taken >= allowed || patches.refused >= allowed.saturating_mul(3) {
        return Err(ToolError::denied(format!(
            "the {allowed} patches this run may try are used up; conclude with the best candidate so far"
        )));
    }
    let id = format!("patch_{}", taken + 1);
    let candidate = match fixes::patch(&ctx.repo, &ctx.bad, &id, &written)? {
        Ok(candidate) => candidate,
        Err(why) => {
            patches.refused += 1;
            ctx.workbench.keep(PATCHES, &patches)?;
            return Err(ToolError::invalid(format!(
                "{why}\nNothing was recorded; the attempt is not counted."
            )));
        }
    };
    let known = candidates::all(ctx);
    if let Some(same) = known.iter().find(|known| known.diff == candidate.diff) {
        let patched = PatchResult { candidate: same.clone(), rationale, attempts_left: allowed - taken };
        let text = format!("This is already candidate {}; verify that one.", same.id);
        return Ok(ToolOutput::new(text, patched));
    }
    // Store the candidate before counting the attempt, so that an interruption cannot lose an attempt.
    candidates::add(ctx, std::slice::from_ref(&candidate))?;
    patches.taken.push(Noted { id: id.clone(), rationale: rationale.clone() });
    ctx.workbench.keep(PATCHES, &patches)?;
    let attempts_left = allowed - taken - 1;
    let text = format!(
        "{id} ({} lines changed; {attempts_left} more patches may be tried). Not verified yet: call verify_fix with \
         candidate {id}. As it applies to the failing revision:\n{}",
        candidate.lines, candidate.diff
    );
    Ok(ToolOutput::new(text, PatchResult { candidate, rationale, attempts_left }))
}

#[cfg(test)]
#[path = "propose_patch_tests.rs"]
mod tests;
