/*!
The candidates and how they descend from one another. Commits are numbered so that parents come before their children;
every algorithm of the bisect relies on that order. A parent that is not a candidate (`good` or one of its ancestors)
is kept by its id, because proving the oldest candidate guilty takes a run at that commit.
*/

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use millwright_git::Repo;
use millwright_model::{CommitId, InvalidId};
use millwright_sandbox::trusted::GitError;

#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    #[error("the failing revision {bad} is not among the candidate commits; give the range that ends in it")]
    BadNotInside { bad: CommitId },
    #[error(
        "commit {commit} is listed twice, or its history contains a cycle; the repository may be damaged \
         (`git fsck`)"
    )]
    Malformed { commit: CommitId },
    #[error("git lists the history in an unknown format: {0}")]
    Listing(#[from] InvalidId),
    #[error(transparent)]
    Git(#[from] GitError),
}

/// A parent of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parent {
    /// Number of a candidate; smaller than the child's own.
    Inside(u32),
    /// Commit id of a commit outside of the range, assumed to pass until it is run.
    Outside(CommitId),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Node {
    id: CommitId,
    parents: Vec<Parent>,
}

/// The candidates `good..bad`, parents before children; the last one is `bad`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitGraph {
    nodes: Vec<Node>,
}

impl CommitGraph {
    /// Builds the graph from `(commit, parents)` in any order; keeps only `bad` and its ancestors.
    pub fn new(commits: Vec<(CommitId, Vec<CommitId>)>, bad: &CommitId) -> Result<Self, GraphError> {
        let mut by_id: HashMap<&CommitId, &[CommitId]> = HashMap::with_capacity(commits.len());
        for (id, parents) in &commits {
            if by_id.insert(id, parents).is_some() {
                return Err(GraphError::Malformed { commit: id.clone() });
            }
        }
        if !by_id.contains_key(bad) {
            return Err(GraphError::BadNotInside { bad: bad.clone() });
        }
        // Depth first, without recursion: histories are deeper than stacks.
        let mut numbers: HashMap<&CommitId, Option<u32>> = HashMap::with_capacity(commits.len());
        let mut nodes = Vec::with_capacity(commits.len());
        let mut stack = vec![(bad, 0_usize)];
        numbers.insert(bad, None);
        while let Some((id, next)) = stack.pop() {
            let parents = by_id.get(id).copied().unwrap_or_default();
            if let Some(parent) = parents.get(next) {
                stack.push((id, next + 1));
                if by_id.contains_key(parent) {
                    match numbers.get(parent) {
                        None => {
                            numbers.insert(parent, None);
                            stack.push((parent, 0));
                        }
                        Some(None) => return Err(GraphError::Malformed { commit: parent.clone() }),
                        Some(Some(_)) => {}
                    }
                }
                continue;
            }
            let mut own: Vec<Parent> = Vec::with_capacity(parents.len());
            for parent in parents {
                let parent = match numbers.get(parent) {
                    Some(Some(number)) => Parent::Inside(*number),
                    _ => Parent::Outside(parent.clone()),
                };
                if !own.contains(&parent) {
                    own.push(parent);
                }
            }
            numbers.insert(id, Some(u32::try_from(nodes.len()).unwrap_or(u32::MAX)));
            nodes.push(Node { id: id.clone(), parents: own });
        }
        Ok(Self { nodes })
    }

    /// Reads `good..bad` (every ancestor of `bad` when there is no `good`).
    pub fn load(repo: &Repo, good: Option<&CommitId>, bad: &CommitId) -> Result<Self, GraphError> {
        let mut git = repo.git().args(["rev-list", "--parents", "--topo-order", "--end-of-options", bad]);
        if let Some(good) = good {
            git = git.arg(format!("^{good}"));
        }
        let listing = git.output()?;
        let listing = String::from_utf8_lossy(&listing);
        // A parent that is lost here would be missing in a proof, so nothing is skipped.
        let commits = listing.lines().map(|line| {
            let mut ids = line.split_ascii_whitespace().map(CommitId::parse);
            let commit = ids.next().unwrap_or_else(|| CommitId::parse(line))?;
            Ok((commit, ids.collect::<Result<_, _>>()?))
        });
        Self::new(commits.collect::<Result<_, InvalidId>>()?, bad)
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Candidate ids, parents before children.
    pub fn commits(&self) -> impl DoubleEndedIterator<Item = &CommitId> + ExactSizeIterator {
        self.nodes.iter().map(|node| &node.id)
    }

    pub fn id(&self, number: u32) -> Option<&CommitId> {
        self.nodes.get(number as usize).map(|node| &node.id)
    }

    pub fn number(&self, id: &CommitId) -> Option<u32> {
        self.nodes.iter().position(|node| node.id == *id).and_then(|at| u32::try_from(at).ok())
    }

    /// Whether a commit is a parent of a candidate but not a candidate itself.
    pub fn is_outside_parent(&self, id: &CommitId) -> bool {
        let mut parents = self.nodes.iter().flat_map(|node| &node.parents);
        parents.any(|parent| matches!(parent, Parent::Outside(other) if other == id))
    }

    pub fn parents(&self, number: u32) -> &[Parent] {
        self.nodes.get(number as usize).map_or(&[], |node| &node.parents)
    }

    pub(super) fn inside_parents(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        self.parents(number).iter().filter_map(|parent| match parent {
            Parent::Inside(number) => Some(*number),
            Parent::Outside(_) => None,
        })
    }

    /// Marks `tip` and all its ancestors.
    pub(super) fn ancestors(&self, tip: u32) -> Vec<bool> {
        let mut marked = vec![false; self.len()];
        if let Some(mark) = marked.get_mut(tip as usize) {
            *mark = true;
        }
        // Parents have smaller numbers, so one pass from the highest number down reaches all ancestors.
        for number in (0..=tip).rev() {
            if marked.get(number as usize).copied().unwrap_or(false) {
                for parent in self.inside_parents(number) {
                    if let Some(mark) = marked.get_mut(parent as usize) {
                        *mark = true;
                    }
                }
            }
        }
        marked
    }
}
