/*!
Alertmanager's webhook, which Grafana's alerting extends. One delivery is a group of alerts, and the group becomes
one ticket.
*/

use crate::moment;
use millwright_model::TicketFormat;
use serde_json::Value;

use super::{ReadablePayload, owned, scalar, text};

const MAX_ALERTS: usize = 50;
/// Alertmanager's end time of an alert that is still firing.
const NEVER: &str = "0001-01-01";

pub(super) fn read(value: &Value) -> Option<ReadablePayload> {
    let alerts: Vec<&Value> = match value {
        // The API's own list is a plain array of alerts.
        Value::Array(list) => list.iter().collect(),
        _ => value.get("alerts")?.as_array()?.iter().collect(),
    };
    if alerts.is_empty() || !alerts.iter().all(|alert| alert.get("labels").is_some_and(Value::is_object)) {
        return None;
    }
    let mut payload = ReadablePayload::new(TicketFormat::Alertmanager, &title(value, &alerts));
    for alert in alerts.iter().take(MAX_ALERTS) {
        let mut body = String::new();
        for key in ["summary", "message", "description"] {
            if let Some(line) =
                text(alert, &["annotations", key]).filter(|line| !payload.text.contains(*line))
            {
                body.push_str(line);
                body.push('\n');
            }
        }
        if let Some(state) = text(alert, &["valueString"]) {
            body.push_str(state);
            body.push('\n');
        }
        payload.paragraph(&body);
    }
    for source in ["commonLabels", "commonAnnotations", "groupLabels"] {
        for (key, text) in value.get(source).and_then(Value::as_object).into_iter().flatten() {
            if let Some(text) = scalar(text) {
                payload.label(key, &text);
            }
        }
    }
    for (key, text) in alerts.first().and_then(|alert| alert.get("labels")?.as_object()).into_iter().flatten()
    {
        if let Some(text) = scalar(text) {
            payload.label(key, &text);
        }
    }
    for key in ["runbook_url", "dashboard_url"] {
        if let Some(url) = alerts.iter().find_map(|alert| text(alert, &["annotations", key])) {
            payload.label(key, url);
        }
    }
    place(&alerts, &mut payload);
    if alerts.len() > MAX_ALERTS {
        payload.notes.push(format!(
            "The delivery contains {} alerts; the first {MAX_ALERTS} were read.",
            alerts.len()
        ));
    }
    if value.get("truncatedAlerts").and_then(Value::as_u64).is_some_and(|count| count > 0) {
        payload.notes.push("Alertmanager itself left alerts out of this delivery.".to_owned());
    }
    Some(payload)
}

fn place(alerts: &[&Value], payload: &mut ReadablePayload) {
    let label = |payload: &ReadablePayload, names: &[&str]| {
        names.iter().find_map(|name| payload.context.labels.get(*name).cloned())
    };
    payload.context.service = label(
        payload,
        &["service", "app", "application", "app_kubernetes_io_name", "deployment", "container", "job"],
    );
    payload.context.environment = label(payload, &["environment", "env", "stage", "cluster", "namespace"]);
    payload.context.release = label(payload, &["release", "version", "revision"]);
    payload.context.routes =
        label(payload, &["route", "handler", "path", "endpoint", "uri"]).into_iter().collect();
    payload.context.external_id = alerts.first().and_then(|alert| owned(alert, &["fingerprint"]));
    let times = |key: &str| {
        alerts
            .iter()
            .filter_map(|alert| text(alert, &[key]))
            .filter(|at| !at.starts_with(NEVER))
            .filter_map(moment)
            .collect::<Vec<_>>()
    };
    payload.context.first_seen = times("startsAt").into_iter().min();
    payload.context.last_seen = times("endsAt").into_iter().max();
}

fn title(value: &Value, alerts: &[&Value]) -> String {
    let first = alerts.first().copied().unwrap_or(&Value::Null);
    let name = text(value, &["commonLabels", "alertname"]).or_else(|| text(first, &["labels", "alertname"]));
    let summary =
        text(value, &["commonAnnotations", "summary"]).or_else(|| text(first, &["annotations", "summary"]));
    match (name, summary) {
        (Some(name), Some(summary)) => format!("{name}: {summary}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => text(value, &["title"]).unwrap_or("Alert").to_owned(),
    }
}
