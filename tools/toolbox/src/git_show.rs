/*! The `git_show` tool: one commit with its message, its files and its patch. */

use millwright_git::{self as git, FileChange};
use millwright_model::{EvidenceDraft, EvidenceSource, Locator};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, format};

/// Most bytes of a patch read, whatever is asked for.
pub(super) const MAX_PATCH: usize = 2 << 20;
/// Lines of a patch on one page.
pub(super) const PATCH_LINES: usize = 300;
/// Files named in the text.
const FILES_NAMED: usize = 40;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GitShow;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitShowArgs {
    /// The commit: an id from another tool, or `bad~3`.
    commit: String,
    /// Show the patch of these files, folders or globs only.
    #[serde(default)]
    paths: Vec<String>,
    /// Number of lines of the patch to skip.
    #[serde(default)]
    offset: u32,
}

impl Tool for GitShow {
    type Args = GitShowArgs;
    const NAME: &'static str = "git_show";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Shows one commit: author, message, changed files and the patch against its first parent.".into()
    }

    async fn run(&self, ctx: &ToolContext, args: GitShowArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let id = ctx.visible(Some(&args.commit))?;
            let detail = git::show(&ctx.repo, &id, &args.paths, MAX_PATCH, &ctx.cancel)?;
            let lines: Vec<&str> = detail.diff.patch.lines().collect();
            let (page, more) = format::page(lines, args.offset as usize, PATCH_LINES, "lines of the patch");
            let mut text = format!(
                "commit {id}\nAuthor: {} <{}> {}\nParents: {}\n\n{}\n\n",
                detail.summary.author,
                detail.summary.author_email,
                format::day(detail.summary.author_time),
                detail.summary.parents.join(" "),
                detail.message
            );
            text.push_str(&file_list(&detail.diff.files));
            text.push('\n');
            text.push_str(&page.join("\n"));
            let cut = detail.diff.truncated;
            let evidence = EvidenceDraft {
                source: EvidenceSource::Git,
                locator: Locator::commit(&id),
                text: format!("{}\n\n{}", detail.message, detail.diff.patch),
            };
            let output = ToolOutput::new(text, &detail).with_evidence([evidence]).with_more(more);
            Ok(if cut {
                output.with_not_searched("the patch beyond its first 2 MB; name paths")
            } else {
                output
            })
        })
        .await
    }
}

/// ` src/a.py | +3 -1`
pub(super) fn file_list(files: &[FileChange]) -> String {
    let line = |file: &FileChange| {
        let from = file.old_path.as_ref().map(|old| format!(" (was {old})")).unwrap_or_default();
        match (file.added, file.removed) {
            (Some(added), Some(removed)) => format!(" {}{from} | +{added} -{removed}\n", file.path),
            _ => format!(" {}{from} | binary\n", file.path),
        }
    };
    let mut text: String = files.iter().take(FILES_NAMED).map(line).collect();
    if files.len() > FILES_NAMED {
        text.push_str(&format!(" … and {} more files\n", files.len() - FILES_NAMED));
    }
    text
}
