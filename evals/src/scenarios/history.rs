/*!
Builds a realistic history: files are changed in memory, and commits are written to one `git fast-import` stream, so hundreds
of commits need one process. Authors and times depend only on the seed, so every machine gets the same commit ids.
*/

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use millwright_sandbox::trusted;

use super::ScenarioError;
use crate::random::SplitMix;

const AUTHORS: [(&str, &str); 7] = [
    ("Mira Kovac", "mira"),
    ("Jonas Lindqvist", "jonas"),
    ("Amina Diallo", "amina"),
    ("Tomas Reyes", "tomas"),
    ("Hana Sato", "hana"),
    ("Ruth Okafor", "ruth"),
    ("Piet de Wit", "piet"),
];

/// Monday, 6 January 2025, 08:00 UTC.
const BEGIN: i64 = 1_736_150_400;

#[derive(Debug)]
pub(super) struct ScenarioHistory {
    files: BTreeMap<String, String>,
    touched: BTreeSet<String>,
    stream: String,
    marks: usize,
    seconds: i64,
    labels: BTreeMap<String, usize>,
    random: SplitMix,
    domain: String,
}

/// A range of lines at the end of a history: 1-based, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HistoryLines {
    pub(super) path: String,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl ScenarioHistory {
    pub(super) fn new(random: SplitMix, domain: &str) -> Self {
        Self {
            files: BTreeMap::new(),
            touched: BTreeSet::new(),
            stream: String::with_capacity(512 * 1024),
            marks: 0,
            seconds: BEGIN,
            labels: BTreeMap::new(),
            random,
            domain: domain.to_owned(),
        }
    }

    pub(super) fn read(&self, path: &str) -> Result<&str, ScenarioError> {
        self.files.get(path).map(String::as_str).ok_or_else(|| ScenarioError::Plot(format!("no file {path}")))
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    pub(super) fn write(&mut self, path: &str, text: impl Into<String>) {
        self.files.insert(path.to_owned(), text.into());
        self.touched.insert(path.to_owned());
    }

    pub(super) fn append(&mut self, path: &str, text: &str) {
        self.files.entry(path.to_owned()).or_default().push_str(text);
        self.touched.insert(path.to_owned());
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.files.remove(path);
        self.touched.insert(path.to_owned());
    }

    /// Replaces `old` by `new`. The file must contain `old` exactly once.
    pub(super) fn replace(&mut self, path: &str, old: &str, new: &str) -> Result<(), ScenarioError> {
        let text = self.read(path)?;
        let times = text.matches(old).count();
        if times != 1 {
            return Err(ScenarioError::Plot(format!("{old:?} stands {times} times in {path}")));
        }
        let changed = text.replacen(old, new, 1);
        self.write(path, changed);
        Ok(())
    }

    /// The current lines of `path` that contain one of the given texts.
    pub(super) fn lines_with(&self, path: &str, texts: &[&str]) -> Vec<HistoryLines> {
        let mut out: Vec<HistoryLines> = Vec::new();
        let text = self.files.get(path).map_or("", String::as_str);
        for (number, line) in (1..).zip(text.lines()) {
            if !texts.iter().any(|wanted| !wanted.trim().is_empty() && line.trim() == wanted.trim()) {
                continue;
            }
            match out.last_mut() {
                Some(last) if last.end + 1 == number => last.end = number,
                _ => out.push(HistoryLines { path: path.to_owned(), start: number, end: number }),
            }
        }
        out
    }

    /// Commits everything that changed since the last commit.
    pub(super) fn commit(&mut self, subject: &str, body: &str) {
        self.marks += 1;
        self.header(self.marks, subject, body);
        self.changes();
    }

    /// Makes a branch of one commit and merges it at once: `side` changes the branch, `main` changes the main line
    /// meanwhile.
    pub(super) fn fork(
        &mut self,
        side: (&str, &dyn Fn(&mut Self)),
        main: (&str, &dyn Fn(&mut Self)),
        merge: &str,
    ) {
        let base = self.marks;
        let before = self.files.clone();
        side.1(self);
        let mut of_side: Vec<String> = self.touched.iter().cloned().collect();
        self.marks += 1;
        let branch = self.marks;
        self.header_on(branch, "refs/heads/side", side.0, "");
        let _ = writeln!(self.stream, "from :{base}");
        self.changes();
        let after_side = std::mem::replace(&mut self.files, before);
        main.1(self);
        self.marks += 1;
        self.header(self.marks, main.0, "");
        let _ = writeln!(self.stream, "from :{base}");
        self.changes();
        of_side.retain(|path| after_side.contains_key(path));
        for path in of_side {
            let text = after_side.get(&path).cloned().unwrap_or_default();
            self.write(&path, text);
        }
        let first = self.marks;
        self.marks += 1;
        self.header(self.marks, merge, "");
        let _ = writeln!(self.stream, "from :{first}\nmerge :{branch}");
        self.changes();
    }

    /// Labels the latest commit.
    pub(super) fn label(&mut self, name: &str) {
        self.labels.insert(name.to_owned(), self.marks);
    }

    fn header(&mut self, mark: usize, subject: &str, body: &str) {
        self.header_on(mark, "refs/heads/main", subject, body);
    }

    fn header_on(&mut self, mark: usize, branch: &str, subject: &str, body: &str) {
        // Commits are minutes to hours apart.
        self.seconds += 600 + self.random.below(30_000) as i64;
        let (name, mail) = AUTHORS[self.random.below(AUTHORS.len())];
        let person = format!("{name} <{mail}@{}.example> {} +0000", self.domain, self.seconds);
        let _ = write!(self.stream, "commit {branch}\nmark :{mark}\nauthor {person}\ncommitter {person}\n");
        let message = if body.is_empty() { format!("{subject}\n") } else { format!("{subject}\n\n{body}\n") };
        data(&mut self.stream, &message);
    }

    fn changes(&mut self) {
        for path in std::mem::take(&mut self.touched) {
            match self.files.get(&path) {
                Some(text) => {
                    let mode = if path.starts_with("bin/") { "100755" } else { "100644" };
                    let _ = writeln!(self.stream, "M {mode} inline {path}");
                    data(&mut self.stream, text);
                }
                None => {
                    let _ = writeln!(self.stream, "D {path}");
                }
            }
        }
    }

    /// Creates the repository at `dir`, without a work tree, and returns the ids of the labelled commits.
    pub(super) fn import(mut self, dir: &Path) -> Result<HashMap<String, String>, ScenarioError> {
        let io = |action: &'static str, path: &Path| {
            let path = path.to_owned();
            move |source| ScenarioError::Io { action, path, source }
        };
        self.stream.push_str("done\n");
        let git_dir = dir.join(".git");
        fs::create_dir_all(&git_dir).map_err(io("creating", &git_dir))?;
        let git_dir = fs::canonicalize(&git_dir).map_err(io("opening", &git_dir))?;
        let git = || trusted::git(&git_dir);
        git().args(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]).output()?;
        let marks = git_dir.join("marks");
        let mut export = std::ffi::OsString::from("--export-marks=");
        export.push(&marks);
        git()
            .args(["fast-import", "--quiet", "--done"])
            .arg(export)
            .output_with_input(self.stream.as_bytes())?;
        let text = fs::read_to_string(&marks).map_err(io("reading", &marks))?;
        fs::remove_file(&marks).map_err(io("removing", &marks))?;
        let ids: HashMap<usize, &str> = text
            .lines()
            .filter_map(|line| {
                let (mark, id) = line.strip_prefix(':')?.split_once(' ')?;
                Some((mark.parse().ok()?, id))
            })
            .collect();
        self.labels.insert("head".into(), self.marks);
        let id = |(name, mark): (&String, &usize)| Some((name.clone(), (*ids.get(mark)?).to_owned()));
        Ok(self.labels.iter().filter_map(id).collect())
    }
}

fn data(out: &mut String, text: &str) {
    let _ = write!(out, "data {}\n{text}\n", text.len());
}
