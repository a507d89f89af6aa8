/*!
What was done, step by step. The list ends in an element that fetches the events after it and replaces itself, so nothing
is shown twice, no matter how often a connection breaks. The element also polls from time to time, in case it missed a
signal.
*/

use millwright_model::{IncidentId, Timestamp};
use std::collections::BTreeMap;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use millwright_agent::report::duration;
use millwright_store::{Store, StreamEvent, StreamPosition};
use serde::Deserialize;
use serde_json::Value;

use crate::events::view::view;
use crate::http::{CallerStore, IncidentPath, Problem};
use crate::page::page_error::PageError;
use crate::page::{format, shell};

/// Events read in one query, and the most that are read for one response.
const READ: u32 = 200;
const MOST: usize = 1_000;
/// Characters shown of the output of a step.
const SHOWN: usize = 1_500;

pub(crate) async fn whole(store: &Store, id: &IncidentId, open: bool) -> Result<Markup, PageError> {
    let rows = rows(store, id, &StreamPosition::default(), open).await?;
    Ok(html! {
        section #timeline {
            h2 { "Timeline" }
            details open[open] {
                summary { "What was done, step by step" }
                ol.timeline { (rows) }
            }
        }
    })
}

#[derive(Debug, Deserialize)]
pub(crate) struct TimelineQuery {
    after: String,
}

pub(crate) async fn more(
    CallerStore(store): CallerStore,
    IncidentPath(id): IncidentPath,
    Query(TimelineQuery { after }): Query<TimelineQuery>,
) -> Result<Response, PageError> {
    let place: StreamPosition = match after.as_str() {
        "" => StreamPosition::default(),
        text => text.parse().map_err(Problem::bad_request)?,
    };
    let incident = store.get_incident(&id).await?;
    let open = !incident.state.is_over();
    Ok(shell::part(&rows(&store, &id, &place, open).await?))
}

async fn rows(
    store: &Store,
    id: &IncidentId,
    after: &StreamPosition,
    open: bool,
) -> Result<Markup, PageError> {
    let mut events: Vec<StreamEvent> = Vec::new();
    let mut place = StreamPosition::default();
    // From the beginning, because the description of a step is in the plan that named it.
    loop {
        let some = store.stream(id, &place, READ).await?;
        let full = some.len() == READ as usize;
        if let Some(last) = some.last() {
            place = last.position.clone();
        }
        events.extend(some);
        if !full || events.len() >= MOST {
            break;
        }
    }
    let told = (after.run.as_ref(), after.seq);
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let begun = events.first().map(|event| event.at);
    let mut lines: Vec<(&StreamEvent, Markup)> = Vec::new();
    for event in &events {
        let (kind, told_of) = view(event);
        for call in told_of["calls"].as_array().into_iter().flatten() {
            if let (Some(id), Some(tool)) = (call["id"].as_str(), call["tool"].as_str()) {
                names.insert(id.to_owned(), tool.replace(['_', '.'], " "));
            }
        }
        if (event.position.run.as_ref(), event.position.seq) > told
            && let Some(line) = tell(&kind, &told_of, &names)
        {
            lines.push((event, line));
        }
    }
    let end = if events.is_empty() { String::new() } else { place.to_string() };
    Ok(html! {
        @for (event, line) in &lines { li { (since(begun, event.at)) div { (line) } } }
        @if events.len() >= MOST { li { div { "The rest is left out here; the API streams all of it." } } }
        @else if open {
            li.tail hx-get=(format!("/incidents/{id}/timeline?after={end}")) hx-trigger="sse:step delay:150ms, sse:over, every 5s"
                hx-swap="outerHTML" { span.pulse aria-hidden="true" {} span.sr { "goes on" } }
        } @else if events.is_empty() { li { div.dim { "No steps." } } }
    })
}

/// When it happened, relative to the beginning.
fn since(begun: Option<Timestamp>, at: Timestamp) -> Markup {
    let passed = begun.map(|begun| at.as_millisecond() - begun.as_millisecond());
    let passed = passed.and_then(|passed| u64::try_from(passed).ok()).map_or_else(String::new, duration);
    html! { time datetime=(at) title=(format::exact(at)) { (passed) } }
}

/// One line for an event that is worth showing.
fn tell(kind: &str, told: &Value, names: &BTreeMap<String, String>) -> Option<Markup> {
    let text = |key: &str| told[key].as_str().unwrap_or_default();
    let name = || names.get(text("call")).map_or("a step", String::as_str);
    Some(match kind {
        "started" => html! {
            b { "Begun" } " at revision " code { (text("failing_revision").chars().take(10).collect::<String>()) } " by " (format::short(text("planner"), 60))
        },
        "planned" if !text("note").is_empty() => html! { (format::short(text("note"), 400)) },
        "tool_finished" => step(name(), told),
        "approval_decided" => html! {
            b { @if told["approved"] == true { "Approved" } @else { "Denied" } } ": " (name()) ", by " (format::short(text("by"), 80))
        },
        "steered" => html! { b { (format::short(text("by"), 80)) } ": " (format::short(text("text"), 600)) },
        "fell_back" => html! { b { "The playbook takes over" } ": " (format::short(text("because"), 300)) },
        "interrupted" => html! { b { "Interrupted" } "; continues from here" },
        "model_failed" => {
            html! { b { "The model did not answer" } ": " (format::short(text("because"), 300)) }
        }
        "finished" => html! { b { "Answered" } ": " (format::short(text("summary"), 600)) },
        _ => return None,
    })
}

fn step(name: &str, told: &Value) -> Markup {
    let failure = told["failure"].as_str();
    let (text, whole) = format::excerpt(told["text"].as_str().unwrap_or_default(), SHOWN);
    let took = told["duration_ms"].as_u64().map(duration);
    let evidence = told["evidence"].as_array().map_or(0, Vec::len);
    html! {
        details {
            summary {
                (name)
                @if let Some(took) = took { span.dim { " · " (took) } }
                @if failure.is_some() { " " span.mark.bad { "failed" } }
                @match evidence { 0 => {} 1 => span.dim { " · a piece of evidence" } _ => span.dim { " · " (evidence) " pieces of evidence" } }
            }
            @if let Some(failure) = failure { p.bad { (format::short(failure, 400)) } }
            @if !text.trim().is_empty() { pre tabindex="0" { (text) } }
            @if !whole { p.dim { "Shortened." } }
        }
    }
}
