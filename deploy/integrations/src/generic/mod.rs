/*!
Any system that can sign according to the Standard Webhooks specification. The body is that of `POST /v1/incidents`, with
`status: "resolved"` when the failure is over, and `fingerprint` when the sender knows which reports belong together.
*/

use http::HeaderMap;
use schemars::{Schema, json_schema};
use serde_json::Value;

use crate::configuration::ConnectorKeys;
use crate::inbound::{InboundEvent, InboundReport};
use crate::integration::{InboundHook, Integration};
use crate::payload_fields::{scalar, text};
use crate::signature::{PendingSignature, SignatureCheck, SignatureError};
use crate::standard_webhooks;

pub(crate) struct GenericIntegration;

impl Integration for GenericIntegration {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn connector(&self) -> Option<ConnectorKeys> {
        Some(ConnectorKeys::HOOK_ALONE)
    }

    fn hook(&self) -> Option<&dyn InboundHook> {
        Some(self)
    }
}

impl InboundHook for GenericIntegration {
    fn summary(&self) -> &'static str {
        "Reports by the Standard Webhooks specification"
    }

    fn payload_schema(&self) -> Schema {
        json_schema!({
            "description": "The fields of POST /v1/incidents, and status and fingerprint",
            "type": "object", "required": ["title"], "properties": { "title": { "type": "string", "minLength": 1 } },
        })
    }

    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        standard_webhooks::verify(delivery)
    }

    fn receive(&self, headers: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        let title = text(body, &["title"]).ok_or(
            "the body needs a title; it has the fields of POST /v1/incidents, and status and fingerprint",
        )?;
        let external_id = scalar(body, &["external_id"]);
        let fingerprint = scalar(body, &["fingerprint"]);
        let service = text(body, &["service"]).unwrap_or_default();
        let mut keys: Vec<String> = Vec::new();
        keys.extend(fingerprint.map(|fingerprint| format!("fingerprint:{service}:{fingerprint}")));
        keys.extend(external_id.as_ref().map(|id| format!("id:{id}")));
        if keys.is_empty() {
            keys.push(format!("title:{service}:{title}"));
        }
        let mut payload = body.clone();
        if let Some(fields) = payload.as_object_mut() {
            fields.entry("body").or_insert_with(|| "".into());
        }
        Ok(InboundReport {
            delivery: headers.get(standard_webhooks::ID).and_then(|id| id.to_str().ok()).map(str::to_owned),
            keys,
            resolved: text(body, &["status"]).is_some_and(|status| status.eq_ignore_ascii_case("resolved")),
            payload,
            service: Some(service.to_owned()),
            external_id,
            by_trace: true,
            ..InboundReport::default()
        }
        .into())
    }
}
