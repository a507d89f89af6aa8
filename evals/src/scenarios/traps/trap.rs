/*!
A trap as plain data: the commits of a small history, the input of the agent, and the truth. `make` writes the repository and
runs nothing.
*/

use std::path::Path;

use millwright_model::Verdict;
use millwright_sandbox::trusted;

use super::super::history::ScenarioHistory;
use super::super::{ADDRESS, ScenarioError, made_once};
use super::TrapFamily;
use super::program::{EXPECT, ORDERS, TrapLanguage};
use crate::cases::{AllowedClaims, CaseAttachments, CaseReplay, CaseTruth, EvalCase, TruthKind};
use crate::random::SplitMix;

/// A change of one file.
#[derive(Debug, Clone)]
pub(crate) enum TrapEdit {
    Write(String, String),
    Append(String, String),
    /// Path, old text and new text. The file must contain the old text exactly once.
    Replace(String, String, String),
}

pub(super) fn write(path: &str, text: &str) -> TrapEdit {
    TrapEdit::Write(path.to_owned(), text.to_owned())
}

pub(super) fn append(path: &str, text: &str) -> TrapEdit {
    TrapEdit::Append(path.to_owned(), text.to_owned())
}

pub(super) fn replace(path: &str, old: &str, new: &str) -> TrapEdit {
    TrapEdit::Replace(path.to_owned(), old.to_owned(), new.to_owned())
}

#[derive(Debug, Clone)]
struct Commit {
    subject: String,
    body: String,
    edits: Vec<TrapEdit>,
    label: Option<&'static str>,
}

/// How the case's replay ends at a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrapOutcome {
    Passes,
    Fails,
    /// The replay fails or cannot start, depending on what recognises the failure.
    DoesNotPass,
}

/// The claims of a trap about itself, which a test runs.
#[derive(Debug, Clone)]
pub(crate) struct TrapSoundness {
    /// Edits at the failing revision that repair the failure and pass the hidden check.
    pub(crate) right_fix: Vec<TrapEdit>,
    /// Edits that make the replay pass and fail the hidden check.
    pub(crate) wrong_fix: Vec<TrapEdit>,
    /// How the replay that the agent is given ends at the failing revision and at the good one.
    pub(crate) at_bad: TrapOutcome,
    pub(crate) at_good: TrapOutcome,
    /// Whether reverting the whole culprit passes the hidden check.
    pub(crate) revert_passes_check: Option<bool>,
}

/// One trap or control.
#[derive(Debug, Clone)]
pub(crate) struct Trap {
    pub(crate) id: String,
    pub(crate) family: TrapFamily,
    pub(crate) soundness: TrapSoundness,
    pub(super) language: TrapLanguage,
    commits: Vec<Commit>,
    notes: usize,
    /// Files of the working tree that no commit holds.
    uncommitted: Vec<(String, String)>,
    ticket: String,
    replay: Option<String>,
    tests: Option<String>,
    truth: CaseTruth,
    /// Whether a commit is to blame; otherwise the truth names no commit.
    has_culprit: bool,
    needs: Vec<String>,
    tags: Vec<String>,
}

impl Trap {
    /// An empty trap. `name` is unique within the family.
    pub(super) fn new(family: TrapFamily, name: &str, language: TrapLanguage) -> Self {
        let mut truth = CaseTruth::of(TruthKind::CodeChange, None);
        truth.claims = Some(AllowedClaims::at_most(Verdict::Verified));
        Self {
            id: format!("trap-{}-{name}-{}", family.as_str(), language.name()),
            family,
            soundness: TrapSoundness {
                right_fix: Vec::new(),
                wrong_fix: Vec::new(),
                at_bad: TrapOutcome::Fails,
                at_good: TrapOutcome::Passes,
                revert_passes_check: None,
            },
            language,
            commits: Vec::new(),
            notes: 0,
            uncommitted: Vec::new(),
            ticket: String::new(),
            replay: None,
            tests: None,
            truth,
            has_culprit: true,
            needs: language.needs().iter().map(|program| (*program).to_owned()).collect(),
            tags: Vec::new(),
        }
    }

    /// A trap with the program of [`super::program`] and its tests, some innocent commits, and the good revision.
    pub(super) fn of_till(family: TrapFamily, name: &str, language: TrapLanguage) -> Self {
        let files: Vec<TrapEdit> = language.files().iter().map(|(path, text)| write(path, text)).collect();
        Self::new(family, name, language)
            .commit("Add up an order", files)
            .noted(2)
            .good()
            .noted(3)
            .tests(language.tests())
            .check(&format!("{}{EXPECT}{ORDERS}", language.shell()))
    }

    /// A trap with another program, some innocent commits, and the good revision.
    pub(super) fn of_files(
        family: TrapFamily,
        name: &str,
        language: TrapLanguage,
        files: &[(&str, &str)],
    ) -> Self {
        let files: Vec<TrapEdit> = files.iter().map(|(path, text)| write(path, text)).collect();
        Self::new(family, name, language).commit("Begin", files).noted(2).good().noted(3)
    }

    /// Adds the fault that makes discounts too small as the culprit. The ticket and the replay show it.
    pub(super) fn with_discount_fault(self) -> Self {
        let (source, (old, new)) = (self.language.source(), self.language.discount_fault());
        let mut trap = self.culprit("Tidy up the discount", vec![replace(source, old, new)]).noted(4);
        trap.soundness.right_fix = vec![replace(source, new, old)];
        trap.ticket(
            "Large orders cost too much",
            "100 pieces at 2.00 to Germany come to 202.90 since the last \
            release, 184.90 is right:\n\n    total 100 200 DE: expected 184.90, got 202.90",
        )
        .replay_of("expect 184.90 total 100 200 DE")
    }

    pub(super) fn commit(mut self, subject: &str, edits: Vec<TrapEdit>) -> Self {
        self.commits.push(Commit { subject: subject.to_owned(), body: String::new(), edits, label: None });
        self
    }

    fn labelled(mut self, label: &'static str) -> Self {
        if let Some(last) = self.commits.last_mut() {
            last.label = Some(label);
        }
        self
    }

    /// Makes the newest commit so far the good revision.
    pub(super) fn good(self) -> Self {
        self.labelled("good")
    }

    pub(super) fn culprit(self, subject: &str, edits: Vec<TrapEdit>) -> Self {
        self.commit(subject, edits).labelled("culprit")
    }

    /// Sets the body of the newest commit's message.
    pub(super) fn body(mut self, body: &str) -> Self {
        if let Some(last) = self.commits.last_mut() {
            last.body = body.to_owned();
        }
        self
    }

    /// Adds innocent commits. Every third changes the program's own file.
    pub(super) fn noted(mut self, count: usize) -> Self {
        for _ in 0..count {
            self.notes += 1;
            let number = self.notes;
            let source = self.commits.first().and_then(|first| match first.edits.first() {
                Some(TrapEdit::Write(path, _)) => Some(path.clone()),
                _ => None,
            });
            let edits = match source {
                Some(path) if number.is_multiple_of(3) => {
                    vec![append(&path, &self.language.comment(&format!("Reviewed, part {number}.")))]
                }
                _ => vec![append("docs/notes.md", &format!("- Note {number}.\n"))],
            };
            self = self.commit(&format!("Write down note {number}"), edits);
        }
        self
    }

    pub(super) fn ticket(mut self, title: &str, text: &str) -> Self {
        self.ticket = format!("{title}\n\n{text}\n");
        self
    }

    pub(super) fn replay(mut self, command: &str) -> Self {
        self.replay = Some(command.to_owned());
        self
    }

    /// Sets a replay that builds the program and compares its output; see [`EXPECT`].
    pub(super) fn replay_of(self, expectations: &str) -> Self {
        let command = format!("{}{EXPECT}{expectations}", self.language.shell());
        self.replay(&command)
    }

    /// Sets the replay that really shows the failure, which the agent does not get.
    pub(super) fn true_replay(mut self, command: &str) -> Self {
        self.truth.replay = Some(replay_of(command));
        self
    }

    pub(super) fn tests(mut self, command: &str) -> Self {
        self.tests = Some(command.to_owned());
        self
    }

    /// Sets the tests that the grader uses when the tests of the agent show nothing.
    pub(super) fn true_tests(mut self, command: &str) -> Self {
        self.truth.tests = Some(command.to_owned());
        self
    }

    pub(super) fn check(mut self, command: &str) -> Self {
        self.truth.check = Some(command.to_owned());
        self
    }

    pub(super) fn right_fix(mut self, edits: Vec<TrapEdit>) -> Self {
        self.soundness.right_fix = edits;
        self
    }

    pub(super) fn wrong_fix(mut self, edits: Vec<TrapEdit>) -> Self {
        self.soundness.wrong_fix = edits;
        self
    }

    pub(super) fn revert_passes_check(mut self, passes: bool) -> Self {
        self.soundness.revert_passes_check = Some(passes);
        self.truth.revert_fixes = passes.then_some(true);
        self
    }

    /// How the replay ends at the failing revision and at the good one.
    pub(super) fn replay_ends(mut self, at_bad: TrapOutcome, at_good: TrapOutcome) -> Self {
        (self.soundness.at_bad, self.soundness.at_good) = (at_bad, at_good);
        self
    }

    pub(super) fn claims(mut self, change: impl FnOnce(&mut AllowedClaims)) -> Self {
        change(self.truth.claims.get_or_insert_with(|| AllowedClaims::at_most(Verdict::Verified)));
        self
    }

    /// Declares that no test can show the right behaviour; the four-way check may still verify the fix.
    pub(super) fn nothing_beyond_replay(self) -> Self {
        self.claims(|claims| {
            claims.best = Verdict::Confirmed;
            claims.verified_by_four_way = true;
            claims.tests_may_pass = false;
        })
    }

    /// Declares that the replay proves nothing about the failure of the ticket.
    pub(super) fn nothing_proven(mut self) -> Self {
        self.truth.abstain = Some(true);
        self.truth.revert_fixes = None;
        self.claims(|claims| {
            claims.best = Verdict::Inconclusive;
            claims.may_refute = false;
        })
    }

    /// Declares that no commit is to blame.
    pub(super) fn nobody_to_blame(mut self) -> Self {
        self.has_culprit = false;
        self.truth.kind = TruthKind::NotABug;
        self.nothing_proven()
    }

    /// Sets words of which the report must contain one if its fix fails the hidden check.
    pub(super) fn warns_of(self, words: &[&str]) -> Self {
        self.claims(|claims| claims.warns_of = words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// A file of the working tree that no commit holds.
    pub(super) fn uncommitted(mut self, path: &str, text: &str) -> Self {
        self.uncommitted.push((path.to_owned(), text.to_owned()));
        self
    }

    pub(super) fn needs(mut self, program: &str) -> Self {
        self.needs.push(program.to_owned());
        self
    }

    /// Creates the repository in its own folder below `folder`, or reuses an existing one.
    ///
    /// # Errors
    /// When the folder cannot be written, git fails, or an edit does not apply.
    pub(crate) fn make(&self, folder: &Path) -> Result<EvalCase, ScenarioError> {
        made_once(&self.id, folder, &|| self.build(folder))
    }

    fn build(&self, folder: &Path) -> Result<EvalCase, ScenarioError> {
        let mut history =
            ScenarioHistory::new(SplitMix::of(&format!("{} times", self.id)), self.language.name());
        for commit in &self.commits {
            apply(&mut history, &commit.edits)?;
            history.commit(&commit.subject, &commit.body);
            if let Some(label) = commit.label {
                history.label(label);
            }
        }
        let own = folder.join(&self.id);
        let ids = history.import(&own)?;
        self.check_out(&own)?;
        let id = |label: &str| {
            ids.get(label).cloned().ok_or_else(|| ScenarioError::Plot(format!("{}: no {label}", self.id)))
        };
        let mut truth = self.truth.clone();
        truth.commit = if self.has_culprit { Some(id("culprit")?) } else { None };
        if truth.commit.is_none() {
            truth.check = None;
        }
        let kind = if self.family == TrapFamily::Control { "control" } else { "trap" };
        let mut tags: Vec<String> =
            [kind, self.family.as_str()].iter().map(|tag| (*tag).to_owned()).collect();
        tags.dedup();
        tags.push(format!("lang-{}", self.language.name()));
        tags.extend(self.tags.iter().cloned());
        Ok(EvalCase {
            id: self.id.clone(),
            repo: format!("{ADDRESS}/{}", self.id),
            bad: id("head")?,
            good: Some(id("good")?),
            ticket: self.ticket.clone(),
            attachments: CaseAttachments::default(),
            replay: self.replay.as_deref().map(replay_of),
            tests: self.tests.clone(),
            truth,
            tags,
            needs: self.needs.clone(),
            remembered: Vec::new(),
        })
    }

    /// Creates a working tree at the newest commit and adds the uncommitted files.
    fn check_out(&self, own: &Path) -> Result<(), ScenarioError> {
        if self.uncommitted.is_empty() {
            return Ok(());
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| ScenarioError::Io { action: "writing", path, source }
        };
        let git_dir = std::fs::canonicalize(own.join(".git")).map_err(io(own))?;
        let root = std::fs::canonicalize(own).map_err(io(own))?;
        trusted::git(&git_dir).args(["config", "core.bare", "false"]).output()?;
        let mut tree = std::ffi::OsString::from("--work-tree=");
        tree.push(&root);
        trusted::git(&git_dir).arg(tree).args(["checkout", "--quiet", "--force", "main"]).output()?;
        for (path, text) in &self.uncommitted {
            let path = root.join(path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(io(parent))?;
            }
            std::fs::write(&path, text).map_err(io(&path))?;
        }
        Ok(())
    }
}

fn replay_of(command: &str) -> CaseReplay {
    CaseReplay {
        setup: Vec::new(),
        command: command.to_owned(),
        env: Default::default(),
        overlay: None,
        timeout_s: 60,
    }
}

fn apply(history: &mut ScenarioHistory, edits: &[TrapEdit]) -> Result<(), ScenarioError> {
    for edit in edits {
        match edit {
            TrapEdit::Write(path, text) => history.write(path, text.clone()),
            TrapEdit::Append(path, text) => history.append(path, text),
            TrapEdit::Replace(path, old, new) => history.replace(path, old, new)?,
        }
    }
    Ok(())
}
