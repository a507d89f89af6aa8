/*! The `code_symbols` tool: what a file defines. */

use std::sync::Arc;

use millwright_code::{CodeIndex, SourceLanguage};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Default)]
pub(crate) struct CodeSymbols(pub Arc<CodeIndex>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeSymbolsArgs {
    /// The source file, from the top of the repository.
    path: String,
    /// The revision to read at; `bad` by default.
    #[serde(default)]
    revision: Option<String>,
    /// Number of symbols to skip.
    #[serde(default)]
    offset: u32,
}

impl Tool for CodeSymbols {
    type Args = CodeSymbolsArgs;
    const NAME: &'static str = "code_symbols";
    const EFFECT: Effect = Effect::ReadRepository;

    fn description(&self) -> String {
        "Lists the functions, classes and constants a source file defines, with their lines (Python, JavaScript, \
         TypeScript, Rust, Go, Java, C, C++)."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: CodeSymbolsArgs) -> Result<ToolOutput, ToolError> {
        let index = self.0.clone();
        ctx.blocking(move |ctx| {
            let revision = ctx.visible(args.revision.as_deref())?;
            if SourceLanguage::from_path(&args.path).is_none() {
                return Err(ToolError::unavailable(format!(
                    "{:?} is not in a language that is parsed here; read it with git_file",
                    args.path
                )));
            }
            let symbols = index.symbols(&ctx.repo, &revision, &args.path)?.as_ref().clone();
            let (page, more) = format::page(symbols, args.offset as usize, 200, "symbols");
            let mut text: String = page
                .iter()
                .map(|s| {
                    format!("{}-{} {:?} {}: {}\n", s.start_line, s.end_line, s.kind, s.qualified, s.signature)
                })
                .collect();
            if page.is_empty() {
                text.push_str("The file defines no named symbol, or is too large to parse.\n");
            }
            Ok(ToolOutput::new(text, page).with_more(more))
        })
        .await
    }
}
