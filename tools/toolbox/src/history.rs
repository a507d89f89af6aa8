/*! The `history` tool: the commits that changed a code unit, lines or a file, each with only its hunks there. */

use millwright_code::units::{CodeHistory, HistoryQuestionError, HistoryTarget, ask_history};
use millwright_model::{EvidenceDraft, EvidenceSource, Locator};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, NextPage, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HistoryTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryArgs {
    /// `PATH::NAME` (a function, method or type), `PATH:10-20` (lines) or `PATH`, from the top of the repository.
    of: String,
    /// The revision that the history leads to; `bad` by default.
    #[serde(default)]
    revision: Option<String>,
    /// Number of commits to skip, from the newest.
    #[serde(default)]
    offset: u32,
    /// Maximum number of commits: 10 by default, 100 at most.
    #[serde(default)]
    limit: Option<u32>,
}

impl Tool for HistoryTool {
    type Args = HistoryArgs;
    const NAME: &'static str = "history";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Lists the commits that changed a function, method, type, some lines or a file, newest first, each with only its \
         hunks there. Follows renames and moves."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: HistoryArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let target = HistoryTarget::parse(&args.of).map_err(refused)?;
            let revision = ctx.visible(args.revision.as_deref())?;
            let offset = args.offset as usize;
            let part = offset..offset + format::limit(args.limit, 10, 100);
            let answer = ask_history(&ctx.repo, &ctx.redaction, &revision, &target, part).map_err(refused)?;
            // What a tool returns is masked where it is passed on.
            let view = CodeHistory::new(answer, str::to_owned);
            let evidence: Vec<EvidenceDraft> = view
                .commits
                .iter()
                .map(|commit| EvidenceDraft {
                    source: EvidenceSource::Git,
                    locator: Locator::commit(&commit.commit),
                    text: format!("{}\n\n{}\n{}", commit.subject, commit.place.name(), commit.patch),
                })
                .collect();
            let shown = args.offset as usize + view.commits.len();
            let more = (shown < view.total).then(|| NextPage {
                offset: shown as u64,
                left: format!("{} older commits", view.total - shown),
            });
            let mut text = format!("{}\n", view.headline());
            for commit in &view.commits {
                text.push_str(&format!("\n{}", commit.text(true)));
            }
            let output = ToolOutput::new(text, &view).with_evidence(evidence).with_more(more);
            Ok(match view.gaps() {
                gaps if gaps.is_empty() => output,
                gaps => output.with_not_searched(gaps.join(" ")),
            })
        })
        .await
    }
}

fn refused(error: HistoryQuestionError) -> ToolError {
    match error {
        HistoryQuestionError::Repo(error) => error.into(),
        HistoryQuestionError::NoSuchUnit { .. } | HistoryQuestionError::NoSuchLine { .. } => {
            ToolError::not_found(error.to_string())
        }
        HistoryQuestionError::Malformed { .. }
        | HistoryQuestionError::Ambiguous { .. }
        | HistoryQuestionError::NoUnits { .. } => ToolError::invalid(error.to_string()),
        HistoryQuestionError::History(_) | HistoryQuestionError::Index(_) => {
            ToolError::failed(error.to_string())
        }
    }
}
