/*!
Whether citations are real. Every citation of the root cause and the hypotheses must name one piece of evidence, its location
must open in the repository, the ticket or the list of runs, and the text that the evidence quotes must be there. The grader
opens locations with git and reads them again; it uses nothing that the agent stored.
*/

use std::collections::BTreeSet;

use millwright_git::{self as git, Repo};
use millwright_model::{CommitId, Evidence, ReplayOutcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GradedAnswer;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grounding {
    pub cited: usize,
    pub held: usize,
    /// The first few that do not hold, and why.
    pub problems: Vec<String>,
}

/// `None` where nothing is claimed or the repository cannot be opened.
pub fn grade(answer: &GradedAnswer<'_>) -> Option<Grounding> {
    let repo = answer.repo?;
    let report = answer.report;
    let cause = report.root_cause.iter().flat_map(|cause| &cause.evidence);
    let ideas = report.hypotheses.iter().flat_map(|idea| &idea.evidence);
    let cited: BTreeSet<_> = cause.chain(ideas).collect();
    if cited.is_empty() {
        return report.root_cause.as_ref().map(|_| Grounding {
            cited: 1,
            held: 0,
            problems: vec!["the root cause cites nothing".into()],
        });
    }
    let mut out = Grounding { cited: cited.len(), ..Grounding::default() };
    for id in cited {
        let found: Vec<&Evidence> = report.evidence.iter().filter(|evidence| evidence.id == *id).collect();
        let held = match found[..] {
            [evidence] => holds(answer, repo, evidence),
            [] => Err("it does not exist".to_owned()),
            _ => Err("it stands for several".to_owned()),
        };
        match held {
            Ok(()) => out.held += 1,
            Err(why) if out.problems.len() < 5 => out.problems.push(format!("{id}: {why}")),
            Err(_) => {}
        }
    }
    Some(out)
}

fn holds(answer: &GradedAnswer<'_>, repo: &Repo, evidence: &Evidence) -> Result<(), String> {
    let locator = evidence.locator.0.as_str();
    let (kind, rest) = locator.split_once(':').ok_or("its locator has no kind")?;
    match kind {
        "git" => match rest.split_once(':') {
            None => commit(repo, rest, &evidence.excerpt),
            Some((sha, place)) => lines(repo, sha, place, &evidence.excerpt),
        },
        "file" => lines(repo, &answer.case.bad, rest, &evidence.excerpt),
        "ticket" => {
            let parsed = millwright_ingest::parse(answer.case.ticket.as_bytes()).text;
            let known: BTreeSet<&str> =
                answer.case.ticket.lines().chain(parsed.lines()).map(str::trim).collect();
            all_stand(&evidence.excerpt, |line| known.contains(line))
        }
        "replay" => replay(answer, rest, &evidence.excerpt),
        "memory" => {
            let known = answer.report.similar.iter().any(|similar| similar.incident_id == rest);
            if known { Ok(()) } else { Err(format!("no similar incident {rest}")) }
        }
        _ => Err(format!("{kind:?} is no kind of place")),
    }
}

/// Every line of an excerpt, but for where it was cut and what was masked.
fn all_stand(excerpt: &str, stands: impl Fn(&str) -> bool) -> Result<(), String> {
    for line in excerpt.lines().map(str::trim) {
        let cut = line.is_empty() || line.contains("[\u{2026}]") || line.starts_with("[the patch goes on");
        if cut || is_masked(line) || stands(line) {
            continue;
        }
        return Err(format!("{:?} does not stand there", line.chars().take(120).collect::<String>()));
    }
    Ok(())
}

/// Placeholders of redaction: `[EMAIL_1]`.
fn is_masked(line: &str) -> bool {
    line.split('[').skip(1).any(|part| {
        part.split_once(']').is_some_and(|(name, _)| {
            name.len() > 2
                && name.contains('_')
                && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        })
    })
}

fn said(repo: &Repo, args: &[&str]) -> Result<String, String> {
    let output = repo.git().args(args).output().map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

/// A whole commit: its message and the lines it adds and removes.
fn commit(repo: &Repo, sha: &str, excerpt: &str) -> Result<(), String> {
    CommitId::parse(sha).map_err(|error| error.to_string())?;
    let format = "--format=commit %H%nAuthor: %an <%ae>%n%n%B";
    let whole = said(repo, &["show", "-m", "--no-renames", "-U5", format, sha])?;
    let renamed = said(repo, &["show", "-m", "-M", "-U5", format, sha])?;
    let known: BTreeSet<&str> = whole.lines().chain(renamed.lines()).map(str::trim).collect();
    let is_frame = |line: &str| {
        ["diff --git", "index ", "@@", "--- ", "+++ ", "new file", "deleted file", "similarity", "rename "]
            .iter()
            .any(|begin| line.starts_with(begin))
    };
    all_stand(excerpt, |line| known.contains(line) || is_frame(line))
}

/// `PATH#L1-L9` at a revision; without lines the whole file.
fn lines(repo: &Repo, revision: &str, place: &str, excerpt: &str) -> Result<(), String> {
    let (path, span) = match place.rsplit_once("#L") {
        Some((path, span)) => (path, Some(span)),
        None => (place, None),
    };
    let text =
        git::blob_at(repo, revision, path).and_then(|blob| blob.text()).map_err(|error| error.to_string())?;
    let all: Vec<&str> = text.lines().collect();
    let (from, to) = match span {
        None => (1, all.len().max(1)),
        Some(span) => {
            let (from, to) = span.split_once("-L").unwrap_or((span, span));
            (from.parse().unwrap_or(0), to.parse().unwrap_or(0))
        }
    };
    if from == 0 || to < from || to > all.len().max(1) {
        return Err(format!("{path} has no lines {from} to {to}"));
    }
    let known: BTreeSet<&str> = all.iter().take(to).skip(from - 1).map(|line| line.trim()).collect();
    // Lines of diff excerpts begin with `+` or `-`.
    all_stand(excerpt, |line| {
        known.contains(line) || line.strip_prefix(['+', '-']).is_some_and(|bare| known.contains(bare.trim()))
    })
}

/// A run of the report's own list; what it says of the run has to be what the list says.
fn replay(answer: &GradedAnswer<'_>, number: &str, excerpt: &str) -> Result<(), String> {
    let runs = answer.report.replay.as_ref().map_or(&[][..], |replay| &replay.runs);
    let number: usize = number.parse().map_err(|_| format!("{number:?} is no number of a run"))?;
    let run = number.checked_sub(1).and_then(|at| runs.get(at)).ok_or(format!("there is no run {number}"))?;
    let words = match run.outcome {
        ReplayOutcome::Passes => "passes",
        ReplayOutcome::Reproduces => "reproduces",
        ReplayOutcome::OtherFailure => "fails otherwise",
        ReplayOutcome::CannotTest => "cannot be tested",
    };
    let first = excerpt.lines().next().unwrap_or_default();
    match first.contains(run.commit.as_str()) && first.contains(words) {
        true => Ok(()),
        false => Err(format!("run {number} was of {} and {words}, the quote says otherwise", run.commit)),
    }
}
