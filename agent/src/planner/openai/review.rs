/*!
The adversarial review: a second call with a fresh context that sees the finding and its evidence and tries to refute
it. The review can only lower the confidence; the code ensures that for every answer.
*/

use millwright_model::Evidence;
use millwright_prompts::{DataFence, Prompt, PromptError, ReviewCase, ReviewClaim, ReviewPrompt};
use serde::Deserialize;
use serde_json::{Deserializer, Value, json};

use crate::context::{ContextBudget, ModelMessage};
use crate::facts::RunFacts;
use crate::findings::{Citation, PlannerFinding};
use crate::run::{AskPurpose, DialogueEntry, ModelTurn, Run};

/// Maximum length of an objection, and maximum number of objections.
const OBJECTION_CHARS: usize = 500;
const OBJECTIONS: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReviewJudgement {
    Stands,
    Weakened,
    Refuted,
}

/// The second reader's answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReviewAnswer {
    pub(super) judgement: ReviewJudgement,
    pub(super) confidence: f64,
    pub(super) objections: Vec<(String, Vec<Citation>)>,
}

#[derive(Debug, Deserialize)]
struct Said {
    judgement: ReviewJudgement,
    confidence: f64,
    #[serde(default)]
    objections: Vec<Objection>,
}

#[derive(Debug, Deserialize)]
struct Objection {
    statement: String,
    #[serde(default)]
    evidence: Vec<Cite>,
}

#[derive(Debug, Deserialize)]
struct Cite {
    id: String,
    #[serde(default)]
    quotes: Vec<String>,
}

/// The state of a run's review.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ReviewState {
    NotAsked,
    /// The model was asked, but gave no usable answer; the text says why.
    Without(String),
    Done(ReviewAnswer),
}

pub(super) fn state(run: &Run) -> ReviewState {
    let asked = |entry: &DialogueEntry| matches!(entry, DialogueEntry::ModelAsked(ask) if ask.purpose == AskPurpose::Review);
    let Some(at) = run.log().iter().rposition(asked) else { return ReviewState::NotAsked };
    match run
        .log()
        .get(at + 1..)
        .unwrap_or_default()
        .iter()
        .find(|entry| !matches!(entry, DialogueEntry::Steered { .. }))
    {
        Some(DialogueEntry::Answered(turn)) => match read(turn) {
            Some(review) => ReviewState::Done(review),
            None => ReviewState::Without("its answer could not be used".to_owned()),
        },
        Some(DialogueEntry::Failed(failure)) => ReviewState::Without(failure.message.clone()),
        _ => ReviewState::Without("it was not answered".to_owned()),
    }
}

fn read(turn: &ModelTurn) -> Option<ReviewAnswer> {
    let objects = turn
        .text
        .match_indices('{')
        .take(10)
        .filter_map(|(at, _)| Deserializer::from_str(&turn.text[at..]).into_iter::<Value>().next()?.ok());
    let said = objects.filter_map(|mut object| {
        super::schema::without_nulls(&mut object);
        serde_json::from_value::<Said>(object).ok()
    });
    let said = said.into_iter().next()?;
    let cite = |cite: Cite| Citation {
        evidence: millwright_model::EvidenceId(cite.id.trim().chars().take(20).collect()),
        quotes: cite.quotes.into_iter().filter(|quote| !quote.trim().is_empty()).take(4).collect(),
    };
    let objections = said.objections.into_iter().take(OBJECTIONS).filter_map(|objection| {
        let statement: String = objection.statement.trim().chars().take(OBJECTION_CHARS).collect();
        let cites = objection.evidence.into_iter().take(4).map(cite).collect();
        (!statement.is_empty()).then_some((statement, cites))
    });
    let confidence = if said.confidence.is_finite() { said.confidence.clamp(0.0, 1.0) } else { 0.0 };
    Some(ReviewAnswer { judgement: said.judgement, confidence, objections: objections.collect() })
}

pub(super) fn schema() -> Value {
    let cite = json!({
        "type": "object",
        "properties": { "id": { "type": "string" }, "quotes": { "type": "array", "items": { "type": "string" } } },
        "required": ["id", "quotes"],
    });
    let objection = json!({
        "type": "object",
        "properties": { "statement": { "type": "string" }, "evidence": { "type": "array", "items": cite } },
        "required": ["statement", "evidence"],
    });
    json!({
        "type": "object",
        "properties": {
            "objections": { "type": "array", "items": objection },
            "judgement": { "type": "string", "enum": ["stands", "weakened", "refuted"] },
            "confidence": { "type": "number", "description": "how sure the finding is after this reading, 0 to 1" },
        },
        "required": ["objections", "judgement", "confidence"],
    })
}

/// Whether a finding claims anything that a second reader could refute.
pub(super) fn is_worth_it(finding: &PlannerFinding) -> bool {
    finding.root_cause.is_some() || finding.not_an_incident.is_some()
}

/// The question to the second reader.
pub(super) fn messages(
    run: &Run,
    finding: &PlannerFinding,
    room: ContextBudget,
) -> Result<Vec<ModelMessage>, PromptError> {
    let request = run.request();
    let fence = DataFence::of_run(request.map_or("", |request| request.run_id.as_str()));
    let cause = finding.root_cause.as_ref().map(|cause| (&cause.claim, format!("{:.2}", cause.confidence)));
    let nothing = finding.not_an_incident.as_ref().map(|claim| (claim, "not given".to_owned()));
    let claims: Vec<ReviewClaim> = cause
        .into_iter()
        .chain(nothing)
        .map(|(claim, confidence)| ReviewClaim {
            id: "The claim".to_owned(),
            statement: fence.around("claim", &claim.statement),
            confidence,
            cites: claim.cites.iter().map(|cite| cite.evidence.0.clone()).collect(),
        })
        .collect();
    let cited: Vec<&String> = claims.iter().flat_map(|claim| &claim.cites).collect();
    let shown = |evidence: &Evidence| {
        let (text, _) = crate::context::shortened(&evidence.excerpt, room.result_chars());
        fence.around(&format!("{} {}", evidence.id, evidence.locator.0), &text)
    };
    let evidence = run.evidence().filter(|evidence| cited.contains(&&evidence.id.0)).take(10).map(shown);
    let ticket = request.map_or("", |request| &request.ticket.text);
    let (ticket, _) = crate::context::shortened(ticket, room.result_chars());
    let case = ReviewCase {
        mark: fence.mark().to_owned(),
        ticket: fence.around("ticket", &ticket),
        ran: fence.around("runs", &what_ran(&RunFacts::of(run))),
        evidence: evidence.collect(),
        claims,
    };
    let system = ReviewPrompt { shape: super::schema::in_words(&schema()) };
    Ok(vec![ModelMessage::System(system.render()?), ModelMessage::User(case.render()?)])
}

fn what_ran(facts: &RunFacts) -> String {
    let mut lines = Vec::new();
    match &facts.reproduction {
        Some(seen) => lines
            .push(format!("The replay at the failing revision: {:?} ({}).", seen.outcome, seen.signature)),
        None => lines.push("Nothing was replayed.".to_owned()),
    }
    if let Some(bisection) = &facts.bisection {
        lines.push(match (&bisection.culprit, &bisection.problem) {
            (Some(culprit), _) => {
                format!("Bisect: fails at {culprit}, passes at its parents: {}.", bisection.proven)
            }
            (None, Some(problem)) => format!("Bisect: {problem}."),
            (None, None) => "Bisect named no commit.".to_owned(),
        });
    }
    lines.extend(facts.fix_checks.iter().map(|check| format!("Fix tried: {}", check.in_words())));
    lines.join("\n")
}
