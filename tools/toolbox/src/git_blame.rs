/*! The `git_blame` tool: which commit last changed which line. */

use millwright_git::{self as git, BlameQuery};
use millwright_model::{EvidenceDraft, EvidenceSource, Locator};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, format};

/// Lines blamed in one call.
const MAX_LINES: u32 = 400;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GitBlame;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitBlameArgs {
    /// The file, from the top of the repository.
    path: String,
    /// First line, from 1.
    start_line: u32,
    /// Last line, included; 20 lines by default, 400 at most.
    #[serde(default)]
    end_line: Option<u32>,
    /// The revision to read the lines at; `bad` by default.
    #[serde(default)]
    revision: Option<String>,
    /// Also search commits before the known good revision. Slower; by default older lines are only marked as
    /// older.
    #[serde(default)]
    whole_history: bool,
}

impl Tool for GitBlame {
    type Args = GitBlameArgs;
    const NAME: &'static str = "git_blame";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Shows for lines of a file which commit last changed them (ignoring white space) and whether that \
         was after the known good revision."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: GitBlameArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let end = args.end_line.unwrap_or(args.start_line.saturating_add(19));
            let end = end.min(args.start_line.saturating_add(MAX_LINES - 1));
            let good = if args.whole_history { None } else { ctx.good.clone() };
            let bounded = good.is_some();
            let bad = ctx.visible(args.revision.as_deref())?;
            let query = BlameQuery { bad: bad.clone(), good, path: args.path, start: args.start_line, end };
            let spans = git::blame(&ctx.repo, &query, &ctx.cancel)?;
            let mut text = String::new();
            for span in &spans {
                let older = if span.boundary && bounded { " (not after good)" } else { "" };
                text.push_str(&format!(
                    "{}{older} {} {}: {}\n{}",
                    span.commit.short(),
                    format::day(span.author_time),
                    span.author,
                    span.subject,
                    format::numbered(&span.lines, span.start)
                ));
            }
            let evidence: Vec<EvidenceDraft> = spans
                .iter()
                .map(|span| EvidenceDraft {
                    source: EvidenceSource::Git,
                    locator: Locator::commit_lines(&bad, &query.path, span.start, span.end),
                    text: format!("{} {}\n{}", span.commit, span.subject, span.lines.join("\n")),
                })
                .collect();
            Ok(ToolOutput::new(text, &spans).with_evidence(evidence))
        })
        .await
    }
}
