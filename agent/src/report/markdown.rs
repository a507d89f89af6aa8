/*!
Renders a report for a ticket or a pull request. Text from a ticket or repository is escaped so that it cannot format,
link, embed, mention a person, or reference or close issues; code stands in fences longer than any inside it.
*/

use std::fmt::Write as _;

use millwright_model::{CheckResult, EvidenceId, Fix, HypothesisStatus, Proof, Report, Verdict};

use super::context::RenderContext;
use super::diff::{self, ReportDiff};
use super::executed::executed_sentences;
use super::narrative::{self, CheckMark};
use super::phrasing;
use super::text::{block, duration, line, patch, percent, short};

/// Maximum number of lines of a diff: hosts cut comments at 65,536 characters.
const MAX_DIFF_LINES: usize = 300;
const MAX_EXCERPT_CHARS: usize = 1_200;

pub(super) fn render(report: &Report, context: &RenderContext) -> String {
    // A ticket is read on other machines: paths of this machine are useless there and disclose more than necessary.
    let context = &RenderContext { repository: None, fix_file: None, ..context.clone() };
    let mut out = String::new();
    let word = phrasing::verdict_word(report.verdict);
    let _ = writeln!(out, "## {}: {}", word, phrasing::verdict_meaning(report));
    if let Some(title) = &context.ticket_title {
        let _ = writeln!(out, "\n{}", prose(title, 200));
    }
    cause(&mut out, report, context);
    fix(&mut out, report);
    tried(&mut out, report);
    shown(&mut out, report);
    proof(&mut out, report, context);
    next(&mut out, report, context);
    suspects(&mut out, report);
    known(&mut out, report);
    doubts(&mut out, report, context);
    evidence(&mut out, report);
    let usage = &report.usage;
    let _ = writeln!(
        out,
        "\n<sub>Millwright report {}, {}, {} tool calls, {}</sub>",
        code(report.id.as_str(), 80),
        prose(&usage.planner, 80),
        usage.tool_calls,
        duration(usage.wall_ms)
    );
    out
}

fn cause(out: &mut String, report: &Report, context: &RenderContext) {
    let Some(cause) = &report.root_cause else {
        let _ = writeln!(out, "\n{}", prose(&report.summary, 2_000));
        return;
    };
    let cited = cited(&cause.evidence);
    let _ =
        writeln!(out, "\n**{}.** {}{cited}", phrasing::cause_heading(report), prose(&cause.statement, 1_000));
    let _ = writeln!(out, "\n- {}, {} sure", phrasing::kind_words(cause.kind), percent(cause.confidence));
    if let Some(commit) = &cause.commit {
        let _ = write!(out, "- Commit {}", code(commit, 40));
        if let Some(view) = &context.culprit {
            let (subject, author) = (prose(&view.subject, 120), prose(&view.author, 80));
            let _ = write!(out, ": {subject} ({author}, {})", prose(&view.date, 40));
        }
        out.push('\n');
    }
    for location in cause.locations.iter().take(12) {
        let place = format!("{}:{}-{}", location.path, location.start_line, location.end_line);
        let symbol = location.symbol.as_ref().map(|symbol| format!(" in {}", code(symbol, 200)));
        let _ = writeln!(out, "- {}{}", code(&place, 300), symbol.unwrap_or_default());
    }
    // For a mere suspect, show no diff: a reader would take it for the lines to fix.
    if let Some(view) = context.culprit.as_ref().filter(|_| report.verdict != Verdict::Inconclusive) {
        let marked = ReportDiff::of_culprit(view);
        match marked.changes() {
            (_, 0) => fence(out, "The commit's changes", &view.diff),
            _ => fence(out, "The culprit's hunks; > marks the guilty lines", &marked.only_guilty().as_text()),
        }
    }
}

fn fix(out: &mut String, report: &Report) {
    let Some(fix) = &report.fix else { return };
    let words = phrasing::fix_words(fix, &diff::parse(&fix.diff));
    let (replay, tests) = (phrasing::check_words(fix.replay), phrasing::tests_words(fix.tests));
    let standing = if fix.proof == Proof::FixVerified { "Verified" } else { "Not verified" };
    let _ =
        writeln!(out, "\n**Fix.** {standing}: {words}. Replay with it: {replay}. Project tests: {tests}.");
    for item in fix.takes_away.iter().take(12) {
        let _ = writeln!(out, "- removes: {}", prose(item, 300));
    }
    if let Some(check) = &fix.four_way {
        let _ = writeln!(out, "- {}", prose(&phrasing::four_way_words(check), 300));
        if let Some(example) = check.example.as_deref().filter(|_| check.contradicted > 0) {
            let _ = writeln!(out, "- contradicted: {}", prose(example, 600));
        }
        for item in check.on_purpose.iter().take(5) {
            let _ = writeln!(out, "- also changes: {}", prose(item, 300));
        }
    }
    if !fix.diff.is_empty() {
        fence(out, "The fix", &fix.diff);
    }
}

fn tried(out: &mut String, report: &Report) {
    if report.tried.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n**Tried, but not verified**\n");
    for tried in report.tried.iter().take(5) {
        let words = phrasing::fix_words(&Fix::untested(tried.kind, String::new()), &diff::parse(&tried.diff));
        let _ = writeln!(out, "- {words}: {}", prose(&tried.because, 600));
    }
}

fn shown(out: &mut String, report: &Report) {
    let Some(replay) = &report.replay else { return };
    let _ = writeln!(out, "\n**What the replay shows at the failing revision.** {}", {
        prose(&phrasing::agreement_words(report).unwrap_or_default(), 500)
    });
    if let Some((ticket, shown)) = phrasing::two_failures(report) {
        let _ = writeln!(
            out,
            "\n| the ticket | the replay |\n|---|---|\n| {} | {} |",
            code(ticket, 400),
            code(shown, 400)
        );
    }
    for sentence in executed_sentences(report) {
        let _ = writeln!(out, "\n{}", prose(&sentence, 800));
    }
    if let Some(output) = replay.output_end.as_deref().filter(|output| !output.trim().is_empty()) {
        fenced(out, "text", &block(output));
    }
}

fn proof(out: &mut String, report: &Report, context: &RenderContext) {
    let checks = narrative::checks(report, context);
    let effort = narrative::effort(report);
    if checks.is_empty() && effort.is_none() {
        return;
    }
    let _ = writeln!(out, "\n**{}.** {}\n", narrative::checks_heading(report), effort.unwrap_or_default());
    check_list(out, &checks);
    if let Some((heading, checks)) = narrative::checks_then(report) {
        let _ = writeln!(out, "\n**{heading}.**\n");
        check_list(out, &checks);
    }
}

fn check_list(out: &mut String, checks: &[narrative::ReportCheck]) {
    for check in checks {
        let mark = match check.mark {
            CheckMark::Good => "ok",
            CheckMark::Bad => "**fail**",
            CheckMark::Open => "open",
        };
        let _ = writeln!(out, "- {mark}: {}", prose(&check.text, 300));
    }
}

fn next(out: &mut String, report: &Report, context: &RenderContext) {
    let steps = narrative::next_steps(report, context);
    if steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n**What to do next**\n");
    for (at, step) in steps.iter().enumerate() {
        if let Some(command) = step.command.as_ref().filter(|command| command.contains('\n')) {
            let _ = writeln!(out, "{}. {}:", at + 1, prose(&step.text, 500));
            fenced(out, "sh", command);
            continue;
        }
        let command = step.command.as_ref().map(|command| format!(": {}", code(command, 4_000)));
        let _ = writeln!(out, "{}. {}{}", at + 1, prose(&step.text, 500), command.unwrap_or_default());
    }
}

fn suspects(out: &mut String, report: &Report) {
    if report.suspects.is_empty() {
        return;
    }
    let shown = report.suspects.len().min(10);
    let _ = writeln!(out, "\n<details><summary>Suspects (first {shown})</summary>\n");
    let _ = writeln!(out, "| # | commit | score | why |\n|--:|---|--:|---|");
    for suspect in report.suspects.iter().take(shown) {
        let reasons: Vec<String> =
            phrasing::reasons(suspect).into_iter().take(3).map(|reason| prose(reason, 120)).collect();
        let _ = writeln!(
            out,
            "| {} | {} {} | {:.2} | {} |",
            suspect.rank,
            code(&short(&suspect.commit), 10),
            prose(&suspect.subject, 100),
            suspect.score,
            reasons.join("; ")
        );
    }
    let _ = writeln!(out, "\n</details>");
}

fn known(out: &mut String, report: &Report) {
    if report.similar.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n**Seen before**\n");
    for similar in report.similar.iter().take(5) {
        let why: Vec<String> = similar.why.iter().take(3).map(|why| prose(why, 120)).collect();
        let recheck = match similar.recheck {
            CheckResult::Pass => "checked again now and holds",
            CheckResult::Fail => "checked again now and does **not** hold",
            CheckResult::NotRun => "not checked again",
        };
        let (id, proof) = (code(similar.incident_id.as_str(), 80), phrasing::proof_words(similar.proof));
        let _ = writeln!(out, "- {id}: {proof}, {recheck}. Alike: {}", why.join("; "));
    }
}

fn doubts(out: &mut String, report: &Report, context: &RenderContext) {
    let others: Vec<_> = report.hypotheses.iter().take(8).collect();
    if !others.is_empty() {
        let _ = writeln!(out, "\n**Hypotheses and their outcome**\n");
        for hypothesis in others {
            let status = match hypothesis.status {
                HypothesisStatus::Supported => "supported",
                HypothesisStatus::Refuted => "refuted",
                HypothesisStatus::Open => "open",
            };
            let cited = cited(&hypothesis.evidence);
            let _ = writeln!(out, "- {status}: {}{cited}", prose(&hypothesis.statement, 400));
        }
    }
    if !report.struck.is_empty() {
        let _ = writeln!(out, "\n**Removed, because the evidence does not support it**\n");
        for struck in report.struck.iter().take(8) {
            let _ = writeln!(out, "- {} ({})", prose(&struck.claim, 300), prose(&struck.because, 300));
        }
    }
    for note in report.usage.fell_back.iter().chain(context.notes.iter().take(10)) {
        let _ = writeln!(out, "\n> {}", prose(note, 300));
    }
}

fn evidence(out: &mut String, report: &Report) {
    if report.evidence.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n<details><summary>Evidence</summary>");
    for evidence in report.evidence.iter().take(20) {
        let _ = writeln!(out, "\n**{}** {}", prose(&evidence.id.0, 20), code(&evidence.locator.0, 300));
        let excerpt: String = evidence.excerpt.chars().take(MAX_EXCERPT_CHARS).collect();
        fenced(out, "text", &block(&excerpt));
    }
    let _ = writeln!(out, "\n</details>");
}

fn cited(ids: &[EvidenceId]) -> String {
    let ids: Vec<String> = ids.iter().take(12).map(|id| prose(&id.0, 20)).collect();
    if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) }
}

fn fence(out: &mut String, title: &str, text: &str) {
    let text = patch(text);
    let total = text.lines().count();
    let shown: String = text.lines().take(MAX_DIFF_LINES).flat_map(|row| [row, "\n"]).collect();
    let cut = if total > MAX_DIFF_LINES {
        format!(", first {MAX_DIFF_LINES} of {total} lines")
    } else {
        String::new()
    };
    let _ = writeln!(out, "\n<details open><summary>{title}{cut}</summary>");
    fenced(out, "diff", &shown);
    let _ = writeln!(out, "\n</details>");
}

fn fenced(out: &mut String, language: &str, text: &str) {
    let ticks = "`".repeat(longest_run(text, '`').max(2) + 1);
    let _ = writeln!(out, "\n{ticks}{language}\n{}\n{ticks}", text.trim_end_matches('\n'));
}

/// Inline code; with a blank on both sides if the text begins or ends with a backtick.
fn code(text: &str, max: usize) -> String {
    // A bar would end a table cell, even in code.
    let text = line(text, max).replace('|', "¦");
    if text.is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run(&text, '`') + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

fn longest_run(text: &str, wanted: char) -> usize {
    let runs = text.chars().scan(0, |run, char| {
        *run = if char == wanted { *run + 1 } else { 0 };
        Some(*run)
    });
    runs.max().unwrap_or(0)
}

/// One line of outside text. Punctuation with a meaning in Markdown or HTML is escaped; a zero-width space breaks the
/// texts that hosts link automatically (mentions, issue numbers, addresses), which entities would not prevent.
fn prose(text: &str, max: usize) -> String {
    const BREAK: &str = "&#8203;";
    let text = line(text, max);
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => {
                out.push('@');
                out.push_str(BREAK);
            }
            '#' | '!' | '$' | '%' | '~' => {
                out.push('\\');
                out.push(char);
                if next.is_some_and(char::is_alphanumeric) {
                    out.push_str(BREAK);
                }
            }
            ':' if text[at..].starts_with("://") => {
                out.push(':');
                out.push_str(BREAK);
            }
            '.' if at >= 3 && text[..at].to_ascii_lowercase().ends_with("www") => {
                out.push_str(BREAK);
                out.push('.');
            }
            // Some hosts link `GH-12` and `JIRA-12` to tickets.
            '-' if next.is_some_and(|next| next.is_ascii_digit())
                && text[..at].ends_with(|before: char| before.is_ascii_uppercase()) =>
            {
                out.push('-');
                out.push_str(BREAK);
            }
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '^' => {
                out.push('\\');
                out.push(char);
            }
            '+' | '-' | '=' | '/' if at == 0 => {
                out.push('\\');
                out.push(char);
            }
            '.' | ')' if at > 0 && text[..at].chars().all(|before| before.is_ascii_digit()) => {
                out.push('\\');
                out.push(char);
            }
            char => out.push(char),
        }
    }
    out
}
