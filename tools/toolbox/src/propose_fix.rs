/*! Tool: which changes would take the culprit back at the failing revision? */

use millwright_culprit::fixes::{self, FixCandidate, FixError, FixProposal};
use millwright_culprit::minimise::CulpritHunk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::minimise::GUILTY;
use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, candidates};

#[derive(Debug, Clone, Copy)]
pub struct ProposeFix;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeFixArgs {
    /// The culprit commit, from `bisect` or one that you consider the culprit.
    pub commit: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CandidateList {
    pub candidates: Vec<FixCandidate>,
    pub not_applicable: Vec<String>,
}

impl Tool for ProposeFix {
    type Args = ProposeFixArgs;
    const NAME: &'static str = "propose_fix";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Drafts fixes that revert the culprit at the failing revision: the whole commit, and after \
         `minimise` only its guilty hunks. They are not verified; `verify_fix` does that. Where a revert is \
         not enough, write a fix with `propose_patch`."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: ProposeFixArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let culprit = ctx.visible(Some(&args.commit))?;
            let guilty: Vec<CulpritHunk> = ctx.workbench.artifact(GUILTY).unwrap_or_default();
            let FixProposal { candidates, not_applicable } =
                fixes::propose(&ctx.repo, &culprit, &guilty, &ctx.bad)?;
            candidates::add(ctx, &candidates)?;
            let mut text: Vec<String> = candidates
                .iter()
                .map(|candidate| format!("{} ({} lines):\n{}", candidate.id, candidate.lines, candidate.diff))
                .collect();
            text.extend(not_applicable.iter().map(|because| format!("not applicable: {because}")));
            if text.is_empty() {
                text.push(
                    "no fix could be drafted from this commit; write a fix with `propose_patch`".into(),
                );
            }
            Ok(ToolOutput::new(text.join("\n\n"), CandidateList { candidates, not_applicable }))
        })
        .await
    }
}

impl From<FixError> for ToolError {
    fn from(error: FixError) -> Self {
        match error {
            FixError::Repo(error) => error.into(),
            FixError::Git(error) => error.into(),
            FixError::Checkout(error) => ToolError::failed(error.to_string()),
        }
    }
}
