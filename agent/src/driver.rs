/*!
The driver: performs the steps of a run, and is the only part that does. It stores the intent of every call
before it and the outcome after it, shows both to the sinks, numbers and stores the evidence, and hands over
to the playbook when another planner fails.
*/

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use millwright_memory::types::{Evidence, EvidenceDraft, EvidenceId, Report};
use millwright_tools::tool::{Answer, Decision, Dispatcher, Effect, Grant, ToolCall, ToolContext};

use crate::citations::{self, Opener};
use crate::findings::Finding;
use crate::journal::{Journal, JournalError};
use crate::planner::{Plan, Planner, playbook::Playbook};
use crate::reporting;
use crate::run::{Event, Interruption, Pending, Run, Step, ToolFailure, ToolOutcome};
use crate::sink::Sink;

/// Longest excerpt of a piece of evidence in a report, in characters. The whole text is in the journal.
const EXCERPT_CHARS: usize = 2_000;
/// A run that plans this often without a finding is not getting anywhere.
const MAX_PLANS: u32 = 60;

#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Not an error of the run: it waits for a person and can be resumed.
    #[error("the run waits for approval of {}", .0.join(", "))]
    AwaitingApproval(Vec<String>),
    #[error("interrupted; run the same command again to go on where it stopped")]
    Interrupted,
}

/// Everything a run needs from outside.
pub struct Driver<'a> {
    pub dispatcher: &'a Dispatcher,
    pub journal: &'a dyn Journal,
    pub sinks: &'a [Arc<dyn Sink>],
    pub context: ToolContext,
    /// Opens what evidence points at, for the citation check.
    pub opener: &'a (dyn Opener + Sync),
    /// Masks secrets and personal data before a text is stored, shown or handed to a planner.
    pub redact: &'a (dyn Fn(&str) -> String + Send + Sync),
}

impl Driver<'_> {
    /// Drives the run to its report. Events already applied to `run` are not repeated.
    pub async fn drive(&self, mut run: Run, planner: &mut dyn Planner) -> Result<(Report, Run), DriveError> {
        let begun = Instant::now();
        loop {
            if self.context.cancel.is_cancelled() && run.interrupted().is_none() {
                // Parked, not ended: nothing is written, so the next start goes on from here.
                return Err(DriveError::Interrupted);
            }
            if run.interrupted().is_none() && self.context.time_left().is_some_and(|left| left.is_zero()) {
                self.record(&mut run, Event::Interrupted { kind: Interruption::Deadline }).await?;
            }
            match run.next_step(|call| self.decide(call)) {
                Step::Plan => self.plan(&mut run, planner).await?,
                Step::CallTools(pending) => {
                    for call in pending {
                        self.call(&mut run, call).await?;
                    }
                }
                Step::AwaitApproval(calls) => {
                    let names = calls.into_iter().map(|call| format!("{} ({})", call.name, call.id));
                    return Err(DriveError::AwaitingApproval(names.collect()));
                }
                Step::Verify(finding) => self.conclude(&mut run, &finding, planner.name(), begun).await?,
                Step::Done(report) => return Ok((*report, run)),
            }
        }
    }

    /// Stores and shows the start of a run that already applied it.
    pub async fn record_start(&self, first: &Event) -> Result<(), DriveError> {
        self.journal.append(first).await?;
        for sink in self.sinks {
            sink.event(first);
        }
        Ok(())
    }

    fn decide(&self, call: &ToolCall) -> Decision {
        // A malformed call is let through: the pipeline answers it with what was expected.
        self.dispatcher.check(call).unwrap_or(Decision::Allowed)
    }

    async fn plan(&self, run: &mut Run, planner: &mut dyn Planner) -> Result<(), DriveError> {
        let exhausted = run.plans() >= MAX_PLANS;
        let mut playbook = Playbook;
        let use_playbook = run.fell_back().is_some() || run.interrupted().is_some() || exhausted;
        let planner: &mut dyn Planner = if use_playbook { &mut playbook } else { planner };
        let name = planner.name().to_owned();
        let plan = match planner.plan(run).await {
            Ok(plan) => plan,
            Err(because) => {
                return self.record(run, Event::FellBack { because: because.to_string() }).await;
            }
        };
        let event = match plan {
            Plan::Call { note, calls } if !exhausted => {
                Event::Planned { planner: name, note, calls, finding: None }
            }
            Plan::Call { .. } => {
                return self.record(run, Event::Interrupted { kind: Interruption::Budget }).await;
            }
            Plan::Conclude { note, finding } => {
                Event::Planned { planner: name, note, calls: Vec::new(), finding: Some(finding) }
            }
        };
        self.record(run, event).await
    }

    async fn call(&self, run: &mut Run, pending: Pending) -> Result<(), DriveError> {
        let call = pending.call;
        if !pending.interrupted {
            self.record(run, Event::ToolStarted { call: call.id.clone() }).await?;
        }
        let begun = Instant::now();
        let result = match run.approval(&call.id) {
            Some((false, by)) => Err(ToolFailure::new("denied", format!("{by} refused this call"))),
            _ if pending.interrupted && !self.may_be_repeated(&call) => Err(ToolFailure::new(
                "interrupted",
                "this call was begun before an interruption and its outcome is unknown; it is not repeated",
            )),
            approval => {
                let grant = match approval {
                    Some((true, by)) => Grant::ApprovedBy(by.to_owned()),
                    _ => Grant::NotAsked,
                };
                match self.dispatcher.call(&self.context, &call, &grant).await {
                    Answer::Done { result, .. } => {
                        result.map_err(|error| ToolFailure::new(error.kind.as_str(), error.feedback))
                    }
                    Answer::NeedsApproval { effect } => {
                        Err(ToolFailure::new("denied", format!("{effect} needs approval")))
                    }
                }
            }
        };
        if self.context.cancel.is_cancelled() {
            // The outcome of a cancelled call says nothing; it is made again after a resume.
            return Ok(());
        }
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = match result {
            Ok(output) => ToolOutcome {
                text: (self.redact)(&output.text),
                data: output.data,
                evidence: self.keep(run, output.evidence).await?,
                failure: None,
                duration_ms,
            },
            Err(failure) => ToolOutcome {
                text: failure.message.clone(),
                data: serde_json::Value::Null,
                evidence: Vec::new(),
                failure: Some(failure),
                duration_ms,
            },
        };
        self.record(run, Event::ToolFinished { call: call.id, outcome: Box::new(outcome) }).await
    }

    /// Effects that end in this process and its data folder can be made again; others are never repeated blindly.
    fn may_be_repeated(&self, call: &ToolCall) -> bool {
        let effect = self.dispatcher.registry().get(&call.name).map(|tool| tool.effect());
        !matches!(effect, Some(Effect::WriteExternal | Effect::WriteLocal))
    }

    /// Numbers evidence within the run, redacts and stores it.
    async fn keep(&self, run: &Run, drafts: Vec<EvidenceDraft>) -> Result<Vec<Evidence>, DriveError> {
        let first = run.evidence().count() + 1;
        let mut kept = Vec::with_capacity(drafts.len());
        for (draft, number) in drafts.into_iter().zip(first..) {
            let draft = EvidenceDraft { text: (self.redact)(&draft.text), ..draft };
            let sha256 = self.journal.keep_evidence(&draft).await?;
            let excerpt = citations::excerpt(&draft.text, EXCERPT_CHARS);
            let id = EvidenceId(format!("E{number}"));
            kept.push(Evidence { id, source: draft.source, locator: draft.locator, excerpt, sha256 });
        }
        Ok(kept)
    }

    async fn conclude(
        &self,
        run: &mut Run,
        finding: &Finding,
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
        let report = reporting::assemble(run, finding, planner, wall_ms);
        let report = citations::check(report, &reporting::quotes(finding), &texts, self.opener);
        let verdict = report.verdict;
        self.record(run, Event::Finished { report: Box::new(report), verdict, metrics: Default::default() })
            .await
    }

    async fn record(&self, run: &mut Run, event: Event) -> Result<(), DriveError> {
        self.journal.append(&event).await?;
        run.apply(&event);
        for sink in self.sinks {
            sink.event(&event);
        }
        Ok(())
    }
}
