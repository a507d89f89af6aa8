/*!
The gate: turns what two incidents share into the probability that they are one problem, with reasons for a reader.

Structure is weighed before words. A shared fingerprint counts most; then the same error shape on overlapping code;
then the same exception on mostly the same code. If both incidents have structure and it disagrees, the probability is
capped however similar the words are, because such look-alikes cause wrong answers.

The constants are stated priors, to be learned from outcomes later. Words have a low ceiling on purpose, see
`words_score`.
*/

use millwright_store::structure_keys::StructureKeys;

/// Nothing below this is shown: it is too likely to be unrelated.
pub(crate) const SHOW: f64 = 0.25;

const SAME_TEXT: f64 = 0.98;
const SAME_FINGERPRINT: f64 = 0.95;
const SAME_SHAPE_AND_CODE: f64 = 0.85;
const SAME_EXCEPTION_AND_CODE: f64 = 0.70;
const SAME_SHAPE_ONLY: f64 = 0.35;
const CODE_ONLY: f64 = 0.30;
/// From this share of the symbols, weighted by rarity, two stacks count as the same code path.
const MOSTLY: f64 = 0.5;
/// Share of the remaining doubt that the same service removes: enough to decide between equals, never enough to make
/// a match.
const SAME_SERVICE: f64 = 0.1;
const CAP_OTHER_EXCEPTION: f64 = 0.40;
const CAP_OTHER_CODE: f64 = 0.35;
const CAP_OTHER_SHAPE: f64 = 0.60;

/// What a candidate shares with the query, found through the index.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SharedKeys {
    /// The texts of the tickets are identical.
    pub(crate) text: bool,
    pub(crate) fingerprint: bool,
    pub(crate) error_shape: bool,
    pub(crate) symbols: Vec<String>,
    pub(crate) files: Vec<String>,
    /// Guilty units of the candidate that are on the query's stack.
    pub(crate) units: Vec<String>,
    /// Weight of the shared symbols as a share of the query's, 0 to 1.
    pub(crate) symbol_share: f64,
    /// Similarity of the words, 0 to 1.
    pub(crate) likeness: f64,
    pub(crate) words: Vec<String>,
    pub(crate) service: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GateJudgement {
    pub(crate) score: f64,
    pub(crate) structural: bool,
    pub(crate) why: Vec<String>,
}

pub(crate) fn judge(query: &StructureKeys, candidate: &StructureKeys, shared: &SharedKeys) -> GateJudgement {
    let mut why = Vec::new();
    let same_exception = query.exception.is_some() && query.exception == candidate.exception;
    // With the query's share alone, a deep stack would match any shallow one.
    let theirs = shared.symbols.len() as f64 / candidate.symbols.len().max(1) as f64;
    let overlap = shared.symbol_share.min(theirs.min(1.0));
    let code = !shared.symbols.is_empty() || !shared.units.is_empty();
    let mostly = overlap >= MOSTLY || shared.units.iter().any(|u| u.contains("::"));

    let (mut structure, structural) = if shared.text {
        why.push("the same ticket text".to_owned());
        (SAME_TEXT, true)
    } else if shared.fingerprint {
        why.push("the same fingerprint: exception, code path and message agree".to_owned());
        (SAME_FINGERPRINT, true)
    } else if shared.error_shape && code {
        (SAME_SHAPE_AND_CODE, true)
    } else if same_exception && mostly {
        (SAME_EXCEPTION_AND_CODE, true)
    } else if shared.error_shape {
        (SAME_SHAPE_ONLY, false)
    } else if code {
        (CODE_ONLY * overlap.max(0.3), false)
    } else {
        (0.0, false)
    };
    let settled = shared.text || shared.fingerprint;
    if !settled {
        if shared.error_shape {
            why.push("the same error message".to_owned());
        } else if same_exception {
            why.extend(query.exception.as_ref().map(|e| format!("the same exception {e}")));
        }
        if !shared.symbols.is_empty() {
            why.push(format!("on the stack of both: {}", few(&shared.symbols)));
        } else if !shared.files.is_empty() {
            why.push(format!("files of both: {}", few(&shared.files)));
        }
    }
    if !shared.units.is_empty() {
        why.push(format!("the culprit of the earlier incident is on this stack: {}", few(&shared.units)));
        structure = structure.max(0.5 * f64::from(u8::from(same_exception)));
    }
    let words = words_score(shared.likeness);
    if words >= 0.10 && !shared.words.is_empty() {
        why.push(format!("similar words ({:.2}): {}", shared.likeness, few(&shared.words)));
    }
    if let Some(service) = &shared.service {
        why.push(format!("the same service {service}"));
    }
    let mut score = 1.0 - (1.0 - structure) * (1.0 - words);
    if shared.service.is_some() && score >= SHOW {
        score += SAME_SERVICE * (1.0 - score);
    }
    if !settled {
        for (differs, cap) in disagreements(query, candidate, shared, overlap) {
            score = score.min(cap);
            why.push(format!("differs: {differs}"));
        }
    }
    GateJudgement { score, structural, why }
}

/// Where both incidents have structure and it differs.
fn disagreements(
    query: &StructureKeys,
    candidate: &StructureKeys,
    shared: &SharedKeys,
    overlap: f64,
) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    if let (Some(here), Some(there)) = (&query.exception, &candidate.exception)
        && here != there
    {
        found.push((format!("{here} here, {there} there"), CAP_OTHER_EXCEPTION));
    }
    if !query.symbols.is_empty() && !candidate.symbols.is_empty() && shared.symbols.is_empty() {
        found.push(("no function is on both stacks".to_owned(), CAP_OTHER_CODE));
    }
    if query.template.is_some()
        && candidate.template.is_some()
        && query.template != candidate.template
        && overlap < 0.9
    {
        found.push(("another error message".to_owned(), CAP_OTHER_SHAPE));
    }
    found
}

/// What word similarity alone is worth, by linear interpolation between hand-set points.
///
/// Measured on the Hadoop reports, word similarity ranks well but does not separate: of 2,377 reports without a known
/// duplicate, 20 % have a best hit of .45 or more and 10 % one of .6 or more, because chores and ports of one change
/// use the same words. Of the best hits between .6 and .9, one in twelve is the duplicate. So words alone give a
/// hint, shown from .6, and never more.
fn words_score(likeness: f64) -> f64 {
    const POINTS: &[(f64, f64)] = &[(0.0, 0.0), (0.3, 0.0), (0.6, 0.25), (0.8, 0.4), (1.0, 0.6)];
    let after = POINTS.partition_point(|(x, _)| *x <= likeness);
    match (after.checked_sub(1).and_then(|i| POINTS.get(i)), POINTS.get(after)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (likeness - x0) / (x1 - x0),
        (Some((_, y)), None) => *y,
        _ => 0.0,
    }
}

fn few(items: &[String]) -> String {
    const SHOWN: usize = 5;
    let short = |s: &String| s.chars().take(80).collect::<String>();
    let list = items.iter().take(SHOWN).map(short).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}
