/*!
Deliveries about issues. New ones and reopened ones are reports; completed and canceled ones mean that the failure is
over. Other events of an issue, our own comments included, are ignored.

The signature covers only the body, and the body contains the time of sending, so a delivery is proven only at the end of
its body. The id of the delivery is in a header that no signature covers.
*/

use http::HeaderMap;
use schemars::{Schema, json_schema};
use serde_json::Value;

use super::{LinearIntegration, is_id};
use crate::inbound::{InboundEvent, InboundReport};
use crate::integration::InboundHook;
use crate::payload_fields::text;
use crate::signature::{MaxAge, PendingSignature, SignatureCheck, SignatureError, from_hex};

impl InboundHook for LinearIntegration {
    fn summary(&self) -> &'static str {
        "Issues of Linear"
    }

    fn payload_schema(&self) -> Schema {
        json_schema!({
            "type": "object", "required": ["type", "action", "webhookTimestamp"],
            "properties": {
                "type": { "type": "string", "minLength": 1 }, "action": { "type": "string", "minLength": 1 },
                "webhookTimestamp": { "type": "integer" },
            },
        })
    }

    /// The signature is hex over the body.
    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        const NAME: &str = "linear-signature";
        let given = from_hex(NAME, delivery.header(NAME)?)?;
        Ok(delivery.awaits_dated(vec![given], MaxAge::OneMinute, sent_at))
    }

    fn receive(&self, _: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        let kind = text(body, &["type"]).ok_or("the event needs a type")?;
        let action = text(body, &["action"]).ok_or("the event needs an action")?;
        if kind != "Issue" {
            return Ok(InboundEvent::Nothing);
        }
        let is_over = matches!(text(body, &["data", "state", "type"]), Some("completed" | "canceled"));
        let resolved = match action {
            "create" => is_over,
            // An update that does not change the state contains the state, but says nothing about it.
            "update" if text(body, &["updatedFrom", "stateId"]).is_none() => {
                return Ok(InboundEvent::Nothing);
            }
            "update" if is_over => true,
            "update" if was_over(body) => false,
            _ => return Ok(InboundEvent::Nothing),
        };
        let id = text(body, &["data", "id"]).ok_or("the event needs data.id")?;
        if !is_id(id) {
            return Err("data.id must be a UUID".into());
        }
        let name = text(body, &["data", "identifier"]).filter(|name| is_identifier(name));
        Ok(InboundReport {
            keys: vec![format!("issue:{id}")],
            resolved,
            payload: body.clone(),
            service: text(body, &["data", "project", "name"]).map(|name| name.chars().take(200).collect()),
            external_id: Some(name.unwrap_or(id).to_owned()),
            ticket: Some(id.to_owned()),
            by_trace: true,
            ..InboundReport::default()
        }
        .into())
    }
}

/// Whether an issue was completed or canceled before.
fn was_over(body: &Value) -> bool {
    ["completedAt", "canceledAt"].iter().any(|key| text(body, &["updatedFrom", key]).is_some())
}

/// Whether a text has the form of `ENG-123`.
fn is_identifier(text: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    text.len() <= 40 && text.split_once('-').is_some_and(|(team, number)| is_plain(team) && is_plain(number))
}

/// The time of sending in a body, in milliseconds since 1970.
fn sent_at(body: &[u8]) -> Result<i64, SignatureError> {
    const TIME: &str = "webhookTimestamp";
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    body.get(TIME).and_then(Value::as_i64).ok_or(SignatureError::Timeless(TIME))
}
