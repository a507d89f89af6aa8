/*! The `code_references` tool: who uses a name. */

use std::sync::Arc;

use millwright_code::CodeIndex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Default)]
pub(crate) struct CodeReferences(pub Arc<CodeIndex>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeReferencesArgs {
    /// A name; of a qualified name, the last part is searched for.
    name: String,
    /// Only these files, folders or globs.
    #[serde(default)]
    paths: Vec<String>,
    /// The revision to search; `bad` by default.
    #[serde(default)]
    revision: Option<String>,
    /// Number of references to skip.
    #[serde(default)]
    offset: u32,
}

impl Tool for CodeReferences {
    type Args = CodeReferencesArgs;
    const NAME: &'static str = "code_references";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Lists where a name is called, imported, defined or otherwise used in code (not in comments or strings), \
         and in which function."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: CodeReferencesArgs) -> Result<ToolOutput, ToolError> {
        let index = self.0.clone();
        ctx.blocking(move |ctx| {
            let revision = ctx.visible(args.revision.as_deref())?;
            let references =
                index.references(&ctx.repo, &revision, args.name.trim(), &args.paths, &ctx.cancel)?;
            let (page, more) = format::page(references.found, args.offset as usize, 100, "references");
            let mut text: String = page
                .iter()
                .map(|(path, r)| {
                    let within = r.within.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
                    format!("{path}:{} {:?}{within}: {}\n", r.line, r.kind, r.text)
                })
                .collect();
            if page.is_empty() {
                text.push_str("No use of this name in files that are parsed; git_grep searches all files.\n");
            }
            let data: Vec<_> =
                page.iter().map(|(path, reference)| json!({"path": path, "reference": reference})).collect();
            let mut unseen = "other names for the same thing (aliases, calls by reflection)".to_owned();
            if references.files_left_out > 0 {
                unseen.push_str(&format!(", {} files that are not parsed", references.files_left_out));
            }
            Ok(ToolOutput::new(text, data).with_more(more).with_not_searched(unseen))
        })
        .await
    }
}
