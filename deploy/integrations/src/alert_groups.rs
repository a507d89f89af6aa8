/*!
Groups of alerts, as several systems send them: a delivery is one group and one report. The rule, the service and the
environment decide which alerts belong together, not the instance: forty pods that fail alike are one incident.
*/

use millwright_model::digest;
use schemars::{Schema, json_schema};
use serde_json::Value;

use crate::inbound::{InboundEvent, InboundReport};
use crate::payload_fields::text;

const SERVICE: &[&str] =
    &["service", "app", "application", "app_kubernetes_io_name", "deployment", "container", "job"];
const ENVIRONMENT: &[&str] = &["environment", "env", "stage", "cluster", "namespace"];

/// The schema of a group.
pub(crate) fn schema() -> Schema {
    let alert = serde_json::json!({
        "type": "object", "required": ["labels"], "properties": { "labels": { "type": "object" } },
    });
    json_schema!({
        "description": "Webhook version 4",
        "type": "object", "required": ["alerts"],
        "properties": { "alerts": { "type": "array", "minItems": 1, "items": alert } },
    })
}

/// Reads a group.
pub(crate) fn receive(body: &Value) -> Result<InboundEvent, String> {
    let alerts = body.get("alerts").and_then(Value::as_array).filter(|alerts| !alerts.is_empty());
    let alerts = alerts.ok_or("the body needs a list of alerts (webhook version 4)")?;
    if !alerts.iter().all(|alert| alert.get("labels").is_some_and(Value::is_object)) {
        return Err("every alert needs labels".into());
    }
    // Which alerts, their start times and states: these are the same in a repeated notification.
    let part = |alert: &Value| {
        let of = |key: &str| text(alert, &[key]).unwrap_or_default().to_owned();
        let name = match of("fingerprint") {
            none if none.is_empty() => alert.get("labels").map(Value::to_string).unwrap_or_default(),
            fingerprint => fingerprint,
        };
        format!("{name} {} {}", of("startsAt"), of("status"))
    };
    let mut parts: Vec<String> = alerts.iter().map(part).collect();
    parts.sort();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let mut keys: Vec<String> = alerts.iter().map(rule).collect();
    keys.sort();
    keys.dedup();
    keys.truncate(20);
    let firing = alerts.iter().any(|alert| text(alert, &["status"]) == Some("firing"));
    let status = text(body, &["status"]);
    Ok(InboundReport {
        delivery: Some(digest(&parts)),
        keys,
        resolved: !firing && (status == Some("resolved") || status.is_none()),
        payload: body.clone(),
        ..InboundReport::default()
    }
    .into())
}

fn rule(alert: &Value) -> String {
    let label = |names: &[&str]| {
        names.iter().find_map(|name| text(alert, &["labels", name])).unwrap_or_default().to_owned()
    };
    match label(&["alertname"]) {
        none if none.is_empty() => alert.get("labels").map(Value::to_string).unwrap_or_default(),
        name => format!("{name}|{}|{}", label(SERVICE), label(ENVIRONMENT)),
    }
}
