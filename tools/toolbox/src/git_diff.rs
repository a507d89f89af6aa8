/*! The `git_diff` tool: what differs between two revisions. */

use millwright_git as git;
use schemars::JsonSchema;
use serde::Deserialize;

use super::git_show::{MAX_PATCH, PATCH_LINES, file_list};
use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GitDiffTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitDiffArgs {
    /// The older revision; `good` by default.
    #[serde(default)]
    from: Option<String>,
    /// The newer revision; `bad` by default.
    #[serde(default)]
    to: Option<String>,
    /// Only these files, folders or globs. Name some unless the range is short.
    #[serde(default)]
    paths: Vec<String>,
    /// Number of lines of the patch to skip.
    #[serde(default)]
    offset: u32,
}

impl Tool for GitDiffTool {
    type Args = GitDiffArgs;
    const NAME: &'static str = "git_diff";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Shows what changed in files between two revisions, by default from the known good to the failing one.".into()
    }

    async fn run(&self, ctx: &ToolContext, args: GitDiffArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let from = ctx.visible(Some(args.from.as_deref().unwrap_or("good")))?;
            let to = ctx.visible(args.to.as_deref())?;
            let diff = git::diff(&ctx.repo, &from, &to, &args.paths, MAX_PATCH, &ctx.cancel)?;
            let (page, more) = format::page(
                diff.patch.lines().collect(),
                args.offset as usize,
                PATCH_LINES,
                "lines of the patch",
            );
            let mut text = format!("from {} to {}\n", from.short(), to.short());
            text.push_str(&file_list(&diff.files));
            text.push_str(if diff.files.is_empty() { "No differences.\n" } else { "\n" });
            text.push_str(&page.join("\n"));
            let output = ToolOutput::new(text, &diff).with_more(more);
            Ok(if diff.truncated {
                output.with_not_searched("the patch beyond its first 2 MB; name paths")
            } else {
                output
            })
        })
        .await
    }
}
