/*!
Draws the bisect as a chart: one row for the range with the probability of each commit before the first run, then a
row per run with the tested commit, the outcome, and the part of the range that was still open.

The horizontal axis is the position in the range, oldest on the left. History is a graph, so the grey parts are an
approximation on a line; the number of remaining commits beside each row is exact.
*/

use maud::{Markup, html};
use millwright_model::{ReplayOutcome, ReplayRun, Report};

use super::context::BisectView;
use super::phrasing::outcome_words;
use super::text::{count, percent, short};

const WIDTH: f64 = 720.0;
const LEFT: f64 = 8.0;
const RIGHT: f64 = 96.0;
const TOP: f64 = 64.0;
const ROW: f64 = 22.0;
/// Maximum number of columns of the histogram.
const BINS: usize = 160;
/// Maximum number of rows; a longer bisect says how many are left out.
const MAX_ROWS: usize = 60;

struct Row<'a> {
    run: usize,
    ran: &'a ReplayRun,
    position: usize,
    /// Positions that are still open after the run.
    open: (usize, usize),
    left: u32,
}

pub(super) fn draw(report: &Report, view: &BisectView) -> Option<Markup> {
    let replay = report.replay.as_ref()?;
    let total = view.candidates.len();
    if total < 2 {
        return None;
    }
    let culprit = report.root_cause.as_ref().and_then(|cause| cause.commit.as_deref());
    let position = |commit: &str| view.candidates.iter().position(|candidate| candidate.commit == commit);
    let (mut low, mut high) = (0, total - 1);
    let mut rows = Vec::new();
    for step in &view.steps {
        let Some(ran) = step.run.checked_sub(1).and_then(|at| replay.runs.get(at)) else { continue };
        let Some(position) = position(&ran.commit) else { continue };
        match ran.outcome {
            ReplayOutcome::Passes => low = low.max((position + 1).min(high)),
            ReplayOutcome::Reproduces => high = high.min(position.max(low)),
            ReplayOutcome::OtherFailure | ReplayOutcome::CannotTest => {}
        }
        rows.push(Row { run: step.run, ran, position, open: (low, high), left: step.left });
    }
    let hidden = rows.len().saturating_sub(MAX_ROWS);
    rows.truncate(MAX_ROWS);
    let height = TOP + ROW * rows.len() as f64 + 26.0;
    let span = WIDTH - LEFT - RIGHT;
    let x = |position: usize| LEFT + span * position as f64 / total as f64;
    let step = span / total as f64;
    let label =
        format!("Bisect over {}: {}, oldest commit left", count(total, "commit"), count(rows.len(), "run"));
    let bars = histogram(view, span);
    Some(html! {
        svg.bisect viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(label) {
            @for (left, width, share, text) in &bars {
                @let tall = (share * (TOP - 22.0)).max(1.0);
                rect.mass x=(px(*left)) y=(px(TOP - 8.0 - tall)) width=(px(*width)) height=(px(tall)) {
                    title { (text) }
                }
            }
            text.axis x=(px(LEFT)) y="12" { "how likely each commit was at first" }
            @if let Some(at) = culprit.and_then(position) {
                @let middle = x(at) + step / 2.0;
                line.culprit x1=(px(middle)) x2=(px(middle)) y1="18" y2=(px(height - 20.0)) {}
            }
            @for (index, row) in rows.iter().enumerate() {
                @let y = TOP + ROW * index as f64;
                @let open = x(row.open.0);
                rect.range x=(px(LEFT)) y=(px(y + 6.0)) width=(px(span)) height="6" rx="3" {}
                rect.open x=(px(open)) y=(px(y + 6.0))
                    width=(px((x(row.open.1 + 1) - open).max(2.0))) height="6" rx="3" {}
                (mark(row, x(row.position) + step / 2.0, y + 9.0))
                text.left x=(px(WIDTH - RIGHT + 10.0)) y=(px(y + 13.0)) { (row.left) " left" }
            }
            text.axis x=(px(LEFT)) y=(px(height - 6.0)) { "good" }
            text.axis.end x=(px(LEFT + span)) y=(px(height - 6.0)) { "failing" }
        }
        p.legend {
            span.dot.pass {} " passes "
            span.dot.fail {} " fails the same way "
            span.dot.skip {} " says nothing "
            @if hidden > 0 { " (" (hidden) " more runs not drawn)" }
        }
    })
}

/// Draws the mark of a run; shape and colour both show the outcome.
fn mark(row: &Row<'_>, x: f64, y: f64) -> Markup {
    let title = format!("run {}: {} {}", row.run, short(&row.ran.commit), outcome_words(row.ran.outcome));
    html! {
        @match row.ran.outcome {
            ReplayOutcome::Passes => circle.pass cx=(px(x)) cy=(px(y)) r="6" { title { (title) } },
            ReplayOutcome::Reproduces => {
                rect.fail x=(px(x - 5.5)) y=(px(y - 5.5)) width="11" height="11" { title { (title) } }
            }
            _ => {
                path.skip d=(format!("M{} {}l6 6l-6 6l-6 -6z", px(x), px(y - 6.0))) { title { (title) } }
            }
        }
    }
}

/// Left edge, width, height relative to the tallest, and a title, for each column.
fn histogram(view: &BisectView, span: f64) -> Vec<(f64, f64, f64, String)> {
    let total = view.candidates.len();
    let per_bin = total.div_ceil(BINS);
    let bins: Vec<(usize, f64)> = view
        .candidates
        .chunks(per_bin)
        .map(|chunk| {
            let mass = chunk.iter().map(|c| if c.mass.is_finite() { c.mass.max(0.0) } else { 0.0 }).sum();
            (chunk.len(), mass)
        })
        .collect();
    let tallest = bins.iter().map(|(_, mass)| *mass).fold(f64::MIN_POSITIVE, f64::max);
    let mut at = 0;
    bins.into_iter()
        .map(|(len, mass)| {
            let left = LEFT + span * at as f64 / total as f64;
            let width = (span * len as f64 / total as f64 - 0.5).max(0.5);
            let text = match view.candidates.get(at) {
                Some(candidate) if len == 1 => format!("{}: {}", short(&candidate.commit), percent(mass)),
                _ => format!("{}: {}", count(len, "commit"), percent(mass)),
            };
            at += len;
            (left, width, mass / tallest, text)
        })
        .collect()
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}
