/*!
The kind of change, independent of the ticket: whether it touches shipped code, whether it has an effect, and its
size.
*/

use millwright_git::history::PathKind;

use super::super::candidates::SuspectCandidate;
use super::super::context::SignalContext;
use super::SignalColumn;

/// Beginnings and words of subjects that announce a change without effect.
const TRIVIAL: &[&str] = &[
    "typo",
    "whitespace",
    "bumped version",
    "bump version",
    "release notes",
    "changelog",
    "translation",
    "isort",
    "flake8",
    "checkstyle",
    "javadoc",
    "pmd",
    "black",
    "formatting",
    "reformat",
    "comment",
    "docstring",
    "documentation",
    "license",
    "copyright",
    "merge branch",
    "merge pull request",
    "indentation",
    "spelling",
    "unused import",
    "trailing",
    "svn:",
    "sort members",
    "tabs",
    "findbugs",
    "header",
];

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let each = |value: &dyn Fn(&SuspectCandidate) -> f64| -> Vec<f64> {
        context.candidates.list.iter().map(value).collect()
    };
    let subjects = (0..context.candidates.len()).map(|at| {
        let subject = context.commit(at).subject.to_lowercase();
        f64::from(u8::from(TRIVIAL.iter().any(|word| subject.contains(word))))
    });
    let flag = |is: bool| f64::from(u8::from(is));
    let tests_only = |candidate: &SuspectCandidate| {
        flag(candidate.substance.lines == 0 && candidate.files.iter().any(|file| file.kind == PathKind::Test))
    };
    let no_effect = |candidate: &SuspectCandidate| {
        let substance = candidate.substance;
        flag(substance.lines > 0 && (substance.code_lines == 0 || substance.formatting_only))
    };
    let with_docs = |candidate: &SuspectCandidate| {
        let explains = candidate.files.iter().any(|file| file.kind == PathKind::Docs);
        flag(candidate.substance.lines > 0 && explains)
    };
    vec![
        SignalColumn::plain("touches_source", each(&|c| flag(c.substance.lines > 0)), |_| {
            "changes what ships".into()
        }),
        SignalColumn::plain("trivial_subject", subjects.collect(), |_| {
            "its subject announces a change without effect".into()
        }),
        SignalColumn::plain("size", each(&|c| (1.0 + c.source_files().count() as f64).ln() / 6.0), |at| {
            format!("spreads over {} source files", context.candidates.list[at].source_files().count())
        }),
        SignalColumn::plain(
            "code_lines",
            each(&|c| (1.0 + f64::from(c.substance.code_lines)).ln() / 8.0),
            |at| format!("changes {} lines of code", context.candidates.list[at].substance.code_lines),
        ),
        SignalColumn::plain("with_docs", each(&with_docs), |_| {
            "announces in the documentation what it changes in the source".into()
        }),
        SignalColumn::plain("tests_only", each(&tests_only), |_| "changes tests only".into()),
        SignalColumn::plain("no_effect", each(&no_effect), |_| {
            "changes nothing but comments or formatting in the source".into()
        }),
        SignalColumn::plain("merge", each(&|c| flag(c.is_merge)), |_| "is a merge".into()),
    ]
}
