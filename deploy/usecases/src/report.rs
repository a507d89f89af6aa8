/*!
A report, from a person with an account or from a system that calls a hook. Each becomes one typed [`IncomingReport`],
which is stored on disk before it is acknowledged.
*/

use base64::Engine as _;
use millwright_model::{
    Audience, ConversationId, IncidentId, IncomingReport, NewIncident, RemoteFile, SHARED_KEY, digest,
};
use millwright_store::IngestResult;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Principal;
use crate::delivery_key::DeliveryKey;
use crate::error::UseCaseError;
use crate::report_intake::ReportIntake;

/// The source of a report that names none.
const API: &str = "api";

const MAX_TITLE_CHARS: usize = 500;
const MAX_NAME_CHARS: usize = 200;
const MAX_ATTACHMENTS: usize = 20;

/// An incident to investigate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentReport {
    /// What goes wrong, in one line.
    #[schemars(length(min = 1, max = 500), regex(pattern = r"[^\s\x85]"))]
    pub title: String,
    /// Everything known: what was seen, stack traces, log lines, failing tests.
    #[serde(default)]
    pub body: String,
    /// As `[repositories.NAME] services` names it.
    #[schemars(length(min = 1, max = 200))]
    pub service: Option<String>,
    #[schemars(length(min = 1, max = 200))]
    pub environment: Option<String>,
    /// The release that failed: a tag, a commit, or a name that ends in one.
    #[schemars(length(min = 1, max = 200))]
    pub release: Option<String>,
    /// The system it comes from.
    #[schemars(length(min = 1, max = 200))]
    pub source: Option<String>,
    /// Its id there: a report with the same id joins the same incident.
    #[schemars(length(min = 1, max = 200))]
    pub external_id: Option<String>,
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub attachments: Vec<ReportAttachment>,
    /// Files of the repository to lay over every checkout before a replay, as `REV:PATH` or `REV:PATH=TARGET`: a test
    /// that the failing revision does not have.
    #[serde(default)]
    #[schemars(length(max = 20), inner(length(max = 500), regex(pattern = OVERLAY)))]
    pub overlay: Vec<String>,
}

/// A revision, a path inside the repository, and perhaps another path.
const OVERLAY: &str = "^[^:=-][^:=]*:[^:=]+(=[^:=]+)?$";

/// A file; either as text or in base64.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = either("text", "base64")))]
pub struct ReportAttachment {
    pub name: String,
    pub media_type: Option<String>,
    #[schemars(regex(pattern = BASE64))]
    pub base64: Option<String>,
    pub text: Option<String>,
}

/// Padded, and without bits that say nothing.
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

/// One of two fields is given, the other is left out or null.
fn either(one: &str, other: &str) -> Value {
    let only = |given: &str, missing: &str| json!({ "required": [given], "properties": { given: { "type": "string" }, missing: { "type": "null" } } });
    json!([only(one, other), only(other, one)])
}

/// A report that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportResult {
    pub id: IncidentId,
    /// The same was reported before; this is its incident.
    pub is_known: bool,
}

/// What another system reports.
#[derive(Debug, Clone)]
pub struct ChannelReport {
    /// The system it comes from.
    pub system: &'static str,
    /// As intake reads it.
    pub payload: Value,
    /// The title of what has none.
    pub default_title: String,
    pub service: Option<String>,
    pub external_id: Option<String>,
    pub delivery: DeliveryKey,
    /// What makes two reports of one audience one incident, besides the stack trace.
    pub correlation: Vec<String>,
    /// Whether its stack trace does so, too.
    pub is_joined_by_trace: bool,
    pub audience: Audience,
    /// The closed conversation in which it was said.
    pub conversation: Option<ConversationId>,
    /// The other side says that it is over.
    pub is_resolved: bool,
    /// Where a note about the outcome is wanted, in the system's own words.
    pub note: Option<String>,
    pub files: Vec<RemoteFile>,
    /// Who brought it, for the audit.
    pub by: String,
}

impl ReportIntake {
    /// Takes in what a person reports. The same delivery again is the same incident, if it says the same; without a key of its
    /// own a report is known by the ticket that it names.
    ///
    /// # Errors
    /// When the report does not fit, its key was used for another one, or its incident was forgotten since.
    pub async fn report(
        &self,
        caller: &Principal,
        report: IncidentReport,
        delivery: Option<DeliveryKey>,
    ) -> Result<ReportResult, UseCaseError> {
        validate_report(&report)?;
        let delivery = delivery.or_else(|| ticket_key(&report, caller));
        let attachments =
            report.attachments.iter().map(readable).collect::<Result<Vec<Value>, UseCaseError>>()?;
        let payload = json!({
            "title": report.title,
            "body": report.body,
            "service": report.service,
            "environment": report.environment,
            "release": report.release,
            "external_id": report.external_id,
            "attachments": attachments,
        });
        let content = delivery.as_ref().filter(|delivery| delivery.is_of_one_report()).map(|_| {
            let source = report.source.as_deref().unwrap_or_default();
            digest(&[&payload.to_string(), source, &report.overlay.join("\n")])
        });
        let mut ticket = self.read(payload).await?;
        ticket.context.overlay.clone_from(&report.overlay);
        if ticket.title.trim().is_empty() {
            ticket.title = "Untitled incident".to_owned();
        }
        let service = ticket.context.service.as_deref();
        let repository_name = self.locations.place_for(&caller.repositories, service, &ticket)?;
        let incoming = IncomingReport {
            incident: NewIncident {
                repository: None,
                repository_name,
                source: Some(report.source.unwrap_or_else(|| API.to_owned())),
                ticket,
                mapped: Vec::new(),
            },
            delivery: delivery.as_ref().map(DeliveryKey::id),
            content,
            correlation: Vec::new(),
            resolved: false,
            // Everyone who reports here has a token.
            audience: Audience::Internal,
            conversation: None,
            note: None,
            files: Vec::new(),
            by: caller.name.clone(),
        };
        let ingested = self.ingest(incoming).await.map_err(UseCaseError::from);
        let ingested = self.hide_from(caller, ingested).await?;
        let Some(id) = ingested.incident().cloned() else {
            return Err(UseCaseError::conflict(
                "this was delivered before, and its incident has been forgotten since then",
            ));
        };
        self.notifier.work_added();
        Ok(ReportResult { is_known: matches!(ingested, IngestResult::Again(_)), id })
    }

    /// An answer about an incident that does not exist for the caller says only that the id is taken.
    async fn hide_from(
        &self,
        caller: &Principal,
        ingested: Result<IngestResult, UseCaseError>,
    ) -> Result<IngestResult, UseCaseError> {
        let known = match &ingested {
            Ok(IngestResult::Again(Some(known))) => known,
            Err(UseCaseError::OtherContent { incident: Some(known) }) => known,
            _ => return ingested,
        };
        if caller.scope().sees_everything() {
            return ingested;
        }
        let known = self.store.get_incident(known).await?;
        match caller.scope().sees(known.repository_name.as_ref(), known.conversation.as_ref()) {
            true => ingested,
            false => Err(UseCaseError::OtherContent { incident: None }),
        }
    }

    /// Takes in what another system reports.
    ///
    /// # Errors
    /// When it cannot be taken now.
    pub async fn report_from_channel(&self, report: ChannelReport) -> Result<IngestResult, UseCaseError> {
        let mut ticket = self.read(report.payload).await?;
        if ticket.title.trim().is_empty() {
            ticket.title = report.default_title;
        }
        let context = &mut ticket.context;
        context.service = report.service.filter(|service| !service.is_empty()).or(context.service.take());
        context.external_id = report.external_id.or(context.external_id.take());
        let mut correlation = report.correlation;
        let service = ticket.context.service.as_deref();
        let repository_name = self.locations.place(service, &ticket).ok().cloned();
        if report.is_joined_by_trace && !ticket.fingerprint.symbols.is_empty() {
            // A component that several repositories use fails in each of them separately.
            let within = repository_name.as_ref().filter(|_| self.locations.0.len() > 1);
            let within = within.map(|name| format!("{name}:")).unwrap_or_default();
            correlation.push(format!("{SHARED_KEY}{within}{}", ticket.fingerprint.value));
        }
        let system = report.system;
        let incoming = IncomingReport {
            incident: NewIncident {
                repository: None,
                repository_name,
                source: Some(system.to_owned()),
                ticket,
                mapped: Vec::new(),
            },
            delivery: Some(report.delivery.id()),
            content: None,
            correlation,
            resolved: report.is_resolved,
            audience: report.audience,
            conversation: report.conversation,
            note: report.note.map(|target| (system.to_owned(), target)),
            files: report.files,
            by: report.by,
        };
        let ingested = self.ingest(incoming).await?;
        if let Some(incident) = ingested.incident() {
            self.notifier.incident_changed(incident);
            self.notifier.work_added();
        }
        Ok(ingested)
    }
}

/// What a report is known by that has an id in the system where it comes from. Those who are bound to some repositories have ids of
/// their own: nobody learns by them what others reported, or takes one away from them.
fn ticket_key(report: &IncidentReport, caller: &Principal) -> Option<DeliveryKey> {
    let external_id = report.external_id.clone()?;
    let source = report.source.clone().unwrap_or_else(|| API.to_owned());
    Some(DeliveryKey::Ticket { source, external_id, of: caller.repositories.clone() })
}

fn validate_report(report: &IncidentReport) -> Result<(), UseCaseError> {
    let wrong = |what: &str| Err(UseCaseError::invalid(what));
    if report.title.trim().is_empty() || report.title.chars().count() > MAX_TITLE_CHARS {
        return wrong("title must be 1 to 500 characters; put the rest into body");
    }
    let names = [&report.service, &report.environment, &report.release, &report.source, &report.external_id];
    if names.into_iter().flatten().any(|name| name.is_empty() || name.chars().count() > MAX_NAME_CHARS) {
        return wrong("service, environment, release, source and external_id must be 1 to 200 characters");
    }
    let is_overlay = |given: &String| {
        let (source, target) = given.split_once('=').map_or((given.as_str(), None), |(a, b)| (a, Some(b)));
        let parts = source.split_once(':').filter(|(revision, path)| {
            !revision.is_empty() && !revision.starts_with('-') && !path.is_empty() && !path.contains(':')
        });
        given.chars().count() <= 500
            && parts.is_some()
            && target.is_none_or(|target| !target.is_empty() && !target.contains([':', '=']))
    };
    if report.overlay.len() > MAX_ATTACHMENTS || !report.overlay.iter().all(is_overlay) {
        return wrong("overlay holds at most 20 entries of the form REV:PATH or REV:PATH=TARGET");
    }
    if report.attachments.len() > MAX_ATTACHMENTS {
        return wrong("at most 20 attachments; put related ones into one file");
    }
    Ok(())
}

/// As intake reads it: text, so that secrets inside of encodings are masked, too.
fn readable(attachment: &ReportAttachment) -> Result<Value, UseCaseError> {
    let name: String = attachment.name.chars().filter(|c| !c.is_control()).take(200).collect();
    let wrong = |what: &str| UseCaseError::invalid(format!("attachment {name:?}: {what}"));
    let text = match (&attachment.text, &attachment.base64) {
        (Some(text), None) => text.clone(),
        (None, Some(encoded)) => {
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(encoded.trim())
                .map_err(|error| wrong(&format!("its base64 cannot be read: {error}")))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => return Err(wrong("give either text or base64")),
    };
    Ok(json!({ "name": name, "media_type": attachment.media_type, "text": text }))
}
