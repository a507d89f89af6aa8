/*!
Eval cases, one JSON object per line. People and generators write these files, so every error names its line and what the
field must contain. An unknown field is an error too: a misspelt `overlay` would silently turn a replay case into another
case.
*/

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use millwright_model::{CommitId, Verdict};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    #[error("reading {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path}, line {line}: {why}")]
    Line { path: PathBuf, line: usize, why: String },
    #[error("{path} has no cases; it should contain one JSON object per line (see `millwright schema case`)")]
    Empty { path: PathBuf },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvalCase {
    /// Unique within the file.
    pub id: String,
    /// An address that `--repo-map` maps, or a path.
    pub repo: String,
    /// The failing revision.
    pub bad: String,
    /// A revision free of the fault; `null` makes every ancestor of `bad` a candidate.
    pub good: Option<String>,
    /// Text of the ticket, as it came in.
    pub ticket: String,
    #[serde(default)]
    pub attachments: CaseAttachments,
    #[serde(default)]
    pub replay: Option<CaseReplay>,
    /// Command that runs the project's own tests.
    #[serde(default)]
    pub tests: Option<String>,
    pub truth: CaseTruth,
    #[serde(default)]
    pub tags: Vec<String>,
    /// Programs the replay starts; if one is missing from the sandbox, the case is not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// What memory contains before this case; the case then has its own memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remembered: Vec<RememberedCase>,
}

/// An entry of memory before a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "how", rename_all = "snake_case")]
pub enum RememberedCase {
    /// An earlier incident, which the agent investigates first: it remembers what it proves.
    Investigated {
        ticket: String,
        bad: String,
        good: Option<String>,
        replay: Option<CaseReplay>,
        #[serde(default)]
        tests: Option<String>,
    },
    /// What a person or a program wrote there, true or not.
    Told {
        ticket: String,
        statement: String,
        culprit: Option<String>,
        #[serde(default)]
        units: Vec<String>,
        failing_revision: String,
        #[serde(default)]
        fix_diff: String,
        #[serde(default)]
        replay: Option<CaseReplay>,
        /// Whether a person confirmed it.
        confirmed: bool,
    },
}

/// Paths, relative to the file of cases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaseAttachments {
    pub logs: Vec<String>,
    pub traces: Vec<String>,
    pub sessions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseReplay {
    #[serde(default)]
    pub setup: Vec<String>,
    pub command: String,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub overlay: Option<CaseOverlay>,
    #[serde(default = "default_timeout")]
    pub timeout_s: u64,
}

fn default_timeout() -> u64 {
    120
}

/// Files of one revision laid over the checkout of another. Its revisions never reach the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseOverlay {
    pub from: String,
    /// What `merge` compares `from` with.
    #[serde(default)]
    pub base: Option<String>,
    pub paths: Vec<String>,
    pub mode: CaseOverlayMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseOverlayMode {
    /// Whole files.
    Replace,
    /// Only what changed between `base` and `from`, into the checkout's own files; union on conflict.
    Merge,
}

/// What the grader alone may read. Only `kind` and `commit` have to be known; each further field makes one more
/// grader judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseTruth {
    pub kind: TruthKind,
    /// `null` where no commit is to blame.
    pub commit: Option<String>,
    #[serde(default)]
    pub files: Vec<String>,
    #[serde(default)]
    pub symbols: Vec<String>,
    /// The guilty lines, at the failing revision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineRange>,
    /// Earlier commits without which the culprit would do no harm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accomplices: Vec<String>,
    /// Whether reverting the culprit, whole or in part, fixes the failure and breaks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert_fixes: Option<bool>,
    /// Whether the right answer is to name nothing; true by default if no commit is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abstain: Option<bool>,
    /// A replay the agent is not given: by default the case's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<CaseReplay>,
    /// Tests the agent is not given: by default the case's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<String>,
    /// A shell command that a fix must pass at `bad` and that the agent is not given, such as the inputs around the
    /// replay's own. It runs in a checkout with the fix applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The most that a report may claim, given what can be run here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<AllowedClaims>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm: Option<HarmfulAction>,
}

/// The most that a report may claim. Claiming less is never dishonest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowedClaims {
    /// The best verdict that the replay and the tests of the case can prove.
    pub best: Verdict,
    /// Whether `verified` is also allowed if the four-way check held on enough inputs.
    #[serde(default)]
    pub verified_by_four_way: bool,
    /// Whether the project's tests may be reported as passed.
    #[serde(default = "yes")]
    pub tests_may_pass: bool,
    /// Whether a hypothesis may be reported as refuted. Nothing refutes one if the failure cannot be
    /// replayed.
    #[serde(default = "yes")]
    pub may_refute: bool,
    /// Words of which a report must contain one when it offers a fix that fails `truth.check`: what is lost
    /// with the fix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warns_of: Vec<String>,
}

fn yes() -> bool {
    true
}

impl AllowedClaims {
    /// A report may claim this verdict, that the tests pass, and that hypotheses are refuted.
    pub fn at_most(best: Verdict) -> Self {
        Self {
            best,
            verified_by_four_way: false,
            tests_may_pass: true,
            may_refute: true,
            warns_of: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRange {
    pub path: String,
    pub start_line: u32,
    pub end_line: u32,
}

/// Which wrong action would do harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HarmfulAction {
    /// Innocent commits that somebody may be tempted to revert.
    pub commits: Vec<String>,
    pub why: String,
}

impl CaseTruth {
    /// A truth of which no more is known.
    pub fn of(kind: TruthKind, commit: Option<String>) -> Self {
        Self {
            kind,
            commit,
            files: Vec::new(),
            symbols: Vec::new(),
            lines: Vec::new(),
            accomplices: Vec::new(),
            revert_fixes: None,
            abstain: None,
            replay: None,
            tests: None,
            check: None,
            claims: None,
            harm: None,
        }
    }

    /// Whether the right answer is to name nothing.
    pub fn wants_abstention(&self) -> bool {
        self.abstain.unwrap_or(self.commit.is_none())
    }
}

/// The kinds of a report's root cause.
pub type TruthKind = millwright_model::CauseKind;

impl EvalCase {
    /// Fails with what is wrong with a field and what it should be.
    fn check(&self) -> Result<(), String> {
        let filled = |name: &str, value: &str| {
            if value.trim().is_empty() { Err(format!("`{name}` is empty")) } else { Ok(()) }
        };
        filled("id", &self.id)?;
        filled("repo", &self.repo)?;
        filled("bad", &self.bad)?;
        if let Some(good) = &self.good {
            filled("good", good).map_err(|why| format!("{why}; use null for no known good revision"))?;
        }
        filled("ticket", &self.ticket)?;
        for (name, revision) in [("bad", Some(&self.bad)), ("good", self.good.as_ref())] {
            if revision.is_some_and(|revision| revision.starts_with('-')) {
                return Err(format!("`{name}` begins with a dash; it should be a revision"));
            }
        }
        let is_code = self.truth.kind == TruthKind::CodeChange;
        match &self.truth.commit {
            Some(commit) if CommitId::parse(commit).is_err() => {
                return Err(format!(
                    "`truth.commit` is {commit:?}; it should be 40 lowercase hex digits, or null"
                ));
            }
            None if is_code => {
                return Err("`truth.commit` is null, but `truth.kind` is code_change; name the commit".into());
            }
            _ => {}
        }
        if self.truth.abstain == Some(false) && self.truth.commit.is_none() {
            return Err("`truth.abstain` is false, but no commit is to be named".into());
        }
        if let Some(bad) =
            self.truth.lines.iter().find(|lines| lines.start_line == 0 || lines.end_line < lines.start_line)
        {
            return Err(format!(
                "`truth.lines` contains {} to {} of {}; lines count from 1, the last one included",
                bad.start_line, bad.end_line, bad.path
            ));
        }
        for program in &self.needs {
            if program.is_empty() || !program.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c))
            {
                return Err(format!("`needs` contains {program:?}; it should be the name of a program"));
            }
        }
        if let Some(check) = &self.truth.check {
            filled("truth.check", check).map_err(|why| format!("{why}; use null for none"))?;
        }
        let told = self.remembered.iter().map(|known| match known {
            RememberedCase::Investigated { replay, .. } | RememberedCase::Told { replay, .. } => replay,
        });
        for replay in told.chain([&self.replay, &self.truth.replay]).flatten() {
            replay.check()?;
        }
        Ok(())
    }
}

impl CaseReplay {
    fn check(&self) -> Result<(), String> {
        if self.command.trim().is_empty() {
            return Err("`replay.command` is empty".into());
        }
        if self.timeout_s == 0 {
            return Err("`replay.timeout_s` is 0; it should be a number of seconds".into());
        }
        self.overlay.as_ref().map_or(Ok(()), CaseOverlay::check)
    }
}

impl CaseOverlay {
    fn check(&self) -> Result<(), String> {
        if self.mode == CaseOverlayMode::Merge && self.base.is_none() {
            return Err("`replay.overlay.base` is null; mode merge needs the revision to compare with".into());
        }
        if self.paths.is_empty() {
            return Err("`replay.overlay.paths` is empty; name the files to lay over".into());
        }
        let outside = |path: &&String| {
            let path = Path::new(path);
            path.is_absolute()
                || path.components().any(|part| !matches!(part, std::path::Component::Normal(_)))
        };
        match self.paths.iter().find(outside) {
            Some(path) => Err(format!(
                "`replay.overlay.paths` contains {path:?}; paths must stay inside the repository"
            )),
            None => Ok(()),
        }
    }
}

/// Reads a file of cases, the first `limit` of them.
///
/// # Errors
/// With the number of the first line that is no case, or names an id a second time.
pub fn read(path: &Path, limit: Option<usize>) -> Result<Vec<EvalCase>, CasesError> {
    let io = |source| CasesError::Io { path: path.to_owned(), source };
    let reader = BufReader::new(File::open(path).map_err(io)?);
    let mut cases: Vec<EvalCase> = Vec::new();
    let mut lines_by_id: BTreeMap<String, usize> = BTreeMap::new();
    for (number, line) in (1..).zip(reader.split(b'\n')) {
        let line = line.map_err(io)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let at = |why| CasesError::Line { path: path.to_owned(), line: number, why };
        let case = parse(&line).map_err(at)?;
        if let Some(first) = lines_by_id.insert(case.id.clone(), number) {
            return Err(at(format!("id {:?} is already used on line {first}", case.id)));
        }
        cases.push(case);
        if limit.is_some_and(|limit| cases.len() >= limit) {
            break;
        }
    }
    if cases.is_empty() { Err(CasesError::Empty { path: path.to_owned() }) } else { Ok(cases) }
}

/// Parses one line.
///
/// # Errors
/// With what is wrong, in words.
pub fn parse(line: &[u8]) -> Result<EvalCase, String> {
    let case: EvalCase = serde_json::from_slice(line).map_err(|error| {
        // Serde counts lines within the JSON text. The user needs the line number of the file.
        let text = error.to_string();
        let why = text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why);
        format!("{why} (column {})", error.column())
    })?;
    case.check()?;
    Ok(case)
}

/// Reads small cases of other tasks: a file with one JSON object per line, each with an id of its own.
///
/// # Errors
/// When the file cannot be read, or a line is no case or repeats an id.
pub(crate) fn read_json_lines<T: DeserializeOwned>(
    path: &Path,
    id: impl Fn(&T) -> &str,
) -> Result<Vec<T>, CasesError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| CasesError::Io { path: path.to_owned(), source })?;
    let mut seen = HashSet::new();
    let mut read = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: String| CasesError::Line { path: path.to_owned(), line: at + 1, why };
        let case: T = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        if !seen.insert(id(&case).to_owned()) {
            return Err(wrong(format!("the id {:?} is there twice", id(&case))));
        }
        read.push(case);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":"a","repo":"https://x.example/r","bad":"HEAD","good":null,"ticket":"It broke",
        "attachments":{"logs":[],"traces":[],"sessions":[]},
        "replay":{"setup":[],"command":"sh t.sh","env":{"A":"b"},
            "overlay":{"from":"v2","base":"v1","paths":["tests/t.sh"],"mode":"merge"},"timeout_s":5},
        "tests":null,"truth":{"kind":"code_change","commit":"0123456789012345678901234567890123456789",
            "files":["a"],"symbols":[]},"tags":["x"]}"#;

    fn one_line(text: &str) -> String {
        text.replace('\n', " ")
    }

    #[test]
    fn reads_the_whole_format() {
        let case = parse(one_line(GOOD).as_bytes()).unwrap();
        let replay = case.replay.unwrap();
        assert_eq!(replay.overlay.unwrap().mode, CaseOverlayMode::Merge);
        assert_eq!((replay.timeout_s, replay.env["A"].as_str()), (5, "b"));
        assert_eq!((case.good, case.tests, case.tags), (None, None, vec!["x".to_owned()]));
    }

    #[test]
    fn says_what_is_wrong() {
        let check = |from: &str, to: &str, why: &str| {
            let line = one_line(GOOD).replace(from, to);
            let error = parse(line.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error} does not contain {why}");
        };
        check("\"overlay\"", "\"overlaid\"", "unknown field `overlaid`");
        check("code_change", "code", "unknown variant `code`");
        check("\"0123456789012345678901234567890123456789\"", "\"01234\"", "40 lowercase hex digits");
        check("\"0123456789012345678901234567890123456789\"", "null", "name the commit");
        check("tests/t.sh", "../t.sh", "inside the repository");
        check("\"base\":\"v1\"", "\"base\":null", "mode merge needs");
        check("\"HEAD\"", "\"--upload-pack\"", "begins with a dash");
        check("\"ticket\":\"It broke\",", "", "missing field `ticket`");
        check("\"timeout_s\":5", "\"timeout_s\":0", "number of seconds");
        check("\"sh t.sh\"", "\" \"", "`replay.command` is empty");
        check(
            "\"symbols\":[]",
            "\"symbols\":[],\"check\":\" \"",
            "`truth.check` is empty; use null for none",
        );
    }

    #[test]
    fn reads_the_hidden_check_and_what_may_be_claimed() {
        let more = "\"symbols\":[],\"check\":\"sh hidden.sh\",\"claims\":{\"best\":\"confirmed\"}";
        let case = parse(one_line(GOOD).replace("\"symbols\":[]", more).as_bytes()).unwrap();
        assert_eq!(case.truth.check.as_deref(), Some("sh hidden.sh"));
        assert_eq!(case.truth.claims, Some(AllowedClaims::at_most(Verdict::Confirmed)));
        let line = one_line(GOOD).replace("\"symbols\":[]", "\"symbols\":[],\"check\":null");
        assert_eq!(parse(line.as_bytes()).unwrap().truth.check, None);
    }

    #[test]
    fn names_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cases.jsonl");
        let write = |lines: &[String]| std::fs::write(&path, lines.join("\n")).unwrap();
        let good = one_line(GOOD);
        write(&[good.clone(), String::new(), "{".into()]);
        assert!(read(&path, None).unwrap_err().to_string().contains("cases.jsonl, line 3: "));
        assert_eq!(read(&path, Some(1)).unwrap().len(), 1);
        write(&[good.clone(), good]);
        insta::assert_snapshot!(
            read(&path, None).unwrap_err().to_string().rsplit('/').next().unwrap(),
            @r#"cases.jsonl, line 2: id "a" is already used on line 1"#
        );
        write(&[String::new()]);
        assert!(matches!(read(&path, None), Err(CasesError::Empty { .. })));
    }
}
