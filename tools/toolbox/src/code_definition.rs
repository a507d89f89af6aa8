/*! The `code_definition` tool: where a name is defined, with its source. */

use std::sync::Arc;

use millwright_code::{CodeIndex, symbol_id};
use millwright_git as git;
use millwright_model::{EvidenceDraft, EvidenceSource, Locator};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, format};

/// Definitions shown with their source, and lines of each.
const SHOWN: usize = 4;
const LINES: usize = 80;

#[derive(Debug, Clone, Default)]
pub(crate) struct CodeDefinition(pub Arc<CodeIndex>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeDefinitionArgs {
    /// A name (`fetch_all`) or the end of a qualified one (`QuerySet.filter`, `Store::open`).
    name: String,
    /// Only these files, folders or globs.
    #[serde(default)]
    paths: Vec<String>,
    /// The revision to search; `bad` by default.
    #[serde(default)]
    revision: Option<String>,
}

impl Tool for CodeDefinition {
    type Args = CodeDefinitionArgs;
    const NAME: &'static str = "code_definition";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Finds where a function, class or constant is defined and shows its source.".into()
    }

    async fn run(&self, ctx: &ToolContext, args: CodeDefinitionArgs) -> Result<ToolOutput, ToolError> {
        let index = self.0.clone();
        ctx.blocking(move |ctx| {
            let revision = ctx.visible(args.revision.as_deref())?;
            let mut definitions =
                index.definitions(&ctx.repo, &revision, args.name.trim(), &args.paths, &ctx.cancel)?;
            // Definitions in product code come first: they are wanted more often than those in tests.
            definitions.found.sort_by_key(|(path, _)| millwright_ingest::is_test_path(path));
            let mut text = String::new();
            let mut evidence = Vec::new();
            for (number, (path, symbol)) in definitions.found.iter().take(100).enumerate() {
                let id = symbol_id(path, &symbol.qualified);
                text.push_str(&format!(
                    "{id} {:?} lines {}-{}\n",
                    symbol.kind, symbol.start_line, symbol.end_line
                ));
                if number >= SHOWN {
                    continue;
                }
                let source = git::blob_at(&ctx.repo, &revision, path)?.text()?;
                let first = symbol.start_line as usize - 1;
                let whole: Vec<&str> = source
                    .lines()
                    .skip(first)
                    .take((symbol.end_line - symbol.start_line) as usize + 1)
                    .collect();
                let shown = whole.get(..LINES).unwrap_or(&whole);
                text.push_str(&format::numbered(shown, symbol.start_line));
                if whole.len() > shown.len() {
                    let next = first + shown.len() + 1;
                    text.push_str(&format!("  [git_file {path} with offset {next} shows the rest]\n"));
                }
                let end = symbol.start_line + u32::try_from(shown.len()).unwrap_or(1).saturating_sub(1);
                evidence.push(EvidenceDraft {
                    source: EvidenceSource::Code,
                    locator: Locator::commit_lines(&revision, path, symbol.start_line, end),
                    text: shown.join("\n"),
                });
            }
            if definitions.found.is_empty() {
                text.push_str("Not defined in any file that is parsed; git_grep searches all files.\n");
            }
            let data: Vec<_> = definitions
                .found
                .iter()
                .take(1000)
                .map(|(path, symbol)| json!({"path": path, "symbol": symbol}))
                .collect();
            let output = ToolOutput::new(text, data).with_evidence(evidence);
            Ok(match definitions.files_left_out {
                0 => output,
                n => output.with_not_searched(format!("{n} files that contain the name but are not parsed")),
            })
        })
        .await
    }
}
