/*! Tool: what does the ticket say, parsed into its parts? */

use millwright_model::{EvidenceDraft, EvidenceSource, LineSpan, Locator};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput};

#[derive(Debug, Clone, Copy)]
pub struct TicketTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketArgs {}

impl Tool for TicketTool {
    type Args = TicketArgs;
    const NAME: &'static str = "ticket";
    const EFFECT: Effect = Effect::ReadFiles;

    fn description(&self) -> String {
        "The parts of the ticket: the symptom in words, stack traces with their frames mapped to files of \
         the failing revision, failing tests, error messages."
            .into()
    }

    async fn run(&self, ctx: &ToolContext, _: TicketArgs) -> Result<ToolOutput, ToolError> {
        let ticket = &ctx.ticket;
        let mut text = format!("{}\n", ticket.title);
        if !ticket.symptom.is_empty() {
            text.push_str(&format!("symptom: {}\n", ticket.symptom));
        }
        for test in &ticket.failing_tests {
            text.push_str(&format!("failing test: {}\n", test.id));
        }
        for exception in ticket.traces.iter().flat_map(|trace| &trace.exceptions) {
            text.push_str(&format!("{}: {}\n", exception.kind, exception.message));
            for frame in &exception.frames {
                let at = frame.mapped.as_ref().map(|mapped| mapped.path.as_str()).or(frame.path.as_deref());
                let function = frame.function.as_deref().unwrap_or("?");
                let line = frame.line.map(|line| format!(":{line}")).unwrap_or_default();
                let library = if frame.in_app { "" } else { " (library)" };
                text.push_str(&format!("  {}{line} {function}{library}\n", at.unwrap_or("?")));
            }
        }
        for error in &ticket.errors {
            text.push_str(&format!("error: {}\n", error.message));
        }
        text.extend(ticket.notes.iter().map(|note| format!("note: {note}\n")));
        Ok(ToolOutput::new(text, ticket.as_ref()).with_evidence(excerpts(ctx)))
    }
}

/// What claims about the ticket cite: its first lines, and each trace.
fn excerpts(ctx: &ToolContext) -> Vec<EvidenceDraft> {
    const MOST: usize = 5;
    let ticket = &ctx.ticket;
    let lines: Vec<&str> = ticket.text.lines().collect();
    let last = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let mut spans = vec![LineSpan { start: 1, end: last.min(40) }];
    spans.extend(ticket.traces.iter().filter_map(|trace| trace.span).take(MOST));
    let excerpt = |span: LineSpan| {
        let (from, to) = (span.start.max(1) as usize - 1, span.end.min(last) as usize);
        let text = lines.get(from..to)?.join("\n");
        (!text.trim().is_empty()).then(|| EvidenceDraft {
            source: EvidenceSource::Ticket,
            locator: Locator::ticket_lines(span.start.max(1), span.end.min(last)),
            text,
        })
    };
    spans.into_iter().filter_map(excerpt).collect()
}
