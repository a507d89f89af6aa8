/*! The `git_grep` tool: where a text occurs in the files of a revision. */

use millwright_git::{self as git, GrepQuery, PatternKind};
use millwright_model::{EvidenceDraft, EvidenceSource, Locator};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, NextPage, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GitGrep;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitGrepArgs {
    /// One line of text, or with `regex` a POSIX extended regular expression.
    pattern: String,
    /// Read the pattern as a regular expression.
    #[serde(default)]
    regex: bool,
    /// Match upper and lower case alike.
    #[serde(default)]
    ignore_case: bool,
    /// Only these files, folders or globs (`src`, `*.py`).
    #[serde(default)]
    paths: Vec<String>,
    /// The revision to search; `bad` by default.
    #[serde(default)]
    revision: Option<String>,
    /// Number of hits to skip.
    #[serde(default)]
    offset: u32,
    /// Maximum number of hits: 60 by default, 300 at most.
    #[serde(default)]
    limit: Option<u32>,
}

impl Tool for GitGrep {
    type Args = GitGrepArgs;
    const NAME: &'static str = "git_grep";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Searches all text files of a revision for a text or regular expression; returns path, line and text."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: GitGrepArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let revision = ctx.visible(args.revision.as_deref())?;
            let limit = format::limit(args.limit, 60, 300);
            let query = GrepQuery {
                revision: revision.to_string(),
                pattern: args.pattern,
                kind: if args.regex { PatternKind::Regex } else { PatternKind::Fixed },
                ignore_case: args.ignore_case,
                paths: args.paths,
                skip: args.offset as usize,
                limit,
            };
            let result = git::grep(&ctx.repo, &query, &ctx.cancel)?;
            let mut text: String =
                result.hits.iter().map(|hit| format!("{}:{}: {}\n", hit.path, hit.line, hit.text)).collect();
            if result.hits.is_empty() {
                text.push_str("No file of this revision contains it.\n");
            }
            let seen = args.offset as usize + result.hits.len();
            let more = (result.total > seen).then(|| NextPage {
                offset: seen as u64,
                left: format!("{} more hits", result.total - seen),
            });
            let evidence = result.hits.iter().take(20).map(|hit| EvidenceDraft {
                source: EvidenceSource::Code,
                locator: Locator::commit_lines(&revision, &hit.path, hit.line, hit.line),
                text: hit.text.clone(),
            });
            let not_searched = if result.truncated {
                "binary files, and hits beyond the first 16 MB"
            } else {
                "binary files"
            };
            Ok(ToolOutput::new(text, &result)
                .with_evidence(evidence)
                .with_more(more)
                .with_not_searched(not_searched))
        })
        .await
    }
}
