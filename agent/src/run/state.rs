/*!
The state of a run, derived from its events, and the next step, derived from the state.
*/

use millwright_model::{Evidence, Report};
use millwright_tools::{Decision, ToolCall};
use serde_json::Value;

use super::event::{Interruption, RunEvent, RunRequest, ToolFailure, ToolOutcome};
use super::model::{Compaction, ModelAsk, ModelFailure, ModelTurn, TokenCounts};
use crate::findings::PlannerFinding;

/// The next step of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RunStep {
    Plan,
    CallTools(Vec<PendingCall>),
    /// Calls whose effect needs a person's consent.
    AwaitApproval(Vec<ToolCall>),
    /// Check a finding against the evidence and make the report.
    Verify(Box<PlannerFinding>),
    Done(Box<Report>),
}

/// A call to make. `interrupted` means that it was started before and its outcome is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingCall {
    pub call: ToolCall,
    pub interrupted: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct CallState {
    call: ToolCall,
    started: bool,
    approved: Option<(bool, String)>,
    outcome: Option<ToolOutcome>,
}

/// What happened between a run and its model, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum DialogueEntry {
    ModelAsked(ModelAsk),
    Answered(ModelTurn),
    Failed(ModelFailure),
    /// Calls were planned, by the model or by the playbook for it; `calls` are positions for [`Run::call_at`].
    Planned {
        by_rules: bool,
        calls: std::ops::Range<usize>,
    },
    Steered {
        text: String,
        by: String,
    },
    Compacted(Compaction),
}

/// The cost of a run's model so far. Questions whose answer never arrived count with their maximum cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ModelSpending {
    pub tokens: TokenCounts,
    /// Reserved by questions without an outcome.
    pub lost: TokenCounts,
    pub cost_usd: f64,
    /// Questions asked for planning.
    pub steps: u32,
}

/// A run, rebuilt from its events.
#[derive(Debug, Clone, Default)]
pub struct Run {
    request: Option<Box<RunRequest>>,
    calls: Vec<CallState>,
    notes: Vec<String>,
    finding: Option<Box<PlannerFinding>>,
    interrupted: Option<Interruption>,
    fell_back: Option<String>,
    steered: Vec<String>,
    plans: u32,
    log: Vec<DialogueEntry>,
    report: Option<Box<Report>>,
}

impl Run {
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a RunEvent>) -> Self {
        let mut run = Self::default();
        for event in events {
            run.apply(event);
        }
        run
    }

    /// Applies an event. Events that do not fit (an outcome of an unknown call) change nothing.
    pub fn apply(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Started { request, .. } => {
                self.request = Some(request.clone());
            }
            RunEvent::ModelAsked { ask } => self.log.push(DialogueEntry::ModelAsked((**ask).clone())),
            RunEvent::ModelAnswered { turn } => self.log.push(DialogueEntry::Answered((**turn).clone())),
            RunEvent::ModelFailed { failure } => self.log.push(DialogueEntry::Failed(failure.clone())),
            RunEvent::Compacted { compaction } => self.log.push(DialogueEntry::Compacted(compaction.clone())),
            RunEvent::Planned { planner, note, calls, finding } => {
                self.plans += 1;
                let first = self.calls.len();
                let by_rules = planner == super::PLAYBOOK;
                self.log.push(DialogueEntry::Planned { by_rules, calls: first..first + calls.len() });
                if !note.is_empty() {
                    self.notes.push(note.clone());
                }
                self.calls.extend(calls.iter().map(|call| CallState {
                    call: call.clone(),
                    started: false,
                    approved: None,
                    outcome: None,
                }));
                self.finding.clone_from(finding);
            }
            RunEvent::ToolStarted { call } => {
                if let Some(state) = self.call_mut(call) {
                    state.started = true;
                }
            }
            RunEvent::ToolFinished { call, outcome } => {
                if let Some(state) = self.call_mut(call) {
                    state.outcome = Some((**outcome).clone());
                }
            }
            RunEvent::ApprovalDecided { call, approved, by } => {
                if let Some(state) = self.call_mut(call) {
                    state.approved = Some((*approved, by.clone()));
                }
            }
            RunEvent::Steered { text, by } => {
                self.steered.push(text.clone());
                self.log.push(DialogueEntry::Steered { text: text.clone(), by: by.clone() });
            }
            RunEvent::FellBack { because } => self.fell_back = Some(because.clone()),
            RunEvent::Interrupted { kind } => self.interrupted = Some(*kind),
            RunEvent::Finished { report, .. } => self.report = Some(report.clone()),
        }
    }

    /// The next step; `decide` is the policy's decision about a call.
    pub fn next_step(&self, decide: impl Fn(&ToolCall) -> Decision) -> RunStep {
        if let Some(report) = &self.report {
            return RunStep::Done(report.clone());
        }
        if self.interrupted.is_none() {
            let open = || self.calls.iter().filter(|state| state.outcome.is_none());
            let needs_consent = |state: &CallState| {
                state.approved.is_none() && decide(&state.call) == Decision::NeedsApproval
            };
            let ready: Vec<PendingCall> = open()
                .filter(|state| !needs_consent(state))
                .map(|state| PendingCall { call: state.call.clone(), interrupted: state.started })
                .collect();
            if !ready.is_empty() {
                return RunStep::CallTools(ready);
            }
            let waiting: Vec<ToolCall> = open().map(|state| state.call.clone()).collect();
            if !waiting.is_empty() {
                return RunStep::AwaitApproval(waiting);
            }
        }
        match &self.finding {
            Some(finding) => RunStep::Verify(finding.clone()),
            None => RunStep::Plan,
        }
    }

    pub fn request(&self) -> Option<&RunRequest> {
        self.request.as_deref()
    }

    /// The planner's conclusion.
    pub fn finding(&self) -> Option<&PlannerFinding> {
        self.finding.as_deref()
    }

    pub fn interrupted(&self) -> Option<Interruption> {
        self.interrupted
    }

    pub fn fell_back(&self) -> Option<&str> {
        self.fell_back.as_deref()
    }

    pub fn steered(&self) -> &[String] {
        &self.steered
    }

    /// What happened between the run and its model, in order.
    pub fn log(&self) -> &[DialogueEntry] {
        &self.log
    }

    /// A planned call and, once it has one, its outcome.
    pub fn call_at(&self, position: usize) -> Option<(&ToolCall, Option<&ToolOutcome>)> {
        self.calls.get(position).map(|state| (&state.call, state.outcome.as_ref()))
    }

    /// The question that was sent and has no outcome yet.
    pub fn open_ask(&self) -> Option<&ModelAsk> {
        match self.log.last() {
            Some(DialogueEntry::ModelAsked(ask)) => Some(ask),
            _ => None,
        }
    }

    pub fn spent(&self) -> ModelSpending {
        use super::model::AskPurpose;
        let mut spent = ModelSpending::default();
        let mut asked: Option<&ModelAsk> = None;
        let add = |to: &mut TokenCounts, more: TokenCounts| {
            to.input = to.input.saturating_add(more.input);
            to.cached = to.cached.saturating_add(more.cached);
            to.output = to.output.saturating_add(more.output);
        };
        for entry in &self.log {
            match entry {
                DialogueEntry::ModelAsked(ask) => {
                    spent.steps += u32::from(ask.purpose == AskPurpose::Plan);
                    asked = Some(ask);
                }
                DialogueEntry::Answered(turn) => {
                    add(&mut spent.tokens, turn.tokens);
                    spent.cost_usd += turn.cost_usd;
                    asked = None;
                }
                DialogueEntry::Failed(failure) => {
                    if let Some(ask) = asked.take().filter(|_| failure.kind.may_have_cost()) {
                        add(&mut spent.lost, ask.reserved);
                    }
                }
                DialogueEntry::Planned { .. }
                | DialogueEntry::Steered { .. }
                | DialogueEntry::Compacted(_) => {}
            }
        }
        spent
    }

    /// How often a planner was asked.
    pub fn plans(&self) -> u32 {
        self.plans
    }

    /// A person's decision about a call, and the person's name.
    pub fn approval(&self, call: &str) -> Option<(bool, &str)> {
        let state = self.calls.iter().find(|state| state.call.id == call)?;
        state.approved.as_ref().map(|(approved, by)| (*approved, by.as_str()))
    }

    pub fn tool_calls(&self) -> u32 {
        u32::try_from(self.calls.iter().filter(|state| state.outcome.is_some()).count()).unwrap_or(u32::MAX)
    }

    /// The number of the next call; ids are `c<number>`.
    pub fn next_call_number(&self) -> usize {
        self.calls.len() + 1
    }

    /// Every finished call, in order.
    pub fn finished(&self) -> impl Iterator<Item = (&ToolCall, &ToolOutcome)> {
        self.calls.iter().filter_map(|state| Some((&state.call, state.outcome.as_ref()?)))
    }

    /// Whether a tool was called (and ended, well or badly).
    pub fn called(&self, tool: &str) -> bool {
        self.finished().any(|(call, _)| call.name == tool)
    }

    /// Whether the latest call of one tool came after all calls of another.
    pub fn comes_after(&self, later: &str, earlier: &str) -> bool {
        let last = |tool: &str| self.finished().enumerate().filter(|(_, (call, _))| call.name == tool).last();
        match (last(later), last(earlier)) {
            (Some((later, _)), Some((earlier, _))) => later > earlier,
            (found, _) => found.is_some(),
        }
    }

    /// The latest successful result of a tool.
    pub fn result<'a>(&'a self, tool: &'a str) -> Option<&'a Value> {
        self.results(tool).last()
    }

    /// All successful results of a tool, oldest first.
    pub fn results<'a>(&'a self, tool: &'a str) -> impl Iterator<Item = &'a Value> {
        self.finished()
            .filter(move |(call, outcome)| call.name == tool && outcome.failure.is_none())
            .map(|(_, outcome)| &outcome.data)
    }

    /// The latest failure of a tool, when its last call failed.
    pub fn failure(&self, tool: &str) -> Option<&ToolFailure> {
        let (_, outcome) = self.finished().filter(|(call, _)| call.name == tool).last()?;
        outcome.failure.as_ref()
    }

    /// All evidence so far, in the order of its ids.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        let mut seen = std::collections::HashSet::new();
        let all = self.finished().flat_map(|(_, outcome)| &outcome.evidence);
        all.filter(move |evidence| seen.insert(&evidence.id))
    }

    /// The evidence of the latest call of a tool.
    pub fn evidence_of<'a>(&'a self, tool: &'a str) -> impl Iterator<Item = &'a Evidence> {
        self.finished().filter(move |(call, _)| call.name == tool).flat_map(|(_, outcome)| &outcome.evidence)
    }

    fn call_mut(&mut self, id: &str) -> Option<&mut CallState> {
        self.calls.iter_mut().find(|state| state.call.id == id)
    }
}
