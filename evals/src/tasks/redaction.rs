/*!
The task `redaction`: how many planted secrets are masked, and how many look-alikes are left unchanged.

A line is a [`LabelledText`]. `{"text", "secret"}` (or `"secrets"`, the pieces of a secret that is split or escaped) plants a
secret: it is masked when no piece is left. `{"text", "keep"}` is a look-alike: it is kept when the masked text contains it
unchanged. `class` and `shape` group the figures. `{+}` in a line stands for nothing. A masker that masks nothing and one
that masks everything each have one bad figure.
*/

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use millwright_redaction::Redactor;
use millwright_redaction::labelled::LabelledText;
use serde_json::{Map, Value, json};

use crate::options::EvalOptions;
use crate::results::CaseResult;
use crate::summary::EvalSummary;
use crate::{EvalError, stats};

/// Runs the task on `options.cases`, with the default masking rules.
///
/// # Errors
/// When the file cannot be read or a line is invalid.
pub fn run(options: &EvalOptions) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    let mut lines = read(&options.cases)?;
    lines.truncate(options.limit.unwrap_or(usize::MAX));
    let redactor = Redactor::default();
    let results: Vec<CaseResult> =
        lines.iter().enumerate().map(|(at, line)| judged(line, at + 1, &redactor)).collect();
    let summary = EvalSummary::of("redaction", &figures(&lines, &results))?;
    Ok((summary, results))
}

fn judged(line: &LabelledText, number: usize, redactor: &Redactor) -> CaseResult {
    let begun = Instant::now();
    let hit = line.is_right(redactor);
    let id = line.id.clone().unwrap_or_else(|| format!("line-{number}"));
    let tags = [line.class.clone(), line.shape.clone()].into_iter().flatten().collect();
    let wall_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    CaseResult { hit, tags, wall_ms, not_judged: None, ..CaseResult::not(&id, "redaction", String::new()) }
}

/// The shares `masked` of the secrets and `false_alarms` of the look-alikes, with their intervals, and `masked` by class.
fn figures(lines: &[LabelledText], results: &[CaseResult]) -> Map<String, Value> {
    let (mut secrets, mut look_alikes) = (Vec::new(), Vec::new());
    let mut by_class: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for (line, result) in lines.iter().zip(results) {
        match line.keep {
            Some(_) => look_alikes.push(!result.hit),
            None => {
                secrets.push(result.hit);
                by_class.entry(line.class.as_deref().unwrap_or("other")).or_default().push(result.hit);
            }
        }
    }
    let share = |of: &[bool]| json!(stats::wilson(of.iter().filter(|hit| **hit).count(), of.len()));
    let by_class: Map<String, Value> =
        by_class.into_iter().map(|(class, hits)| (class.to_owned(), share(&hits))).collect();
    // A file contains secrets, look-alikes or both. A kind that is missing has no figure.
    let mut figures = Map::from_iter([("cases".to_owned(), json!(lines.len()))]);
    if !secrets.is_empty() {
        figures.insert("masked".into(), share(&secrets));
        figures.insert("masked_by_class".into(), Value::Object(by_class));
    }
    if !look_alikes.is_empty() {
        figures.insert("false_alarms".into(), share(&look_alikes));
    }
    figures
}

fn read(path: &Path) -> Result<Vec<LabelledText>, EvalError> {
    let text = std::fs::read_to_string(path).map_err(|source| EvalError::Io {
        action: "reading",
        path: path.to_owned(),
        source,
    })?;
    let lines = LabelledText::parse_all(&text)
        .map_err(|why| EvalError::Options(format!("{}, {why}", path.display())))?;
    if lines.is_empty() {
        return Err(EvalError::Options(format!(
            "{} has no lines; give one JSON object per line",
            path.display()
        )));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::EvalTask;

    #[test]
    fn masked_and_kept_are_told_apart_and_bad_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.jsonl");
        let lines = [
            json!({"text": "password=hun{+}ter2xLm", "secret": "hunter2xLm", "class": "main"}),
            json!({"text": "the horse is called Battery", "secret": "Battery", "class": "odd"}),
            json!({"text": "commit 3f786850e387550fdab836ed7e6dc881de23001b", "keep": "3f786850e387550fdab836ed7e6dc881de23001b"}),
            json!({"text": "mail ann@example.org", "keep": "ann@example.org"}),
        ];
        let text: Vec<String> = lines.iter().map(Value::to_string).collect();
        std::fs::write(&path, text.join("\n")).unwrap();
        let options = EvalOptions::new(EvalTask::Redaction, &path, folder.path());
        let (summary, results) = run(&options).unwrap();
        let figures = &summary.0["redaction"];
        assert_eq!(figures["masked"]["value"], 0.5, "{figures}");
        assert_eq!(figures["masked_by_class"]["main"]["value"], 1.0, "{figures}");
        assert_eq!(figures["false_alarms"]["value"], 0.5, "{figures}");
        assert_eq!(results.iter().map(|result| result.hit).collect::<Vec<_>>(), [true, false, true, false]);

        std::fs::write(&path, r#"{"text": "a", "secret": "b"}"#).unwrap();
        assert!(run(&options).unwrap_err().to_string().contains("line 1: its `secret` is not in"));
    }
}
