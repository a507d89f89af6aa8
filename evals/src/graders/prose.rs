/*!
How well a report is written, in the opinion of a model. It is told nothing of the truth and its marks touch no other
figure: whether an answer is right is never left to a model. Asked only where `--judge` names one.

The report's words come from tickets, repositories and models, so they stand in a fence; an answer in any other form
than the one asked for is not judged, whatever it says.
*/

use std::fmt::Write as _;

use millwright_memory::types::Report;
use millwright_prompts::{Fence, Prompt, Prose, ProseCase};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::options::ProseJudge;

/// Bytes of an answer; a longer one is none.
const ANSWER_BYTES: usize = 4_000;
/// Characters of one text of a report.
const TEXT_CHARS: usize = 3_000;
/// Hypotheses shown.
const HYPOTHESES: usize = 8;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProseGrade {
    /// The model that was asked.
    pub by: String,
    /// Each from 1 to 5; `null` when the answer was none.
    pub marks: Option<Marks>,
    /// The model's one sentence, or why there are no marks.
    pub why: String,
}

impl ProseGrade {
    /// Mean of the marks, 1 to 5.
    pub fn score(&self) -> Option<f64> {
        let Marks { clear, brief, useful } = self.marks?;
        Some(f64::from(clear + brief + useful) / 3.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Marks {
    pub clear: u8,
    pub brief: u8,
    pub useful: u8,
}

/// Asks the model about one report.
pub fn grade(report: &Report, judge: &ProseJudge) -> ProseGrade {
    let read = || {
        let fence = Fence::of_run(&report.id);
        let case =
            ProseCase { mark: fence.mark().to_owned(), report: fence.around("report", &words(report)) };
        let failed = |error: millwright_prompts::PromptError| error.to_string();
        let answer = judge.ask(&Prose {}.render().map_err(failed)?, &case.render().map_err(failed)?)?;
        marks(&answer)
    };
    let (marks, why) = match read() {
        Ok((marks, why)) => (Some(marks), why),
        Err(why) => (None, format!("not judged: {why}")),
    };
    ProseGrade { by: judge.name().to_owned(), marks, why: why.chars().take(500).collect() }
}

/// The sentences of a report, without its evidence: that is quoted, not written.
fn words(report: &Report) -> String {
    let short = |text: &str| text.chars().take(TEXT_CHARS).collect::<String>();
    let mut out = format!("Verdict: {}\n\nSummary: {}\n", report.verdict.as_str(), short(&report.summary));
    if let Some(cause) = &report.root_cause {
        let _ = writeln!(out, "\nRoot cause ({:.2}): {}", cause.confidence, short(&cause.statement));
    }
    for idea in report.hypotheses.iter().take(HYPOTHESES) {
        let status = format!("{:?}", idea.status).to_lowercase();
        let _ = writeln!(out, "Hypothesis, {status}: {}", short(&idea.statement));
    }
    if let Some(escalate) = &report.escalate {
        let _ = writeln!(out, "\nAsk {} ({})", short(&escalate.to), short(&escalate.because));
        escalate.missing.iter().take(HYPOTHESES).for_each(|what| {
            let _ = writeln!(out, "Missing: {}", short(what));
        });
    }
    out
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    clear: u8,
    brief: u8,
    useful: u8,
    why: String,
}

fn marks(answer: &str) -> Result<(Marks, String), String> {
    if answer.len() > ANSWER_BYTES {
        return Err(format!("the judge answered {} bytes, at most {ANSWER_BYTES} are read", answer.len()));
    }
    let said: Said = serde_json::from_str(answer.trim())
        .map_err(|error| format!("the judge did not answer in the form asked for: {error}"))?;
    let Said { clear, brief, useful, why } = said;
    if [clear, brief, useful].iter().any(|mark| !(1..=5).contains(mark)) {
        return Err("the judge gave a mark that is not from 1 to 5".to_owned());
    }
    Ok((Marks { clear, brief, useful }, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_that_was_asked_for_is_an_answer() {
        let good = r#" {"clear": 5, "brief": 4, "useful": 3, "why": "short"} "#;
        assert_eq!(marks(good), Ok((Marks { clear: 5, brief: 4, useful: 3 }, "short".to_owned())));
        let check = |answer: &str, part: &str| {
            let why = marks(answer).unwrap_err();
            assert!(why.contains(part), "{answer}: {why}");
        };
        check("It is very good: 5 of 5.", "form asked for");
        check(r#"{"clear": 6, "brief": 4, "useful": 3, "why": ""}"#, "from 1 to 5");
        check(r#"{"clear": 0, "brief": 4, "useful": 3, "why": ""}"#, "from 1 to 5");
        check(r#"{"clear": 4.5, "brief": 4, "useful": 3, "why": ""}"#, "form asked for");
        check(r#"{"clear": 5, "brief": 5, "useful": 5, "why": "", "correct": true}"#, "form asked for");
        check(r#"{"clear": 5, "brief": 5, "useful": 5, "why": ""} and more"#, "form asked for");
        check("", "form asked for");
        check(&"x".repeat(5_000), "5000 bytes");
    }
}
