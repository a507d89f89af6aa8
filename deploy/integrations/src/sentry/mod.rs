/*!
Alerts and issues of Sentry. An alert passes on the event itself, with its frames; an issue has only a title and a
location.
*/

use http::HeaderMap;
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use crate::configuration::ConnectorKeys;
use crate::inbound::{InboundEvent, InboundReport};
use crate::integration::{InboundHook, Integration};
use crate::payload_fields::{scalar, text};
use crate::signature::{PendingSignature, SignatureCheck, SignatureError, from_hex};

pub(crate) struct SentryIntegration;

impl Integration for SentryIntegration {
    fn name(&self) -> &'static str {
        "sentry"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        Some(ConnectorKeys::HOOK_ALONE)
    }

    fn hook(&self) -> Option<&dyn InboundHook> {
        Some(self)
    }
}

impl InboundHook for SentryIntegration {
    fn summary(&self) -> &'static str {
        "Alerts and issues of Sentry"
    }

    fn payload_schema(&self) -> Schema {
        json_schema!({ "type": "object", "required": ["data"], "properties": { "data": { "type": "object" } } })
    }

    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        const NAME: &str = "sentry-hook-signature";
        let given = from_hex(NAME, delivery.header(NAME)?)?;
        Ok(delivery.awaits(&[], vec![given]))
    }

    fn receive(&self, _: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        let data = body.get("data").filter(|data| data.is_object()).ok_or("the body needs data")?;
        let action = text(body, &["action"]).unwrap_or_default();
        let event = data.get("event").or_else(|| data.get("error")).filter(|event| event.is_object());
        if let Some(event) = event {
            let issue = scalar(event, &["issue_id"]).or_else(|| scalar(event, &["issue", "id"]));
            return Ok(InboundReport {
                keys: issue.iter().map(|issue| format!("issue:{issue}")).collect(),
                payload: event.clone(),
                service: text(event, &["project_slug"]).or(text(event, &["project_name"])).map(str::to_owned),
                external_id: issue.or_else(|| scalar(event, &["event_id"])),
                by_trace: true,
                ..InboundReport::default()
            }
            .into());
        }
        let Some(issue) = data.get("issue").filter(|issue| issue.is_object()) else {
            return Ok(InboundEvent::Nothing);
        };
        let resolved = match action {
            "created" | "unresolved" => false,
            "resolved" => true,
            _ => return Ok(InboundEvent::Nothing),
        };
        let id = scalar(issue, &["id"]).ok_or("the issue needs an id")?;
        let of = |path: &[&str]| text(issue, path).unwrap_or_default().to_owned();
        let lines = [
            of(&["metadata", "type"]) + ": " + &of(&["metadata", "body"]),
            of(&["culprit"]),
            of(&["metadata", "filename"]) + " " + &of(&["metadata", "function"]),
            of(&["permalink"]),
        ];
        Ok(InboundReport {
            keys: vec![format!("issue:{id}")],
            resolved,
            payload: json!({
                "title": of(&["title"]),
                "body": lines.join("\n"),
                "service": text(issue, &["project", "slug"]),
                "external_id": id,
                "first_seen": text(issue, &["firstSeen"]),
                "last_seen": text(issue, &["lastSeen"]),
            }),
            service: text(issue, &["project", "slug"]).map(str::to_owned),
            external_id: Some(id),
            ..InboundReport::default()
        }
        .into())
    }
}
