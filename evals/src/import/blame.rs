/*!
Whose lines a mend took away: the commit that most of them blame to is the likely culprit (Śliwerski, Zimmermann and
Zeller 2005). It is often right and sometimes not, so what comes of it is tagged and never mixed with what somebody knew.
*/

use std::collections::BTreeMap;

use millwright_tools::git::Repo;
use millwright_tools::intake::is_test_path;
use millwright_tools::process::trusted::GitError;

use super::git;

/// Stretches blamed at most; a mend that large tells nothing.
const MOST: usize = 40;

/// The likely culprit of what `fix` mends.
pub(super) fn culprit(repo: &Repo, fix: &str) -> Result<Option<String>, GitError> {
    let parent = format!("{fix}^");
    let diff = git(repo, &["diff", "-U0", "--no-renames", &parent, fix])?;
    let mut votes: BTreeMap<String, usize> = BTreeMap::new();
    let mut path = String::new();
    let mut blamed = 0;
    for line in diff.lines() {
        if let Some(old) = line.strip_prefix("--- ") {
            path = old.strip_prefix("a/").unwrap_or_default().to_owned();
        }
        let Some(span) = line.strip_prefix("@@ -").and_then(|rest| rest.split(' ').next()) else { continue };
        let (start, count) = span.split_once(',').unwrap_or((span, "1"));
        let (start, count): (u32, u32) = (start.parse().unwrap_or(0), count.parse().unwrap_or(0));
        if path.is_empty() || is_test_path(&path) || start == 0 || count == 0 {
            continue;
        }
        blamed += 1;
        if blamed > MOST {
            return Ok(None);
        }
        let span = format!("-L{start},+{count}");
        let said = git(repo, &["blame", "-w", "-l", "--abbrev=40", "--root", &span, &parent, "--", &path])?;
        for line in said.lines() {
            let id: String = line.chars().take_while(char::is_ascii_hexdigit).collect();
            if id.len() == 40 {
                *votes.entry(id).or_default() += 1;
            }
        }
    }
    Ok(votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(id, _)| id))
}
