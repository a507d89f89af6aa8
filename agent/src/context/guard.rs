/*!
The loop guard. If a model repeats itself, alternates between calls, collects only errors or talks without acting, the
guard acts in three stages: it tells the model once; then it withdraws the tools, so that the model must conclude;
then the playbook continues. An unusable answer gets one repair request that says what was wrong; after that it counts
as a failed step. The guard reads all of this from the run's log.
*/

use millwright_prompts::{DataFence, NudgeKind, NudgePrompt, Prompt, PromptError, RepairPrompt};

use super::answer_text::why_unusable;
use super::{ConversationView, forced};
use crate::run::{ActionMode, AllowedAnswer, AskPurpose, DialogueEntry, FailureKind, ModelTurn, Run};

/// Number of consecutive failed steps after which the playbook takes over.
const MAX_FAILED: u32 = 3;
/// Number of identical calls that count as a loop.
const REPEATS: usize = 3;
/// Number of consecutive steps with only errors that count as a loop.
const ERRORS: usize = 3;
/// Maximum length of an unusable answer in the repair request.
const SHOWN_CHARS: usize = 600;

/// The guard's decision about the next step.
#[derive(Debug, Clone, PartialEq)]
pub enum LoopGuardAdvice {
    Go {
        remarks: Vec<String>,
        choice: AllowedAnswer,
        stage: u8,
    },
    /// The model is not asked again; the text gives the reason.
    Finish(String),
}

/// One step of the model: a planning question and its result.
struct Step<'a> {
    stage: u8,
    choice: AllowedAnswer,
    answer: Option<&'a ModelTurn>,
    failure: Option<FailureKind>,
    /// Name and arguments of each call, whether it failed, and whether it was malformed.
    calls: Vec<(String, bool, bool)>,
}

impl Step<'_> {
    fn problem(&self) -> Option<Problem> {
        self.answer?;
        if self.calls.is_empty() {
            return Some(Problem::NoAction);
        }
        self.calls.iter().all(|(_, _, malformed)| *malformed).then_some(Problem::Malformed)
    }

    fn only_errors(&self) -> bool {
        !self.calls.is_empty() && self.calls.iter().all(|(_, failed, _)| *failed)
    }

    fn signature(&self) -> String {
        self.calls.iter().map(|(call, _, _)| call.as_str()).collect::<Vec<_>>().join("\n")
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Problem {
    NoAction,
    /// The results of the calls report the error.
    Malformed,
}

/// Reads the log and decides how to ask the model next.
///
/// # Errors
/// When a prompt cannot be rendered.
pub fn guard(view: &ConversationView<'_>) -> Result<LoopGuardAdvice, PromptError> {
    let steps = steps(view.run);
    let constrained = view.mode == ActionMode::Constrained;
    let nudge = |kind| NudgePrompt { kind, constrained }.render();
    let used = view.run.spent().steps;
    if used >= view.steps {
        return Ok(LoopGuardAdvice::Finish(format!("the budget of {} steps is used up", view.steps)));
    }
    if let Some(why) = too_many_failures(&steps) {
        return Ok(LoopGuardAdvice::Finish(why));
    }
    let last = steps.last();
    if last.is_some_and(|step| step.stage >= 2) {
        return Ok(LoopGuardAdvice::Finish(
            "the model repeated the same calls and did not conclude when told to".into(),
        ));
    }
    let mut remarks = Vec::new();
    let mut stage = 0;
    let mut choice = AllowedAnswer::Any;
    match last.and_then(Step::problem) {
        Some(Problem::NoAction) => remarks.push(unusable(view, last, constrained)?),
        Some(Problem::Malformed) | None => {}
    }
    if let Some(kind) = looping(&steps) {
        stage = last.map_or(0, |step| step.stage) + 1;
        if stage >= 2 {
            choice = forced(view.mode, true);
            remarks.push(nudge(NudgeKind::Withdrawn)?);
        } else {
            remarks.push(nudge(kind)?);
        }
    }
    if used + 1 == view.steps {
        choice = if choice == AllowedAnswer::Any { AllowedAnswer::Conclude } else { choice };
        remarks.push(nudge(NudgeKind::LastStep)?);
    }
    Ok(LoopGuardAdvice::Go { remarks, choice, stage })
}

/// The repair request after an answer without a usable action.
fn unusable(
    view: &ConversationView<'_>,
    step: Option<&Step<'_>>,
    constrained: bool,
) -> Result<String, PromptError> {
    let said = step.and_then(|step| step.answer).map_or("", |turn| turn.text.trim());
    let Some(why) = why_unusable(said, constrained) else {
        return NudgePrompt { kind: NudgeKind::Narrates, constrained }.render();
    };
    let shown: String = said.chars().take(SHOWN_CHARS).collect();
    let fence: DataFence = view.fence();
    RepairPrompt { problem: format!("{why}\n{}", fence.around("your answer", &shown)), constrained }.render()
}

fn steps(run: &Run) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut planning = false;
    for entry in run.log() {
        match entry {
            DialogueEntry::ModelAsked(ask) => {
                planning = ask.purpose == AskPurpose::Plan;
                if planning {
                    steps.push(Step {
                        stage: ask.stage,
                        choice: ask.choice,
                        answer: None,
                        failure: None,
                        calls: Vec::new(),
                    });
                }
            }
            DialogueEntry::Answered(turn) if planning => {
                if let Some(step) = steps.last_mut() {
                    step.answer = Some(turn);
                }
            }
            DialogueEntry::Failed(failure) if planning => {
                if let Some(step) = steps.last_mut() {
                    step.failure = Some(failure.kind);
                }
            }
            DialogueEntry::Planned { by_rules: false, calls } => {
                let Some(step) = steps.last_mut() else { continue };
                for (call, outcome) in calls.clone().filter_map(|at| run.call_at(at)) {
                    let failure = outcome.and_then(|outcome| outcome.failure.as_ref());
                    let malformed = failure.is_some_and(|failure| failure.kind == "invalid_arguments");
                    step.calls.push((format!("{} {}", call.name, call.args), failure.is_some(), malformed));
                }
            }
            _ => {}
        }
    }
    steps
}

/// Counts failed steps in a row. An unusable answer gets one repair request; the next one in a row has failed.
/// Failures that led to another action mode or to a compaction were fixed and do not count.
fn too_many_failures(steps: &[Step<'_>]) -> Option<String> {
    let mut failed = 0;
    let mut repaired = false;
    let mut why = "";
    for step in steps {
        match (step.failure, step.problem()) {
            (Some(FailureKind::UnsupportedMode | FailureKind::ContextLength), _) => {}
            (Some(_), _) => {
                failed += 1;
                why = "no answers arrived";
            }
            (None, Some(_)) if repaired => {
                failed += 1;
                why = "its answers could not be used";
            }
            (None, Some(_)) => repaired = true,
            (None, None) => (failed, repaired) = (0, false),
        }
    }
    (failed >= MAX_FAILED).then(|| format!("the model failed {failed} steps in a row: {why}"))
}

fn looping(steps: &[Step<'_>]) -> Option<NudgeKind> {
    let acted: Vec<String> = steps.iter().map(Step::signature).collect();
    let last = |n: usize| acted.len().checked_sub(n).map(|from| &acted[from..]);
    if let Some([first, rest @ ..]) = last(REPEATS)
        && !first.is_empty()
        && rest.iter().all(|other| other == first)
    {
        return Some(NudgeKind::Repeats);
    }
    if let Some([a, b, c, d]) = last(4)
        && a == c
        && b == d
        && a != b
        && !a.is_empty()
        && !b.is_empty()
    {
        return Some(NudgeKind::Alternates);
    }
    let errors = steps.len() >= ERRORS && steps.iter().rev().take(ERRORS).all(Step::only_errors);
    if errors {
        return Some(NudgeKind::OnlyErrors);
    }
    let silent =
        |step: &Step<'_>| step.answer.is_some() && step.calls.is_empty() && step.choice == AllowedAnswer::Any;
    let narrates = steps.len() >= 2 && steps.iter().rev().take(2).all(silent);
    narrates.then_some(NudgeKind::Narrates)
}
