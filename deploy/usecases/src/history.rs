/*!
The history of a code unit: the commits that changed it, each with only its hunks there.
*/

use millwright_code::units::{HistoryQuestionError, HistoryTarget, HistoryView, UnitIndexError, ask_history};
use millwright_git::history::HistoryError;
use millwright_git::{Repo, RepoError};
use millwright_redaction::Redactor;

use crate::error::UseCaseError;

/// Most commits of one answer.
pub const MAX_HISTORY: u32 = 1_000;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct HistoryQuestion<'q> {
    /// `PATH::NAME`, `PATH:10-20` or `PATH`.
    pub of: &'q str,
    /// The revision that the history leads to.
    pub at: &'q str,
    /// Commits left out at the newest end.
    pub offset: u32,
    /// Most commits, at most [`MAX_HISTORY`].
    pub limit: u32,
}

/// Answers from the repository, with what authors wrote masked. Blocks: it reads the repository, and indexes what is new in it.
///
/// # Errors
/// When the question or its target is not valid at that revision, or the repository cannot be read.
pub fn code_history(
    repo: &Repo,
    redactor: &Redactor,
    question: HistoryQuestion<'_>,
) -> Result<HistoryView, UseCaseError> {
    let target = HistoryTarget::parse(question.of).map_err(refused)?;
    let as_of = repo.resolve(question.at).map_err(|error| of_repository(&error))?;
    let answer = ask_history(repo, redactor.config(), &as_of, &target).map_err(refused)?;
    let limit = question.limit.min(MAX_HISTORY) as usize;
    Ok(HistoryView::new(answer, question.offset as usize, limit, |text| redactor.redact(text).text))
}

fn refused(error: HistoryQuestionError) -> UseCaseError {
    let what = error.to_string();
    match error {
        HistoryQuestionError::NoSuchUnit { .. } | HistoryQuestionError::NoSuchLines { .. } => {
            UseCaseError::NotFound { what }
        }
        HistoryQuestionError::Malformed { .. }
        | HistoryQuestionError::Ambiguous { .. }
        | HistoryQuestionError::NoUnits { .. } => UseCaseError::Invalid { what },
        HistoryQuestionError::Repo(error)
        | HistoryQuestionError::History(HistoryError::Repo(error))
        | HistoryQuestionError::Index(UnitIndexError::Repo(error)) => of_repository(&error),
        HistoryQuestionError::History(_) | HistoryQuestionError::Index(_) => {
            UseCaseError::Failed { why: what }
        }
    }
}

fn of_repository(error: &RepoError) -> UseCaseError {
    let what = error.to_string();
    match error {
        // Where the clone lies is nobody's business but the operator's.
        RepoError::UnknownRevision { revision, .. } => {
            UseCaseError::NotFound { what: format!("the repository has no revision {revision:?}") }
        }
        RepoError::MissingObject { what, hint, .. } => {
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

    fn asked(repo: &TestRepo, of: &str, at: &str) -> Result<HistoryView, UseCaseError> {
        let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
        code_history(&opened, &Redactor::default(), HistoryQuestion { of, at, offset: 0, limit: 5 })
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
        let path = repo.work().display().to_string();
        assert!(!refused("shop/pay.py", "v9").to_string().contains(&path));
    }
}
