/*! Tool: reads evidence, or the result of an earlier call, again and in full. */

use std::sync::Arc;

use millwright_tools::{Effect, NextPage, Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::context::EvidenceCache;

/// Characters of a page; larger ones would be cut by the bounds of every answer.
const PAGE: usize = 6_000;

#[derive(Debug)]
pub(super) struct ReadEvidence(pub(super) Arc<EvidenceCache>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadEvidenceArgs {
    /// An id of evidence such as E3, or of a call such as c5.
    id: String,
    /// Characters to skip; 0 by default.
    #[serde(default)]
    offset: u64,
}

impl Tool for ReadEvidence {
    type Args = ReadEvidenceArgs;
    const NAME: &'static str = "read_evidence";
    const EFFECT: Effect = Effect::ReadMemory;

    fn description(&self) -> String {
        "Reads a piece of evidence, or the answer of an earlier call, as it is stored: what quotes are checked \
         against."
            .into()
    }

    async fn run(&self, _: &ToolContext, args: ReadEvidenceArgs) -> Result<ToolOutput, ToolError> {
        let id = args.id.trim();
        let text =
            match self.0.evidence(id).await.map_err(|error| ToolError::unavailable(error.to_string()))? {
                Some(text) => Some(text),
                None => self.0.result(id),
            };
        let Some(text) = text else {
            let ids = self.0.ids().join(", ");
            return Err(ToolError::not_found(format!("there is no {id:?}; evidence so far: {ids}")));
        };
        let total = text.chars().count();
        let skip = usize::try_from(args.offset).unwrap_or(usize::MAX).min(total);
        let page: String = text.chars().skip(skip).take(PAGE).collect();
        let end = skip + page.chars().count();
        let more = (end < total)
            .then(|| NextPage { offset: end as u64, left: format!("{} more characters", total - end) });
        let data = json!({ "id": id, "offset": skip, "end": end, "total": total });
        Ok(ToolOutput::new(page, data).with_more(more))
    }
}
