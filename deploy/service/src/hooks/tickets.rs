/*!
Tickets of Zendesk, Jira and GitHub. New and reopened ones are reports, closed ones say that it is over; what else
happens to a ticket, our own notes included, is not for us.
*/

use axum::http::HeaderMap;
use millwright_memory::store::Deployment;
use serde_json::Value;

use super::{Event, Report, Source, scalar, signature, text};

pub(super) const ZENDESK: Source = Source { name: "zendesk", verify: signature::zendesk, read: read_zendesk };
pub(super) const JIRA: Source = Source { name: "jira", verify: signature::jira, read: read_jira };
pub(super) const GITHUB: Source = Source { name: "github", verify: signature::github, read: read_github };

fn read_zendesk(_: &HeaderMap, value: &Value) -> Result<Event, String> {
    let kind = text(value, &["type"]).ok_or("the event needs a type (Zendesk's event webhooks)")?;
    let over = matches!(
        text(value, &["detail", "status"]).map(str::to_lowercase).as_deref(),
        Some("solved" | "closed")
    );
    let resolved = match kind.rsplit('.').next() {
        Some("created") => false,
        Some("status_changed") if over => true,
        _ => return Ok(Event::Nothing),
    };
    let id = scalar(value, &["detail", "id"]).ok_or("the event needs detail.id, the ticket's id")?;
    if !id.chars().all(|c| c.is_ascii_digit()) {
        return Err("detail.id must be a number".into());
    }
    Ok(Event::Report(Box::new(Report {
        delivery: text(value, &["id"]).map(str::to_owned),
        keys: vec![format!("ticket:{id}")],
        resolved,
        payload: value.clone(),
        external_id: Some(id.clone()),
        ticket: Some(id),
        by_trace: true,
        ..Report::default()
    })))
}

fn read_jira(_: &HeaderMap, value: &Value) -> Result<Event, String> {
    let kind = text(value, &["webhookEvent"]).ok_or("the event needs webhookEvent")?;
    let category = text(value, &["issue", "fields", "status", "statusCategory", "key"]);
    let resolved = match kind {
        "jira:issue_created" => false,
        "jira:issue_updated" if category == Some("done") => true,
        _ => return Ok(Event::Nothing),
    };
    let key = text(value, &["issue", "key"]).ok_or("the event needs issue.key")?;
    if !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return Err("issue.key must look like PROJ-1".into());
    }
    Ok(Event::Report(Box::new(Report {
        keys: vec![format!("issue:{key}")],
        resolved,
        payload: value.clone(),
        service: value
            .pointer("/issue/fields/components/0/name")
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
        external_id: Some(key.to_owned()),
        ticket: Some(key.to_owned()),
        by_trace: true,
        ..Report::default()
    })))
}

fn read_github(headers: &HeaderMap, value: &Value) -> Result<Event, String> {
    let kind = headers.get("x-github-event").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let repository = text(value, &["repository", "name"]);
    if kind == "deployment_status" {
        let of = |path: &[&str]| text(value, path).map(str::to_owned);
        let deployed = of(&["deployment_status", "state"]).as_deref() == Some("success");
        return Ok(match (repository, of(&["deployment", "sha"]), deployed) {
            (Some(service), Some(revision), true) => Event::Deployed(Deployment {
                service: service.to_owned(),
                environment: of(&["deployment", "environment"]).unwrap_or_else(|| "production".to_owned()),
                revision,
                at: of(&["deployment_status", "created_at"])
                    .unwrap_or_else(|| jiff::Timestamp::now().to_string()),
            }),
            _ => Event::Nothing,
        });
    }
    if kind != "issues" {
        return Ok(Event::Nothing);
    }
    let resolved = match text(value, &["action"]) {
        Some("opened" | "reopened") => false,
        Some("closed") => true,
        Some(_) => return Ok(Event::Nothing),
        None => return Err("the event needs action".into()),
    };
    let full = text(value, &["repository", "full_name"]).ok_or("the event needs repository.full_name")?;
    let number = value.pointer("/issue/number").and_then(Value::as_u64);
    let number = number.ok_or("the event needs issue.number")?;
    let clean = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if full.split('/').count() != 2 || !full.chars().all(clean) || full.contains("..") {
        return Err("repository.full_name must look like owner/name".into());
    }
    Ok(Event::Report(Box::new(Report {
        keys: vec![format!("issue:{full}#{number}")],
        resolved,
        payload: value.clone(),
        service: repository.map(str::to_owned),
        external_id: Some(format!("{full}#{number}")),
        ticket: Some(format!("{full}#{number}")),
        by_trace: true,
        ..Report::default()
    })))
}
