/*!
Deliveries about issues: new ones are reports, those with a status in the category "done" are over.
*/

use http::HeaderMap;
use schemars::{Schema, json_schema};
use serde_json::Value;

use super::JiraIntegration;
use crate::inbound::{InboundEvent, InboundReport};
use crate::integration::InboundHook;
use crate::payload_fields::text;
use crate::signature::{PendingSignature, SignatureCheck, SignatureError};

impl InboundHook for JiraIntegration {
    fn summary(&self) -> &'static str {
        "Issues of Jira and Jira Service Management"
    }

    fn payload_schema(&self) -> Schema {
        json_schema!({
            "type": "object", "required": ["webhookEvent"],
            "properties": { "webhookEvent": { "type": "string", "minLength": 1 } },
        })
    }

    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        delivery.hub("x-hub-signature")
    }

    fn receive(&self, _: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        let kind = text(body, &["webhookEvent"]).ok_or("the event needs webhookEvent")?;
        let category = text(body, &["issue", "fields", "status", "statusCategory", "key"]);
        let resolved = match kind {
            "jira:issue_created" => false,
            "jira:issue_updated" if category == Some("done") => true,
            _ => return Ok(InboundEvent::Nothing),
        };
        let key = text(body, &["issue", "key"]).ok_or("the event needs issue.key")?;
        if !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err("issue.key must look like PROJ-1".into());
        }
        Ok(InboundReport {
            keys: vec![format!("issue:{key}")],
            resolved,
            payload: body.clone(),
            service: body
                .pointer("/issue/fields/components/0/name")
                .and_then(Value::as_str)
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            external_id: Some(key.to_owned()),
            ticket: Some(key.to_owned()),
            by_trace: true,
            ..InboundReport::default()
        }
        .into())
    }
}
