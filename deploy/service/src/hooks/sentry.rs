/*!
Alerts and issues of Sentry. The event itself is handed on, with its frames; an issue has only a title and a place.
*/

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{Event, Report, Source, scalar, signature, text};

pub(super) const SOURCE: Source = Source { name: "sentry", verify: signature::sentry, read };

fn read(_: &HeaderMap, value: &Value) -> Result<Event, String> {
    let data = value.get("data").filter(|data| data.is_object()).ok_or("the body needs data")?;
    let action = text(value, &["action"]).unwrap_or_default();
    let event = data.get("event").or_else(|| data.get("error")).filter(|event| event.is_object());
    if let Some(event) = event {
        let issue = scalar(event, &["issue_id"]).or_else(|| scalar(event, &["issue", "id"]));
        return Ok(Event::Report(Box::new(Report {
            keys: issue.iter().map(|issue| format!("issue:{issue}")).collect(),
            payload: event.clone(),
            service: text(event, &["project_slug"]).or(text(event, &["project_name"])).map(str::to_owned),
            external_id: issue.or_else(|| scalar(event, &["event_id"])),
            by_trace: true,
            ..Report::default()
        })));
    }
    let Some(issue) = data.get("issue").filter(|issue| issue.is_object()) else { return Ok(Event::Nothing) };
    let resolved = match action {
        "created" | "unresolved" => false,
        "resolved" => true,
        _ => return Ok(Event::Nothing),
    };
    let id = scalar(issue, &["id"]).ok_or("the issue needs an id")?;
    let of = |path: &[&str]| text(issue, path).unwrap_or_default().to_owned();
    let body = [
        of(&["metadata", "type"]) + ": " + &of(&["metadata", "value"]),
        of(&["culprit"]),
        of(&["metadata", "filename"]) + " " + &of(&["metadata", "function"]),
        of(&["permalink"]),
    ];
    Ok(Event::Report(Box::new(Report {
        keys: vec![format!("issue:{id}")],
        resolved,
        payload: json!({
            "title": of(&["title"]),
            "body": body.join("\n"),
            "service": text(issue, &["project", "slug"]),
            "external_id": id,
            "first_seen": text(issue, &["firstSeen"]),
            "last_seen": text(issue, &["lastSeen"]),
        }),
        service: text(issue, &["project", "slug"]).map(str::to_owned),
        external_id: Some(id),
        ..Report::default()
    })))
}
