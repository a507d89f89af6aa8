/*!
Deliveries about tickets: new ones are reports, solved and closed ones are over.
*/

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::Timestamp;
use schemars::{Schema, json_schema};
use serde_json::Value;

use super::ZendeskIntegration;
use crate::inbound::{InboundEvent, InboundReport};
use crate::integration::InboundHook;
use crate::payload_fields::{scalar, text};
use crate::signature::{PendingSignature, SignatureCheck, SignatureError, whole};

impl InboundHook for ZendeskIntegration {
    fn summary(&self) -> &'static str {
        "Tickets of Zendesk"
    }

    fn payload_schema(&self) -> Schema {
        json_schema!({
            "type": "object", "required": ["type"], "properties": { "type": { "type": "string", "minLength": 1 } },
        })
    }

    /// The signature is Base64 over the time and the body, without a separator.
    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        const NAME: &str = "x-zendesk-webhook-signature";
        const TIME: &str = "x-zendesk-webhook-signature-timestamp";
        let given = STANDARD.decode(delivery.header(NAME)?.trim());
        let given = given.map_err(|_| SignatureError::Malformed(NAME))?;
        let at = delivery.header(TIME)?;
        let time: Timestamp = at.trim().parse().map_err(|_| SignatureError::Malformed(TIME))?;
        delivery.is_fresh(time.as_second())?;
        Ok(delivery.awaits(&[at.as_bytes()], whole(NAME, vec![given])?))
    }

    fn receive(&self, _: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        let kind = text(body, &["type"]).ok_or("the event needs a type (Zendesk's event webhooks)")?;
        let over = matches!(
            text(body, &["detail", "status"]).map(str::to_lowercase).as_deref(),
            Some("solved" | "closed")
        );
        let resolved = match kind.rsplit('.').next() {
            Some("created") => false,
            Some("status_changed") if over => true,
            _ => return Ok(InboundEvent::Nothing),
        };
        let id = scalar(body, &["detail", "id"]).ok_or("the event needs detail.id, the ticket's id")?;
        if !id.chars().all(|c| c.is_ascii_digit()) {
            return Err("detail.id must be a number".into());
        }
        Ok(InboundReport {
            delivery: text(body, &["id"]).map(str::to_owned),
            keys: vec![format!("ticket:{id}")],
            resolved,
            payload: body.clone(),
            external_id: Some(id.clone()),
            ticket: Some(id),
            by_trace: true,
            ..InboundReport::default()
        }
        .into())
    }
}
