/*!
The operator's view of a run: a log line when it starts, resumes and ends, and metrics of its steps. It records ids,
counts and times of the events, never their text.
*/

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millwright_agent::run::{Run, RunEvent, RunRequest};
use millwright_agent::sink::EventSink;
use millwright_model::{IncidentId, JobId, Report, RunId};
use millwright_store::Job;

use crate::app::{ServiceState, millis};

pub(super) struct RunRecord {
    app: Arc<ServiceState>,
    incident: IncidentId,
    job: JobId,
    seen: Mutex<Seen>,
}

struct Seen {
    run: Option<RunId>,
    begun: Instant,
    /// The tools of calls whose outcome is pending, by the ids of the calls.
    steps: HashMap<String, String>,
}

impl RunRecord {
    pub(super) fn new(app: Arc<ServiceState>, job: &Job) -> Self {
        let seen = Seen { run: None, begun: Instant::now(), steps: HashMap::new() };
        Self { app, incident: job.incident_id.clone(), job: job.id.clone(), seen: Mutex::new(seen) }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, request: &RunRequest) {
        let mut seen = self.seen();
        seen.run = Some(request.run_id.clone());
        seen.begun = Instant::now();
    }

    fn ended(&self, report: &Report) {
        let seen = self.seen();
        self.app.metrics.run_ended(report, seen.begun.elapsed());
        let replays = report.replay.as_ref().map_or(0, |replay| replay.runs.len());
        tracing::info!(
            event = "run.ended",
            incident = %self.incident,
            run = seen.run.as_ref().map(tracing::field::display),
            job = %self.job,
            verdict = report.verdict.as_str(),
            planner = %report.usage.planner,
            fell_back = report.usage.fell_back.is_some(),
            steps = report.usage.steps,
            replays,
            duration_ms = millis(seen.begun),
            "run ended"
        );
    }
}

impl EventSink for RunRecord {
    fn event(&self, event: &RunEvent) {
        match event {
            RunEvent::Started { request, .. } => {
                self.begin(request);
                tracing::info!(event = "run.started", incident = %self.incident, run = %request.run_id, job = %self.job,
                    planner = %request.planner, "run started");
            }
            RunEvent::Planned { calls, .. } => {
                self.seen().steps.extend(calls.iter().map(|call| (call.id.clone(), call.name.clone())));
            }
            RunEvent::ToolFinished { call, outcome } => {
                let tool = self.seen().steps.remove(call).unwrap_or_default();
                self.app.metrics.step(&tool, Duration::from_millis(outcome.duration_ms));
            }
            RunEvent::ModelAnswered { turn } => {
                self.app.degraded.set("model", Ok(()));
                self.app.metrics.model_answered(turn.tokens, Duration::from_millis(turn.duration_ms));
            }
            RunEvent::ModelFailed { failure } => {
                if failure.kind.is_of_server() {
                    self.app.degraded.set("model", Err("it gave no answer the last time; the log says why"));
                }
                self.app.metrics.model_failed(failure.kind);
            }
            RunEvent::Finished { report, .. } => self.ended(report),
            RunEvent::ModelAsked { .. }
            | RunEvent::Compacted { .. }
            | RunEvent::ToolStarted { .. }
            | RunEvent::ApprovalDecided { .. }
            | RunEvent::Steered { .. }
            | RunEvent::FellBack { .. }
            | RunEvent::Interrupted { .. } => {}
        }
    }

    fn resumed(&self, run: &Run) {
        let Some(request) = run.request() else { return };
        self.begin(request);
        let calls = (0..).map_while(|position| run.call_at(position));
        let open = calls.filter(|(_, outcome)| outcome.is_none());
        self.seen().steps.extend(open.map(|(call, _)| (call.id.clone(), call.name.clone())));
        tracing::info!(event = "run.resumed", incident = %self.incident, run = %request.run_id, job = %self.job,
            planner = %request.planner, "run resumed");
    }
}

#[cfg(test)]
mod tests {
    use millwright_agent::run::{FailureKind, ModelFailure, ModelTurn, TokenCounts, ToolOutcome};
    use millwright_store::JobKind;
    use millwright_tools::ToolCall;

    use super::*;
    use crate::auth::TokenRole;
    use crate::tests::scene;

    fn finished(call: &str) -> RunEvent {
        let outcome = ToolOutcome {
            text: String::new(),
            data: serde_json::Value::Null,
            evidence: Vec::new(),
            failure: None,
            duration_ms: 250,
        };
        RunEvent::ToolFinished { call: call.into(), outcome: Box::new(outcome) }
    }

    #[tokio::test]
    async fn steps_are_counted_by_their_tool_and_a_model_that_is_away_is_told_until_it_answers() {
        let scene = scene().await;
        scene.report(&scene.token(TokenRole::Support).await, "one").await;
        let claimed =
            scene.app.own_store.claim_jobs(JobKind::Investigate, "w", Duration::from_secs(60), 1, &[]).await;
        let record = RunRecord::new(scene.app.clone(), &claimed.unwrap()[0]);
        let call = ToolCall { id: "c1".into(), name: "suspects".into(), args: serde_json::Value::Null };
        let planned =
            RunEvent::Planned { planner: "m".into(), note: String::new(), calls: vec![call], finding: None };
        for event in [planned, finished("c1"), finished("c1"), finished("of another life")] {
            record.event(&event);
        }
        record.event(&RunEvent::ModelFailed { failure: ModelFailure::new(FailureKind::TimedOut, "no") });
        assert_eq!(scene.app.degraded.list()[0].part, "model");
        let tokens = TokenCounts { input: 11, cached: 0, output: 5 };
        let turn = ModelTurn {
            text: String::new(),
            calls: Vec::new(),
            finish: "stop".into(),
            tokens,
            estimated: false,
            cost_usd: 0.0,
            prompts: Default::default(),
            duration_ms: 1_500,
        };
        record.event(&RunEvent::ModelAnswered { turn: Box::new(turn) });
        assert!(scene.app.degraded.list().is_empty());
        let told = scene.app.metrics.render(&scene.app.own_store, 0).await;
        for line in [
            "millwright_step_duration_seconds_count{step=\"suspects\"} 1",
            "millwright_step_duration_seconds_sum{step=\"suspects\"} 0.25",
            "millwright_step_duration_seconds_count{step=\"other\"} 2",
            "millwright_model_errors_total{kind=\"timed_out\"} 1",
            "millwright_model_tokens_total{kind=\"input\"} 11",
            "millwright_model_request_duration_seconds_sum 1.5",
        ] {
            assert!(told.lines().any(|told| told == line), "{line} is not told:\n{told}");
        }
    }
}
