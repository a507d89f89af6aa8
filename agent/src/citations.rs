/*!
The citation check: a claim stays in a report only if code has found the evidence that it cites.

Planners, above all models, can write evidence ids that do not exist and quotes that occur nowhere. So nothing that a
planner says about its evidence is trusted: ids must exist once, the stored text must hash to the value in the report,
the locator must be well-formed and must open, and every quote must occur literally in the stored text, white space
aside. One failing citation strikes the whole claim, even if the other citations hold. This module does no IO: the
caller passes the stored texts and an opener for locators.
*/

use std::collections::BTreeMap;

use millwright_model::{
    CommitId, Escalation, Evidence, EvidenceId, EvidenceSource, HypothesisStatus, Locator, Report, Struck,
    Verdict,
};

use crate::findings::Claim;

/// Maximum length of a quote, in characters; a longer text is a copy, not a quote.
pub const MAX_QUOTE_CHARS: usize = 2_000;
/// Minimum number of visible characters of a quote: one or two letters occur in any text.
pub const MIN_QUOTE_CHARS: usize = 3;
/// The mark, on its own line, where [`excerpt`] has cut the text.
const CUT: &str = "\n[…]\n";

/// Which claim of a report a quote belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimRef {
    RootCause,
    /// The claim that nothing is wrong.
    NotAnIncident,
    /// A hypothesis, by its id.
    Hypothesis(String),
}

/// A text that a planner quotes from a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub claim: ClaimRef,
    pub evidence: EvidenceId,
    pub text: String,
}

/// A parsed locator. Lines are 1-based, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocatorTarget {
    Git { sha: CommitId, path: Option<String>, lines: Option<(u32, u32)> },
    File { path: String, lines: Option<(u32, u32)> },
    Ticket { lines: (u32, u32) },
    Replay { run: usize },
    Memory { id: String },
}

/// Opens the target of a `git:` or `file:` locator in the repository or the file system.
pub trait LocatorOpener {
    /// `Err` says why the target cannot be opened (no such commit, path or line).
    fn open(&self, place: &LocatorTarget) -> Result<(), String>;
}

/// Strikes every claim of `report` that its evidence does not support.
///
/// `stored` has the whole stored (redacted) text of each evidence. Struck hypotheses are removed from the report. A
/// struck root cause is removed as well and lowers the verdict to `inconclusive`. `nothing_wrong` is the claim that
/// nothing is wrong, if the report makes it: a report shows it in its summary only.
pub fn check(
    mut report: Report,
    nothing_wrong: Option<&Claim>,
    quotes: &[Quote],
    stored: &BTreeMap<EvidenceId, String>,
    opener: &dyn LocatorOpener,
) -> Report {
    let runs = report.replay.as_ref().map_or(0, |replay| replay.runs.len());
    let mut sound = BTreeMap::new();
    for evidence in &report.evidence {
        let verdict = match sound.contains_key(&evidence.id) {
            true => Err(format!("{} is the id of more than one piece of evidence", evidence.id)),
            false => check_evidence(evidence, stored.get(&evidence.id), runs, opener),
        };
        sound.insert(evidence.id.clone(), verdict);
    }
    let bears = |claim: &ClaimRef, cited: &[EvidenceId]| -> Result<(), String> {
        for id in cited {
            match sound.get(id) {
                None => return Err(format!("it cites {}, which does not exist", shown(&id.0))),
                Some(Err(why)) => return Err(why.clone()),
                Some(Ok(())) => {}
            }
        }
        for quote in quotes.iter().filter(|quote| quote.claim == *claim) {
            if !cited.contains(&quote.evidence) {
                return Err(format!("it quotes {}, which it does not cite", shown(&quote.evidence.0)));
            }
            let text = stored.get(&quote.evidence).map_or("", String::as_str);
            if let Err(why) = stands_in(&quote.text, text) {
                return Err(format!("its quote {} {why} {}", shown(&quote.text), quote.evidence));
            }
        }
        Ok(())
    };

    let mut struck = Vec::new();
    report.hypotheses.retain(|hypothesis| {
        let claim = ClaimRef::Hypothesis(hypothesis.id.clone());
        let because = match bears(&claim, &hypothesis.evidence) {
            // An open hypothesis claims nothing yet, so it needs no evidence.
            Ok(()) if !hypothesis.evidence.is_empty() || hypothesis.status == HypothesisStatus::Open => {
                return true;
            }
            Ok(()) => NO_EVIDENCE.to_owned(),
            Err(because) => because,
        };
        struck.push(Struck { claim: format!("{}: {}", hypothesis.id, hypothesis.statement), because });
        false
    });
    if let Some(cause) = &report.root_cause {
        let because = match bears(&ClaimRef::RootCause, &cause.evidence) {
            Ok(()) if cause.evidence.is_empty() => Some(NO_EVIDENCE.to_owned()),
            Ok(()) => None,
            Err(because) => Some(because),
        };
        if let Some(because) = because {
            struck.insert(0, Struck { claim: cause.statement.clone(), because });
            demote(&mut report);
        }
    }
    if report.verdict == Verdict::NotAnIncident
        && let Some(claim) = nothing_wrong
    {
        let cited: Vec<EvidenceId> = claim.cites.iter().map(|cite| cite.evidence.clone()).collect();
        let because = match bears(&ClaimRef::NotAnIncident, &cited) {
            Ok(()) if cited.is_empty() => Some(NO_EVIDENCE.to_owned()),
            Ok(()) => None,
            Err(because) => Some(because),
        };
        if let Some(because) = because {
            struck.insert(0, Struck { claim: claim.statement.clone(), because });
            report.verdict = Verdict::Inconclusive;
            demote(&mut report);
        }
    }
    report.struck.extend(struck);
    report
}

const NO_EVIDENCE: &str = "it cites no evidence";

fn demote(report: &mut Report) {
    report.root_cause = None;
    if report.verdict != Verdict::NotAnIncident {
        report.verdict = Verdict::Inconclusive;
    }
    report.summary = "A cause was named, but its evidence does not support it, so it was removed.".to_owned();
    let missing = "evidence that supports the named cause (see the removed claims)".to_owned();
    match &mut report.escalate {
        Some(escalate) => escalate.missing.insert(0, missing),
        none => {
            *none = Some(Escalation {
                to: "anyone who knows this code".to_owned(),
                because: "the named cause could not be backed by what was seen".to_owned(),
                missing: vec![missing],
            });
        }
    }
}

fn check_evidence(
    evidence: &Evidence,
    stored: Option<&String>,
    runs: usize,
    opener: &dyn LocatorOpener,
) -> Result<(), String> {
    let id = &evidence.id;
    let text = stored.ok_or_else(|| format!("the text of {id} was never stored"))?;
    if Evidence::hash(text) != evidence.sha256 {
        return Err(format!("the stored text of {id} is not the one the report's sha256 was made of"));
    }
    for part in evidence.excerpt.split(CUT) {
        if !squeeze(text).contains(&squeeze(part)) {
            return Err(format!("the excerpt of {id} does not occur in its stored text"));
        }
    }
    let place = parse_locator(&evidence.locator)
        .map_err(|why| format!("the locator of {id} is not well-formed: {why}"))?;
    if !fits(evidence.source, &place) {
        return Err(format!("the locator of {id} does not fit its source"));
    }
    match &place {
        LocatorTarget::Replay { run } if *run > runs => {
            Err(format!("{id} cites replay {run}, but only {runs} were run"))
        }
        LocatorTarget::Git { .. } | LocatorTarget::File { .. } => {
            opener.open(&place).map_err(|why| format!("the locator of {id} cannot be opened: {why}"))
        }
        LocatorTarget::Ticket { .. } | LocatorTarget::Replay { .. } | LocatorTarget::Memory { .. } => Ok(()),
    }
}

fn fits(source: EvidenceSource, place: &LocatorTarget) -> bool {
    match source {
        EvidenceSource::Ticket => matches!(place, LocatorTarget::Ticket { .. }),
        EvidenceSource::Replay => matches!(place, LocatorTarget::Replay { .. }),
        EvidenceSource::Memory => matches!(place, LocatorTarget::Memory { .. }),
        EvidenceSource::Git => matches!(place, LocatorTarget::Git { .. }),
        // Code is read at a revision or from the checkout, and only below it.
        EvidenceSource::Code => match place {
            LocatorTarget::Git { .. } => true,
            LocatorTarget::File { path, .. } => !path.starts_with('/'),
            _ => false,
        },
        EvidenceSource::Logs | EvidenceSource::Traces | EvidenceSource::Session => {
            matches!(
                place,
                LocatorTarget::File { .. } | LocatorTarget::Ticket { .. } | LocatorTarget::Replay { .. }
            )
        }
    }
}

/// Parses a locator; `Err` says what is wrong with it.
pub fn parse_locator(locator: &Locator) -> Result<LocatorTarget, String> {
    let text = locator.0.as_str();
    if text.len() > 4_096 || text.chars().any(char::is_control) {
        return Err("too long, or with control characters".to_owned());
    }
    let (scheme, rest) = text.split_once(':').ok_or("no scheme")?;
    match scheme {
        "git" => {
            let (sha, rest) = rest.split_once(':').map_or((rest, None), |(sha, rest)| (sha, Some(rest)));
            let sha = CommitId::parse(sha).map_err(|_| "a commit is named by 40 hex digits")?;
            let (path, lines) = match rest.map(path_and_lines).transpose()? {
                Some((path, lines)) => (Some(path), lines),
                None => (None, None),
            };
            if path.as_ref().is_some_and(|path| path.starts_with('/')) {
                return Err("a path in a commit is relative".to_owned());
            }
            Ok(LocatorTarget::Git { sha, path, lines })
        }
        "file" => path_and_lines(rest).map(|(path, lines)| LocatorTarget::File { path, lines }),
        "ticket" => {
            let lines = rest.strip_prefix('#').ok_or("a ticket locator names lines")?;
            Ok(LocatorTarget::Ticket { lines: line_range(lines)? })
        }
        "replay" => match rest.parse() {
            Ok(run) if run >= 1 => Ok(LocatorTarget::Replay { run }),
            _ => Err("replays are numbered from 1".to_owned()),
        },
        "memory" if rest.trim().is_empty() => Err("no incident named".to_owned()),
        "memory" => Ok(LocatorTarget::Memory { id: rest.to_owned() }),
        other => Err(format!("unknown scheme {}", shown(other))),
    }
}

fn path_and_lines(text: &str) -> Result<(String, Option<(u32, u32)>), String> {
    // Only an anchor in the form of line numbers is an anchor: file names may contain a `#`.
    let (path, lines) = match text.rsplit_once("#L") {
        Some((path, lines)) => (path, Some(line_range(&format!("L{lines}"))?)),
        None => (text, None),
    };
    let climbs = path.split('/').any(|part| part == "..");
    if path.is_empty() || climbs {
        return Err("an empty path, or one with `..` in it".to_owned());
    }
    Ok((path.to_owned(), lines))
}

fn line_range(text: &str) -> Result<(u32, u32), String> {
    let number = |part: &str| part.strip_prefix('L').and_then(|digits| digits.parse::<u32>().ok());
    let range = match text.split_once('-') {
        Some((start, end)) => number(start).zip(number(end)),
        None => number(text).map(|line| (line, line)),
    };
    range.filter(|(start, end)| *start >= 1 && end >= start).ok_or_else(|| "lines are #L1-L9".to_owned())
}

/// The part of a stored text that a report shows: at most `max_chars`, head and tail around a cut mark, cut at line
/// ends if they are near. The result passes the check above.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let count = text.chars().count();
    if count <= max_chars {
        return text.to_owned();
    }
    let room = max_chars.saturating_sub(CUT.chars().count());
    let (head, tail) = (room.div_ceil(2), room / 2);
    let at = |chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    let (head, tail) = (&text[..at(head)], &text[at(count - tail)..]);
    let head = head.rfind('\n').filter(|end| end * 2 > head.len()).map_or(head, |end| &head[..end]);
    let tail =
        tail.find('\n').filter(|start| start * 2 < tail.len()).map_or(tail, |start| &tail[start + 1..]);
    format!("{head}{CUT}{tail}")
}

/// Whether `quote` occurs in `text`: runs of white space are equal, everything else is literal, and a quote may not
/// begin or end inside a word (`able to connect` does not occur in `unable to connect`).
pub(crate) fn stands_in(quote: &str, text: &str) -> Result<(), &'static str> {
    if quote.chars().take(MAX_QUOTE_CHARS + 1).count() > MAX_QUOTE_CHARS {
        return Err("is too long to be a quote of");
    }
    let quote = squeeze(quote);
    if quote.chars().filter(|char| !char.is_whitespace()).count() < MIN_QUOTE_CHARS {
        return Err("is too short to tell anything about");
    }
    let text = squeeze(text);
    let word = |char: char| char.is_alphanumeric() || char == '_';
    let first = quote.chars().next().is_some_and(word);
    let last = quote.chars().next_back().is_some_and(word);
    let whole = text.match_indices(&quote).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(word);
        let after = text[at + quote.len()..].chars().next().is_some_and(word);
        !(first && before || last && after)
    });
    if whole { Ok(()) } else { Err("does not occur in") }
}

fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Makes hostile text safe for a message: quoted, escaped, bounded.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    let cut = if start.len() < text.len() { "…" } else { "" };
    format!("{start:?}{cut}")
}

#[cfg(test)]
#[path = "citations_tests.rs"]
mod tests;
