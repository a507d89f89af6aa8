/*!
Deliveries about issues and deployments. New and reopened issues are reports, closed ones mean that the failure is over;
other events of an issue, our own notes included, are ignored.

The kind of a delivery is read from its body, which a signature covers; no signature covers the header that names the
event.
*/

use http::HeaderMap;
use jiff::Timestamp;
use millwright_model::{Audience, Deployment};
use schemars::{Schema, json_schema};
use serde_json::Value;

use super::GitLabIntegration;
use crate::inbound::{InboundEvent, InboundReport};
use crate::integration::InboundHook;
use crate::payload_fields::text;
use crate::signature::{PendingSignature, SignatureCheck, SignatureError};
use crate::standard_webhooks;

/// Longest name of a service or an environment that is taken, in characters.
const MAX_NAME_CHARS: usize = 200;
/// The values of `visibility_level` of a project: visible to its members, to everyone who is signed in, to everyone.
const PRIVATE: u64 = 0;
const INTERNAL: u64 = 10;
const PUBLIC: u64 = 20;

impl InboundHook for GitLabIntegration {
    fn summary(&self) -> &'static str {
        "Issues and deployments of GitLab"
    }

    fn payload_schema(&self) -> Schema {
        json_schema!({
            "type": "object", "required": ["object_kind"],
            "properties": { "object_kind": { "type": "string", "minLength": 1 } },
        })
    }

    /// Uses the signing token if there is one, otherwise the secret token, which is sent as plain text.
    fn verify(&self, delivery: &PendingSignature<'_>) -> Result<SignatureCheck, SignatureError> {
        if delivery.headers.contains_key(standard_webhooks::SIGNATURE) {
            return standard_webhooks::verify(delivery);
        }
        delivery.is_secret(delivery.header("x-gitlab-token")?)
    }

    fn receive(&self, headers: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
        match text(body, &["object_kind"]).ok_or("the event needs object_kind")? {
            "issue" => issue(headers, body),
            // Incidents and similar items arrive as work items; tasks, goals and epics are not reports.
            "work_item"
                if matches!(text(body, &["object_attributes", "type"]), Some("Issue" | "Incident")) =>
            {
                issue(headers, body)
            }
            "deployment" => Ok(deployment(body).map_or(InboundEvent::Nothing, InboundEvent::Deployed)),
            _ => Ok(InboundEvent::Nothing),
        }
    }
}

fn issue(headers: &HeaderMap, body: &Value) -> Result<InboundEvent, String> {
    let resolved = match text(body, &["object_attributes", "action"]) {
        Some("open" | "reopen") => false,
        Some("close") => true,
        // Deliveries that test the connection have no action.
        _ => return Ok(InboundEvent::Nothing),
    };
    let project = body.pointer("/project/id").and_then(Value::as_u64).ok_or("the event needs project.id")?;
    let number = body.pointer("/object_attributes/iid").and_then(Value::as_u64);
    let number = number.ok_or("the event needs object_attributes.iid")?;
    let ticket = format!("{project}#{number}");
    let path = text(body, &["project", "path_with_namespace"]).filter(|path| is_path(path));
    Ok(InboundReport {
        delivery: signed_id(headers),
        keys: vec![format!("issue:{ticket}")],
        resolved,
        payload: body.clone(),
        service: service(body),
        external_id: Some(path.map_or_else(|| ticket.clone(), |path| format!("{path}#{number}"))),
        ticket: Some(ticket),
        audience: readers_of(body),
        by_trace: true,
    }
    .into())
}

/// The id of the delivery, if a signature covers it.
fn signed_id(headers: &HeaderMap) -> Option<String> {
    headers.get(standard_webhooks::SIGNATURE)?;
    headers.get(standard_webhooks::ID)?.to_str().ok().map(str::to_owned)
}

fn is_path(path: &str) -> bool {
    path.len() <= 500
        && path.split('/').count() >= 2
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
}

/// The project's name in its address, which is the name of the service.
fn service(body: &Value) -> Option<String> {
    let path = text(body, &["project", "path_with_namespace"]).filter(|path| is_path(path));
    let name = path.and_then(|path| path.rsplit('/').next()).or_else(|| text(body, &["project", "name"]));
    name.map(|name| name.chars().take(MAX_NAME_CHARS).collect())
}

/// Who reads an issue, if the delivery says so. Everyone reads an issue of a public project, unless it is confidential.
/// Everyone with an account on the server reads one of an internal project; only the configuration can say whether these are
/// all people of the organisation.
fn readers_of(body: &Value) -> Option<Audience> {
    let confidential = body.pointer("/object_attributes/confidential").and_then(Value::as_bool);
    let visibility = body.pointer("/project/visibility_level").and_then(Value::as_u64);
    let is_confidential =
        confidential == Some(true) || text(body, &["event_type"]) == Some("confidential_issue");
    match visibility {
        _ if is_confidential => Some(Audience::Internal),
        Some(PRIVATE) => Some(Audience::Internal),
        Some(INTERNAL) => Some(Audience::Unknown),
        Some(PUBLIC) if confidential == Some(false) => Some(Audience::Public),
        // GitLab may add other values; they say no more than a missing one.
        Some(_) => Some(Audience::Unknown),
        None => None,
    }
}

/// A deployment that succeeded.
fn deployment(body: &Value) -> Option<Deployment> {
    if text(body, &["status"]) != Some("success") {
        return None;
    }
    // Only its address contains the full id of the commit.
    let address = text(body, &["commit_url"]).and_then(|url| url.rsplit('/').next());
    let revision = address.filter(|id| is_commit(id, 40)).or_else(|| text(body, &["short_sha"]))?;
    let environment = text(body, &["environment"]).unwrap_or("production");
    Some(Deployment {
        service: service(body)?,
        environment: environment.chars().take(MAX_NAME_CHARS).collect(),
        revision: is_commit(revision, 7).then(|| revision.to_owned())?,
        at: text(body, &["status_changed_at"]).and_then(time).unwrap_or_else(Timestamp::now).into(),
    })
}

fn is_commit(text: &str, least: usize) -> bool {
    (least..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A time as `2021-04-28 21:50:00 +0200`, or in the usual format.
fn time(text: &str) -> Option<Timestamp> {
    let own = || Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text.replace(" UTC", " +0000")).ok();
    text.parse().ok().or_else(own)
}
