/*!
Rewrites the checks of a shell command so that they print the checked values: `[ "$(total 3)" = 300 ]` prints the
total, `prog | grep -q x` shows the whole output. The rewritten parts succeed or fail in the way that lets the rest of
the script run.
*/

use super::region::{Region, RegionEdit};
use super::shell::{CommandJoint, ShellWord, SimpleCommand, parse_shell};

/// The edits for a shell region.
pub(super) fn shell_edits(region: &Region) -> Vec<RegionEdit> {
    let stages = parse_shell(&region.text);
    let mut rewriter = ShellRewriter { region, text: &region.text, stages: &stages, edits: Vec::new() };
    for at in 0..stages.len() {
        rewriter.stage(at);
    }
    rewriter.edits
}

struct ShellRewriter<'a> {
    region: &'a Region,
    text: &'a str,
    stages: &'a [SimpleCommand],
    edits: Vec<RegionEdit>,
}

/// Commands that build or prepare; they are neither observed nor varied.
pub(super) const PREPARING: [&str; 36] = [
    "cc", "gcc", "g++", "c++", "clang", "clang++", "javac", "make", "cmake", "ninja", "cargo", "npm", "yarn",
    "pnpm", "pip", "pip3", "bundle", "gem", "mvn", "gradle", "git", "cd", "mkdir", "cp", "mv", "rm", "ln",
    "chmod", "export", "source", ".", "set", "unset", "trap", "rustc", "touch",
];
const GREPS: [&str; 6] = ["grep", "egrep", "fgrep", "rg", "cmp", "diff"];

impl ShellRewriter<'_> {
    fn replace(&mut self, from: usize, to: usize, text: &str) {
        // Shell text stays shell text: only the layers around the region quote it.
        self.edits.extend(self.region.edit(&(from..to), text, None));
    }

    fn insert_after(&mut self, at: usize, text: &str) {
        if let Some(span) = at.checked_sub(1).and_then(|last| self.region.root_span(&(last..at))) {
            let edit = self.region.edit(&(at.saturating_sub(1)..at), text, None);
            self.edits.extend(edit.map(|edit| RegionEdit { span: span.end..span.end, ..edit }));
        }
    }

    fn stage(&mut self, at: usize) {
        let Some(stage) = self.stages.get(at) else { return };
        if matches!(stage.keyword, Some("while" | "until")) {
            return;
        }
        let values: Vec<String> = stage.words.iter().map(|word| word.value(self.text)).collect();
        let Some(name) = values.first() else {
            self.assignment(at, stage);
            return;
        };
        match name.as_str() {
            "[" | "test" | "[[" => self.comparison(at, stage, &values),
            "case" => self.case(stage),
            name if GREPS.contains(&name) => self.grep(at, stage, &values),
            "pytest" | "py.test" => self.show_output(stage, 0, " -s"),
            "go" if values.get(1).is_some_and(|word| word == "test") => self.show_output(stage, 1, " -v"),
            _ => {
                if let Some(pytest) = values.iter().position(|word| word == "pytest") {
                    self.show_output(stage, pytest, " -s");
                }
                if !PREPARING.contains(&name.as_str()) {
                    self.show_discarded(stage);
                }
            }
        }
    }

    fn show_output(&mut self, stage: &SimpleCommand, word: usize, option: &str) {
        if let Some(word) = stage.words.get(word) {
            self.insert_after(word.span.end, option);
        }
    }

    /// Output that goes to /dev/null is shown.
    fn show_discarded(&mut self, stage: &SimpleCommand) {
        for redirect in &stage.redirects {
            let second =
                redirect.span.start.checked_sub(1).and_then(|i| self.text.as_bytes().get(i)) == Some(&b'2');
            if redirect.target.value(self.text) == "/dev/null" && !second {
                match redirect.operator.as_str() {
                    ">" | ">>" => self.replace(redirect.span.start, redirect.span.end, ""),
                    "&>" | "&>>" => self.replace(redirect.span.start, redirect.span.end, "2>&1"),
                    _ => {}
                }
            }
        }
    }

    fn comparison(&mut self, at: usize, stage: &SimpleCommand, values: &[String]) {
        let closing = match values.first().map(String::as_str) {
            Some("[") => "]",
            Some("[[") => "]]",
            _ => "",
        };
        let looked_at = stage.words.iter().skip(1).any(|word| word.expands);
        if !looked_at || (!closing.is_empty() && values.last().is_none_or(|last| last != closing)) {
            return;
        }
        let status = if self.should_succeed(at) { "true" } else { "false" };
        if let Some(first) = stage.words.first() {
            self.replace(first.span.start, first.span.end, "{ printf '%s\\n'");
        }
        for word in stage.words.iter().skip(1) {
            if !word.expands {
                self.replace(word.span.start, word.span.end, "");
            } else if word.span.len() > 1 && !self.is_quoted(word) {
                self.replace(word.span.start, word.span.start, "\"");
                self.insert_after(word.span.end, "\"");
            }
        }
        self.insert_after(stage.span.end, &format!("; {status}; }}"));
    }

    fn is_quoted(&self, word: &ShellWord) -> bool {
        self.text.get(word.span.clone()).is_some_and(|raw| raw.contains(['"', '\'']))
    }

    fn case(&mut self, stage: &SimpleCommand) {
        let Some(subject) = stage.words.get(1).filter(|word| word.expands) else { return };
        let raw = self.text.get(subject.span.clone()).unwrap_or_default();
        let quoted = if raw.starts_with('"') { raw.to_owned() } else { format!("\"{raw}\"") };
        self.replace(stage.span.start, stage.span.start, &format!("printf '%s\\n' {quoted}; "));
    }

    fn assignment(&mut self, at: usize, stage: &SimpleCommand) {
        /// Commands whose output depends on the machine or the checkout; it is not behaviour.
        const PLACES: [&str; 6] = ["mktemp", "pwd", "dirname", "date", "git ", "uname"];
        let text = self.text.get(stage.span.clone()).unwrap_or_default();
        let substituted = text.contains("$(") || text.contains('`');
        if stage.depth > 0 || !substituted || PLACES.iter().any(|place| text.contains(place)) {
            return;
        }
        let names: Vec<String> = stage
            .assignments
            .iter()
            .filter_map(|word| self.text.get(word.span.clone())?.split_once('='))
            .map(|(name, _)| format!("\"${}\"", name.trim_end_matches('+')))
            .collect();
        let status = if self.should_succeed(at) { "true" } else { "false" };
        self.replace(stage.span.start, stage.span.start, "{ ");
        self.insert_after(
            stage.span.end,
            &format!("; printf '%s\\n' \"exit $?\" {}; {status}; }}", names.join(" ")),
        );
    }

    fn grep(&mut self, at: usize, stage: &SimpleCommand, values: &[String]) {
        if stage.before.0 == CommandJoint::Pipe {
            self.filter(at, stage);
            return;
        }
        let arguments: Vec<&ShellWord> = stage
            .words
            .iter()
            .zip(values)
            .skip(1)
            .filter(|(_, value)| !value.starts_with('-') || value.as_str() == "-")
            .map(|(word, _)| word)
            .collect();
        let explicit =
            values.iter().any(|value| matches!(value.as_str(), "-e" | "-f" | "-r" | "-R" | "--regexp"));
        let compares = matches!(values.first().map(String::as_str), Some("cmp" | "diff"));
        if explicit {
            return;
        }
        let files = if compares { &arguments[..] } else { arguments.get(1..).unwrap_or_default() };
        let status = if self.should_succeed(at) { "true" } else { "false" };
        for word in stage.words.iter().skip(1).filter(|word| !files.contains(word)) {
            self.replace(word.span.start, word.span.end, "");
        }
        if let Some(first) = stage.words.first() {
            self.replace(first.span.start, first.span.end, "{ cat");
        }
        self.insert_after(stage.span.end, &format!("; {status}; }}"));
    }

    /// `head | grep -q x` → the whole output of the head, and its status.
    fn filter(&mut self, at: usize, stage: &SimpleCommand) {
        let mut head = at;
        while let Some(before) = head.checked_sub(1).and_then(|i| self.stages.get(i))
            && self
                .stages
                .get(head)
                .is_some_and(|stage| stage.before.0 == CommandJoint::Pipe && stage.before == before.after)
        {
            head -= 1;
        }
        let first = self.stages.get(head).filter(|stage| stage.before.0 != CommandJoint::Pipe);
        if stage.after.0 == CommandJoint::Pipe || first.is_none() || head == at {
            self.replace(stage.span.start, stage.span.end, "cat");
            return;
        }
        if stage.depth > 0 {
            self.replace(stage.before.1.start, stage.span.end, "");
            return;
        }
        let status = if self.should_succeed(at) { "true" } else { "false" };
        if let Some(first) = first {
            self.replace(first.span.start, first.span.start, "{ ");
            self.replace(stage.before.1.start, stage.span.end, &format!("; echo \"exit $?\"; {status}; }}"));
        }
    }

    /// Whether the condition must succeed so that the rest of the script runs: false for `if X; then exit 1`, true
    /// for `X || exit 1`. A `!` before it inverts the result.
    fn should_succeed(&self, at: usize) -> bool {
        let Some(stage) = self.stages.get(at) else { return true };
        let mut head = at;
        while self.stages.get(head).is_some_and(|stage| stage.before.0 == CommandJoint::Pipe) && head > 0 {
            head -= 1;
        }
        let leading = self.stages.get(head).unwrap_or(stage);
        let negated = leading.negation.is_some();
        let leaves = |text: &str| {
            text.split(|c: char| !c.is_alphanumeric())
                .any(|word| matches!(word, "exit" | "return" | "false" | "kill"))
        };
        let rest = self.text.get(stage.span.end..).unwrap_or_default();
        let wanted = if matches!(leading.keyword, Some("if" | "elif")) {
            let body = rest.split("else").next().unwrap_or_default();
            let body =
                body.split("\nfi").next().and_then(|body| body.split("; fi").next()).unwrap_or_default();
            !leaves(body)
        } else if stage.after.0 == CommandJoint::And {
            let line = rest.split('\n').next().unwrap_or_default();
            let chain = line.split("||").next().unwrap_or_default();
            !leaves(chain)
        } else {
            true
        };
        wanted != negated
    }
}
