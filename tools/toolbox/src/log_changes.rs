/*! Tool: which log messages are new or have become more frequent? */

use millwright_model::Timestamp;
use std::time::Duration;

use millwright_ingest::logs::{ChangeKind, ChangesQuery, LogError, changes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput};

/// Log lines that become evidence.
const CITED: usize = 8;

#[derive(Debug, Clone, Copy)]
pub struct LogChanges;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogChangesArgs {
    /// When the incident began, in milliseconds since 1970 (1714564800000 is 2024-05-01T12:00:00Z). Omit it
    /// to have it chosen from the logs.
    #[serde(default)]
    pub since_ms: Option<i64>,
}

/// What changed in the logs, for a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LogChange {
    /// One line a change, gravest first.
    pub changes: Vec<String>,
    /// Of the gravest new template.
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
}

impl Tool for LogChanges {
    type Args = LogChangesArgs;
    const NAME: &'static str = "log_changes";
    const EFFECT: Effect = Effect::ReadFiles;
    const TIMEOUT: Duration = Duration::from_secs(1800);

    fn description(&self) -> String {
        "Compares the logs since the incident began with the time before: which messages are new, surged or \
         vanished."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, args: LogChangesArgs) -> Result<ToolOutput, ToolError> {
        ctx.blocking(move |ctx| {
            let query = ChangesQuery { since_ms: args.since_ms, ..ChangesQuery::default() };
            let found = changes(&ctx.logs, &query).map_err(explained)?;
            let line = |change: &millwright_ingest::logs::LogChange| {
                let kind = match change.kind {
                    ChangeKind::New => "new",
                    ChangeKind::Surged => "surged",
                    ChangeKind::Vanished => "vanished",
                };
                format!("{kind}: {} ({} before, {} since)", change.template, change.before, change.after)
            };
            let gravest = found.changes.iter().find(|change| change.kind != ChangeKind::Vanished);
            let answer = LogChange {
                changes: found.changes.iter().map(line).collect(),
                first_seen: gravest.and_then(|change| change.first_ms).and_then(moment),
                last_seen: gravest.and_then(|change| change.last_ms).and_then(moment),
            };
            let since = moment(found.since_ms).map(|at| at.as_jiff().to_string()).unwrap_or_default();
            let mut text = format!("since {since} ({}):\n{}", found.since_because, answer.changes.join("\n"));
            if answer.changes.is_empty() {
                text.push_str("nothing is new, surged or vanished");
            }
            let cited = found.changes.iter().flat_map(|change| change.evidence.first()).take(CITED);
            let evidence: Vec<_> = cited.map(millwright_ingest::logs::LogLine::evidence).collect();
            Ok(ToolOutput::new(text, answer)
                .with_evidence(evidence)
                .with_not_searched(found.scanned.not_searched.join("; ")))
        })
        .await
    }
}

fn explained(error: LogError) -> ToolError {
    ToolError::failed(error.to_string())
}

fn moment(ms: i64) -> Option<Timestamp> {
    jiff::Timestamp::from_millisecond(ms).ok().map(Timestamp::from)
}
