/*!
Renders one self-contained page: no script, no font, no image, and nothing is loaded. The content security policy in
its head forbids everything else and names the style sheet by its hash. maud escapes every value; `text` removes the
characters that escaping keeps.
*/

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use millwright_model::{Approval, CheckResult, HypothesisStatus, ReplayOutcome, Report, Suspect, Verdict};
use sha2::{Digest, Sha256};

use super::bisect_chart;
use super::cited::{self, cited};
use super::context::RenderContext;
use super::diff::ReportDiff;
use super::executed::executed_sentences;
use super::html_fix::{diff_table, fix, tried};
use super::narrative::{self, CheckMark};
use super::phrasing;
use super::text::{block, duration, line, percent, short};

/// The style sheet of the sections; a page that contains the sections must contain it as well.
pub const STYLE: &str = include_str!("style.css");
const MAX_RUNS: usize = 200;

pub(super) fn render(report: &Report, context: &RenderContext) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    let word = phrasing::verdict_word(report.verdict);
    let title = context.ticket_title.as_deref().unwrap_or("Incident");
    let title = line(title, 160);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (word) ": " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header {
                        p.verdict.(report.verdict.as_str()) { (word) }
                        h1 { (title) }
                        p.meaning { (phrasing::verdict_meaning(report)) }
                    }
                    (answer(report, context))
                    (grounds(report, context))
                    (foot(report))
                }
            }
        }
    };
    page.into_string() + "\n"
}

/// The part that an on-call engineer needs first: the cause, what to do, the fix. For the page above and for pages
/// that add to it.
pub fn answer(report: &Report, context: &RenderContext) -> Markup {
    html! {
        (cause(report, context))
        (next(report, context))
        (fix(report))
        (tried(report))
        (shown(report))
    }
}

/// The evidence of the answer.
pub fn grounds(report: &Report, context: &RenderContext) -> Markup {
    html! {
        (proof(report, context))
        (culprit(report, context))
        (suspects(report))
        (hypotheses(report))
        (similar(report, context))
        (impact(report))
        (doubts(report, context))
        (cited::section(report, context))
    }
}

fn cause(report: &Report, context: &RenderContext) -> Markup {
    let Some(cause) = &report.root_cause else {
        return html! { section { h2 { "Summary" } p.lead { (line(&report.summary, 2_000)) } } };
    };
    html! {
        section {
            h2 { (phrasing::cause_heading(report)) }
            p.lead { (line(&cause.statement, 1_000)) (cited(&cause.evidence)) }
            dl {
                dt { "Kind" } dd { (phrasing::kind_words(cause.kind)) ", " (percent(cause.confidence)) " sure" }
                @if let Some(commit) = &cause.commit {
                    dt { "Commit" }
                    dd {
                        code { (line(commit, 40)) }
                        @if let Some(view) = &context.culprit {
                            br; (line(&view.subject, 160)) br;
                            span.dim { (line(&view.author, 80)) ", " (line(&view.date, 40)) }
                        }
                    }
                }
                @if !cause.locations.is_empty() {
                    dt { "Lines" }
                    dd {
                        @for location in cause.locations.iter().take(20) {
                            div {
                                code { (line(&location.path, 300)) ":" (location.start_line) "–" (location.end_line) }
                                @if let Some(symbol) = &location.symbol {
                                    " in " code {
                                        (line(symbol.rsplit_once("::").map_or(symbol, |(_, name)| name), 200))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn next(report: &Report, context: &RenderContext) -> Markup {
    let steps = narrative::next_steps(report, context);
    html! {
        @if !steps.is_empty() {
            section {
                h2 { "What to do next" }
                ol {
                    @for step in &steps {
                        li {
                            (line(&step.text, 500))
                            @if let Some(command) = &step.command { pre.command { code { (block(command)) } } }
                        }
                    }
                }
            }
        }
    }
}

/// The replay's output at the failing revision, and whether it matches the ticket.
fn shown(report: &Report) -> Markup {
    let Some(replay) = &report.replay else { return html! {} };
    let output = replay.output_end.as_deref().unwrap_or_default();
    html! {
        section {
            h2 { "What the replay shows" }
            @if let Some(text) = phrasing::agreement_words(report) { p { (line(&text, 500)) } }
            @if let Some((ticket, shown)) = phrasing::two_failures(report) {
                dl {
                    dt { "The ticket" } dd { (line(ticket, 400)) }
                    dt { "The replay" } dd { (line(shown, 400)) }
                }
            }
            @for sentence in executed_sentences(report) { p { (line(&sentence, 800)) } }
            @if let Some(executed) = replay.executed.as_ref().filter(|executed| !executed.named.is_empty()) {
                details {
                    summary {
                        "Functions that ran"
                        @if executed.named.len() < executed.units as usize {
                            " (" (executed.named.len()) " of " (executed.units) ")"
                        }
                    }
                    ul { @for unit in &executed.named { li { code { (line(unit, 300)) } } } }
                }
            }
            @if !replay.laid_in.is_empty() {
                p.dim { "Laid over every checkout: " (line(&replay.laid_in.join(", "), 400)) }
            }
            @if !output.trim().is_empty() { pre.command { code { (block(output)) } } }
        }
    }
}

pub(super) fn chip(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Pass => "good",
        CheckResult::Fail => "bad",
        CheckResult::NotRun => "open",
    }
}

fn proof(report: &Report, context: &RenderContext) -> Markup {
    let Some(replay) = &report.replay else { return html! {} };
    let checks = narrative::checks(report, context);
    let hidden = replay.runs.len().saturating_sub(MAX_RUNS);
    html! {
        section {
            h2 { (narrative::checks_heading(report)) }
            (check_list(&checks))
            @if let Some(effort) = narrative::effort(report) { p.dim { (effort) } }
            @if let Some((heading, checks)) = narrative::checks_then(report) {
                h3 { (heading) }
                (check_list(&checks))
            }
            @if let Some(view) = &context.bisect { (bisect_chart::draw(report, view).unwrap_or_default()) }
            @if !replay.runs.is_empty() {
                details {
                    summary { "All runs (" (replay.runs.len()) ")" }
                    div.scroll {
                        table {
                            thead { tr { th { "#" } th { "commit" } th { "outcome" } th.num { "time" } } }
                            tbody {
                                @for (at, run) in replay.runs.iter().take(MAX_RUNS).enumerate() {
                                    tr id=(format!("run{}", at + 1)) {
                                        td { (at + 1) }
                                        td {
                                            code { (short(&run.commit)) }
                                            @if run.patched { span.dim { " changed" } }
                                            @if run.traced { span.dim { " traced" } }
                                        }
                                        td.(outcome(run.outcome)) { (phrasing::outcome_words(run.outcome)) }
                                        td.num { (duration(run.duration_ms)) }
                                    }
                                }
                            }
                        }
                    }
                    @if hidden > 0 { p.dim { (hidden) " more are in the JSON report." } }
                }
            }
        }
    }
}

fn check_list(checks: &[narrative::ReportCheck]) -> Markup {
    html! {
        ul.checks {
            @for check in checks {
                @let (class, word) = match check.mark {
                    CheckMark::Good => ("good", "ok"),
                    CheckMark::Bad => ("bad", "fail"),
                    CheckMark::Open => ("open", "open"),
                };
                li {
                    span.mark.(class) { (word) } " " (line(&check.text, 300))
                    @for run in check.runs.iter().filter(|run| **run <= MAX_RUNS).take(5) {
                        " " a.cite href=(format!("#run{run}")) { "run " (run) }
                    }
                }
            }
        }
    }
}

fn outcome(outcome: ReplayOutcome) -> &'static str {
    match outcome {
        ReplayOutcome::Passes => "good",
        ReplayOutcome::Reproduces => "bad",
        ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest => "open",
    }
}

fn culprit(report: &Report, context: &RenderContext) -> Markup {
    let shown = context.culprit.as_ref().filter(|view| !view.diff.is_empty());
    // For a mere suspect, show no diff: a reader would take it for the lines to fix.
    let Some(view) = shown.filter(|_| report.verdict != Verdict::Inconclusive) else { return html! {} };
    let parsed = ReportDiff::of_culprit(view);
    let (all, some) = (parsed.hunks().count(), parsed.hunks().filter(|(_, hunk)| hunk.is_guilty()).count());
    let told = match some {
        0 => "",
        some if some < all => {
            "The marked lines alone flip the replay; the rest of the commit does not matter."
        }
        _ => "All of its hunks are needed to flip the replay; the guilty lines are marked.",
    };
    html! {
        section {
            h2 { "The culprit’s changes" }
            p { strong { (line(&view.subject, 160)) } " " code { (short(&view.commit)) } }
            @if !told.is_empty() { p { (told) } }
            (diff_table(&parsed, "The culprit’s changes"))
        }
    }
}

fn suspects(report: &Report) -> Markup {
    if report.suspects.is_empty() {
        return html! {};
    }
    let culprit = report.root_cause.as_ref().and_then(|cause| cause.commit.as_deref());
    let named = if report.verdict == Verdict::Inconclusive { "named" } else { "the culprit" };
    // All suspects share one scale, so that their bars can be compared.
    let contributions = report.suspects.iter().take(20).flat_map(|suspect| &suspect.reasons);
    let contributions = contributions.map(|reason| reason.contribution.abs()).filter(|size| size.is_finite());
    let largest = contributions.fold(f64::MIN_POSITIVE, f64::max);
    html! {
        section {
            h2 { "Suspects" }
            p.dim { "As ranked before any replay; the bars show the signals of each commit." }
            ol.suspects {
                @for suspect in report.suspects.iter().take(20) {
                    li value=(suspect.rank) {
                        details open[suspect.rank <= 3] {
                            summary {
                                code { (short(&suspect.commit)) } " " (line(&suspect.subject, 140))
                                @if culprit == Some(suspect.commit.as_str()) { " " span.tag { (named) } }
                                span.score { (format!("{:.2}", suspect.score)) }
                            }
                            (reasons(suspect, largest))
                        }
                    }
                }
            }
        }
    }
}

fn reasons(suspect: &Suspect, largest: f64) -> Markup {
    html! {
        ul.reasons {
            @for reason in suspect.reasons.iter().take(8) {
                @let share = if reason.contribution.is_finite() { reason.contribution / largest } else { 0.0 };
                li {
                    svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
                        rect.against[share < 0.0] x="0" y="0" height="8" width=(format!("{:.1}", share.abs() * 100.0)) {}
                    }
                    span.signal { (line(&reason.signal.replace('_', " "), 60)) }
                    span { (format!("{:+.2} ", reason.contribution)) (line(&reason.detail, 240)) }
                }
            }
        }
    }
}

fn hypotheses(report: &Report) -> Markup {
    html! {
        @if !report.hypotheses.is_empty() {
            section {
                h2 { "Hypotheses and their outcome" }
                ul.checks {
                    @for hypothesis in report.hypotheses.iter().take(20) {
                        @let (class, word) = match hypothesis.status {
                            HypothesisStatus::Supported => ("good", "supported"),
                            HypothesisStatus::Refuted => ("bad", "refuted"),
                            HypothesisStatus::Open => ("open", "open"),
                        };
                        li {
                            span.mark.(class) { (word) } " " (line(&hypothesis.statement, 500))
                            (cited(&hypothesis.evidence))
                        }
                    }
                }
            }
        }
    }
}

fn similar(report: &Report, context: &RenderContext) -> Markup {
    html! {
        @if !report.similar.is_empty() {
            section {
                h2 { "Seen before" }
                ul {
                    @for similar in report.similar.iter().take(10) {
                        li {
                            @let id = line(similar.incident_id.as_str(), 80);
                            @if context.in_service { a href=(format!("/incidents/{id}")) { code { (id) } } }
                            @else { code { (id) } }
                            " "
                            (phrasing::proof_words(similar.proof))
                            @match similar.approval {
                                Approval::Confirmed => ", confirmed by a person",
                                Approval::Rejected => ", REJECTED by a person",
                                Approval::None => "",
                            }
                            "; " span.mark.(chip(similar.recheck)) { "check now: " (phrasing::check_words(similar.recheck)) }
                            @if !similar.why.is_empty() {
                                ul.dim { @for why in similar.why.iter().take(6) { li { (line(why, 200)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn impact(report: &Report) -> Markup {
    let Some(impact) = &report.impact else { return html! {} };
    html! {
        section {
            h2 { "Impact" }
            dl {
                dt { "Users" } dd { (impact.users) }
                dt { "Sessions" } dd { (impact.sessions) }
                @if !impact.routes.is_empty() {
                    dt { "Routes" }
                    dd { @for route in impact.routes.iter().take(20) { code { (line(route, 120)) } " " } }
                }
                @if let Some(first) = &impact.first_seen { dt { "First seen" } dd { (first.as_jiff()) } }
                @if let Some(last) = &impact.last_seen { dt { "Last seen" } dd { (last.as_jiff()) } }
            }
        }
    }
}

fn doubts(report: &Report, context: &RenderContext) -> Markup {
    html! {
        @if !report.struck.is_empty() {
            section {
                h2 { "Removed claims" }
                p.dim { "Claims that were removed because their evidence does not support them." }
                ul {
                    @for struck in report.struck.iter().take(20) {
                        li { s { (line(&struck.claim, 400)) } " " span.dim { (line(&struck.because, 400)) } }
                    }
                }
            }
        }
        @if report.usage.fell_back.is_some() || !context.notes.is_empty() {
            section {
                h2 { "To know" }
                ul {
                    @if let Some(why) = &report.usage.fell_back {
                        li { "The playbook took over: " (line(why, 300)) }
                    }
                    @for note in context.notes.iter().take(30) { li { (line(note, 400)) } }
                }
            }
        }
    }
}

fn foot(report: &Report) -> Markup {
    let usage = &report.usage;
    html! {
        footer.dim {
            p {
                "Millwright report " code { (line(report.id.as_str(), 80)) } ", incident "
                code { (line(report.incident_id.as_str(), 80)) }
            }
            p {
                "Planner " (line(&usage.planner, 80)) ", " (usage.steps) " steps, " (usage.tool_calls)
                " tool calls, " (duration(usage.wall_ms))
                @if usage.input_tokens + usage.output_tokens > 0 {
                    ", " (usage.input_tokens) " tokens in (" (usage.cached_tokens) " cached), "
                    (usage.output_tokens) " out, " (format!("{:.4}", usage.cost_usd)) " USD"
                }
            }
        }
    }
}
