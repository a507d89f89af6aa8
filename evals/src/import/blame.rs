/*!
Finds the likely culprit of a fix: the commit to which git blames most of the lines that the fix removed (Śliwerski,
Zimmermann and Zeller 2005). The result is sometimes wrong, so its cases are tagged and never mixed with cases whose culprit
a person named.
*/

use millwright_model::CommitId;
use std::collections::BTreeMap;

use millwright_git::Repo;
use millwright_git::unified_diff::{DiffParser, LineRange};
use millwright_ingest::is_test_path;
use millwright_sandbox::trusted::GitError;

use super::git;

/// The most hunks to blame. A larger fix shows nothing.
const MOST: usize = 40;

/// The likely culprit of the fault that `fix` fixes.
pub(super) fn culprit(repo: &Repo, fix: &str) -> Result<Option<CommitId>, GitError> {
    let parent = format!("{fix}^");
    let diff = git(repo, &["diff", "-U0", "--no-renames", &parent, fix])?;
    let diff = DiffParser::default().without_lines().parse(&diff);
    let mut votes: BTreeMap<CommitId, usize> = BTreeMap::new();
    let mut blamed = 0;
    let files = diff.files.iter().filter_map(|file| Some((file.old_name()?, file)));
    let stretches = files.flat_map(|(path, file)| file.hunks.iter().map(move |hunk| (path, hunk.old)));
    for (path, range) in stretches {
        let Some(LineRange { start: start @ 1.., count: count @ 1.. }) = range else { continue };
        if is_test_path(path) {
            continue;
        }
        blamed += 1;
        if blamed > MOST {
            return Ok(None);
        }
        let span = format!("-L{start},+{count}");
        let said = git(repo, &["blame", "-w", "-l", "--abbrev=40", "--root", &span, &parent, "--", path])?;
        for line in said.lines() {
            let id: String = line.chars().take_while(char::is_ascii_hexdigit).collect();
            if let Ok(id) = CommitId::parse(&id) {
                *votes.entry(id).or_default() += 1;
            }
        }
    }
    Ok(votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(id, _)| id))
}
