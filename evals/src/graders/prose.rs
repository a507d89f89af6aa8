/*!
How well a report is written, in a model's opinion. The model gets nothing of the truth, and its marks change no other
figure, because a model never decides whether an answer is right. It is asked only when `--judge` names one.

The report's text comes from tickets, repositories and models, so the prompt puts it in a fence. An answer in another form
than the requested one is not used, whatever it says.
*/

use std::fmt::Write as _;
use std::sync::Arc;

use millwright_model::Report;
use millwright_prompts::{DataFence, Prompt, ProseCase, ProseJudgePrompt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Each from 1 to 5; `null` if there was no valid answer.
    pub marks: Option<ProseMarks>,
    /// The model's one sentence, or why there are no marks.
    pub why: String,
}

impl ProseGrade {
    /// Mean of the marks, 1 to 5.
    pub fn score(&self) -> Option<f64> {
        let ProseMarks { clear, brief, useful } = self.marks?;
        Some(f64::from(clear + brief + useful) / 3.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProseMarks {
    pub clear: u8,
    pub brief: u8,
    pub useful: u8,
}

type AskModel = dyn Fn(&str, &str) -> Result<String, String> + Send + Sync;

/// A model that is asked how well reports are written. Asking blocks.
#[derive(Clone)]
pub struct ProseJudge {
    name: String,
    ask: Arc<AskModel>,
}

impl ProseJudge {
    /// `ask` takes the instructions and the question, and answers the model's words, or why there are none.
    pub fn new(
        name: impl Into<String>,
        ask: impl Fn(&str, &str) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), ask: Arc::new(ask) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn ask(&self, instructions: &str, question: &str) -> Result<String, String> {
        (self.ask)(instructions, question)
    }
}

impl std::fmt::Debug for ProseJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ProseJudge").field(&self.name).finish()
    }
}

/// Asks the model about one report.
pub fn grade(report: &Report, judge: &ProseJudge) -> ProseGrade {
    let read = || {
        let fence = DataFence::of_run(report.id.as_str());
        let case =
            ProseCase { mark: fence.mark().to_owned(), report: fence.around("report", &words(report)) };
        let failed = |error: millwright_prompts::PromptError| error.to_string();
        let answer =
            judge.ask(&ProseJudgePrompt {}.render().map_err(failed)?, &case.render().map_err(failed)?)?;
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

fn marks(answer: &str) -> Result<(ProseMarks, String), String> {
    if answer.len() > ANSWER_BYTES {
        return Err(format!("the judge answered {} bytes, at most {ANSWER_BYTES} are read", answer.len()));
    }
    let said: Said = serde_json::from_str(answer.trim())
        .map_err(|error| format!("the judge did not answer in the requested form: {error}"))?;
    let Said { clear, brief, useful, why } = said;
    if [clear, brief, useful].iter().any(|mark| !(1..=5).contains(mark)) {
        return Err("the judge gave a mark that is not from 1 to 5".to_owned());
    }
    Ok((ProseMarks { clear, brief, useful }, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_that_was_asked_for_is_an_answer() {
        let good = r#" {"clear": 5, "brief": 4, "useful": 3, "why": "short"} "#;
        assert_eq!(marks(good), Ok((ProseMarks { clear: 5, brief: 4, useful: 3 }, "short".to_owned())));
        let check = |answer: &str, part: &str| {
            let why = marks(answer).unwrap_err();
            assert!(why.contains(part), "{answer}: {why}");
        };
        check("It is very good: 5 of 5.", "requested form");
        check(r#"{"clear": 6, "brief": 4, "useful": 3, "why": ""}"#, "from 1 to 5");
        check(r#"{"clear": 0, "brief": 4, "useful": 3, "why": ""}"#, "from 1 to 5");
        check(r#"{"clear": 4.5, "brief": 4, "useful": 3, "why": ""}"#, "requested form");
        check(r#"{"clear": 5, "brief": 5, "useful": 5, "why": "", "correct": true}"#, "requested form");
        check(r#"{"clear": 5, "brief": 5, "useful": 5, "why": ""} and more"#, "requested form");
        check("", "requested form");
        check(&"x".repeat(5_000), "5000 bytes");
    }
}
