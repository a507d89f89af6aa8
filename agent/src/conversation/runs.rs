/*!
Investigations in a conversation: started, steered, parked and resumed as in any other channel; the conversation asks
for consent. Their evidence is added to the conversation's.
*/

use std::collections::BTreeMap;

use millwright_model::{EvidenceId, IncidentId, Report};
use millwright_store::Store;
use millwright_tools::{CancelFlag, ToolCall};

use super::{Conversation, ConversationListener, Waiting, context, plain};
use crate::driver::DriveError;
use crate::hand_over::{FixDestination, hand_over, is_free, may_be_written};
use crate::inbox::InboxMessage;
use crate::investigation::{
    InvestigateError, InvestigationDependencies, InvestigationRequest, InvestigationResult,
    calls_awaiting_consent, investigate, prepare,
};
use crate::report::RenderContext;

impl Conversation {
    /// Starts an investigation of `subject`, or of the current incident.
    pub(super) async fn investigate(
        &mut self,
        subject: Option<String>,
        ears: &ConversationListener,
    ) -> String {
        // From here on the person can stop the run.
        let cancel = self.voice.begin(true);
        let text = self.begin_and_run(subject, cancel, ears).await;
        self.voice.end();
        text
    }

    async fn begin_and_run(
        &mut self,
        subject: Option<String>,
        cancel: CancelFlag,
        ears: &ConversationListener,
    ) -> String {
        if let Some(words) = subject {
            let options = InvestigationRequest {
                ticket: words.into_bytes(),
                ticket_name: None,
                ..self.options.clone()
            };
            let prepared = match prepare(&options, true, self.redactor.clone()).await {
                Ok(prepared) => prepared,
                Err(error) => return plain(&error.to_string()),
            };
            self.options = options;
            self.request = prepared.request;
            self.context = context(
                &self.options,
                &self.repo,
                &self.request,
                &self.store,
                &self.redactor,
                self.scratch.clone(),
            );
            self.has_ticket = true;
            self.report = None;
        }
        if !self.has_ticket {
            return "There is nothing to investigate yet. Say what fails (`investigate: WHAT FAILS`), or start the \
                    conversation with a ticket."
                .to_owned();
        }
        self.run(cancel, ears).await
    }

    /// Continues the investigation of the ticket.
    pub(super) async fn resume(&mut self, ears: &ConversationListener) -> String {
        self.investigate(None, ears).await
    }

    async fn run(&mut self, cancel: CancelFlag, ears: &ConversationListener) -> String {
        let inbox = self.voice.clone();
        let means = InvestigationDependencies {
            store: Some(&self.store),
            planner: self.planner.as_mut(),
            sinks: &ears.sinks,
            progress: ears.progress.clone(),
            cancel,
            redactor: self.redactor.clone(),
            inbox: Some(&inbox.0.inbox),
        };
        let result = investigate(&self.options, means).await;
        self.parked = false;
        self.waiting = None;
        match result {
            Ok(investigated) => {
                let late = self.voice.too_late().into_iter();
                let late: String = late
                    .map(|text| {
                        format!("\n(The investigation had ended before this message arrived: {text})")
                    })
                    .collect();
                self.take_over(investigated).await + &plain(&late)
            }
            Err(InvestigateError::Drive(DriveError::AwaitingApproval(names))) => {
                self.parked = true;
                let calls = self.open_calls().await;
                let line = |call: &ToolCall| {
                    let args: String = call.args.to_string().chars().take(400).collect();
                    format!("  {} {} {args}", call.id, call.name)
                };
                let asked = match calls.is_empty() {
                    true => names.join(", "),
                    false => calls.iter().map(line).collect::<Vec<_>>().join("\n"),
                };
                self.waiting = Some(Waiting::Calls(calls));
                plain(&format!(
                    "The investigation waits for your consent:\n{asked}\n/approve or /deny, with the call's id if there are several."
                ))
            }
            Err(error) if error.is_interruption() => {
                self.parked = true;
                "Stopped. Nothing is lost: /resume continues where it stopped.".to_owned()
            }
            Err(error) => plain(&format!("The investigation failed: {error}")),
        }
    }

    async fn take_over(&mut self, mut investigated: InvestigationResult) -> String {
        let texts = texts(&self.store, &investigated.report).await;
        self.notebook.take_over(&mut investigated.report, &texts);
        self.last = None;
        self.report = Some(investigated);
        if let (Some(talk), Some(known)) = (&mut self.talk, &self.report) {
            talk.topic_changed(&known.report);
        }
        self.show_report()
    }

    /// Loads what is known about an incident.
    pub(super) async fn recollect(&mut self, incident: &IncidentId) -> Result<(), InvestigateError> {
        let Some(newest) = self.store.list_reports(incident).await?.into_iter().next() else { return Ok(()) };
        let mut report = self.store.get_report(&newest.id).await?;
        let texts = texts(&self.store, &report).await;
        self.notebook.take_over(&mut report, &texts);
        if let Some(talk) = &mut self.talk {
            talk.topic_changed(&report);
        }
        self.report = Some(InvestigationResult {
            report,
            ticket: self.request.ticket.clone(),
            context: RenderContext {
                ticket_title: Some(self.request.ticket.title.clone()),
                failing_revision: Some(self.request.bad.to_string()),
                ..RenderContext::default()
            },
            resumed: false,
            failing: self.request.bad.clone(),
            contact: None,
        });
        Ok(())
    }

    /// The calls of the parked run that wait for consent, as they were stored.
    async fn open_calls(&self) -> Vec<ToolCall> {
        let request = &self.request;
        let Ok(incidents) =
            self.store.incidents_with_ticket(&request.ticket.text, Some(&request.repository)).await
        else {
            return Vec::new();
        };
        for incident in incidents {
            let Ok(Some(unfinished)) = self.store.latest_unfinished_run(&incident.id).await else { continue };
            match calls_awaiting_consent(&self.store, &unfinished.id).await {
                Ok(calls) if !calls.is_empty() => return calls,
                _ => {}
            }
        }
        Vec::new()
    }

    /// Applies a person's consent or refusal.
    pub(super) async fn decide(
        &mut self,
        call: Option<String>,
        approved: bool,
        ears: &ConversationListener,
    ) -> String {
        match self.waiting.take() {
            None => "Nothing waits for consent.".to_owned(),
            Some(Waiting::Fix(to)) => match approved {
                true => self.write_fix(&to).await,
                false => "Nothing was written.".to_owned(),
            },
            Some(Waiting::Calls(calls)) => {
                let decided = match &call {
                    Some(id) => calls.iter().find(|call| call.id == *id),
                    None if calls.len() == 1 => calls.first(),
                    None => None,
                };
                let Some(decided) = decided.map(|call| call.id.clone()) else {
                    let ids: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
                    let text = format!("Which call? These wait for consent: {}.", ids.join(", "));
                    self.waiting = Some(Waiting::Calls(calls));
                    return plain(&text);
                };
                let by = self.by.clone();
                self.voice.0.inbox.put(InboxMessage::Decision { call: decided, approved, by });
                self.resume(ears).await
            }
        }
    }

    /// Asks for consent to write the fix of the last report.
    pub(super) fn offer_fix(&mut self, place: Option<String>) -> String {
        let Some(known) = &self.report else {
            return "There is no report with a fix yet; `investigate this` makes one.".to_owned();
        };
        if let Err(error) = may_be_written(&known.report) {
            return plain(&error.to_string());
        }
        let end: String = known.report.incident_id.as_str().chars().rev().take(8).collect();
        let end: String = end.chars().rev().filter(char::is_ascii_alphanumeric).collect();
        let place = place.unwrap_or_else(|| format!("branch:millwright/fix-{end}"));
        let to: FixDestination = match place.parse() {
            Ok(to) => to,
            Err(why) => return plain(&why),
        };
        if let Err(error) = is_free(&to) {
            return plain(&error.to_string());
        }
        let text = format!("The verified fix will be written to {to}. /approve or /deny.");
        self.waiting = Some(Waiting::Fix(to));
        plain(&text)
    }

    async fn write_fix(&self, to: &FixDestination) -> String {
        let Some(known) = &self.report else { return "The report no longer exists.".to_owned() };
        let title = &known.ticket.title;
        let options = &self.options;
        let written =
            hand_over(&options.repo, &options.data_dir, &known.failing, title, &known.report, to).await;
        plain(&match written {
            Ok(text) => format!("Done: {text}."),
            Err(error) => error.to_string(),
        })
    }
}

/// The whole stored texts of a report's evidence, if they exist.
async fn texts(store: &Store, report: &Report) -> BTreeMap<EvidenceId, String> {
    let mut texts = BTreeMap::new();
    for evidence in &report.evidence {
        if let Ok(Some(text)) = store.get_evidence(&evidence.sha256).await {
            texts.insert(evidence.id.clone(), text);
        }
    }
    texts
}
