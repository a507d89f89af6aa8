/*!
Whom to ask about a piece of code: the owners the project itself names (CODEOWNERS, as GitHub and GitLab read it)
come before the people who changed it lately. Used when an investigation has to be handed to a person.
*/

use std::collections::HashMap;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{LogQuery, Repo, RepoError, file, log};
use crate::tool::CancelFlag;

/// Where CODEOWNERS may lie, first found wins.
const PLACES: [&str; 4] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];
/// Most rules read; GitHub stops at 3 MB.
const MAX_RULES: usize = 20_000;
/// Commits looked at per path for recent authors.
const RECENT_COMMITS: usize = 50;
/// After so many seconds a change counts half: half a year.
const HALF_LIFE_S: f64 = 182.0 * 86_400.0;

/// Someone who may know, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// `@team`, an address, or `Name <address>`.
    pub who: String,
    pub because: String,
}

/// The rules of a CODEOWNERS file. The last rule that matches a path decides.
#[derive(Debug, Default)]
pub struct CodeOwners {
    rules: Vec<(Regex, Vec<String>)>,
}

impl CodeOwners {
    /// The file of a revision (full id); empty when there is none.
    pub fn at(repo: &Repo, revision: &str) -> Result<Self, RepoError> {
        for place in PLACES {
            match file::blob_at(repo, revision, place) {
                Ok(blob) => return Ok(Self::parse(&String::from_utf8_lossy(&blob.bytes))),
                Err(
                    RepoError::NoSuchPath { .. } | RepoError::NotAFile { .. } | RepoError::TooLarge { .. },
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self::default())
    }

    /// Lines that cannot be read are passed over, as GitHub does.
    pub fn parse(text: &str) -> Self {
        let mut rules = Vec::new();
        let mut section_owners: Vec<String> = Vec::new();
        for line in text.lines() {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') || line.starts_with('!') || rules.len() >= MAX_RULES {
                continue;
            }
            // GitLab: `[Section]`, `^[Optional][2] @default-owner`
            if let Some(rest) = line.trim_start_matches('^').strip_prefix('[') {
                let owners = rest.rsplit(']').next().unwrap_or_default();
                section_owners = owners.split_whitespace().map(str::to_owned).collect();
                continue;
            }
            let (pattern, owners) = split_pattern(line);
            let owners: Vec<String> = owners.split_whitespace().map(str::to_owned).collect();
            if let Some(regex) = pattern_regex(&pattern) {
                // A rule without owners takes ownership away, unless its section has owners.
                rules.push((regex, if owners.is_empty() { section_owners.clone() } else { owners }));
            }
        }
        Self { rules }
    }

    pub fn owners(&self, path: &str) -> &[String] {
        let rule = self.rules.iter().rev().find(|(pattern, _)| pattern.is_match(path));
        rule.map_or(&[], |(_, owners)| owners)
    }
}

/// Owners of `paths` at `revision` (full id), then who changed them most and latest. At most ten.
pub fn who_to_ask(
    repo: &Repo,
    revision: &str,
    paths: &[String],
    cancel: &CancelFlag,
) -> Result<Vec<Contact>, RepoError> {
    let code_owners = CodeOwners::at(repo, revision)?;
    let mut contacts: Vec<Contact> = Vec::new();
    for path in paths {
        for owner in code_owners.owners(path) {
            if !contacts.iter().any(|contact| contact.who == *owner) {
                contacts.push(Contact {
                    who: owner.clone(),
                    because: format!("CODEOWNERS names them for {path}"),
                });
            }
        }
    }
    let mut weights: HashMap<String, (f64, usize, String)> = HashMap::new();
    for path in paths.iter().take(5) {
        let query = LogQuery {
            tip: revision.to_owned(),
            paths: vec![path.clone()],
            limit: RECENT_COMMITS,
            ..LogQuery::default()
        };
        let page = log::log(repo, &query, cancel)?;
        // Weighed by age against the newest change, so that the answer does not depend on today's date.
        let newest = page.items.iter().map(|commit| commit.author_time).max().unwrap_or(0);
        for commit in page.items.iter().filter(|commit| !is_bot(&commit.author, &commit.author_email)) {
            let age = (newest - commit.author_time).max(0) as f64;
            let who = format!("{} <{}>", commit.author, commit.author_email);
            let entry = weights.entry(who).or_insert((0.0, 0, path.clone()));
            entry.0 += 0.5_f64.powf(age / HALF_LIFE_S);
            entry.1 += 1;
        }
    }
    let mut authors: Vec<_> = weights.into_iter().collect();
    authors.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
    contacts.extend(authors.into_iter().map(|(who, (_, commits, path))| {
        let times = if commits == 1 { "once".to_owned() } else { format!("{commits} times") };
        Contact { who, because: format!("changed {path} {times} lately") }
    }));
    contacts.truncate(10);
    Ok(contacts)
}

/// Whether commits by this author were made by a program.
fn is_bot(name: &str, email: &str) -> bool {
    /// Words of the names and addresses of programs that commit.
    const PROGRAMS: [&str; 9] =
        ["bot", "autofix", "dependabot", "renovate", "greenkeeper", "snyk", "copilot", "codemod", "autoroll"];
    let has = |text: &str| {
        let text = text.to_lowercase();
        text.split(|letter: char| !letter.is_alphanumeric()).any(|word| PROGRAMS.contains(&word))
    };
    let account = email.split('@').next().unwrap_or_default();
    has(name) || has(account) || email.starts_with("noreply@") || account == "actions"
}

/// Spaces inside a pattern are written with a backslash.
fn split_pattern(line: &str) -> (String, &str) {
    let mut pattern = String::new();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => pattern.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c.is_whitespace() => return (pattern, &line[at..]),
            c => pattern.push(c),
        }
    }
    (pattern, "")
}

/// Patterns follow gitignore(5): with a slash inside they are anchored, a folder owns all below it.
fn pattern_regex(pattern: &str) -> Option<Regex> {
    let folder = pattern.ends_with('/');
    let body = pattern.trim_end_matches('/');
    let anchored = body.contains('/');
    let body = body.trim_start_matches('/');
    let mut regex = String::from(if anchored { "^" } else { "^(?:.*/)?" });
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/") {
            regex.push_str("(?:.*/)?");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("**") {
            regex.push_str(".*");
            rest = after;
        } else {
            match c {
                '*' => regex.push_str("[^/]*"),
                '?' => regex.push_str("[^/]"),
                c => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    // `docs/*` owns the files of the folder, not what lies deeper; any other name owns all below it.
    regex.push_str(match (folder, body.ends_with("/*")) {
        (true, _) => "/",
        (false, true) => "$",
        (false, false) => "(?:/|$)",
    });
    regex::RegexBuilder::new(&regex).size_limit(1 << 18).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::TestRepo;

    #[test]
    fn reads_patterns_as_github_and_gitlab_do() {
        let owners = CodeOwners::parse(
            "# comment\n* @all\n*.js @js # inline\n/build/logs/ @ops\ndocs/* docs@example.org\napps/ @apps\n\
             /apps/github\n**/logs @deep\nwith\\ space.txt @space\n[Database][2] @dba\nmodels/\nmodels/x.py @x\n!bad @no\n",
        );
        let check = |path: &str, expected: &[&str]| assert_eq!(owners.owners(path), expected, "{path}");
        check("README", &["@all"]);
        check("src/a.js", &["@js"]);
        check("build/logs/x.txt", &["@deep"]);
        check("sub/build/logs", &["@deep"]);
        check("docs/a.md", &["docs@example.org"]);
        check("docs/deep/a.md", &["@all"]);
        check("x/apps/y/z", &["@apps"]);
        check("apps/github/z", &[]);
        check("with space.txt", &["@space"]);
        check("app/models/y.py", &["@dba"]);
        check("models/x.py", &["@x"]);
        check("xmodels/x.py", &["@all"]);
    }

    #[test]
    fn owners_come_before_recent_authors_and_robots_not_at_all() {
        let repo = TestRepo::new();
        repo.commit_as("Bea", "one", &[("src/a.py", "1\n"), ("CODEOWNERS", "/src/ @core bea@example.org\n")]);
        repo.commit_as("Cyd", "two", &[("src/a.py", "2\n")]);
        repo.commit_as("Cyd", "three", &[("src/a.py", "3\n")]);
        repo.commit_as("dep[bot]", "four", &[("src/a.py", "4\n")]);
        repo.commit_as("DeepView Autofix", "five", &[("src/a.py", "5\n")]);
        let head = repo.commit_as("Dan", "elsewhere", &[("b.py", "4\n")]);
        let found = who_to_ask(&repo.open(), &head, &["src/a.py".into()], &CancelFlag::default()).unwrap();
        let lines: Vec<_> =
            found.iter().map(|contact| format!("{}: {}", contact.who, contact.because)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        @core: CODEOWNERS names them for src/a.py
        bea@example.org: CODEOWNERS names them for src/a.py
        Cyd <cyd@example.org>: changed src/a.py 2 times lately
        Bea <bea@example.org>: changed src/a.py once lately
        ");
    }
}
