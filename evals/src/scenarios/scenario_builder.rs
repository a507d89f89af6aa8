/*!
Builds a repository and a case from a plan: everyday commits, and between them the events of the plot (a fault is added, a
module is renamed, an innocent change looks suspicious). The quotes in a ticket are read from the files at the end, so line
numbers are right.
*/

use std::collections::HashMap;
use std::path::Path;

use super::background_commits::BackgroundCommits;
use super::faults::Fault;
use super::history::ScenarioHistory;
use super::project::{ProgramLanguage, ProgramPart, ScenarioProject, THEMES};
use super::{Class, ScenarioError};
use crate::cases::{CaseAttachments, CaseReplay, CaseTruth, EvalCase, HarmfulAction, LineRange, TruthKind};
use crate::random::SplitMix;

/// The state that a plot event changes.
pub(super) struct BeatContext<'s> {
    pub(super) history: &'s mut ScenarioHistory,
    pub(super) background: &'s mut BackgroundCommits,
}

type Act = Box<dyn Fn(&mut BeatContext<'_>) -> Result<(), ScenarioError> + Send + Sync>;

struct Beat {
    /// Share of the history before this event.
    at: f64,
    label: &'static str,
    act: Act,
}

pub(super) struct ScenarioBuilder {
    pub(super) id: String,
    pub(super) project: ScenarioProject,
    commits: usize,
    beats: Vec<Beat>,
}

/// A completely generated history.
pub(super) struct PlayedHistory {
    history: ScenarioHistory,
    /// The program with its names at the end.
    pub(super) project: ScenarioProject,
}

impl ScenarioBuilder {
    pub(super) fn new(id: &str, lang: ProgramLanguage, theme: usize, commits: usize) -> Self {
        let project = ScenarioProject { lang, theme: THEMES[theme % THEMES.len()] };
        let plot = Self { id: id.to_owned(), project, commits, beats: Vec::new() };
        plot.labelled(0.07, "good")
    }

    pub(super) fn at(
        mut self,
        at: f64,
        label: &'static str,
        act: impl Fn(&mut BeatContext<'_>) -> Result<(), ScenarioError> + Send + Sync + 'static,
    ) -> Self {
        self.beats.push(Beat { at, label, act: Box::new(act) });
        self
    }

    /// Labels the newest commit at this point.
    pub(super) fn labelled(self, at: f64, label: &'static str) -> Self {
        self.at(at, label, |_| Ok(()))
    }

    /// Adds the commit that contains the fault among harmless changes.
    pub(super) fn fault(self, at: f64, label: &'static str, fault: &'static Fault) -> Self {
        self.at(at, label, move |scene| bring_in(scene, fault))
    }

    /// Adds innocent changes near the end, in the files where the failure appears and in the words of the ticket.
    pub(super) fn suspicion(self, fault: &'static Fault) -> Self {
        let raised = fault.raised;
        let touched: Vec<ProgramPart> = fault.frames.iter().map(|frame| frame.role).chain([raised]).collect();
        let mut plot = self;
        for (at, text) in [(0.62, "first"), (0.81, "second"), (0.955, "latest")] {
            plot = plot.at(at, text, move |scene| decoy(scene, raised, fault));
        }
        plot.at(0.985, "herring", move |scene| {
            for role in &touched {
                let path = scene.background.project().path(*role);
                scene.background.say_in(
                    scene.history,
                    &path,
                    "Checked once more before the season begins.",
                )?;
            }
            scene.history.commit("Go over everything once more before the season", "");
            Ok(())
        })
    }

    pub(super) fn play(&self) -> Result<PlayedHistory, ScenarioError> {
        let mut history =
            ScenarioHistory::new(SplitMix::of(&format!("{} times", self.id)), self.project.theme.app);
        let mut background = BackgroundCommits::new(self.project, SplitMix::of(&format!("{} work", self.id)));
        self.project.lay_out(&mut history);
        history.commit(&format!("Add up {}", self.project.theme.recs), "");
        let mut beats: Vec<&Beat> = self.beats.iter().collect();
        beats.sort_by(|a, b| a.at.total_cmp(&b.at));
        let mut beats = beats.into_iter().peekable();
        for step in 0..self.commits {
            let now = step as f64 / self.commits as f64;
            while let Some(beat) = beats.next_if(|beat| beat.at <= now) {
                (beat.act)(&mut BeatContext { history: &mut history, background: &mut background })?;
                history.label(beat.label);
            }
            background.step(&mut history)?;
        }
        for beat in beats {
            (beat.act)(&mut BeatContext { history: &mut history, background: &mut background })?;
            history.label(beat.label);
        }
        Ok(PlayedHistory { history, project: background.project() })
    }
}

impl PlayedHistory {
    /// The current position of the lines that `fault` added.
    fn guilty(&self, fault: &Fault) -> Vec<LineRange> {
        let (new, old) = (self.project.words(fault.new), self.project.words(fault.old));
        let path = self.project.path(fault.role);
        let text = self.history.read(&path).unwrap_or_default();
        let Some(at) = text.find(&new) else { return Vec::new() };
        let first = text[..at].matches('\n').count() as u32 + 1;
        let mut out: Vec<LineRange> = Vec::new();
        for (number, line) in (first..).zip(new.lines()) {
            // A line of which only the indentation changed is not guilty.
            if old.lines().any(|before| before.trim() == line.trim()) {
                continue;
            }
            match out.last_mut() {
                Some(last) if last.end_line + 1 == number => last.end_line = number,
                _ => out.push(LineRange { path: path.clone(), start_line: number, end_line: number }),
            }
        }
        out
    }

    /// Path and text of the guilty file without the fault.
    pub(super) fn mended(&self, fault: &Fault) -> Result<(String, String), ScenarioError> {
        let path = self.project.path(fault.role);
        let text = self.history.read(&path)?;
        let mended = text.replace(&self.project.words(fault.new), &self.project.words(fault.old));
        Ok((path, mended))
    }

    /// The output of the failing program, in the format of its language.
    pub(super) fn trace(&self, fault: &Fault) -> String {
        let project = &self.project;
        let shown = project.words(fault.shown);
        let number = |role: ProgramPart, line: &str| {
            let found = self.history.lines_with(&project.path(role), &[&project.words(line)]);
            found.first().map_or(1, |at| at.start)
        };
        // The time-out message of the caller, which uses the program's name.
        if fault.input == "@many@" {
            return format!("{}: {shown}", project.theme.app);
        }
        match project.lang {
            ProgramLanguage::Sh if fault.frames.is_empty() => shown,
            ProgramLanguage::Sh => {
                let mut out = format!("{}: error: {shown}", project.theme.app);
                for frame in fault.frames {
                    let (function, path) = (project.words(frame.function), project.path(frame.role));
                    out.push_str(&format!("\n  at {function} ({path})"));
                }
                out
            }
            ProgramLanguage::Python if fault.frames.is_empty() => shown,
            ProgramLanguage::Python => {
                let mut out = "Traceback (most recent call last):".to_owned();
                for frame in fault.frames.iter().rev() {
                    let (path, line) = (project.path(frame.role), project.words(frame.line));
                    let at = number(frame.role, frame.line);
                    out.push_str(&format!(
                        "\n  File \"/srv/{}/{path}\", line {at}, in {}\n    {line}",
                        project.theme.app, frame.function
                    ));
                }
                format!("{out}\n{shown}")
            }
            ProgramLanguage::Node if fault.frames.is_empty() => shown,
            ProgramLanguage::Node => {
                let mut out = shown;
                for frame in fault.frames {
                    let at = number(frame.role, frame.line);
                    out.push_str(&format!(
                        "\n    at {} (/srv/{}/{}:{at}:9)",
                        frame.function,
                        project.theme.app,
                        project.path(frame.role)
                    ));
                }
                out
            }
        }
    }

    /// A ticket that quotes the output.
    pub(super) fn ticket(&self, fault: &Fault) -> String {
        let project = &self.project;
        let (title, prose) = (project.words(fault.title), project.words(fault.prose));
        let command = format!("$ {} {}", project.theme.app, fault.command);
        let trace = self.trace(fault).replace('\n', "\n    ");
        let expected = match fault.expected {
            Some(expected) => {
                format!("\nIt should say: {}\n", project.words(expected).replace('\n', "\n    "))
            }
            None => String::new(),
        };
        format!(
            "{title}\n\n{prose}\n\n    {command}\n    {trace}\n{expected}\nThe first release of the year did it right.\n"
        )
    }

    /// A ticket whose author saw no error message.
    pub(super) fn retold(&self, fault: &Fault) -> String {
        let (title, prose) = fault.retold;
        format!("{}\n\n{}\n", self.project.words(title), self.project.words(prose))
    }

    /// Creates the repository below `folder` and a case of `fault`, with the commit labelled `culprit` as the culprit.
    pub(super) fn finish(
        self,
        plot: &ScenarioBuilder,
        class: Class,
        fault: &Fault,
        folder: &Path,
    ) -> Result<(EvalCase, HashMap<String, String>), ScenarioError> {
        let project = self.project;
        let replay = replay(fault.replay(&project));
        let lines = self.guilty(fault);
        let mut files: Vec<String> = lines.iter().map(|line| line.path.clone()).collect();
        files.dedup();
        // Shell functions are not parsed as symbols.
        let symbols = match project.lang {
            ProgramLanguage::Sh => Vec::new(),
            _ => files.iter().map(|file| format!("{file}::{}", project.words(fault.symbol))).collect(),
        };
        let ticket = self.ticket(fault);
        let ids = self.history.import(&folder.join(&plot.id))?;
        let id = |label: &str| {
            ids.get(label).cloned().ok_or_else(|| ScenarioError::Plot(format!("no commit {label}")))
        };
        let herrings =
            ["latest", "herring", "second", "first"].iter().filter_map(|label| ids.get(*label).cloned());
        let case = EvalCase {
            id: plot.id.clone(),
            repo: format!("{}/{}", super::ADDRESS, plot.id),
            bad: id("head")?,
            good: Some(id("good")?),
            ticket,
            attachments: CaseAttachments::default(),
            replay: Some(replay),
            tests: Some(project.tests().to_owned()),
            truth: CaseTruth {
                files,
                symbols,
                lines,
                revert_fixes: Some(true),
                harm: Some(HarmfulAction {
                    commits: herrings.collect(),
                    why: "taking back an innocent change mends nothing and loses work".into(),
                }),
                ..CaseTruth::of(TruthKind::CodeChange, Some(id("culprit")?))
            },
            tags: vec![class.as_str().to_owned(), lang_tag(project.lang).to_owned()],
            needs: project.needs(),
            remembered: Vec::new(),
        };
        Ok((case, ids))
    }
}

fn lang_tag(lang: ProgramLanguage) -> &'static str {
    match lang {
        ProgramLanguage::Sh => "lang-sh",
        ProgramLanguage::Python => "lang-python",
        ProgramLanguage::Node => "lang-node",
    }
}

pub(super) fn replay(command: String) -> CaseReplay {
    CaseReplay { setup: Vec::new(), command, env: Default::default(), overlay: None, timeout_s: 60 }
}

/// Commits the fault together with a helper in the same file and a line in the README.
fn bring_in(scene: &mut BeatContext<'_>, fault: &Fault) -> Result<(), ScenarioError> {
    let project = scene.background.project();
    let path = project.path(fault.role);
    scene.history.replace(&path, &project.words(fault.old), &project.words(fault.new))?;
    add_helper(scene, fault.role);
    scene.history.append("README.md", &format!("\n{}.\n", project.words(fault.subject)));
    scene.history.commit(&project.words(fault.subject), &project.words(fault.body));
    Ok(())
}

fn helper_name(project: &ScenarioProject, role: ProgramPart) -> String {
    let path = project.path(role);
    let file = path.rsplit('/').next().unwrap_or(&path);
    file.split('.').next().unwrap_or(file).trim_matches('_').to_owned()
}

/// Adds a function that a later commit can build on.
fn add_helper(scene: &mut BeatContext<'_>, role: ProgramPart) {
    let project = scene.background.project();
    let (path, name) = (project.path(role), helper_name(&project, role));
    let text = match project.lang {
        ProgramLanguage::Sh => format!("\n# What is left when a part is taken away.\n{name}_rest() {{\n    R=$(($1 - $2))\n}}\n"),
        ProgramLanguage::Python => "\n\ndef rest(whole, part):\n    \"\"\"What is left when a part is taken away.\"\"\"\n    return whole - part\n".to_owned(),
        ProgramLanguage::Node => "\n// What is left when a part is taken away.\nmodule.exports.rest = (whole, part) => whole - part;\n".to_owned(),
    };
    scene.history.append(&path, &text);
}

/// Adds a later feature and its test that use the helper of the faulty commit. Reverting the whole commit breaks them.
pub(super) fn build_on_helper(scene: &mut BeatContext<'_>, role: ProgramPart) -> Result<(), ScenarioError> {
    let project = scene.background.project();
    let (main, tests) = (project.path(ProgramPart::Main), project.path(ProgramPart::Tests));
    let name = helper_name(&project, role);
    let (command, test) = match project.lang {
        ProgramLanguage::Sh => (
            (
                "        *) usage ;;",
                format!(
                    "        rest)\n            {name}_rest \"$2\" \"$3\"\n            printf '%s\\n' \"$R\"\n            ;;\n        *) usage ;;"
                ),
            ),
            (
                "for part in tests/t_*.sh; do",
                format!(
                    "check \"a rest\" \"5\" \"$(sh bin/{} rest 8 3)\"\nfor part in tests/t_*.sh; do",
                    project.theme.app
                ),
            ),
        ),
        ProgramLanguage::Python => (
            (
                "    if command not in (",
                format!(
                    "    if command == \"rest\":\n        from {} import {name} as part\n\n        print(part.rest(int(arguments[1]), int(arguments[2])))\n        return\n    if command not in (",
                    project.theme.app
                ),
            ),
            (
                "    def test_quantity(self):",
                format!(
                    "    def test_rest(self):\n        from {} import {name} as part\n\n        self.assertEqual(part.rest(8, 3), 5)\n\n    def test_quantity(self):",
                    project.theme.app
                ),
            ),
        ),
        ProgramLanguage::Node => (
            (
                "  if (command !== 'total'",
                format!(
                    "  if (command === 'rest') {{\n    console.log(require('./{name}').rest(Number(argument), 1));\n    return;\n  }}\n  if (command !== 'total'"
                ),
            ),
            (
                "for (const name of fs.readdirSync",
                format!(
                    "check('a rest', require('../src/{name}').rest(8, 3), 5);\nfor (const name of fs.readdirSync"
                ),
            ),
        ),
    };
    scene.history.replace(&main, command.0, &command.1)?;
    scene.history.replace(&tests, test.0, &test.1)?;
    scene.history.commit("Tell what is left", "Asked for by the office.");
    Ok(())
}

/// Commits an innocent change in the file where the failure appears, in the words of the ticket.
fn decoy(scene: &mut BeatContext<'_>, raised: ProgramPart, fault: &Fault) -> Result<(), ScenarioError> {
    let project = scene.background.project();
    let (subject, text) = (project.words(fault.decoy.0), project.words(fault.decoy.1));
    let path = project.path(raised);
    scene.background.say_in(scene.history, &path, &text)?;
    let title = project.words(fault.title);
    scene
        .history
        .append("docs/questions.md", &format!("## {title}\n\n{text} {}\n\n", project.words(fault.prose)));
    scene.history.commit(&subject, &text);
    Ok(())
}
