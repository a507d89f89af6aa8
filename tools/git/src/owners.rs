/*!
Finds the people to ask about a piece of code. The owners that the project names (CODEOWNERS, as GitHub and GitLab
read it) come before the people who changed the code recently. Used when an investigation is handed to a person.
*/

use std::collections::HashMap;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use millwright_sandbox::CancelFlag;
use serde::{Deserialize, Serialize};

use super::{LogQuery, Repo, RepoError, file, log};

/// Where CODEOWNERS may be; the first one found wins.
const PLACES: [&str; 4] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];
/// Most rules read; GitHub stops at 3 MB.
const MAX_RULES: usize = 20_000;
/// Commits read per path to find recent authors.
const RECENT_COMMITS: usize = 50;
/// After this many seconds (half a year) a change counts half.
const HALF_LIFE_S: f64 = 182.0 * 86_400.0;

/// A person or team who may know the code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuggestedContact {
    /// `@team`, an address, or `Name <address>`.
    pub who: String,
    pub because: String,
}

/// The rules of a CODEOWNERS file. The last rule that matches a path decides.
#[derive(Debug, Default)]
pub struct CodeOwners {
    globs: GlobSet,
    /// The rule that each glob belongs to.
    rule_of: Vec<usize>,
    /// The owners of each rule.
    rules: Vec<Vec<String>>,
}

impl CodeOwners {
    /// Reads the CODEOWNERS file of a revision (full id); empty when there is none.
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

    /// Skips lines that cannot be read, as GitHub does.
    pub fn parse(text: &str) -> Self {
        let mut rules = Vec::new();
        let mut rule_of = Vec::new();
        let mut globs = GlobSetBuilder::new();
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
            for glob in pattern_globs(&pattern) {
                globs.add(glob);
                rule_of.push(rules.len());
            }
            // A rule without owners removes ownership, unless its section has owners.
            rules.push(if owners.is_empty() { section_owners.clone() } else { owners });
        }
        match globs.build() {
            Ok(globs) => Self { globs, rule_of, rules },
            Err(error) => {
                tracing::warn!(error = %error, "CODEOWNERS cannot be used");
                Self::default()
            }
        }
    }

    pub fn owners(&self, path: &str) -> &[String] {
        let matching = self.globs.matches(path);
        let last = matching.iter().filter_map(|glob| self.rule_of.get(*glob)).max();
        last.and_then(|rule| self.rules.get(*rule)).map_or(&[], Vec::as_slice)
    }
}

/// Owners of `paths` at `revision` (full id), followed by the people who changed them most and most recently. At
/// most ten.
pub fn who_to_ask(
    repo: &Repo,
    revision: &str,
    paths: &[String],
    cancel: &CancelFlag,
) -> Result<Vec<SuggestedContact>, RepoError> {
    let code_owners = CodeOwners::at(repo, revision)?;
    let mut contacts: Vec<SuggestedContact> = Vec::new();
    for path in paths {
        for owner in code_owners.owners(path) {
            if !contacts.iter().any(|contact| contact.who == *owner) {
                contacts.push(SuggestedContact {
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
        // Changes are weighted by their age relative to the newest change, so that the result does not depend on
        // today's date.
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
        SuggestedContact { who, because: format!("changed {path} {times} recently") }
    }));
    contacts.truncate(10);
    Ok(contacts)
}

/// Whether a program made the commits of this author.
fn is_bot(name: &str, email: &str) -> bool {
    /// Words in the names and addresses of programs that commit.
    const PROGRAMS: [&str; 9] =
        ["bot", "autofix", "dependabot", "renovate", "greenkeeper", "snyk", "copilot", "codemod", "autoroll"];
    let has = |text: &str| {
        let text = text.to_lowercase();
        text.split(|letter: char| !letter.is_alphanumeric()).any(|word| PROGRAMS.contains(&word))
    };
    let account = email.split('@').next().unwrap_or_default();
    has(name) || has(account) || email.starts_with("noreply@") || account == "actions"
}

/// A space inside a pattern is escaped with a backslash.
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

/// Patterns follow gitignore(5), without its ranges, as on GitHub: a pattern with a slash inside is anchored, and
/// a folder owns everything below it. Returns the equivalent globs, or none if the pattern cannot be read.
fn pattern_globs(pattern: &str) -> Vec<Glob> {
    let folder = pattern.ends_with('/');
    let body = pattern.trim_end_matches('/');
    let anchored = body.contains('/');
    let mut glob = String::from(if anchored { "" } else { "**/" });
    for c in body.trim_start_matches('/').chars() {
        match c {
            '[' | ']' | '{' | '}' => glob.extend(['[', c, ']']),
            c => glob.push(c),
        }
    }
    let below = format!("{glob}/**");
    // `docs/*` owns the files of the folder, but nothing deeper; any other name owns everything below it.
    let globs = match (folder, body.ends_with("/*")) {
        (true, _) => vec![below],
        (false, true) => vec![glob],
        (false, false) => vec![glob, below],
    };
    let build =
        |glob: &String| GlobBuilder::new(glob).literal_separator(true).backslash_escape(false).build();
    globs.iter().map(build).collect::<Result<_, _>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use millwright_testkit::repository::TestRepo;

    #[test]
    fn reads_patterns_as_github_and_gitlab_do() {
        let owners = CodeOwners::parse(
            "# comment\n* @all\n*.js @js # inline\n/build/logs/ @ops\ndocs/* docs@example.org\napps/ @apps\n\
             /apps/github\n**/logs @deep\nwith\\ space.txt @space\n[Database][2] @dba\nmodels/\nmodels/x.py @x\n!bad @no\n/a[1]{b}.txt @literal\n",
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
        check("a[1]{b}.txt", &["@literal"]);
        check("a1b.txt", &["@all"]);
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
        let found = who_to_ask(
            &Repo::open(&repo.work(), &repo.data()).unwrap(),
            &head,
            &["src/a.py".into()],
            &CancelFlag::default(),
        )
        .unwrap();
        let lines: Vec<_> =
            found.iter().map(|contact| format!("{}: {}", contact.who, contact.because)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        @core: CODEOWNERS names them for src/a.py
        bea@example.org: CODEOWNERS names them for src/a.py
        Cyd <cyd@example.org>: changed src/a.py 2 times recently
        Bea <bea@example.org>: changed src/a.py once recently
        ");
    }
}
