/*!
Incidents of PagerDuty. While a secret is being replaced there, a delivery has several signatures.
*/

use http::HeaderMap;
use schemars::{Schema, json_schema};
use serde_json::Value;

use crate::configuration::ConnectorKeys;
use crate::inbound::{InboundEvent, InboundReport};
use crate::integration::{InboundHook, Integration};
use crate::payload_fields::text;
use crate::signature::{PendingSignature, SignatureCheck, SignatureError, whole};

pub(crate) struct PagerDutyIntegration;

impl Integration for PagerDutyIntegration {
    fn name(&self) -> &'static str {
        "pagerduty"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        Some(ConnectorKeys::HOOK_ALONE)
    }

    fn hook(&self) -> Option<&dyn InboundHook> {
        Some(self)
    }
}

impl InboundHook for PagerDutyIntegration {
    fn summary(&self) -> &'static str {
        "Incidents of PagerDuty (v3 webhooks)"
    }

    fn payload_schema(&self) -> Schema {
        let event = serde_json::json!({
            "type": "object", "required": ["event_type"],
            "properties": { "event_type": { "type": "string", "minLength": 1 } },
        });
        json_schema!({
            "description": "Webhook version 3",
            "type": "object", "required": ["event"], "properties": { "event": event },
        })
    }

    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        const NAME: &str = "x-pagerduty-signature";
        let given = delivery
            .header(NAME)?
            .split(',')
            .filter_map(|signature| hex::decode(signature.trim().strip_prefix("v1=")?).ok())
            .collect();
        Ok(delivery.awaits(&[], whole(NAME, given)?))
    }

    fn receive(&self, _: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        let event = body.get("event").filter(|event| event.is_object());
        let event = event.ok_or("the body needs an event (v3 webhooks)")?;
        let kind = text(event, &["event_type"]).ok_or("the event needs an event_type")?;
        let resolved = match kind {
            "incident.triggered" | "incident.reopened" => false,
            "incident.resolved" => true,
            _ => return Ok(InboundEvent::Nothing),
        };
        let id = text(event, &["data", "id"]).ok_or("the event needs the id of its incident")?;
        let mut keys = vec![format!("id:{id}")];
        keys.extend(text(event, &["data", "incident_key"]).map(|key| format!("key:{key}")));
        Ok(InboundReport {
            delivery: text(event, &["id"]).map(str::to_owned),
            keys,
            resolved,
            payload: body.clone(),
            service: text(event, &["data", "service", "summary"]).map(str::to_owned),
            external_id: Some(id.to_owned()),
            ..InboundReport::default()
        }
        .into())
    }
}
