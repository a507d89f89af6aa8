/*!
Alerts of Alertmanager, Grafana and PagerDuty. A delivery is a group of alerts and one report. What belongs together is
told by the rule, the service and the environment, not by the instance: forty pods that fail alike are one incident.
*/

use axum::http::HeaderMap;
use serde_json::Value;

use super::{Event, Report, Source, signature, text};
use crate::api::incidents::digest;

pub(super) const ALERTMANAGER: Source =
    Source { name: "alertmanager", verify: signature::bearer, read: read_alerts };
pub(super) const GRAFANA: Source = Source { name: "grafana", verify: signature::grafana, read: read_alerts };
pub(super) const PAGERDUTY: Source =
    Source { name: "pagerduty", verify: signature::pagerduty, read: read_pagerduty };

const SERVICE: &[&str] =
    &["service", "app", "application", "app_kubernetes_io_name", "deployment", "container", "job"];
const ENVIRONMENT: &[&str] = &["environment", "env", "stage", "cluster", "namespace"];

fn read_alerts(_: &HeaderMap, value: &Value) -> Result<Event, String> {
    let alerts = value.get("alerts").and_then(Value::as_array).filter(|alerts| !alerts.is_empty());
    let alerts = alerts.ok_or("the body needs a list of alerts (webhook version 4)")?;
    if !alerts.iter().all(|alert| alert.get("labels").is_some_and(Value::is_object)) {
        return Err("every alert needs labels".into());
    }
    // Which alerts, begun when, in which state: what a repeated notification has in common.
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
    let status = text(value, &["status"]);
    Ok(Event::Report(Box::new(Report {
        delivery: Some(digest(&parts)),
        keys,
        resolved: !firing && (status == Some("resolved") || status.is_none()),
        payload: value.clone(),
        ..Report::default()
    })))
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

fn read_pagerduty(_: &HeaderMap, value: &Value) -> Result<Event, String> {
    let event = value.get("event").filter(|event| event.is_object());
    let event = event.ok_or("the body needs an event (v3 webhooks)")?;
    let kind = text(event, &["event_type"]).ok_or("the event needs an event_type")?;
    let resolved = match kind {
        "incident.triggered" | "incident.reopened" => false,
        "incident.resolved" => true,
        _ => return Ok(Event::Nothing),
    };
    let id = text(event, &["data", "id"]).ok_or("the event needs the id of its incident")?;
    let mut keys = vec![format!("id:{id}")];
    keys.extend(text(event, &["data", "incident_key"]).map(|key| format!("key:{key}")));
    Ok(Event::Report(Box::new(Report {
        delivery: text(event, &["id"]).map(str::to_owned),
        keys,
        resolved,
        payload: value.clone(),
        service: text(event, &["data", "service", "summary"]).map(str::to_owned),
        external_id: Some(id.to_owned()),
        ticket: None,
        by_trace: false,
    })))
}
