/*! The `git_log` tool: commits of the range under investigation, filtered. */

use millwright_git::{self as git, LogQuery};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, NextPage, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GitLog;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitLogArgs {
    /// Newest commit to list: `bad` (the default), `bad~20`, a branch, tag or commit id.
    #[serde(default)]
    revision: Option<String>,
    /// Only commits that changed these files, folders or globs (`src/db`, `*.py`).
    #[serde(default)]
    paths: Vec<String>,
    /// Part of the author's name or address.
    #[serde(default)]
    author: Option<String>,
    /// Only commits after this date (`2024-05-01`, `2 weeks ago`).
    #[serde(default)]
    since: Option<String>,
    /// Only commits before this date.
    #[serde(default)]
    until: Option<String>,
    /// Only commits whose message contains this text, in any case.
    #[serde(default)]
    message: Option<String>,
    /// List all history. By default only commits after the known good revision are listed.
    #[serde(default)]
    whole_history: bool,
    /// Number of commits to skip.
    #[serde(default)]
    offset: u32,
    /// Maximum number of commits: 30 by default, 200 at most.
    #[serde(default)]
    limit: Option<u32>,
}

impl Tool for GitLog {
    type Args = GitLogArgs;
    const NAME: &'static str = "git_log";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Lists commits between the known good and the failing revision, newest first, filtered by path, author, \
         date or message. Use it to see what changed recently in a file or folder."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: GitLogArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let limit = format::limit(args.limit, 30, 200);
            let exclude = if args.whole_history { None } else { ctx.good.clone() };
            let bounded = exclude.is_some();
            let query = LogQuery {
                tip: ctx.visible(args.revision.as_deref())?.to_string(),
                exclude: exclude.map(String::from),
                paths: args.paths,
                author: args.author,
                since: args.since,
                until: args.until,
                grep: args.message,
                skip: args.offset as usize,
                limit,
            };
            let page = git::log(&ctx.repo, &query, &ctx.cancel)?;
            let mut text: String =
                page.items.iter().map(|commit| format::commit_line(commit) + "\n").collect();
            if page.items.is_empty() {
                text.push_str("No commits match.\n");
            }
            let more = page.more.then(|| NextPage {
                offset: u64::from(args.offset) + limit as u64,
                left: "more commits".into(),
            });
            let output = ToolOutput::new(text, &page.items).with_more(more);
            Ok(if bounded {
                output.with_not_searched("commits up to the good revision; whole_history lists them too")
            } else {
                output
            })
        })
        .await
    }
}
