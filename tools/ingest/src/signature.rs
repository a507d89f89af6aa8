/*!
Decides whether two runs show the same failure. A replay at another revision prints other line numbers, addresses,
times and values. The same test may also fail for another reason: it cannot be imported there, or an attribute that
it sets up does not exist yet. Calling that "reproduces" would mislead a bisect, so both outputs are reduced to a
signature and compared test by test.

The rules are applied in this order. A run that did not reach the failure (`Obstacle`) only matches the same
obstacle. If both outputs name failing tests, they must have one in common. The exception's type must be the same.
Then either the failing line of the test must agree, if it is printed, or the message's template and the crash
site. Values in an assertion's message may differ, names in an error's message may not.
*/

use std::collections::BTreeSet;

use millwright_model::{ExceptionInfo, Frame, StackTrace};
use serde::{Deserialize, Serialize};

use super::failing;
use super::fingerprint::{exception_name, is_product_frame, is_test_frame, symbol};
use super::obstacles::{Obstacle, find_obstacle};
use super::template::template;
use super::text::TextLines;
use super::{decode, prose, traces};

/// Share of words that two assertion templates must have in common if nothing else connects them.
const SIMILAR: f64 = 0.6;
/// The same, if the crash site or the asserting line agrees.
const AKIN: f64 = 0.3;
const MAX_FAILURES: usize = 50;
const MAX_TESTS: usize = 500;

/// The parts of a failing run's output that are stable between revisions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputSignature {
    /// Type of the surfaced exception of the first failure, without its package.
    pub exception: Option<String>,
    /// Template of the first line of the exception's message, or of the last line of output if no exception is
    /// printed.
    pub template: Option<String>,
    /// Our own functions, crash site first.
    pub symbols: Vec<String>,
    /// Ids of the failing tests, without parameters, sorted.
    pub tests: Vec<String>,
    /// Why the run did not reach the failure that it was meant to show.
    pub obstacle: Option<Obstacle>,
    /// Every failure printed, bounded.
    pub failures: Vec<OutputFailure>,
}

/// One exception of the output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputFailure {
    pub test: Option<String>,
    pub exception: String,
    pub template: String,
    /// The innermost of our own frames outside of test code.
    pub site: Option<String>,
    /// The test's own source line nearest to the crash, if it was printed.
    pub asserting: Option<String>,
    symbols: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SignatureMatch {
    /// `similarity` is 0 to 1; `why` is a sentence for the report.
    Same {
        similarity: f64,
        why: String,
    },
    Different {
        why: String,
    },
}

impl SignatureMatch {
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Same { .. })
    }

    pub fn why(&self) -> &str {
        match self {
            Self::Same { why, .. } | Self::Different { why } => why,
        }
    }
}

/// The signature of a failing run's output.
pub fn signature(output: &str) -> OutputSignature {
    let decoded = decode::decode(output.as_bytes());
    let lines = TextLines::new(&decoded.text);
    let found = traces::find(&lines, MAX_FAILURES);
    let tests = failing::find(&lines);
    let mut failures: Vec<OutputFailure> = found
        .iter()
        .map(|one| failure(&one.trace, test_above(&lines, one.from, &tests)))
        .filter(|failure| !failure.exception.is_empty() || !failure.template.is_empty())
        .collect();
    let ids: BTreeSet<String> = tests.tests.iter().take(MAX_TESTS).map(|test| base_id(&test.id)).collect();
    if failures.is_empty() {
        let read = prose::read(&lines, &[], &[]);
        failures.extend(read.errors.into_iter().take(MAX_FAILURES).map(|error| OutputFailure {
            exception: error.kind.as_deref().map(exception_name).unwrap_or_default(),
            template: first_line(&error.message),
            ..OutputFailure::default()
        }));
    }
    let first = failures.first();
    let last_line =
        || (0..lines.len()).rev().map(|at| lines.get(at).trim()).find(|line| !line.is_empty()).map(template);
    OutputSignature {
        exception: first.map(|f| f.exception.clone()).filter(|kind| !kind.is_empty()),
        template: first.map(|f| f.template.clone()).filter(|t| !t.is_empty()).or_else(last_line),
        symbols: first.map(|f| f.symbols.clone()).unwrap_or_default(),
        tests: ids.into_iter().collect(),
        obstacle: find_obstacle(&lines, &found, &tests.tests),
        failures,
    }
}

fn failure(trace: &StackTrace, test: Option<String>) -> OutputFailure {
    let surfaced = trace.exceptions.first();
    let frames = || surfaced.into_iter().flat_map(|e| &e.frames);
    let product = |frame: &&Frame| is_product_frame(frame);
    // Use the test's own line and not a helper's, which many assertions share.
    let own = |frame: &&Frame| {
        is_test_frame(frame) && test.as_deref().is_some_and(|id| frame.function.as_deref() == Some(leaf(id)))
    };
    let asserting = frames().find(own).or_else(|| frames().find(|frame| is_test_frame(frame)));
    let asserting = asserting.and_then(|frame| frame.context_line.clone());
    OutputFailure {
        test,
        exception: surfaced.map(|e: &ExceptionInfo| exception_name(&e.kind)).unwrap_or_default(),
        template: surfaced.map(|e| first_line(&e.message)).unwrap_or_default(),
        site: frames().find(product).and_then(|frame| symbol(frame, trace.language)),
        asserting,
        symbols: super::fingerprint::symbols(trace),
    }
}

fn first_line(message: &str) -> String {
    template(message.lines().find(|line| !line.trim().is_empty()).unwrap_or(""))
}

/// The test that a trace belongs to: named in the headline above the trace, or in one of its frames.
fn test_above(lines: &TextLines<'_>, from: usize, findings: &failing::TestFindings) -> Option<String> {
    let near = |at: &usize| *at <= from && from - at <= 12;
    let line = findings.lines.iter().copied().filter(near).max();
    let named = line.and_then(|at| {
        (at.saturating_sub(6)..=at).rev().find_map(|up| {
            let text = lines.get(up);
            findings.tests.iter().find(|test| {
                text.contains(test.name.as_str())
                    || test.function.as_deref().is_some_and(|f| text.contains(f))
            })
        })
    });
    named.map(|test| base_id(&test.id))
}

/// The id without parameters: `test_x[3-a]` and `TestCart/case_3` vary between runs.
fn base_id(id: &str) -> String {
    id.split('[').next().unwrap_or(id).trim().to_owned()
}

impl OutputSignature {
    /// Whether nothing was recognised. Then only the last line of output distinguishes failures.
    pub fn is_empty(&self) -> bool {
        self.failures.is_empty() && self.tests.is_empty() && self.obstacle.is_none()
    }

    /// Whether `other`, from another revision, is the same failure as `self`. `self` is the reference.
    pub fn matches(&self, other: &OutputSignature) -> SignatureMatch {
        let different = |why: String| SignatureMatch::Different { why };
        match (&self.obstacle, &other.obstacle) {
            (None, Some(obstacle)) => return different(format!("the run did not get that far: {obstacle}")),
            (Some(known), Some(seen)) if known.is_same(seen) => {
                return SignatureMatch::Same { similarity: 1.0, why: format!("the same obstacle: {known}") };
            }
            (Some(known), _) => return different(format!("the failure looked for is: {known}")),
            (None, None) => {}
        }
        if self.is_empty() {
            return match &self.template {
                Some(_) => by_last_line(self, other, 0),
                None => SignatureMatch::Same {
                    similarity: 0.5,
                    why: "it fails, and the failing output says nothing to tell failures apart".to_owned(),
                },
            };
        }
        let common: Vec<&String> = self.tests.iter().filter(|test| has_test(&other.tests, test)).collect();
        if !self.tests.is_empty() && !other.tests.is_empty() && common.is_empty() {
            return different(format!(
                "another test fails: {}",
                other.tests.first().map_or("", String::as_str)
            ));
        }
        if self.failures.is_empty() {
            return by_tests_alone(self, other, common.len());
        }
        if other.failures.is_empty() {
            return by_last_line(self, other, common.len());
        }
        self.closest(other)
    }

    /// The best match over all pairs of failures; if both name their test, it must be the same.
    fn closest(&self, other: &OutputSignature) -> SignatureMatch {
        let mut best: Option<SignatureMatch> = None;
        for known in &self.failures {
            for seen in &other.failures {
                if let (Some(a), Some(b)) = (&known.test, &seen.test)
                    && !same_test(a, b)
                {
                    continue;
                }
                let verdict = compare(known, seen);
                let better = match (&best, &verdict) {
                    (None, _) => true,
                    (Some(SignatureMatch::Different { .. }), SignatureMatch::Same { .. }) => true,
                    (
                        Some(SignatureMatch::Same { similarity: a, .. }),
                        SignatureMatch::Same { similarity: b, .. },
                    ) => b > a,
                    _ => false,
                };
                if better {
                    best = Some(verdict);
                }
            }
        }
        best.unwrap_or_else(|| SignatureMatch::Different {
            why: "the failing tests in common fail elsewhere".to_owned(),
        })
    }
}

fn by_tests_alone(known: &OutputSignature, other: &OutputSignature, common: usize) -> SignatureMatch {
    if common > 0 || other.tests.is_empty() && known.template == other.template {
        SignatureMatch::Same { similarity: 0.8, why: "the same test fails".to_owned() }
    } else {
        SignatureMatch::Different { why: "the failing test is not among those that fail here".to_owned() }
    }
}

/// The other output names no exception: it comes from a plain script, or the run was cut off.
fn by_last_line(known: &OutputSignature, other: &OutputSignature, common: usize) -> SignatureMatch {
    if common > 0 {
        return SignatureMatch::Same {
            similarity: 0.6,
            why: "the same test fails; it does not say how".to_owned(),
        };
    }
    let similarity = match (&known.template, &other.template) {
        (Some(a), Some(b)) => likeness(a, b),
        _ => 0.0,
    };
    if similarity >= SIMILAR {
        SignatureMatch::Same { similarity, why: "the output ends alike".to_owned() }
    } else {
        SignatureMatch::Different { why: "the failure's message is missing here".to_owned() }
    }
}

fn same_test(a: &str, b: &str) -> bool {
    a == b || leaf(a) == leaf(b) && (a.ends_with(b) || b.ends_with(a))
}

fn leaf(id: &str) -> &str {
    id.rsplit(['.', ':', '#', '/', ' ']).next().unwrap_or(id)
}

fn has_test(tests: &[String], test: &str) -> bool {
    tests.iter().any(|other| same_test(other, test))
}

/// Compares two failures.
fn compare(known: &OutputFailure, seen: &OutputFailure) -> SignatureMatch {
    let different = |why: String| SignatureMatch::Different { why };
    if known.exception != seen.exception {
        let name = |kind: &str| if kind.is_empty() { "no exception".to_owned() } else { kind.to_owned() };
        return different(format!("{} instead of {}", name(&seen.exception), name(&known.exception)));
    }
    let similarity = likeness(&known.template, &seen.template);
    let asserting = agree(known.asserting.as_deref(), seen.asserting.as_deref());
    let site = agree(known.site.as_deref(), seen.site.as_deref());
    let same = |why: &str| SignatureMatch::Same { similarity, why: why.to_owned() };
    if is_assertion(&known.exception) {
        return match asserting {
            Some(true) => same("the same assertion fails"),
            // A different line of the test may be the same line after an edit.
            Some(false) if similarity >= 0.9 && says_something(&known.template) => {
                same("an assertion with the same message fails")
            }
            Some(false) => {
                different(format!("another assertion fails: {}", seen.asserting.as_deref().unwrap_or("")))
            }
            None if similarity >= SIMILAR
                || !says_something(&known.template) && !says_something(&seen.template) =>
            {
                same("the same kind of assertion fails with a similar message")
            }
            None => different(format!("another assertion fails: {}", seen.template)),
        };
    }
    let names_agree = names(&known.template) == names(&seen.template);
    if names_agree && similarity >= SIMILAR
        || site == Some(true)
            && asserting != Some(false)
            && similarity >= AKIN
            && (names_agree || similarity >= 0.8)
    {
        return same("the same exception with a similar message");
    }
    // A message that consists of values only (a key, a path) is not informative, so the place decides.
    if !says_something(&known.template)
        && !says_something(&seen.template)
        && (site == Some(true) || site.is_none() && asserting != Some(false))
    {
        return same("the same exception at the same place");
    }
    different(format!(
        "the same type of exception, but {}",
        if seen.template.is_empty() { "without a message" } else { &seen.template }
    ))
}

fn agree(a: Option<&str>, b: Option<&str>) -> Option<bool> {
    Some(squeeze(a?) == squeeze(b?))
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn is_assertion(kind: &str) -> bool {
    kind.contains("Assert")
        || kind.contains("ComparisonFailure")
        || kind.contains("Comparison")
        || kind == "Failed"
        || kind == "panic"
        || kind.is_empty()
}

fn says_something(template: &str) -> bool {
    template
        .split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 3 && !word.contains('<'))
        .count()
        >= 2
}

/// Names of code that the template keeps: quoted, dotted or with underscores.
fn names(template: &str) -> BTreeSet<&str> {
    template
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_'))
        .filter(|word| {
            word.contains('_')
                || word.contains('.')
                || word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase)
        })
        .collect()
}

/// Dice coefficient of the two word sets, 0 to 1.
fn likeness(a: &str, b: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| {
            c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']' | ':' | '\'' | '"')
        })
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
    };
    let (a, mut b) = (words(a), words(b));
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let total = a.len() + b.len();
    let mut shared = 0;
    for word in &a {
        if let Some(at) = b.iter().position(|other| other == word) {
            b.swap_remove(at);
            shared += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of words in a bounded message")]
    let share = 2.0 * shared as f64 / total as f64;
    share
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
