/*!
The demo's history as text: commits in order, each a message and edits of whole lines.

    @@commit WHO DATE        message lines follow
    @@file PATH              the whole file
    @@append PATH            lines for its end
    @@edit PATH              lines that stand in it once …
    @@with                   … and what takes their place
    @@tag NAME               a tag on this commit
    @@culprit                the commit the demo is about

Edits, not patches, because a person has to read and change this file.
*/

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::DemoError;

const AUTHORS: &[(&str, &str)] = &[
    ("mira", "Mira Okafor"),
    ("jonas", "Jonas Lindqvist"),
    ("aiko", "Aiko Tanabe"),
    ("ruth", "Ruth Petrov"),
    ("tom", "Tom Aldous"),
];

#[derive(Debug)]
pub(super) struct DemoHistory<'a> {
    commits: Vec<Commit<'a>>,
}

#[derive(Debug)]
struct Commit<'a> {
    line: usize,
    who: &'a str,
    date: &'a str,
    message: String,
    changes: Vec<Change<'a>>,
    tag: Option<&'a str>,
    culprit: bool,
}

#[derive(Debug)]
struct Change<'a> {
    line: usize,
    path: &'a str,
    edit: Edit,
}

#[derive(Debug)]
enum Edit {
    File(String),
    Append(String),
    Replace { old: String, new: Option<String> },
}

impl<'a> DemoHistory<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, DemoError> {
        let mut commits: Vec<Commit<'a>> = Vec::new();
        let mut lines = text.lines().enumerate().peekable();
        while let Some((at, head)) = lines.next() {
            let line = at + 1;
            let broken = |what: &str| DemoError::History { line, what: what.to_owned() };
            let mut body = String::new();
            while let Some((_, content)) = lines.next_if(|(_, next)| !next.starts_with("@@")) {
                body.push_str(content);
                body.push('\n');
            }
            let (word, rest) = head.split_once(' ').unwrap_or((head, ""));
            if word == "@@commit" {
                let (who, date) = rest.split_once(' ').ok_or_else(|| broken("no date"))?;
                commits.push(Commit {
                    line,
                    who,
                    date,
                    message: body,
                    changes: Vec::new(),
                    tag: None,
                    culprit: false,
                });
                continue;
            }
            let commit = commits.last_mut().ok_or_else(|| broken("before the first commit"))?;
            let edit = match word {
                "@@file" => Edit::File(body),
                "@@append" => Edit::Append(body),
                "@@edit" => Edit::Replace { old: body, new: None },
                "@@with" => {
                    match commit.changes.last_mut().map(|change| &mut change.edit) {
                        Some(Edit::Replace { new: new @ None, .. }) => *new = Some(body),
                        _ => return Err(broken("no edit before it")),
                    }
                    continue;
                }
                "@@tag" => {
                    commit.tag = Some(rest);
                    continue;
                }
                "@@culprit" => {
                    commit.culprit = true;
                    continue;
                }
                _ => return Err(broken("an unknown word")),
            };
            commit.changes.push(Change { line, path: rest, edit });
        }
        Ok(Self { commits })
    }

    /// The mark (1-based position) of a tagged commit.
    pub(super) fn mark_of_tag(&self, tag: &str) -> Result<usize, DemoError> {
        self.position(|commit| commit.tag == Some(tag), tag)
    }

    #[cfg(test)]
    pub(super) fn culprit(&self) -> Result<usize, DemoError> {
        self.position(|commit| commit.culprit, "culprit")
    }

    pub(super) fn head(&self) -> usize {
        self.commits.len()
    }

    fn position(&self, is: impl Fn(&Commit<'a>) -> bool, what: &str) -> Result<usize, DemoError> {
        let at = self.commits.iter().position(is);
        at.map(|at| at + 1).ok_or_else(|| DemoError::History { line: 0, what: format!("no {what}") })
    }

    /// The history as input of `git fast-import --done`.
    pub(super) fn fast_import_stream(&self) -> Result<Vec<u8>, DemoError> {
        let mut out = String::with_capacity(512 * 1024);
        let mut files: BTreeMap<&str, String> = BTreeMap::new();
        for (at, commit) in self.commits.iter().enumerate() {
            let (mark, line) = (at + 1, commit.line);
            let broken = |what: &str| DemoError::History { line, what: what.to_owned() };
            let (_, name) =
                AUTHORS.iter().find(|(who, _)| *who == commit.who).ok_or_else(|| broken("unknown author"))?;
            let date: jiff::civil::DateTime = commit.date.parse().map_err(|_| broken("not a date"))?;
            let seconds =
                date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| broken("not a date"))?.timestamp();
            let person = format!("{name} <{}@counter.example> {} +0000", commit.who, seconds.as_second());
            let _ =
                write!(out, "commit refs/heads/main\nmark :{mark}\nauthor {person}\ncommitter {person}\n");
            data(&mut out, &commit.message);
            let mut touched: Vec<&str> = Vec::new();
            for change in &commit.changes {
                apply(change, files.entry(change.path).or_default())?;
                if !touched.contains(&change.path) {
                    touched.push(change.path);
                }
            }
            for path in touched {
                let mode = if path.starts_with("bin/") { "100755" } else { "100644" };
                let _ = writeln!(out, "M {mode} inline {path}");
                data(&mut out, files.get(path).map_or("", String::as_str));
            }
            if let Some(tag) = commit.tag {
                let _ = write!(out, "reset refs/tags/{tag}\nfrom :{mark}\n\n");
            }
        }
        out.push_str("done\n");
        Ok(out.into_bytes())
    }
}

fn data(out: &mut String, text: &str) {
    let _ = write!(out, "data {}\n{text}\n", text.len());
}

fn apply(change: &Change<'_>, file: &mut String) -> Result<(), DemoError> {
    match &change.edit {
        Edit::File(text) => text.clone_into(file),
        Edit::Append(text) => file.push_str(text),
        Edit::Replace { old, new } => {
            let starts_line = |at: &usize| *at == 0 || file.as_bytes().get(at - 1) == Some(&b'\n');
            let found: Vec<usize> =
                file.match_indices(old.as_str()).map(|(at, _)| at).filter(starts_line).collect();
            let [at] = found[..] else {
                let what = format!("the lines stand {} times in {}", found.len(), change.path);
                return Err(DemoError::History { line: change.line, what });
            };
            file.replace_range(at..at + old.len(), new.as_deref().unwrap_or_default());
        }
    }
    Ok(())
}
