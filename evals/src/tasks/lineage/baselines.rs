/*! What git itself answers when asked for the history of lines. */

use std::collections::BTreeSet;

use millwright_git::Repo;
use millwright_model::CommitId;

/// The commits of `git log -L start,end:path`.
pub(super) fn log_of_lines(
    repo: &Repo,
    as_of: &CommitId,
    path: &str,
    (start, end): (u32, u32),
) -> Result<BTreeSet<String>, String> {
    let log = repo.git().args(["log", "--format=%H", "--no-patch"]);
    let log = log.arg(format!("-L{start},{end}:{path}")).arg(as_of.as_str()).output();
    let log = log.map_err(|error| format!("git log -L: {error}"))?;
    Ok(String::from_utf8_lossy(&log).lines().map(str::to_owned).collect())
}
