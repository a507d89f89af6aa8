/*!
Deliveries about issues and deployments. New and reopened issues are reports, closed ones mean that the failure is over;
other events of an issue, our own notes included, are ignored.
*/

use http::HeaderMap;
use millwright_model::{Audience, Deployment, Timestamp};
use schemars::{Schema, json_schema};
use serde_json::Value;

use super::GitHubIntegration;
use crate::inbound::{InboundEvent, InboundReport};
use crate::integration::InboundHook;
use crate::payload_fields::text;
use crate::signature::{PendingSignature, SignatureCheck, SignatureError};

impl InboundHook for GitHubIntegration {
    fn summary(&self) -> &'static str {
        "Issues and deployments of GitHub"
    }

    fn payload_schema(&self) -> Schema {
        json_schema!({
            "description": "Deliveries of other events than issues need no action",
            "type": "object", "required": ["action"],
            "properties": { "action": { "type": "string", "minLength": 1 } },
        })
    }

    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        delivery.hub("x-hub-signature-256")
    }

    fn receive(&self, headers: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        let kind = headers.get("x-github-event").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let repository = text(body, &["repository", "name"]);
        if kind == "deployment_status" {
            let of = |path: &[&str]| text(body, path).map(str::to_owned);
            let deployed = of(&["deployment_status", "state"]).as_deref() == Some("success");
            return Ok(match (repository, of(&["deployment", "sha"]), deployed) {
                (Some(service), Some(revision), true) => InboundEvent::Deployed(Deployment {
                    service: service.to_owned(),
                    environment: of(&["deployment", "environment"])
                        .unwrap_or_else(|| "production".to_owned()),
                    revision,
                    at: text(body, &["deployment_status", "created_at"])
                        .and_then(|at| Timestamp::parse(at).ok())
                        .unwrap_or_else(|| jiff::Timestamp::now().into()),
                }),
                _ => InboundEvent::Nothing,
            });
        }
        if kind != "issues" {
            return Ok(InboundEvent::Nothing);
        }
        let resolved = match text(body, &["action"]) {
            Some("opened" | "reopened") => false,
            Some("closed") => true,
            Some(_) => return Ok(InboundEvent::Nothing),
            None => return Err("the event needs action".into()),
        };
        let full = text(body, &["repository", "full_name"]).ok_or("the event needs repository.full_name")?;
        let number = body.pointer("/issue/number").and_then(Value::as_u64);
        let number = number.ok_or("the event needs issue.number")?;
        let clean = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if full.split('/').count() != 2 || !full.chars().all(clean) || full.contains("..") {
            return Err("repository.full_name must look like owner/name".into());
        }
        Ok(InboundReport {
            keys: vec![format!("issue:{full}#{number}")],
            resolved,
            payload: body.clone(),
            service: repository.map(str::to_owned),
            external_id: Some(format!("{full}#{number}")),
            ticket: Some(format!("{full}#{number}")),
            audience: readers_of(body),
            by_trace: true,
            ..InboundReport::default()
        }
        .into())
    }
}

/// Who reads the issues of the repository of a delivery, if the delivery says so.
fn readers_of(delivery: &Value) -> Option<Audience> {
    match text(delivery, &["repository", "visibility"]) {
        Some("public") => return Some(Audience::Public),
        Some("private" | "internal") => return Some(Audience::Internal),
        // GitHub may add other values; they say no more than a missing one.
        Some(_) => return Some(Audience::Unknown),
        None => {}
    }
    let private = delivery.pointer("/repository/private")?.as_bool()?;
    Some(if private { Audience::Internal } else { Audience::Public })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_readers_of_an_issue_are_those_of_its_repository() {
        let readers = |repository: Value| readers_of(&json!({ "repository": repository }));
        assert_eq!(readers(json!({ "private": false })), Some(Audience::Public));
        assert_eq!(readers(json!({ "private": true })), Some(Audience::Internal));
        assert_eq!(readers(json!({ "private": true, "visibility": "internal" })), Some(Audience::Internal));
        assert_eq!(readers(json!({ "private": false, "visibility": "public" })), Some(Audience::Public));
        assert_eq!(readers(json!({ "private": true, "visibility": "friends" })), Some(Audience::Unknown));
        assert_eq!(readers(json!({ "private": "no" })), None);
        assert_eq!(readers(json!({})), None);
    }
}
