/*!
Masks structured data: all parts of a model's answer, streamed words, progress, locators, and the context that a page
shows beside the report.
*/

use std::sync::{Arc, Mutex, PoisonError};

use millwright_model::{Locator, Report};
use millwright_redaction::Redactor;
use millwright_tools::{ProgressEvent, ProgressSink, ToolCall};
use serde_json::Value;

use crate::narrow_diff::narrow;
use crate::report::{CitedEvidence, CommitView, RenderContext};
use crate::run::ModelTurn;

/// Maximum length of a streamed line that is held back until it ends.
const LINE_BYTES: usize = 64 << 10;

/// The person that a report says to ask, with the unmasked address. Neither stored nor sent: it is for the terminal
/// of the investigator, who can read it in the repository as well.
pub(crate) fn contact(redactor: &Redactor, report: &Report) -> Option<String> {
    report.escalate.as_ref().map(|escalate| redactor.unmask(&escalate.to))
}

/// Masks an answer of a model so that it may be stored.
pub(crate) fn turn(redactor: &Redactor, mut turn: ModelTurn) -> ModelTurn {
    turn.text = redactor.redact(&turn.text).text;
    for call in &mut turn.calls {
        call.name = redactor.redact(&call.name).text;
        // Escapes hide values in the text of JSON, so the parsed JSON is masked.
        call.arguments = match serde_json::from_str::<Value>(&call.arguments) {
            Ok(arguments) => redactor.redact_json(&arguments).to_string(),
            Err(_) => redactor.redact(&call.arguments).text,
        };
    }
    turn
}

pub(crate) fn calls(redactor: &Redactor, calls: Vec<ToolCall>) -> Vec<ToolCall> {
    let masked = |call: ToolCall| ToolCall {
        name: redactor.redact(&call.name).text,
        args: redactor.redact_json(&call.args),
        ..call
    };
    calls.into_iter().map(masked).collect()
}

/// Masks the result of a tool. A diff loses the context lines that would be masked, so that it applies as printed.
pub(crate) fn data(redactor: &Redactor, data: &Value) -> Value {
    fn narrowed(redactor: &Redactor, name: &str, value: &Value) -> Value {
        match value {
            Value::String(text) if name == "diff" => {
                let masked = |line: &str| redactor.redact(line).text != line;
                Value::String(narrow(text, masked).unwrap_or_else(|| text.clone()))
            }
            Value::Array(items) => items.iter().map(|item| narrowed(redactor, name, item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), narrowed(redactor, name, value))).collect()
            }
            other => other.clone(),
        }
    }
    redactor.redact_json(&narrowed(redactor, "", data))
}

/// A locator whose path contains a secret is reduced to its commit, so that it still opens.
pub(crate) fn locator(redactor: &Redactor, locator: &Locator) -> Locator {
    let masked = redactor.redact(&locator.0).text;
    if masked == locator.0 {
        return locator.clone();
    }
    match locator.0.strip_prefix("git:").and_then(|rest| rest.split_once(':')) {
        Some((commit, _)) => Locator(format!("git:{commit}")),
        None => Locator(masked),
    }
}

/// Masks the context that pages show beside the report.
pub(crate) fn beside(redactor: &Redactor, context: RenderContext) -> RenderContext {
    let masked = |text: String| redactor.redact(&text).text;
    let commit = |view: CommitView| CommitView {
        author: masked(view.author),
        subject: masked(view.subject),
        diff: masked(view.diff),
        guilty_diff: view.guilty_diff.map(masked),
        taken_back_by: view.taken_back_by.map(masked),
        ..view
    };
    RenderContext {
        ticket_title: context.ticket_title.map(masked),
        culprit: context.culprit.map(commit),
        replay_command: context.replay_command.map(masked),
        tests_command: context.tests_command.map(masked),
        notes: context.notes.into_iter().map(masked).collect(),
        quotes: context
            .quotes
            .into_iter()
            .map(|cited| CitedEvidence { text: masked(cited.text), ..cited })
            .collect(),
        ..context
    }
}

/// Passes on the streamed words of a model in whole lines, because masking does not recognise half a secret.
pub(crate) struct MaskedWords<'a> {
    redactor: &'a Redactor,
    show: &'a (dyn Fn(&str) + Sync),
    held: Mutex<String>,
}

impl<'a> MaskedWords<'a> {
    pub(crate) fn new(redactor: &'a Redactor, show: &'a (dyn Fn(&str) + Sync)) -> Self {
        Self { redactor, show, held: Mutex::default() }
    }

    pub(crate) fn take(&self, part: &str) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push_str(part);
        if !part.contains('\n') && held.len() < LINE_BYTES {
            return;
        }
        // A private key is one value of many lines.
        if held.contains("-----BEGIN ") && !held.contains("-----END ") && held.len() < LINE_BYTES {
            return;
        }
        let end = match held.rfind('\n') {
            Some(at) => at + 1,
            None => held.len(),
        };
        let lines: String = held.drain(..end).collect();
        (self.show)(&self.redactor.redact(&lines).text);
    }

    /// Passes on the rest at the end of the stream.
    pub(crate) fn end(&self) {
        let rest = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        if !rest.is_empty() {
            (self.show)(&self.redactor.redact(&rest).text);
        }
    }
}

/// Masks progress: names of tests and files come from outside.
pub(crate) struct MaskedProgress {
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) inner: Arc<dyn ProgressSink>,
}

impl ProgressSink for MaskedProgress {
    fn note(&self, event: ProgressEvent) {
        self.inner.note(match event {
            ProgressEvent::Step { text } => ProgressEvent::Step { text: self.redactor.redact(&text).text },
            ProgressEvent::Count { what, done, total } => {
                ProgressEvent::Count { what: self.redactor.redact(&what).text, done, total }
            }
            replay @ ProgressEvent::Replay { .. } => replay,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::HeardCall;

    const KEY: &str = "AKIAQYLPMN5HFIQR7XYA";

    #[test]
    fn words_are_shown_in_whole_lines_without_their_secrets() {
        let redactor = Redactor::default();
        let shown = Mutex::new(Vec::new());
        let show = |words: &str| shown.lock().unwrap().push(words.to_owned());
        let words = MaskedWords::new(&redactor, &show);
        for part in ["The key ", "AKIAQYLPMN", "5HFIQR7XYA is", " out.\nMail ann@exa", "mple.com"] {
            words.take(part);
        }
        words.end();
        let shown = shown.into_inner().unwrap();
        assert_eq!(shown, ["The key [AWS_KEY_1] is out.\n", "Mail [EMAIL_1]"]);
    }

    #[test]
    fn escapes_hide_nothing() {
        let redactor = Redactor::default();
        let arguments = r#"{"pattern": "\u0041KIAQYLPMN5HFIQR7XYA"}"#.to_owned();
        let heard = HeardCall { name: "git_grep".into(), arguments };
        let kept = turn(&redactor, ModelTurn { calls: vec![heard], ..ModelTurn::default() });
        assert_eq!(kept.calls[0].arguments, r#"{"pattern":"[AWS_KEY_1]"}"#);
        let call = ToolCall { id: "c1".into(), name: "git_grep".into(), args: json!({ "pattern": KEY }) };
        assert_eq!(calls(&redactor, vec![call])[0].args, json!({ "pattern": "[AWS_KEY_1]" }));
    }

    #[test]
    fn a_place_with_a_secret_in_its_path_still_opens() {
        let redactor = Redactor::default();
        let check = |from: &str, to: &str| {
            assert_eq!(locator(&redactor, &Locator(from.into())), Locator(to.into()), "{from}");
        };
        let sha = "9fceb02d0ae598e95dc970b74767f19372d61af8";
        check(&format!("git:{sha}:shop/cart.py#L1-L3"), &format!("git:{sha}:shop/cart.py#L1-L3"));
        check(&format!("git:{sha}:keys/{KEY}.txt#L1-L3"), &format!("git:{sha}"));
        check(&format!("file:keys/{KEY}.txt#L2"), "file:keys/[AWS_KEY_1].txt#L2");
    }
}
