/*!
Any system that can sign by the Standard Webhooks specification. The body is that of `POST /v1/incidents`, with
`status: "resolved"` where it is over and `fingerprint` where the sender knows what belongs together.
*/

use axum::http::HeaderMap;
use serde_json::Value;

use super::{Event, Report, Source, scalar, signature, text};

pub(super) const SOURCE: Source = Source { name: "generic", verify: signature::standard, read };

fn read(headers: &HeaderMap, value: &Value) -> Result<Event, String> {
    let title = text(value, &["title"]).ok_or(
        "the body needs a title; it has the fields of POST /v1/incidents, and status and fingerprint",
    )?;
    let external_id = scalar(value, &["external_id"]);
    let fingerprint = scalar(value, &["fingerprint"]);
    let service = text(value, &["service"]).unwrap_or_default();
    let mut keys: Vec<String> = Vec::new();
    keys.extend(fingerprint.map(|fingerprint| format!("fingerprint:{service}:{fingerprint}")));
    keys.extend(external_id.as_ref().map(|id| format!("id:{id}")));
    if keys.is_empty() {
        keys.push(format!("title:{service}:{title}"));
    }
    let mut payload = value.clone();
    if let Some(fields) = payload.as_object_mut() {
        fields.entry("body").or_insert_with(|| "".into());
    }
    Ok(Event::Report(Box::new(Report {
        delivery: headers.get("webhook-id").and_then(|id| id.to_str().ok()).map(str::to_owned),
        keys,
        resolved: text(value, &["status"]).is_some_and(|status| status.eq_ignore_ascii_case("resolved")),
        payload,
        service: Some(service.to_owned()),
        external_id,
        ticket: None,
        by_trace: true,
    })))
}
