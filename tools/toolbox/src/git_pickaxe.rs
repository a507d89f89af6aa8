/*! The `git_pickaxe` tool: which commits added or removed a text. */

use millwright_git::{self as git, LogQuery, PickaxeMode};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, NextPage, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GitPickaxe;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitPickaxeArgs {
    /// Text to look for, on one line: an identifier, an error message, a call. With `regex` an extended regular
    /// expression.
    text: String,
    /// Match changed lines by regular expression instead of counting occurrences of the text.
    #[serde(default)]
    regex: bool,
    /// Only these files, folders or globs.
    #[serde(default)]
    paths: Vec<String>,
    /// Search all history (slow). By default only commits after the known good revision are searched.
    #[serde(default)]
    whole_history: bool,
    /// Number of commits to skip.
    #[serde(default)]
    offset: u32,
    /// Maximum number of commits: 20 by default, 100 at most.
    #[serde(default)]
    limit: Option<u32>,
}

impl Tool for GitPickaxe {
    type Args = GitPickaxeArgs;
    const NAME: &'static str = "git_pickaxe";
    const EFFECT: Effect = Effect::ReadRepository;
    const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(120);

    fn description(&self) -> String {
        "Finds the commits that added or removed a text anywhere in the code (`git log -S`). Use it for names and \
         messages that no longer, or only now, occur."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: GitPickaxeArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let limit = format::limit(args.limit, 20, 100);
            let exclude = if args.whole_history { None } else { ctx.good.clone() };
            let bounded = exclude.is_some();
            let query = LogQuery {
                tip: ctx.bad.to_string(),
                exclude: exclude.map(String::from),
                paths: args.paths,
                skip: args.offset as usize,
                limit,
                ..LogQuery::default()
            };
            let mode = if args.regex { PickaxeMode::ChangedLines } else { PickaxeMode::Occurrences };
            let page = git::pickaxe(&ctx.repo, &query, &args.text, mode, &ctx.cancel)?;
            let mut text: String = page
                .items
                .iter()
                .map(|hit| {
                    let files: Vec<&str> = hit.files.iter().take(8).map(String::as_str).collect();
                    format!("{}\n    {}\n", format::commit_line(&hit.commit), files.join(" "))
                })
                .collect();
            if page.items.is_empty() {
                text.push_str("No commit changed where this occurs.\n");
            }
            let more = page.more.then(|| NextPage {
                offset: u64::from(args.offset) + limit as u64,
                left: "more commits".into(),
            });
            let output = ToolOutput::new(text, &page.items).with_more(more);
            let unseen = if bounded { "merges, and commits up to the good revision" } else { "merges" };
            Ok(output.with_not_searched(unseen))
        })
        .await
    }
}
