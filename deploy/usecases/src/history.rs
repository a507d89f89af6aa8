/*!
The history of a code unit: the commits that changed it, each with only its hunks there.
*/

pub use millwright_code::units::{CodeHistory, HistoryCommit};
use millwright_code::units::{HistoryQuestionError, HistoryTarget, UnitIndexError, ask_history};
use millwright_git::history::HistoryError;
use millwright_git::{Repo, RepoError};
use millwright_redaction::Redactor;

use crate::error::UseCaseError;

/// Most commits of one answer.
pub const MAX_HISTORY: u32 = 1_000;
/// Most commits that can be left out.
pub const MAX_HISTORY_OFFSET: u32 = 1_000_000;
/// Longest question and revision, in characters.
const MAX_TEXT: usize = 1_000;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct HistoryRequest {
    /// `PATH::NAME`, `PATH:10-20` or `PATH`.
    of: String,
    /// The revision that the history leads to.
    at: String,
    /// Commits left out at the newest end.
    offset: u32,
    /// Most commits.
    limit: u32,
}

impl HistoryRequest {
    /// `of` is `PATH::NAME`, `PATH:10-20` or `PATH`, and `at` the revision that the history leads to. The answer has
    /// `limit` commits after the newest `offset` ones.
    ///
    /// # Errors
    /// When a text is empty or too long, or a number is outside of its bounds.
    pub fn new(of: String, at: String, offset: u32, limit: u32) -> Result<Self, UseCaseError> {
        let invalid = |what: String| Err(UseCaseError::Invalid { what });
        let fits = |text: &str| (1..=MAX_TEXT).contains(&text.chars().count());
        if !fits(&of) || !fits(&at) {
            return invalid(format!(
                "what is asked for and the revision have 1 to {MAX_TEXT} characters each"
            ));
        }
        if !(1..=MAX_HISTORY).contains(&limit) || offset > MAX_HISTORY_OFFSET {
            return invalid(format!(
                "limit must be 1 to {MAX_HISTORY}, and offset at most {MAX_HISTORY_OFFSET}"
            ));
        }
        Ok(Self { of, at, offset, limit })
    }
}

/// Answers from the repository, with what authors wrote masked. Blocks: it reads the repository, and indexes what is new in it.
///
/// # Errors
/// When the question or its target is not valid at that revision, or the repository cannot be read.
pub fn code_history(
    repo: &Repo,
    redactor: &Redactor,
    request: &HistoryRequest,
) -> Result<CodeHistory, UseCaseError> {
    let refused = |error: HistoryQuestionError| refused(repo, error);
    let target = HistoryTarget::parse(&request.of).map_err(refused)?;
    let as_of = repo.resolve(&request.at).map_err(|error| of_repository(repo, &error))?;
    let first = request.offset as usize;
    let part = first..first + request.limit as usize;
    let answer = ask_history(repo, redactor.config(), &as_of, &target, part).map_err(refused)?;
    // Placeholders are numbered within one answer.
    let redactor = redactor.for_run();
    Ok(CodeHistory::new(answer, |text| redactor.redact(text).text))
}

fn refused(repo: &Repo, error: HistoryQuestionError) -> UseCaseError {
    let what = error.to_string();
    match error {
        HistoryQuestionError::NoSuchUnit { .. } | HistoryQuestionError::NoSuchLine { .. } => {
            UseCaseError::NotFound { what }
        }
        HistoryQuestionError::Malformed { .. }
        | HistoryQuestionError::Ambiguous { .. }
        | HistoryQuestionError::NoUnits { .. } => UseCaseError::Invalid { what },
        HistoryQuestionError::Repo(error)
        | HistoryQuestionError::History(HistoryError::Repo(error))
        | HistoryQuestionError::Index(
            UnitIndexError::Repo(error) | UnitIndexError::History(HistoryError::Repo(error)),
        ) => of_repository(repo, &error),
        HistoryQuestionError::History(_) | HistoryQuestionError::Index(_) => {
            UseCaseError::Failed { why: what }
        }
    }
}

fn of_repository(repo: &Repo, error: &RepoError) -> UseCaseError {
    let what = error.to_string();
    match error {
        // Where the clone lies is nobody's business but the operator's.
        RepoError::UnknownRevision { revision, hint, .. } => {
            UseCaseError::NotFound { what: format!("the repository has no revision {revision:?}{hint}") }
        }
        // A complete clone that lacks an object is broken.
        RepoError::MissingObject { what, hint, .. } if repo.lacks_contents() || repo.is_shallow() => {
            UseCaseError::NotFound { what: format!("{what} is missing from the clone: {hint}") }
        }
        RepoError::NoSuchPath { .. } => UseCaseError::NotFound { what },
        RepoError::NotAFile { .. }
        | RepoError::TooLarge { .. }
        | RepoError::Binary { .. }
        | RepoError::LineRange { .. }
        | RepoError::Malformed { .. } => UseCaseError::Invalid { what },
        _ => UseCaseError::Failed { why: what },
    }
}

#[cfg(test)]
mod tests {
    use millwright_testkit::repository::TestRepo;

    use super::*;

    fn asked(repo: &TestRepo, of: &str, at: &str) -> Result<CodeHistory, UseCaseError> {
        let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
        let request = HistoryRequest::new(of.to_owned(), at.to_owned(), 0, 5)?;
        code_history(&opened, &Redactor::default(), &request)
    }

    #[test]
    fn an_answer_is_masked_and_a_refusal_says_what_is_there() {
        let repo = TestRepo::new();
        let text = "def pay(cart):\n    mail('ann@example.org')\n    return sum(cart)\n";
        repo.commit("Tell ann@example.org", &[("shop/pay.py", text)]);
        let view = asked(&repo, "shop/pay.py::pay", "HEAD").unwrap();
        assert_eq!((view.total, view.unit.as_deref()), (1, Some("pay")));
        assert!(!view.text(true).contains("ann@example.org"), "{}", view.text(true));

        let refused = |of: &str, at: &str| asked(&repo, of, at).unwrap_err();
        let missing = [
            (refused("shop/pay.py::refund", "HEAD"), "it has pay"),
            (refused("pay.py", "HEAD"), "no file \"pay.py\""),
            (refused("shop/pay.py", "v9"), "the repository has no revision \"v9\""),
            (refused("shop/pay.py:40-50", "HEAD"), "it ends at line 3"),
        ];
        for (error, says) in missing {
            assert!(matches!(error, UseCaseError::NotFound { .. }), "{error:?}");
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(matches!(refused("shop::", "HEAD"), UseCaseError::Invalid { .. }));
        assert!(matches!(refused("", "HEAD"), UseCaseError::Invalid { .. }));
        for (offset, limit) in [(0, 0), (0, 1_001), (1_000_001, 1)] {
            let error = HistoryRequest::new("a".into(), "HEAD".into(), offset, limit).unwrap_err();
            assert!(error.to_string().contains("limit must be 1 to 1000"), "{error}");
        }
        let path = repo.work().display().to_string();
        assert!(!refused("shop/pay.py", "v9").to_string().contains(&path));
    }
}
