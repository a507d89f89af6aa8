/*!
What a delivery must have, as far as every delivery of its system does. Systems send much more, which is read where it is
there; what is missing here is refused before anything else is looked at.
*/

use schemars::{Schema, SchemaGenerator, json_schema};

pub(crate) fn generic(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The fields of POST /v1/incidents, and status and fingerprint",
        "type": "object", "required": ["title"], "properties": { "title": { "type": "string", "minLength": 1 } },
    })
}

pub(crate) fn alerts(_: &mut SchemaGenerator) -> Schema {
    let alert = serde_json::json!({
        "type": "object", "required": ["labels"], "properties": { "labels": { "type": "object" } },
    });
    json_schema!({
        "description": "Webhook version 4",
        "type": "object", "required": ["alerts"],
        "properties": { "alerts": { "type": "array", "minItems": 1, "items": alert } },
    })
}

pub(crate) fn pagerduty(_: &mut SchemaGenerator) -> Schema {
    let event = serde_json::json!({
        "type": "object", "required": ["event_type"],
        "properties": { "event_type": { "type": "string", "minLength": 1 } },
    });
    json_schema!({
        "description": "Webhook version 3",
        "type": "object", "required": ["event"], "properties": { "event": event },
    })
}

pub(crate) fn sentry(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "required": ["data"], "properties": { "data": { "type": "object" } } })
}

pub(crate) fn github(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Deliveries of other events than issues need no action",
        "type": "object", "required": ["action"],
        "properties": { "action": { "type": "string", "minLength": 1 } },
    })
}

pub(crate) fn jira(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "required": ["webhookEvent"],
        "properties": { "webhookEvent": { "type": "string", "minLength": 1 } },
    })
}

/// Of Zendesk's events and Slack's envelopes.
pub(crate) fn typed(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "required": ["type"], "properties": { "type": { "type": "string", "minLength": 1 } },
    })
}

pub(crate) fn slack_command(_: &mut SchemaGenerator) -> Schema {
    let name = serde_json::json!({ "type": "string", "pattern": "^[A-Za-z0-9.]{1,64}$" });
    json_schema!({
        "type": "object", "required": ["trigger_id", "channel_id", "user_id"],
        "properties": {
            "trigger_id": { "type": "string", "minLength": 1 },
            "channel_id": name, "user_id": name, "text": { "type": "string" },
        },
    })
}

pub(crate) fn slack_interaction(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "required": ["payload"],
        "properties": { "payload": { "type": "string", "contentMediaType": "application/json" } },
    })
}
