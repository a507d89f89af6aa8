/*!
Git, in two manners: `Repo` opens the investigated repository and makes the borrowing git directory that
trusted git processes work in (bulk reading, checkouts, merges); git2 answers the precise questions.
git2 is named only below this folder.
*/

mod repo;
#[cfg(test)]
pub(crate) mod testing;

pub use repo::{Repo, RepoError};
