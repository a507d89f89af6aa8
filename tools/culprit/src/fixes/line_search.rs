/*!
Finds lines that somebody quoted from memory in a file. The search compares literally first, then ignores the ends of
lines, then the indentation; a redaction placeholder (`[EMAIL_1]`) matches any text. A place is accepted only when it
is the only match, or the one that the given line number names exactly: a guess could put a change in the wrong place.
*/

use std::collections::HashSet;

use millwright_redaction::placeholders;

/// Lines of a file quoted in a refusal.
const QUOTED: usize = 8;
/// Positions listed in a refusal.
const LISTED: usize = 6;
/// Maximum number of comparisons to find the nearest lines, so that a refusal stays fast.
const EFFORT: usize = 4_000_000;

/// Where the lines are, and how strict the matching comparison was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LinesFound {
    /// Index of the first line.
    pub(super) at: usize,
    pub(super) likeness: Likeness,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    Exact,
    LineEnds,
    Indentation,
}

/// Finds `wanted` in `file` (lines without their line breaks). `start` is the claimed 1-based line. `Err` gives the
/// reason and quotes the lines that are there.
pub(super) fn find(file: &[&str], wanted: &[&str], start: Option<usize>) -> Result<LinesFound, String> {
    for likeness in [Likeness::Exact, Likeness::LineEnds, Likeness::Indentation] {
        let found = positions(file, wanted, likeness);
        match found.as_slice() {
            [] => {}
            [at] => return Ok(LinesFound { at: *at, likeness }),
            _ => {
                if let Some(at) = start.and_then(|start| start.checked_sub(1)).filter(|at| found.contains(at))
                {
                    return Ok(LinesFound { at, likeness });
                }
                let listed: Vec<String> = found.iter().take(LISTED).map(|at| (at + 1).to_string()).collect();
                let more = if found.len() > LISTED { " and more" } else { "" };
                return Err(format!(
                    "its lines occur {} times (from line {}{more}); add unchanged lines around them until \
                     they occur once",
                    found.len(),
                    listed.join(", ")
                ));
            }
        }
    }
    Err(nearest(file, wanted))
}

fn positions(file: &[&str], wanted: &[&str], likeness: Likeness) -> Vec<usize> {
    let last = match file.len().checked_sub(wanted.len()) {
        Some(last) if !wanted.is_empty() => last,
        _ => return Vec::new(),
    };
    let stands =
        |at: &usize| wanted.iter().zip(&file[*at..]).all(|(wanted, own)| alike(own, wanted, likeness));
    (0..=last).filter(stands).collect()
}

pub(super) fn alike(own: &str, wanted: &str, likeness: Likeness) -> bool {
    match likeness {
        Likeness::Exact => same(own, wanted),
        Likeness::LineEnds => same(own.trim_end(), wanted.trim_end()),
        Likeness::Indentation => same(own.trim(), wanted.trim()),
    }
}

/// Whether the lines are equal; a placeholder in `wanted` matches any text.
fn same(own: &str, wanted: &str) -> bool {
    if own == wanted {
        return true;
    }
    let holes = placeholders(wanted);
    let (Some((first, _)), Some((_, last))) = (holes.first(), holes.last()) else { return false };
    let (head, tail) = (&wanted[..*first], &wanted[*last..]);
    if !own.starts_with(head) || !own.ends_with(tail) || own.len() < head.len() + tail.len() {
        return false;
    }
    let mut rest = &own[head.len()..own.len() - tail.len()];
    for pair in holes.windows(2) {
        let between = &wanted[pair[0].1..pair[1].0];
        match rest.find(between) {
            Some(at) => rest = &rest[at + between.len()..],
            None => return false,
        }
    }
    true
}

/// The lines of the file that are most similar to `wanted`, for an author who has to write the change again.
fn nearest(file: &[&str], wanted: &[&str]) -> String {
    if file.is_empty() {
        return "its lines are not in the file: the file is empty".to_owned();
    }
    let asked: Vec<HashSet<&str>> = wanted.iter().map(|line| words(line)).collect();
    let effort = file.len().saturating_mul(wanted.len().max(1));
    let mut best = (0.0, 0);
    if effort <= EFFORT {
        let own: Vec<HashSet<&str>> = file.iter().map(|line| words(line)).collect();
        for at in 0..file.len() {
            let score: f64 = asked.iter().zip(&own[at..]).map(|(asked, own)| likeness(asked, own)).sum();
            if score > best.0 {
                best = (score, at);
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of lines")]
    let share = best.0 / asked.iter().filter(|words| !words.is_empty()).count().max(1) as f64;
    if share < 0.25 {
        return "its lines are not in the file, nor any similar ones; read the file with git_file and copy \
                them"
            .into();
    }
    let at = best.1;
    let shown = file.iter().enumerate().skip(at).take(wanted.len().clamp(1, QUOTED));
    let quoted: Vec<String> = shown.map(|(at, line)| format!("{:>5} | {}", at + 1, cut(line))).collect();
    let differs =
        wanted.iter().zip(&file[at..]).find(|(wanted, own)| !alike(own, wanted, Likeness::Indentation));
    let differs = match differs {
        Some((wanted, own)) => {
            format!("\nThe first that differs: `{}` was given, the file has `{}`.", cut(wanted), cut(own))
        }
        None => String::new(),
    };
    format!("its lines are not in the file. The nearest are:\n{}{differs}", quoted.join("\n"))
}

fn words(line: &str) -> HashSet<&str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect()
}

fn likeness(a: &HashSet<&str>, b: &HashSet<&str>) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "words of a line")]
    let share = 2.0 * a.intersection(b).count() as f64 / (a.len() + b.len()) as f64;
    share
}

fn cut(line: &str) -> String {
    const LONGEST: usize = 160;
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// How the indentation of given lines differs from the file's, when the difference is the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IndentShift {
    None,
    Deeper(String),
    Shallower(String),
}

impl IndentShift {
    /// `pairs` are a file's line and the given one. `None`: the lines do not all differ in the same way.
    pub(super) fn between<'l>(pairs: impl Iterator<Item = (&'l str, &'l str)>) -> Option<Self> {
        let mut shift: Option<Self> = None;
        for (own, given) in pairs.filter(|(own, _)| !own.trim().is_empty()) {
            let (own, given) = (indent(own), indent(given));
            let here = if own == given {
                Self::None
            } else if let Some(more) = own.strip_suffix(given) {
                Self::Deeper(more.to_owned())
            } else {
                Self::Shallower(given.strip_suffix(own)?.to_owned())
            };
            match &shift {
                None => shift = Some(here),
                Some(before) if *before == here => {}
                Some(_) => return None,
            }
        }
        Some(shift.unwrap_or(Self::None))
    }

    pub(super) fn apply(&self, line: &str) -> Option<String> {
        match self {
            _ if line.trim().is_empty() => Some(line.to_owned()),
            Self::None => Some(line.to_owned()),
            Self::Deeper(more) => Some(format!("{more}{line}")),
            Self::Shallower(less) => line.strip_prefix(less.as_str()).map(str::to_owned),
        }
    }
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[&str] =
        &["def f():", "    x = 1", "    return x", "", "def g():", "    x = 1", "    return x + 1"];

    fn check(wanted: &[&str], start: Option<usize>, expected: Result<(usize, Likeness), &str>) {
        let found = find(FILE, wanted, start).map(|place| (place.at, place.likeness));
        match expected {
            Ok(expected) => assert_eq!(found, Ok(expected), "{wanted:?}"),
            Err(part) => {
                let why = found.unwrap_err();
                assert!(why.contains(part), "{wanted:?}: {why}");
            }
        }
    }

    #[test]
    fn one_place_or_none() {
        check(&["def f():", "    x = 1"], Some(40), Ok((0, Likeness::Exact)));
        check(&["    x = 1"], Some(6), Ok((5, Likeness::Exact)));
        check(&["    x = 1"], Some(7), Err("occur 2 times (from line 2, 6)"));
        check(&["    return x  "], None, Ok((2, Likeness::LineEnds)));
        check(&["  return x + 1"], None, Ok((6, Likeness::Indentation)));
        check(&["    return x + [SECRET_1]"], None, Ok((6, Likeness::Exact)));
        check(
            &["def g():", "    x = 2", "    return x + 1"],
            None,
            Err("    5 | def g():\n    6 |     x = 1"),
        );
        check(&["def g():", "    x = 2"], None, Err("`    x = 2` was given, the file has `    x = 1`"));
        check(&["class Nothing:"], None, Err("nor any similar ones"));
    }

    #[test]
    fn indentation_shifts_only_as_a_whole() {
        let shift = |pairs: &[(&'static str, &'static str)]| IndentShift::between(pairs.iter().copied());
        assert_eq!(shift(&[("    a", "a"), ("      b", "  b")]), Some(IndentShift::Deeper("    ".into())));
        assert_eq!(shift(&[("a", "  a"), ("", "  ")]), Some(IndentShift::Shallower("  ".into())));
        assert_eq!(shift(&[("    a", "a"), ("  b", "  b")]), None);
        assert_eq!(shift(&[("\ta", "    a")]), None);
        assert_eq!(IndentShift::Deeper("  ".into()).apply("x").as_deref(), Some("  x"));
        assert_eq!(IndentShift::Shallower("  ".into()).apply("x"), None);
    }
}
