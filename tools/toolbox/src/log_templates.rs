/*! The `log_templates` tool: the kinds of messages in the logs, with their counts. */

use millwright_ingest::logs::{self, LogLevel, TemplateSummary, TimeWindow};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogTemplates;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogTemplatesArgs {
    /// Only records from this time on (RFC 3339: `2024-05-01T12:00:00Z`).
    #[serde(default)]
    from: Option<String>,
    /// Only records before this time (RFC 3339).
    #[serde(default)]
    to: Option<String>,
    /// Only templates at least as severe as this.
    #[serde(default)]
    level: Option<LogLevel>,
    /// Number of templates to skip.
    #[serde(default)]
    offset: u32,
}

impl Tool for LogTemplates {
    type Args = LogTemplatesArgs;
    const NAME: &'static str = "log_templates";
    const EFFECT: Effect = Effect::ReadFiles;
    const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(120);

    fn description(&self) -> String {
        "Summarises the logs of the incident as message templates with counts, most frequent first. Use it \
         to learn what a log contains before searching it."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: LogTemplatesArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            if ctx.logs.is_empty() {
                return Err(ToolError::not_found("no log files came with this incident"));
            }
            let window = TimeWindow {
                from_ms: args.from.as_deref().map(format::milliseconds).transpose()?,
                to_ms: args.to.as_deref().map(format::milliseconds).transpose()?,
            };
            let mined = logs::templates(&ctx.logs, window)?;
            let grave: Vec<TemplateSummary> = mined
                .templates
                .into_iter()
                .filter(|template| args.level.is_none_or(|level| template.level >= Some(level)))
                .collect();
            let (page, more) = format::page(grave, args.offset as usize, 60, "templates");
            let mut text = format!(
                "{} templates in {} records of {} files\n",
                mined.total, mined.scanned.records, mined.scanned.files
            );
            for template in &page {
                let level = template.level.map(|level| format!("{level:?} ")).unwrap_or_default();
                text.push_str(&format!("{:>7} × {level}{}\n", template.count, template.template));
            }
            let evidence: Vec<_> = page.iter().take(20).map(|template| template.example.evidence()).collect();
            let output = ToolOutput::new(text, &page).with_evidence(evidence).with_more(more);
            Ok(format::with_unread(output, &mined.scanned.not_searched))
        })
        .await
    }
}
