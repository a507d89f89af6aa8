/*!
One page for a terminal, for an engineer on call at night: the incident, its cause, the place, the fix, the proof and
the next steps; details follow. Colours only repeat information that is in the text, so that the page is the same in a
pipe, a log and a ticket.
*/

use std::fmt::Write as _;

use millwright_model::{CheckResult, Fix, HypothesisStatus, Report, TestsResult, Verdict};

use super::context::RenderContext;
use super::diff::{self, ReportDiff};
use super::executed::executed_sentences;
use super::narrative::{self, CheckMark, NextStep, ReportCheck};
use super::phrasing;
use super::terminal_page::{DIM, GREEN, RED, TerminalPage, YELLOW, line_of_code};
use super::text::{duration, line, patch, percent, short};

/// Maximum number of lines shown of the fix; the page refers to the file for the rest.
const MAX_FIX_LINES: usize = 60;
/// Maximum number of lines shown of the replay's output.
const MAX_OUTPUT_LINES: usize = 12;
/// Maximum number of lines shown of the culprit.
const MAX_GUILTY_LINES: usize = 24;

pub(super) fn render(report: &Report, context: &RenderContext) -> String {
    let width = if context.width == 0 { 100 } else { context.width.clamp(60, 120) };
    let mut page = TerminalPage { out: String::new(), width, color: context.color };
    page.head(report, context);
    page.cause(report);
    page.culprit(report, context);
    page.fix(report, context);
    page.tried(report);
    page.shown(report);
    page.proof(report, context);
    page.steps(&narrative::next_steps(report, context));
    page.suspects(report);
    page.hypotheses(report);
    page.similar(report);
    page.impact(report);
    page.struck_and_notes(report, context);
    page.evidence(report);
    page.foot(report);
    page.out
}

impl TerminalPage {
    fn head(&mut self, report: &Report, context: &RenderContext) {
        let style = match report.verdict {
            Verdict::Known | Verdict::Verified | Verdict::NotAnIncident => GREEN.bold(),
            Verdict::Confirmed | Verdict::Probable => YELLOW.bold(),
            Verdict::Inconclusive => RED.bold(),
        };
        let word = phrasing::verdict_word(report.verdict);
        let meaning = phrasing::verdict_meaning(report);
        let wrapped = textwrap::fill(&format!("{word}: {meaning}"), self.width);
        let rest = wrapped.strip_prefix(word).unwrap_or_default();
        let _ = writeln!(self.out, "{}{rest}", self.paint(style, word));
        if let Some(title) = &context.ticket_title {
            self.wrapped("", "", &line(title, 200));
        }
    }

    fn cause(&mut self, report: &Report) {
        match &report.root_cause {
            Some(cause) => {
                // In an inconclusive report, the reason matters as much as the suspects.
                let unsettled = report.verdict == Verdict::Inconclusive;
                self.section(phrasing::cause_heading(report));
                let mut text =
                    if unsettled { line(&report.summary, 1_500) } else { line(&cause.statement, 800) };
                let cited: Vec<String> = cause.evidence.iter().map(|id| line(&id.0, 20)).collect();
                if !cited.is_empty() {
                    let _ = write!(text, " [{}]", cited.join(", "));
                }
                self.wrapped("  ", "  ", &text);
                let surely =
                    format!("{}; {} sure", phrasing::kind_words(cause.kind), percent(cause.confidence));
                let surely = self.paint(DIM, &surely);
                let _ = writeln!(self.out, "  {surely}");
            }
            None => {
                self.section("Summary");
                self.wrapped("  ", "  ", &line(&report.summary, 1_500));
            }
        }
    }

    fn culprit(&mut self, report: &Report, context: &RenderContext) {
        let Some(cause) = &report.root_cause else { return };
        if cause.commit.is_none() && cause.locations.is_empty() {
            return;
        }
        self.section("Where");
        if let Some(commit) = &cause.commit {
            let view = context.culprit.as_ref();
            let subject = view.map(|view| view.subject.as_str()).or_else(|| {
                report.suspects.iter().find(|suspect| suspect.commit == *commit).map(|s| s.subject.as_str())
            });
            let mut text = format!("commit {}", short(commit));
            if let Some(subject) = subject {
                let _ = write!(text, "  {}", line(subject, 120));
            }
            self.wrapped("  ", "    ", &text);
            if let Some(view) = view {
                let by = format!("{}, {}", line(&view.author, 80), line(&view.date, 40));
                let by = self.paint(DIM, &by);
                let _ = writeln!(self.out, "    {by}");
            }
        }
        for location in cause.locations.iter().take(8) {
            let lines = match location.start_line == location.end_line {
                true => location.start_line.to_string(),
                false => format!("{}-{}", location.start_line, location.end_line),
            };
            let symbol = location.symbol.as_deref().map(|symbol| {
                let name = symbol.rsplit_once("::").map_or(symbol, |(_, name)| name);
                format!("  in {}", line(name, 100))
            });
            let path = line(&location.path, 200);
            self.wrapped("  ", "    ", &format!("{path}:{lines}{}", symbol.unwrap_or_default()));
        }
        // For a mere suspect, show no diff: a reader would take it for the lines to fix.
        if let Some(view) = context.culprit.as_ref().filter(|_| report.verdict != Verdict::Inconclusive) {
            let marked = ReportDiff::of_culprit(view);
            let (all, some) = marked.changes();
            let parsed = marked.only_guilty();
            let _ = writeln!(self.out);
            self.diff(&parsed, MAX_GUILTY_LINES);
            if some > 0 {
                let others = match some < all && !parsed.truncated {
                    true => format!(" ({some} of the commit's {all} hunks)"),
                    false => String::new(),
                };
                let text = format!("> marks the guilty lines: with them back, the replay passes{others}");
                self.wrapped("    ", "    ", &text);
            }
        }
    }

    fn fix(&mut self, report: &Report, context: &RenderContext) {
        let Some(fix) = &report.fix else { return };
        let parsed = diff::parse(&fix.diff);
        self.section("Fix");
        self.wrapped("  ", "  ", &phrasing::fix_words(fix, &parsed));
        for item in fix.takes_away.iter().take(12) {
            self.wrapped("  - ", "    ", &format!("removes: {}", line(item, 300)));
        }
        if let Some(check) = &fix.four_way {
            if let Some(example) = check.example.as_deref().filter(|_| check.contradicted > 0) {
                self.wrapped("  - ", "    ", &format!("contradicted: {}", line(example, 600)));
            }
            for item in check.on_purpose.iter().take(5) {
                self.wrapped("  - ", "    ", &format!("also changes: {}", line(item, 300)));
            }
        }
        if fix.diff.is_empty() {
            return;
        }
        let _ = writeln!(self.out);
        if context.fix_file.is_none() && fix.diff.lines().count() <= MAX_FIX_LINES {
            // The patch is meant to be copied, so it has its headers and no indentation.
            for row in patch(&fix.diff).lines() {
                let style = match row.as_bytes().first() {
                    Some(b'+') => Some(GREEN),
                    Some(b'-') => Some(RED),
                    _ => None,
                };
                let painted = style.map_or_else(|| row.to_owned(), |style| self.paint(style, row));
                let _ = writeln!(self.out, "{painted}");
            }
        } else {
            self.diff(&parsed, MAX_FIX_LINES);
        }
    }

    fn tried(&mut self, report: &Report) {
        if report.tried.is_empty() {
            return;
        }
        self.section("Tried, but not verified");
        for tried in report.tried.iter().take(5) {
            let size = diff::parse(&tried.diff);
            let words = phrasing::fix_words(&Fix::untested(tried.kind, String::new()), &size);
            self.wrapped("  - ", "    ", &format!("{words}: {}", line(&tried.because, 600)));
        }
    }

    /// The replay's output at the failing revision, and whether it matches the ticket.
    fn shown(&mut self, report: &Report) {
        let Some(replay) = &report.replay else { return };
        self.section("What the replay shows at the failing revision");
        if let Some((ticket, shown)) = phrasing::two_failures(report) {
            self.wrapped("  ticket  ", "          ", &line(ticket, 400));
            self.wrapped("  replay  ", "          ", &line(shown, 400));
        }
        if let Some(text) = phrasing::agreement_words(report) {
            self.wrapped("  ", "  ", &line(&text, 500));
        }
        for sentence in executed_sentences(report) {
            self.wrapped("  ", "  ", &line(&sentence, 800));
        }
        for path in replay.laid_in.iter().take(5) {
            self.wrapped("  ", "  ", &format!("Laid over every checkout: {}", line(path, 200)));
        }
        let output = replay.output_end.as_deref().unwrap_or_default();
        for row in output.lines().rev().take(MAX_OUTPUT_LINES).collect::<Vec<_>>().into_iter().rev() {
            self.code("    ", &line_of_code(row), Some(DIM));
        }
    }

    fn proof(&mut self, report: &Report, context: &RenderContext) {
        let checks = narrative::checks(report, context);
        let effort = narrative::effort(report);
        if checks.is_empty() && effort.is_none() {
            let not_run = report.fix.as_ref().is_some_and(|fix| fix.tests == TestsResult::NotRun);
            if not_run {
                self.section(narrative::checks_heading(report));
                self.wrapped("  ", "  ", "Not by a replay; the project's tests were NOT RUN.");
            }
            return;
        }
        self.section(narrative::checks_heading(report));
        self.checks(&checks);
        if let Some(effort) = effort {
            self.wrapped("        ", "        ", &effort);
        }
        if let Some((heading, checks)) = narrative::checks_then(report) {
            self.section(&heading);
            self.checks(&checks);
        }
    }

    fn checks(&mut self, checks: &[ReportCheck]) {
        for ReportCheck { mark, text, runs } in checks {
            let (sign, style) = match mark {
                CheckMark::Good => ("ok  ", GREEN),
                CheckMark::Bad => ("FAIL", RED),
                CheckMark::Open => ("?   ", YELLOW),
            };
            let sign = self.paint(style, sign);
            let text = line(text, 300);
            let cite = match runs.as_slice() {
                [] => String::new(),
                [run] => format!("  (run {run})"),
                [first, .., last] if last - first + 1 == runs.len() => {
                    format!("  (runs {first} to {last})")
                }
                several => {
                    let several: Vec<String> = several.iter().map(usize::to_string).collect();
                    format!("  (runs {})", several.join(", "))
                }
            };
            let _ = writeln!(self.out, "  {sign}  {text}{}", self.paint(DIM, &cite));
        }
    }

    fn steps(&mut self, steps: &[NextStep]) {
        if steps.is_empty() {
            return;
        }
        self.section("What to do next");
        for (at, step) in steps.iter().enumerate() {
            let colon = if step.command.is_some() { ":" } else { "" };
            self.wrapped(&format!("  {}. ", at + 1), "     ", &format!("{}{colon}", line(&step.text, 500)));
            if let Some(command) = &step.command {
                self.command("     ", command);
            }
        }
    }

    fn suspects(&mut self, report: &Report) {
        let settled = matches!(report.verdict, Verdict::Known | Verdict::Verified | Verdict::Confirmed);
        if settled || report.suspects.is_empty() {
            return;
        }
        self.section("Suspects");
        for suspect in report.suspects.iter().take(5) {
            let text = format!(
                "{:>2}. {}  {}  ({:.2})",
                suspect.rank,
                short(&suspect.commit),
                line(&suspect.subject, 100),
                suspect.score
            );
            self.wrapped("  ", "      ", &text);
            let reasons: Vec<String> =
                phrasing::reasons(suspect).into_iter().take(3).map(|reason| line(reason, 120)).collect();
            if !reasons.is_empty() {
                self.wrapped("      ", "      ", &reasons.join("; "));
            }
        }
        if report.suspects.len() > 5 {
            let text =
                self.paint(DIM, &format!("… {} more with --format html or json", report.suspects.len() - 5));
            let _ = writeln!(self.out, "      {text}");
        }
    }

    fn hypotheses(&mut self, report: &Report) {
        // Skip a hypothesis that only repeats the cause.
        let told: Vec<_> = report
            .hypotheses
            .iter()
            .filter(|hypothesis| {
                report.root_cause.as_ref().is_none_or(|c| c.statement != hypothesis.statement)
            })
            .collect();
        if told.is_empty() {
            return;
        }
        self.section("Hypotheses and their outcome");
        for hypothesis in told.into_iter().take(6) {
            let status = match hypothesis.status {
                HypothesisStatus::Supported => "supported",
                HypothesisStatus::Refuted => "refuted",
                HypothesisStatus::Open => "open",
            };
            self.wrapped(
                "  ",
                "             ",
                &format!("{status:<9}  {}", line(&hypothesis.statement, 300)),
            );
        }
    }

    fn similar(&mut self, report: &Report) {
        if report.similar.is_empty() {
            return;
        }
        self.section("Seen before");
        for similar in report.similar.iter().take(3) {
            let why: Vec<String> = similar.why.iter().take(3).map(|why| line(why, 120)).collect();
            let recheck = match similar.recheck {
                CheckResult::Pass => "checked again now: holds",
                CheckResult::Fail => "checked again now: does NOT hold",
                CheckResult::NotRun => "not checked again",
            };
            let text = format!(
                "{}  {}; {recheck}. Alike: {}",
                line(similar.incident_id.as_str(), 80),
                phrasing::proof_words(similar.proof),
                why.join("; ")
            );
            self.wrapped("  ", "    ", &text);
        }
    }

    fn impact(&mut self, report: &Report) {
        let Some(impact) = &report.impact else { return };
        self.section("Impact");
        let mut parts = vec![format!("{} users, {} sessions", impact.users, impact.sessions)];
        if !impact.routes.is_empty() {
            let routes: Vec<String> = impact.routes.iter().take(5).map(|route| line(route, 80)).collect();
            parts.push(format!("on {}", routes.join(", ")));
        }
        if let Some(first) = &impact.first_seen {
            parts.push(format!("since {}", first.as_jiff()));
        }
        self.wrapped("  ", "  ", &parts.join("; "));
    }

    fn struck_and_notes(&mut self, report: &Report, context: &RenderContext) {
        if !report.struck.is_empty() {
            self.section("Removed: claims whose evidence does not support them");
            for struck in report.struck.iter().take(5) {
                let text = format!("{} ({})", line(&struck.claim, 200), line(&struck.because, 200));
                self.wrapped("  - ", "    ", &text);
            }
        }
        let fell_back = report.usage.fell_back.iter();
        let notes: Vec<String> = fell_back
            .map(|why| format!("The playbook took over: {}", line(why, 200)))
            .chain(context.notes.iter().take(10).map(|note| line(note, 300)))
            .collect();
        if !notes.is_empty() {
            self.section("To know");
            for note in notes {
                self.wrapped("  - ", "    ", &note);
            }
        }
    }

    fn evidence(&mut self, report: &Report) {
        if report.evidence.is_empty() {
            return;
        }
        self.section("Evidence");
        for evidence in report.evidence.iter().take(12) {
            let locator = line(&evidence.locator.0, 160);
            let text = evidence.excerpt.lines().map(str::trim).find(|text| phrasing::tells(text, evidence));
            let text = text.map(|text| format!("  {}", line(text, 300))).unwrap_or_default();
            let row = format!("{:<4} {}{text}", line(&evidence.id.0, 20), shorten_commit(&locator));
            self.code("  ", &row, None);
        }
        if report.evidence.len() > 12 {
            let text = self.paint(DIM, &format!("… {} more", report.evidence.len() - 12));
            let _ = writeln!(self.out, "       {text}");
        }
    }

    fn foot(&mut self, report: &Report) {
        let usage = &report.usage;
        let mut text = format!("report {}, {}", line(report.id.as_str(), 80), line(&usage.planner, 80));
        let _ = write!(text, ", {} tool calls, {}", usage.tool_calls, duration(usage.wall_ms));
        if usage.input_tokens + usage.output_tokens > 0 {
            let tokens = usage.input_tokens + usage.output_tokens;
            let _ = write!(text, ", {tokens} tokens, {:.2} USD", usage.cost_usd);
        }
        let text = self.paint(DIM, &text);
        let _ = writeln!(self.out, "\n{text}");
    }
}

/// Shortens `git:<40 hex>:path` to ten digits, so that the path is visible.
fn shorten_commit(locator: &str) -> String {
    let parts = locator.strip_prefix("git:").and_then(|rest| rest.get(..10).zip(rest.get(40..)));
    parts.map_or_else(|| locator.to_owned(), |(commit, rest)| format!("git:{commit}{rest}"))
}
