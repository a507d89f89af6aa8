/*! The `git_file` tool: lines of a file as it was at a revision. */

use millwright_git as git;
use millwright_model::{EvidenceDraft, EvidenceSource, Locator};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GitFile;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitFileArgs {
    /// The file, from the top of the repository. For a folder, its entries are listed.
    path: String,
    /// First line to read, from 1.
    #[serde(default)]
    offset: u32,
    /// Maximum number of lines: 200 by default, 800 at most.
    #[serde(default)]
    limit: Option<u32>,
    /// The revision to read at; `bad` by default.
    #[serde(default)]
    revision: Option<String>,
}

impl Tool for GitFile {
    type Args = GitFileArgs;
    const NAME: &'static str = "git_file";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Reads numbered lines of a file as it was at a revision.".into()
    }

    async fn run(&self, ctx: &ToolContext, args: GitFileArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let revision = ctx.visible(args.revision.as_deref())?;
            let blob = git::blob_at(&ctx.repo, &revision, &args.path)?;
            let text = blob.text()?;
            let lines: Vec<&str> = text.lines().collect();
            let (total, start) = (lines.len(), args.offset.max(1));
            if start as usize > total.max(1) {
                return Err(ToolError::invalid(format!(
                    "{:?} has {total} lines; offset must not exceed that",
                    blob.path
                )));
            }
            let limit = format::limit(args.limit, 200, 800);
            let (page, more) = format::page(lines, start as usize - 1, limit, "lines");
            // Offsets of this tool are 1-based line numbers.
            let more = more.map(|more| super::NextPage { offset: more.offset + 1, ..more });
            let end = start + u32::try_from(page.len()).unwrap_or(0).saturating_sub(1);
            let kind = if blob.is_link { " (a symbolic link; this is its target)" } else { "" };
            let shown = format!(
                "{} at {}, lines {start}-{end} of {total}{kind}\n{}",
                blob.path,
                revision.short(),
                format::numbered(&page, start)
            );
            let evidence = EvidenceDraft {
                source: EvidenceSource::Code,
                locator: Locator::commit_lines(&revision, &blob.path, start, end),
                text: page.join("\n"),
            };
            let data = json!({
                "path": blob.path, "revision": revision, "oid": blob.oid,
                "start_line": start, "end_line": end, "total_lines": total, "lines": page,
            });
            Ok(ToolOutput::new(shown, data).with_evidence([evidence]).with_more(more))
        })
        .await
    }
}
