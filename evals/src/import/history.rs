/*!
Imports cases from commit messages that name a culprit: “Fixes: 1a2b3c4”, “fixes 1a2b3c4”, “Regression in 1a2b3c4” or
“introduced by commit 1a2b3c4”. The fix's message, without the parts that reveal the answer, becomes the ticket. The fix's
parent is the failing revision.
*/

use millwright_git::Repo;

use super::{ImportError, ImportedCases, case, git};

/// Words that blame the commit id that follows them.
const CUES: [&str; 8] =
    ["fixes", "fixed", "regression", "introduced", "caused", "broke", "broken", "regressed"];
/// The most words between a cue and its id.
const WITHIN: usize = 4;

/// Imports cases of the newest `limit` fixes.
///
/// # Errors
/// When the repository cannot be read.
pub fn import(repo: &Repo, limit: usize) -> Result<ImportedCases, ImportError> {
    let text = git(repo, &["log", "--no-merges", "--format=%H%x00%B%x01", &repo.resolve("HEAD")?])?;
    let mut out = ImportedCases::default();
    for record in text.split('\u{1}') {
        if out.cases.len() >= limit {
            break;
        }
        let Some((fix, message)) = record.trim_start().split_once('\0') else { continue };
        let Some(named) = culprit_named(message) else { continue };
        let short = fix.get(..10).unwrap_or(fix);
        let culprit = match repo.resolve(named) {
            Ok(culprit) => culprit,
            Err(_) => {
                out.left_out.push(format!("{short} names {named}, which is not in this repository"));
                continue;
            }
        };
        let parent = format!("{fix}^");
        let Ok(bad) = repo.resolve(&parent) else { continue };
        if culprit == fix || !repo.is_ancestor(&culprit, &bad)? {
            out.left_out.push(format!("{short} names {named}, which is not before it"));
            continue;
        }
        let ticket = without_ids(message);
        if ticket.split_whitespace().count() < 5 {
            out.left_out.push(format!("{short} contains nothing besides the commit it names"));
            continue;
        }
        out.cases.push(case(repo, format!("history-{short}"), ticket, bad, culprit, "from-history")?);
    }
    Ok(out)
}

fn is_id(word: &str) -> bool {
    (7..=40).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_ascii_alphanumeric())
}

/// The first commit id that the message blames.
fn culprit_named(message: &str) -> Option<&str> {
    let words: Vec<&str> = message.split_whitespace().map(bare).collect();
    let at = words.iter().enumerate().position(|(at, word)| {
        let before = &words[at.saturating_sub(WITHIN)..at];
        is_id(word) && before.iter().any(|word| CUES.contains(&word.to_lowercase().as_str()))
    })?;
    words.get(at).copied()
}

/// The message without trailers and without lines that contain a commit id, because both would reveal the answer.
fn without_ids(message: &str) -> String {
    let tells = |line: &str| line.split_whitespace().map(bare).any(is_id);
    let is_trailer = |line: &str| {
        line.split_once(": ")
            .is_some_and(|(name, _)| name.ends_with("-by") || name == "Fixes" || name == "Change-Id")
    };
    let kept: Vec<&str> = message.lines().filter(|line| !tells(line) && !is_trailer(line)).collect();
    kept.join("\n").trim().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_usual_ways_to_blame_a_commit() {
        let check =
            |message: &str, expected: Option<&str>| assert_eq!(culprit_named(message), expected, "{message}");
        check("Fixes: 1a2b3c4d5e6f (\"core: add x\")", Some("1a2b3c4d5e6f"));
        check(
            "Fixed #33 -- Restored y.\n\nRegression in 0123456789abcdef0123456789abcdef01234567.",
            Some("0123456789abcdef0123456789abcdef01234567"),
        );
        check("This was introduced by commit 9f8e7d6c.", Some("9f8e7d6c"));
        check("fixes #1234", None);
        check("Fixes: defaced (no digit, a word)", None);
        check("See 1a2b3c4d for the idea.", None);
        assert_eq!(
            without_ids(
                "Mend the sum\n\nIt was cut.\nRegression in 1a2b3c4d5.\n\nSigned-off-by: A <a@b.example>\n"
            ),
            "Mend the sum\n\nIt was cut.\n"
        );
    }
}
