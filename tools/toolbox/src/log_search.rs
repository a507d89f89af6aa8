/*! The `log_search` tool: records of the logs that came with the incident. */

use millwright_ingest::logs::{self, LogLevel, SearchQuery};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, NextPage, Tool, ToolContext, ToolError, ToolOutput, format};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogSearch;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSearchArgs {
    /// Words that a record contains, as one phrase, in any case.
    #[serde(default)]
    text: Option<String>,
    /// A regular expression over the whole record, stack trace included.
    #[serde(default)]
    regex: Option<String>,
    /// Only records at least as severe as this.
    #[serde(default)]
    level: Option<LogLevel>,
    /// Only records from this time on (RFC 3339: `2024-05-01T12:00:00Z`).
    #[serde(default)]
    from: Option<String>,
    /// Only records before this time (RFC 3339).
    #[serde(default)]
    to: Option<String>,
    /// Part of the service, component or logger name.
    #[serde(default)]
    service: Option<String>,
    /// Only records of this trace.
    #[serde(default)]
    trace_id: Option<String>,
    /// Number of records to skip.
    #[serde(default)]
    offset: u32,
    /// Maximum number of records: 50 by default, 200 at most.
    #[serde(default)]
    limit: Option<u32>,
}

impl Tool for LogSearch {
    type Args = LogSearchArgs;
    const NAME: &'static str = "log_search";
    const EFFECT: Effect = Effect::ReadFiles;
    const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(120);

    fn description(&self) -> String {
        "Searches the log files that came with the incident by words, level, time, service or trace id."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: LogSearchArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            if ctx.logs.is_empty() {
                return Err(ToolError::not_found("no log files came with this incident"));
            }
            let query = SearchQuery {
                text: args.text,
                regex: args.regex,
                level: args.level,
                from_ms: args.from.as_deref().map(format::milliseconds).transpose()?,
                to_ms: args.to.as_deref().map(format::milliseconds).transpose()?,
                service: args.service,
                trace_id: args.trace_id,
                limit: Some(format::limit(args.limit, 50, 200)),
                offset: args.offset as usize,
            };
            let result = logs::search(&ctx.logs, &query)?;
            let mut text: String = result
                .records
                .iter()
                .map(|record| format!("{}:{}: {}\n", record.path, record.start_line, record.text))
                .collect();
            if result.records.is_empty() {
                text.push_str(&format!("None of {} records matches.\n", result.scanned.records));
            }
            let seen = u64::from(args.offset) + result.records.len() as u64;
            let more = (result.matched > seen).then(|| NextPage {
                offset: seen,
                left: format!("{} more records match", result.matched - seen),
            });
            let evidence: Vec<_> = result.records.iter().map(logs::LogLine::evidence).collect();
            let output = ToolOutput::new(text, &result).with_evidence(evidence).with_more(more);
            Ok(format::with_unread(output, &result.scanned.not_searched))
        })
        .await
    }
}
