/*!
Recognises by rules what a person wants: a few kinds of questions, each with a tool that answers it. Any other line is
[`QuestionIntent::Unknown`], because a guess could answer the wrong question.
*/

use millwright_model::Approval;

use super::feedback::feedback_in;

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum QuestionTarget {
    /// Looks like an id or a revision (`1a2b3c4`, `HEAD~3`).
    Commit(String),
    Path {
        path: String,
        lines: Option<(u32, u32)>,
    },
    Symbol(String),
    /// `this`, `it`, or nothing at all.
    This,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum QuestionIntent {
    WhoChanged(QuestionTarget),
    WhoOwns(QuestionTarget),
    HistoryOf(QuestionTarget),
    NewInLogs,
    SearchLogs(String),
    /// With the words of the failure, or about the current incident.
    SeenBefore(Option<String>),
    Investigate(Option<String>),
    Show(QuestionTarget),
    WhereIs(QuestionTarget),
    WhoUses(QuestionTarget),
    Search(String),
    /// `FILE` or `branch:NAME`, when given.
    WriteFix(Option<String>),
    /// Whether the answer is right.
    Feedback(Approval),
    Unknown,
}

/// The questions that the rules can answer, shown to a person.
pub const ABILITIES: &str = "  who changed lib/calc.sh, lib/calc.sh:12 or a function    and who owns it
  history of a function, lib/calc.sh:10-20 or a file      each commit with its hunks there
  what is new in the logs; search the logs for WORDS
  have we seen this; have we seen ERROR MESSAGE
  investigate this; investigate: WHAT FAILS                a real run, with replay where one is given
  show a commit, a file, lines (lib/calc.sh:10-20) or a function
  where is NAME defined; who calls NAME; search for TEXT
  write the fix to FILE or branch:NAME                     once one is verified
  that was it; that was not it; it was COMMIT              what you know about the cause";

pub(super) fn understand(text: &str) -> QuestionIntent {
    let words: Vec<&str> = text.split_whitespace().map(trimmed).filter(|word| !word.is_empty()).collect();
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let at = |names: &[&str]| lower.iter().position(|word| names.contains(&word.as_str()));
    let has = |names: &[&str]| at(names).is_some();
    let first = lower.first().map_or("", String::as_str);
    let target = |from: usize| target_of(words.get(from..).unwrap_or_default());

    if matches!(first, "investigate" | "debug" | "diagnose") {
        return QuestionIntent::Investigate(subject(after(text, 1)));
    }
    if text.to_lowercase().starts_with("find the cause") {
        return QuestionIntent::Investigate(subject(after(text, 3)));
    }
    if has(&["write", "save"]) && has(&["fix", "patch"]) {
        let place = at(&["to", "as", "into"]).and_then(|to| words.get(to + 1));
        return QuestionIntent::WriteFix(place.map(|place| (*place).to_owned()));
    }
    if has(&["log", "logs"]) && !has(&["git"]) {
        if matches!(first, "search" | "find" | "grep")
            && let Some(words) = at(&["for"]).and_then(|at| subject(after(text, at + 1)))
        {
            return QuestionIntent::SearchLogs(words);
        }
        let about =
            ["new", "changed", "change", "different", "happened", "wrong", "errors", "surged", "since"];
        if has(&about) {
            return QuestionIntent::NewInLogs;
        }
    }
    if let Some(seen) = at(&["seen"]).filter(|_| has(&["we", "have", "before", "ever"])) {
        let words = after(text, seen + 1);
        let words = words.trim_end_matches(['?', '.', ' ']);
        let words = words.strip_suffix("before").unwrap_or(words);
        return QuestionIntent::SeenBefore(subject(words));
    }
    if has(&["happened"]) && has(&["before"]) || has(&["similar"]) && has(&["incidents", "incident"]) {
        return QuestionIntent::SeenBefore(None);
    }
    if has(&["who", "whom"]) {
        return match () {
            () if has(&["owns", "own", "owner", "owners", "ask", "knows", "maintains"]) => {
                QuestionIntent::WhoOwns(target(
                    at(&["owns", "own", "owner", "owners", "ask", "knows", "maintains"]).unwrap_or(0) + 1,
                ))
            }
            () if has(&["calls", "uses", "references"]) => {
                QuestionIntent::WhoUses(target(at(&["calls", "uses", "references"]).unwrap_or(0) + 1))
            }
            () => QuestionIntent::WhoChanged(target(1)),
        };
    }
    if let Some(at) = at(&["blame"]) {
        return QuestionIntent::WhoChanged(target(at + 1));
    }
    if matches!(first, "what" | "when") && has(&["changed", "changes"]) {
        return QuestionIntent::WhoChanged(target(at(&["changed", "changes"]).unwrap_or(0) + 1));
    }
    if first == "where" || has(&["defined", "definition", "defines"]) {
        let name = target(if first == "where" { 1 } else { 0 });
        return match has(&["used", "called", "referenced", "uses"]) {
            true => QuestionIntent::WhoUses(name),
            false => QuestionIntent::WhereIs(name),
        };
    }
    if matches!(first, "grep" | "search" | "find") {
        let from = at(&["for"]).map_or(1, |at| at + 1);
        return subject(after(text, from)).map_or(QuestionIntent::Unknown, QuestionIntent::Search);
    }
    if let Some(word) = at(&["history", "evolved", "evolve"]) {
        // "the history of X", "how did X evolve", "X's history".
        const AROUND: &[&str] = &["how", "git", "full", "whole", "show", "give", "us"];
        let named = |words: &[&str]| {
            let rest: Vec<&str> = words
                .iter()
                .copied()
                .filter(|word| !AROUND.contains(&word.to_lowercase().as_str()))
                .collect();
            target_of(&rest)
        };
        let behind = named(words.get(word + 1..).unwrap_or_default());
        let before = || named(words.get(..word).unwrap_or_default());
        return QuestionIntent::HistoryOf(if behind == QuestionTarget::This { before() } else { behind });
    }
    if matches!(first, "show" | "open" | "cat" | "print" | "display") {
        return QuestionIntent::Show(target(1));
    }
    feedback_in(text).map_or(QuestionIntent::Unknown, QuestionIntent::Feedback)
}

/// The text after its first `count` words.
fn after(text: &str, count: usize) -> &str {
    let mut rest = text.trim_start();
    for _ in 0..count {
        rest = rest.find(char::is_whitespace).map_or("", |end| rest[end..].trim_start());
    }
    rest
}

/// Words that name something; `None` for `this`, `it` and nothing.
fn subject(text: &str) -> Option<String> {
    let text = text.trim_start_matches([':', ' ']).trim().trim_end_matches(['?', '!']).trim();
    let text = text.trim_matches('"').trim_matches('`');
    let pronoun = |word: &str| {
        matches!(
            word.to_lowercase().as_str(),
            "this" | "that" | "it" | "the" | "incident" | "ticket" | "failure" | "please" | "now" | "error"
        )
    };
    (!text.split_whitespace().map(trimmed).all(pronoun)).then(|| text.to_owned())
}

fn trimmed(word: &str) -> &str {
    word.trim_matches(['?', '!', ',', ';', '"', '\'', '`', '(', ')', '“', '”']).trim_end_matches(['.', ':'])
}

/// The word that is most likely a name in a repository.
fn target_of(words: &[&str]) -> QuestionTarget {
    const FILLERS: &[&str] = &[
        "the",
        "a",
        "an",
        "this",
        "that",
        "it",
        "is",
        "was",
        "were",
        "in",
        "of",
        "at",
        "on",
        "to",
        "for",
        "me",
        "last",
        "changed",
        "change",
        "changes",
        "touched",
        "wrote",
        "written",
        "broke",
        "edited",
        "modified",
        "introduced",
        "commit",
        "file",
        "function",
        "method",
        "class",
        "symbol",
        "line",
        "lines",
        "and",
        "by",
        "defined",
        "definition",
        "defines",
        "used",
        "called",
        "referenced",
        "about",
        "code",
        "please",
        "did",
        "does",
        "do",
        "who",
        "what",
    ];
    let line_word = |word: &str| matches!(word.to_lowercase().as_str(), "line" | "lines");
    let words = words.iter().map(|word| trimmed(word));
    // `Cart.total's history`
    let words = words.map(|word| word.strip_suffix("'s").or(word.strip_suffix("’s")).unwrap_or(word));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let lines = words.iter().position(|word| line_word(word)).and_then(|at| range(words.get(at + 1)?));
    let named: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !FILLERS.contains(&word.to_lowercase().as_str()) && range(word).is_none())
        .collect();
    if let Some(path) = named.iter().find_map(|word| path_of(word)) {
        return match path {
            QuestionTarget::Path { path, lines: None } => QuestionTarget::Path { path, lines },
            other => other,
        };
    }
    if let Some(commit) = named.iter().find(|word| is_revision(word)) {
        return QuestionTarget::Commit((*commit).to_owned());
    }
    let coded =
        |word: &&&str| word.contains(['_', ':', '.', '#']) || word.chars().skip(1).any(char::is_uppercase);
    match named.iter().find(coded).or(named.last()) {
        Some(name) => QuestionTarget::Symbol(name.trim_end_matches("()").to_owned()),
        None => QuestionTarget::This,
    }
}

/// `lib/calc.sh`, `calc.sh:12`, `calc.sh:12-20`, `calc.sh#L1-L9`.
fn path_of(word: &str) -> Option<QuestionTarget> {
    let (path, lines) = match word.split_once("#L") {
        Some((path, lines)) => (path, range(lines)),
        None => match word.split_once(':') {
            Some((path, rest)) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                (path, range(rest.split(':').next().unwrap_or(rest)))
            }
            _ => (word, None),
        },
    };
    let extension = path.rsplit_once('.').is_some_and(|(name, extension)| {
        let known = [
            "c", "h", "cc", "cpp", "hpp", "py", "rs", "go", "js", "jsx", "ts", "tsx", "java", "kt", "rb",
            "php", "cs", "sh", "sql", "md", "txt", "toml", "yaml", "yml", "json", "xml", "html", "css",
            "cfg", "ini", "lock",
        ];
        !name.is_empty() && known.contains(&extension)
    });
    (!path.contains("::") && (path.contains('/') || extension || lines.is_some()))
        .then(|| QuestionTarget::Path { path: path.trim_start_matches("./").to_owned(), lines })
}

/// Whether a word can be the path of a file.
pub(super) fn is_path(word: &str) -> bool {
    matches!(path_of(word), Some(QuestionTarget::Path { lines: None, .. }))
}

fn range(text: &str) -> Option<(u32, u32)> {
    let number = |part: &str| part.trim_start_matches('L').parse::<u32>().ok().filter(|line| *line > 0);
    match text.split_once('-') {
        Some((start, end)) => number(start).zip(number(end)).filter(|(start, end)| start <= end),
        None => number(text).map(|line| (line, line)),
    }
}

fn is_revision(word: &str) -> bool {
    let base = word.split(['~', '^']).next().unwrap_or(word);
    let hex = (7..=40).contains(&base.len()) && base.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digit = base.bytes().any(|byte| byte.is_ascii_digit());
    hex && digit || matches!(base, "HEAD" | "bad" | "good")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str, lines: Option<(u32, u32)>) -> QuestionTarget {
        QuestionTarget::Path { path: path.into(), lines }
    }

    #[test]
    fn questions_are_understood() {
        let check = |text: &str, expected: QuestionIntent| assert_eq!(understand(text), expected, "{text}");
        check("who changed lib/calc.sh?", QuestionIntent::WhoChanged(path("lib/calc.sh", None)));
        check(
            "who last touched lib/calc.sh:12-20",
            QuestionIntent::WhoChanged(path("lib/calc.sh", Some((12, 20)))),
        );
        check("Who wrote line 12 of calc.sh?", QuestionIntent::WhoChanged(path("calc.sh", Some((12, 12)))));
        check(
            "who changed `Cart.total`?",
            QuestionIntent::WhoChanged(QuestionTarget::Symbol("Cart.total".into())),
        );
        check("who changed this?", QuestionIntent::WhoChanged(QuestionTarget::This));
        check("who owns src/a.py", QuestionIntent::WhoOwns(path("src/a.py", None)));
        check("history of lib/calc.sh:12-20", QuestionIntent::HistoryOf(path("lib/calc.sh", Some((12, 20)))));
        check(
            "show me the history of `Cart.total`",
            QuestionIntent::HistoryOf(QuestionTarget::Symbol("Cart.total".into())),
        );
        check(
            "how did fetch_all evolve?",
            QuestionIntent::HistoryOf(QuestionTarget::Symbol("fetch_all".into())),
        );
        for unnamed in ["the history of this", "show me the history", "git history", "history?"] {
            check(unnamed, QuestionIntent::HistoryOf(QuestionTarget::This));
        }
        check("Cart.total's history", QuestionIntent::HistoryOf(QuestionTarget::Symbol("Cart.total".into())));
        check("who changed lib/history.py?", QuestionIntent::WhoChanged(path("lib/history.py", None)));
        check("where is history defined?", QuestionIntent::WhereIs(QuestionTarget::Symbol("history".into())));
        check("search for history", QuestionIntent::Search("history".into()));
        check(
            "history of shop/cart.py::Cart.total",
            QuestionIntent::HistoryOf(QuestionTarget::Symbol("shop/cart.py::Cart.total".into())),
        );
        check("What's new in the logs?", QuestionIntent::NewInLogs);
        check(
            "search the logs for connection refused",
            QuestionIntent::SearchLogs("connection refused".into()),
        );
        check("have we seen this before?", QuestionIntent::SeenBefore(None));
        check("Have we seen KeyError: 'rate'?", QuestionIntent::SeenBefore(Some("KeyError: 'rate'".into())));
        check("investigate that", QuestionIntent::Investigate(None));
        check("investigate: total 21 gave 63", QuestionIntent::Investigate(Some("total 21 gave 63".into())));
        check("show 1a2b3c4", QuestionIntent::Show(QuestionTarget::Commit("1a2b3c4".into())));
        check("show me HEAD~3", QuestionIntent::Show(QuestionTarget::Commit("HEAD~3".into())));
        check("show lib/calc.sh#L1-L3", QuestionIntent::Show(path("lib/calc.sh", Some((1, 3)))));
        check(
            "where is fetch_all defined?",
            QuestionIntent::WhereIs(QuestionTarget::Symbol("fetch_all".into())),
        );
        check("who calls total()", QuestionIntent::WhoUses(QuestionTarget::Symbol("total".into())));
        check("where is total used", QuestionIntent::WhoUses(QuestionTarget::Symbol("total".into())));
        check("search for rate limit", QuestionIntent::Search("rate limit".into()));
        check("write the fix to branch:mend/it", QuestionIntent::WriteFix(Some("branch:mend/it".into())));
        check("what is the meaning of life", QuestionIntent::Unknown);
        check("", QuestionIntent::Unknown);
    }
}
