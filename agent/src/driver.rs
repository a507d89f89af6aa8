/*!
The driver performs the steps of a run; no other part does. It stores the intent of every tool call and of every
question to a model before it, and the outcome after it. It shows both to the sinks, numbers and stores the evidence,
takes messages from persons between two steps, and continues with the playbook when another planner fails.

Reads that do not depend on each other run in parallel; their outcomes are recorded in the order of the calls.
*/

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use millwright_model::{Evidence, EvidenceDraft, EvidenceId, Report};
use millwright_redaction::Redactor;
use millwright_tools::{
    CallGrant, Decision, Dispatcher, Effect, ToolAnswer, ToolCall, ToolContext, ToolOutput,
};

use tracing::Instrument;

use crate::citations::{self, LocatorOpener};
use crate::context::{EvidenceCache, ModelRequest};
use crate::findings::PlannerFinding;
use crate::inbox::{InboxMessage, RunInbox};
use crate::journal::{Journal, JournalError};
use crate::masking::{self, MaskedWords};
use crate::planner::{PLAYBOOK, Planner, PlannerStep, openai, playbook::Playbook};
use crate::reporting;
use crate::run::{
    DialogueEntry, FailureKind, Interruption, ModelFailure, PendingCall, Run, RunEvent, RunStep, ToolFailure,
    ToolOutcome,
};
use crate::sink::EventSink;
use crate::telemetry;

/// Longest excerpt of a piece of evidence in a report, in characters. The whole text is in the journal.
const EXCERPT_CHARS: usize = 2_000;
/// Maximum number of plans: a run that needs more is not getting anywhere.
const MAX_PLANS: u32 = 120;
/// Maximum number of parallel reads.
const AT_ONCE: usize = 4;
/// Maximum length of a person's remark, in characters.
const REMARK_CHARS: usize = 4_000;
/// Maximum length of a person's name.
const NAME_CHARS: usize = 80;
/// Used when there is no deadline.
const FOREVER: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 3_600);

#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Not an error of the run: it waits for a person and can be resumed.
    #[error("the run waits for approval of {}", .0.join(", "))]
    AwaitingApproval(Vec<String>),
    #[error("interrupted; run the same command again to continue where it stopped")]
    Interrupted,
}

impl DriveError {
    /// Whether the run is only parked and continues when it is driven again.
    pub fn goes_on(&self) -> bool {
        matches!(self, Self::AwaitingApproval(_) | Self::Interrupted)
    }

    /// The value of `error.type` in a span.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Journal(_) => "journal",
            Self::AwaitingApproval(_) => "awaiting_approval",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Everything a run needs from outside.
pub struct Driver<'a> {
    pub dispatcher: &'a Dispatcher,
    pub journal: &'a dyn Journal,
    pub sinks: &'a [Arc<dyn EventSink>],
    pub context: ToolContext,
    /// Messages from persons to this run.
    pub inbox: &'a dyn RunInbox,
    /// The recorded evidence and results of this run, for tools.
    pub shelf: &'a EvidenceCache,
    /// Opens the targets of evidence, for the citation check.
    pub opener: &'a (dyn LocatorOpener + Sync),
    /// Masks secrets and personal data before anything is stored, shown or given to a planner. Tools work on the real
    /// data; their output is masked.
    pub redactor: &'a Redactor,
}

impl Driver<'_> {
    /// Drives the run to its report. Does not repeat events that are already applied to `run`.
    pub async fn drive(&self, mut run: Run, planner: &mut dyn Planner) -> Result<(Report, Run), DriveError> {
        let begun = Instant::now();
        self.shelf.fill(&run);
        loop {
            if self.context.cancel.is_cancelled() && run.interrupted().is_none() {
                // The run is parked, not ended: nothing is written, so the next start continues here.
                return Err(DriveError::Interrupted);
            }
            if run.interrupted().is_none() && self.context.time_left().is_some_and(|left| left.is_zero()) {
                self.record(&mut run, RunEvent::Interrupted { kind: Interruption::Deadline }).await?;
            }
            self.listen(&mut run).await?;
            match run.next_step(|call| self.decide(call)) {
                RunStep::Plan => self.plan(&mut run, planner).await?,
                RunStep::CallTools(pending) => self.call_all(&mut run, pending).await?,
                RunStep::AwaitApproval(calls) => {
                    let names = calls.into_iter().map(|call| format!("{} ({})", call.name, call.id));
                    return Err(DriveError::AwaitingApproval(names.collect()));
                }
                RunStep::Verify(finding) => self.conclude(&mut run, &finding, planner.name(), begun).await?,
                RunStep::Done(report) => return Ok((*report, run)),
            }
        }
    }

    /// Stores and shows the start of a run that already applied it.
    pub async fn record_start(&self, first: &RunEvent) -> Result<(), DriveError> {
        self.journal.append(first).await?;
        for sink in self.sinks {
            sink.event(first);
        }
        Ok(())
    }

    fn masked(&self, text: &str) -> String {
        self.redactor.redact(text).text
    }

    /// Removes unusual characters from a person's name, shortens and masks it, so that a prompt can contain it.
    fn name(&self, name: &str) -> String {
        let plain = |char: &char| char.is_alphanumeric() || " .,'@_-+".contains(*char);
        self.masked(&name.chars().filter(plain).take(NAME_CHARS).collect::<String>())
    }

    fn decide(&self, call: &ToolCall) -> Decision {
        // A malformed call is allowed here: the pipeline answers it with the expected arguments.
        self.dispatcher.check(call).unwrap_or(Decision::Allowed)
    }

    /// Takes messages from persons, but never between a model's answer and its interpretation.
    async fn listen(&self, run: &mut Run) -> Result<(), DriveError> {
        if matches!(run.log().last(), Some(DialogueEntry::ModelAsked(_) | DialogueEntry::Answered(_))) {
            return Ok(());
        }
        for said in self.inbox.waiting() {
            let event = match &said {
                InboxMessage::Remark { text, by } => {
                    Some(RunEvent::Steered { text: self.masked(&bounded(text)), by: self.name(by) })
                }
                InboxMessage::Decision { call, approved, by } => Some(RunEvent::ApprovalDecided {
                    call: call.clone(),
                    approved: *approved,
                    by: self.name(by),
                }),
                InboxMessage::Stop => Some(RunEvent::Interrupted { kind: Interruption::Cancelled })
                    .filter(|_| run.interrupted().is_none()),
            };
            if let Some(event) = event {
                self.record(run, event).await?;
            }
            self.inbox.stored(&said);
        }
        Ok(())
    }

    async fn plan(&self, run: &mut Run, planner: &mut dyn Planner) -> Result<(), DriveError> {
        let exhausted = run.plans() >= MAX_PLANS;
        let mut playbook = Playbook;
        let use_playbook = run.fell_back().is_some() || run.interrupted().is_some() || exhausted;
        let by_rules = use_playbook || planner.name() == PLAYBOOK;
        let name = if use_playbook { PLAYBOOK.to_owned() } else { planner.name().to_owned() };
        let planned = if use_playbook { playbook.plan(run).await } else { planner.plan(run).await };
        let plan = match planned {
            Ok(plan) => plan,
            Err(because) => {
                let because = self.masked(&because.to_string());
                return self.record(run, RunEvent::FellBack { because }).await;
            }
        };
        let event = match plan {
            PlannerStep::Ask(request) => return self.ask(run, planner, &request).await,
            PlannerStep::Compact(compaction) => RunEvent::Compacted { compaction },
            PlannerStep::Call { .. } | PlannerStep::CallByRules { .. } if exhausted => {
                RunEvent::Interrupted { kind: Interruption::Budget }
            }
            // Text is masked already, but escapes in a JSON string hide values until it is parsed.
            PlannerStep::Call { note, calls } => {
                let (note, calls) = (self.masked(&note), masking::calls(self.redactor, calls));
                RunEvent::Planned { planner: name, note, calls, finding: None }
            }
            PlannerStep::CallByRules { note, calls } => {
                RunEvent::Planned { planner: PLAYBOOK.to_owned(), note, calls, finding: None }
            }
            PlannerStep::Conclude { note, finding } => {
                // Keep what a model found before it failed or was stopped.
                let finding = if by_rules { Box::new(openai::complete(run, *finding)) } else { finding };
                RunEvent::Planned { planner: name, note, calls: Vec::new(), finding: Some(finding) }
            }
        };
        self.record(run, event).await
    }

    /// Asks a model. A question whose answer was never stored is asked again in the same words.
    async fn ask(
        &self,
        run: &mut Run,
        planner: &mut dyn Planner,
        request: &ModelRequest,
    ) -> Result<(), DriveError> {
        if !request.again {
            self.record(run, RunEvent::ModelAsked { ask: Box::new(request.ask.clone()) }).await?;
        }
        let show = |words: &str| self.sinks.iter().for_each(|sink| sink.words(words));
        let words = MaskedWords::new(self.redactor, &show);
        let listener = |part: &str| words.take(part);
        let limit = self.context.time_left().unwrap_or(FOREVER);
        let span = telemetry::chat(planner.name());
        let answer = tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => return Ok(()), // asked again after a resume
            answer = planner.ask(run, request, &listener).instrument(span.clone()) => answer,
            () = tokio::time::sleep(limit) => {
                Err(ModelFailure::new(FailureKind::TimedOut, "the deadline came before the model's answer"))
            }
        };
        words.end();
        let event = match answer {
            Ok(turn) => {
                telemetry::answered(&span, &turn);
                RunEvent::ModelAnswered { turn: Box::new(masking::turn(self.redactor, turn)) }
            }
            Err(failure) => {
                telemetry::not_answered(&span, failure.kind);
                let failure = ModelFailure::new(failure.kind, self.masked(&failure.message));
                tracing::warn!(model.failure = ?failure.kind, "the model gave no answer: {failure}");
                RunEvent::ModelFailed { failure }
            }
        };
        self.record(run, event).await
    }

    /// Makes calls: adjacent reads in parallel, all other calls one after the other.
    async fn call_all(&self, run: &mut Run, pending: Vec<PendingCall>) -> Result<(), DriveError> {
        let mut left = pending.as_slice();
        while !left.is_empty() {
            let reads = left.iter().take_while(|pending| self.only_reads(&pending.call)).count();
            let (group, rest) = left.split_at(reads.clamp(1, AT_ONCE));
            left = rest;
            for pending in group.iter().filter(|pending| !pending.interrupted) {
                self.record(run, RunEvent::ToolStarted { call: pending.call.id.clone() }).await?;
            }
            let known: &Run = run;
            let outcomes =
                futures::future::join_all(group.iter().map(|pending| self.perform(known, pending))).await;
            for (pending, (result, duration_ms)) in group.iter().zip(outcomes) {
                if self.context.cancel.is_cancelled() {
                    // The outcome of a cancelled call means nothing; the call is made again after a resume.
                    return Ok(());
                }
                let outcome = self.outcome(run, result, duration_ms).await?;
                self.shelf.put(&pending.call.id, &outcome);
                let call = pending.call.id.clone();
                self.record(run, RunEvent::ToolFinished { call, outcome: Box::new(outcome) }).await?;
            }
        }
        Ok(())
    }

    async fn perform(&self, run: &Run, pending: &PendingCall) -> (Result<ToolOutput, ToolFailure>, u64) {
        let call = &pending.call;
        let begun = Instant::now();
        let span = telemetry::execute_tool(&call.name, &call.id);
        let result = match run.approval(&call.id) {
            Some((false, by)) => Err(ToolFailure::new("denied", format!("{by} refused this call"))),
            _ if pending.interrupted && !self.may_be_repeated(call) => Err(ToolFailure::new(
                "interrupted",
                "this call was started before an interruption and its outcome is unknown; it is not repeated \
                 automatically: check whether it took effect, and request it again if it did not",
            )),
            approval => {
                let grant = match approval {
                    Some((true, by)) => CallGrant::ApprovedBy(by.to_owned()),
                    _ => CallGrant::NotAsked,
                };
                match self.dispatcher.call(&self.context, call, &grant).instrument(span.clone()).await {
                    ToolAnswer::Done { result, .. } => {
                        result.map_err(|error| ToolFailure::new(error.kind.as_str(), error.feedback))
                    }
                    ToolAnswer::NeedsApproval { effect } => {
                        Err(ToolFailure::new("denied", format!("{effect} needs approval")))
                    }
                }
            }
        };
        if let Err(failure) = &result {
            telemetry::call_failed(&span, &failure.kind);
        }
        (result, u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    async fn outcome(
        &self,
        run: &Run,
        result: Result<ToolOutput, ToolFailure>,
        duration_ms: u64,
    ) -> Result<ToolOutcome, DriveError> {
        Ok(match result {
            Ok(output) => ToolOutcome {
                text: self.masked(&output.text),
                data: masking::data(self.redactor, &output.data),
                evidence: self.keep(run, output.evidence).await?,
                failure: None,
                duration_ms,
            },
            Err(failure) => {
                let failure = ToolFailure::new(failure.kind, self.masked(&failure.message));
                ToolOutcome {
                    text: failure.message.clone(),
                    data: serde_json::Value::Null,
                    evidence: Vec::new(),
                    failure: Some(failure),
                    duration_ms,
                }
            }
        })
    }

    fn only_reads(&self, call: &ToolCall) -> bool {
        let effect = self.dispatcher.registry().get(&call.name).map(|tool| tool.effect());
        matches!(effect, Some(Effect::ReadRepository | Effect::ReadFiles | Effect::ReadMemory))
    }

    /// Whether a call may be repeated: effects within this process and its data folder can be; others are never
    /// repeated blindly.
    fn may_be_repeated(&self, call: &ToolCall) -> bool {
        let effect = self.dispatcher.registry().get(&call.name).map(|tool| tool.effect());
        !matches!(effect, Some(Effect::WriteExternal | Effect::WriteLocal))
    }

    /// Numbers evidence within the run, redacts and stores it.
    async fn keep(&self, run: &Run, drafts: Vec<EvidenceDraft>) -> Result<Vec<Evidence>, DriveError> {
        let mut number = run.evidence().count();
        let mut kept: Vec<Evidence> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let locator = masking::locator(self.redactor, &draft.locator);
            let draft = EvidenceDraft { text: self.masked(&draft.text), locator, ..draft };
            let sha256 = self.journal.keep_evidence(&draft).await?;
            // Evidence that an earlier call found keeps its number.
            let known = run.evidence().chain(&kept).find(|known| {
                known.locator == draft.locator && known.sha256 == sha256 && known.source == draft.source
            });
            if let Some(known) = known {
                kept.push(known.clone());
                continue;
            }
            number += 1;
            let excerpt = citations::excerpt(&draft.text, EXCERPT_CHARS);
            let id = EvidenceId(format!("E{number}"));
            kept.push(Evidence { id, source: draft.source, locator: draft.locator, excerpt, sha256 });
        }
        Ok(kept)
    }

    async fn conclude(
        &self,
        run: &mut Run,
        finding: &PlannerFinding,
        planner: &str,
        begun: Instant,
    ) -> Result<(), DriveError> {
        let mut texts = BTreeMap::new();
        for evidence in run.evidence() {
            if let Some(text) = self.journal.evidence_text(&evidence.sha256).await? {
                texts.insert(evidence.id.clone(), text);
            }
        }
        let wall_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let request = run.request().ok_or_else(|| JournalError::Unreadable("the run has no start".into()))?;
        let report = reporting::assemble(run, request, finding, planner, wall_ms);
        let report = citations::check(
            report,
            finding.not_an_incident.as_ref(),
            &reporting::quotes(finding),
            &texts,
            self.opener,
        );
        let verdict = report.verdict;
        self.record(
            run,
            RunEvent::Finished { report: Box::new(report), verdict, metrics: Default::default() },
        )
        .await
    }

    async fn record(&self, run: &mut Run, event: RunEvent) -> Result<(), DriveError> {
        self.journal.append(&event).await?;
        run.apply(&event);
        for sink in self.sinks {
            sink.event(&event);
        }
        Ok(())
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(REMARK_CHARS).collect()
}
