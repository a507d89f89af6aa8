/*!
How often redaction masks something in public texts, which hold no secrets: these are false alarms, except for
addresses and numbers that people did publish. `cargo run --release -p millwright-redaction --example redaction_rate
-- FILE…` takes plain texts and JSON lines (it reads their strings), and prints masked values per million words by
kind, with samples to judge them by.
*/

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};

use millwright_redaction::Redactor;
use serde_json::Value;

const SAMPLES: usize = 12;

#[derive(Default)]
struct Tally {
    words: usize,
    counts: BTreeMap<String, usize>,
    samples: BTreeMap<String, Vec<String>>,
}

impl Tally {
    fn take(&mut self, text: &str) {
        self.words += text.split_whitespace().count();
        let redacted = Redactor::default().redact(text);
        for (before, after) in
            text.lines().zip(redacted.text.lines()).filter(|(before, after)| before != after)
        {
            for kind in redacted.counts.keys().filter(|kind| after.contains(&format!("[{kind}_"))) {
                let samples = self.samples.entry(kind.clone()).or_default();
                if samples.len() < SAMPLES {
                    samples.push(before.trim().chars().take(200).collect());
                }
            }
        }
        for (kind, count) in redacted.counts {
            *self.counts.entry(kind).or_default() += count;
        }
    }

    fn take_json(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.take(text),
            Value::Array(items) => items.iter().for_each(|item| self.take_json(item)),
            Value::Object(fields) => fields.values().for_each(|value| self.take_json(value)),
            _ => {}
        }
    }
}

fn main() -> std::io::Result<()> {
    let mut tally = Tally::default();
    for path in std::env::args_os().skip(1) {
        let json_lines = path.to_string_lossy().ends_with(".jsonl");
        let mut plain = String::new();
        for line in BufReader::new(std::fs::File::open(&path)?).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            match serde_json::from_str::<Value>(&line) {
                Ok(value) if json_lines => tally.take_json(&value),
                _ => plain.extend([line.as_str(), "\n"]),
            }
        }
        tally.take(&plain);
    }
    let mut out = std::io::stdout().lock();
    let total: usize = tally.counts.values().sum();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = |count: usize| count as f64 * 1e6 / tally.words.max(1) as f64;
    writeln!(out, "{} words, {total} masked, {:.1} per million words", tally.words, rate(total))?;
    for (kind, count) in &tally.counts {
        writeln!(out, "{kind}: {count} ({:.1} per million)", rate(*count))?;
        for sample in tally.samples.get(kind).into_iter().flatten() {
            writeln!(out, "    {sample}")?;
        }
    }
    Ok(())
}
