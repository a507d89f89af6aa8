/*!
Whether the service learns: how long a proven cause took and what it cost, by how often its problem had been seen; the
share settled without a person; the share verified; what ranking learned from it; and the results of eval suites.
*/

use crate::http::CallerStore;
use std::collections::BTreeMap;

use axum::Extension;
use axum::response::Response;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use millwright_model::{Timestamp, Verdict, WeightVersion};
use millwright_store::AnsweredIncident;

use super::page_error::PageError;
use super::session::PageSession;
use super::shell::{self, NavigationItem};
use super::{charts, evaluations, format};

/// Most answers that are read (the newest ones), and weeks that are drawn.
const ANSWERS: u32 = 5_000;
const WEEKS: usize = 12;
const VERSIONS: usize = 10;

pub(super) async fn show(
    CallerStore(store): CallerStore,
    Extension(visit): Extension<PageSession>,
) -> Result<Response, PageError> {
    let answered = store.answered(ANSWERS).await?;
    // Learning and quality of the ranking belong to the whole installation, not to some of its repositories.
    let is_whole = store.scope().sees_installation();
    let versions = if is_whole { store.weight_versions().await? } else { Vec::new() };
    let evaluated = if is_whole { store.evaluations(None, evaluations::MOST).await? } else { Vec::new() };
    let body = html! {
        h1 { "Learning" }
        @if answered.is_empty() {
            div.empty {
                p { "No incident has been answered yet; figures appear with the first answers." }
                p { a href="/incidents/new" { "Report an incident" } }
            }
        } @else {
            (totals(&answered))
            (occurrences(&answered))
            (weeks(&answered))
        }
        (ranking(&versions))
        (evaluations::section(&evaluated))
    };
    Ok(shell::page(&visit, NavigationItem::Learning, "Learning", &body))
}

fn is_proven(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Known | Verdict::Verified | Verdict::Confirmed)
}

fn is_verified(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Known | Verdict::Verified)
}

/// Two shares of all answers: those proven without a person, and those whose fix was verified.
fn shares<'a>(answers: impl Iterator<Item = &'a AnsweredIncident>) -> [f64; 2] {
    let (mut all, mut alone, mut verified) = (0_u32, 0_u32, 0_u32);
    for answer in answers {
        all += 1;
        alone += u32::from(is_proven(answer.verdict) && answer.steered == 0);
        verified += u32::from(is_verified(answer.verdict));
    }
    let all = f64::from(all.max(1));
    [f64::from(alone) / all, f64::from(verified) / all]
}

fn totals(answered: &[AnsweredIncident]) -> Markup {
    let [alone, verified] = shares(answered.iter());
    let known = answered.iter().filter(|answer| answer.verdict == Verdict::Known).count();
    html! {
        dl.totals {
            div { dt { "answers" } dd { (answered.len()) } }
            div { dt { "settled without a person" } dd { (format!("{:.0} %", alone * 100.0)) } }
            div { dt { "with a verified fix" } dd { (format!("{:.0} %", verified * 100.0)) } }
            div { dt { "from memory" } dd { (known) } }
        }
    }
}

fn occurrences(answered: &[AnsweredIncident]) -> Markup {
    let mut by: BTreeMap<i64, Vec<&AnsweredIncident>> = BTreeMap::new();
    for answer in answered.iter().filter(|answer| is_proven(answer.verdict)) {
        by.entry(answer.occurrence.min(3)).or_default().push(answer);
    }
    let name = |occurrence: i64| match occurrence {
        1 => "first time",
        2 => "second time",
        _ => "third and later",
    };
    let bars = |value: fn(&AnsweredIncident) -> f64, said: fn(f64) -> String| -> Vec<(String, f64, String)> {
        by.iter()
            .map(|(occurrence, answers)| {
                let middle = median(answers.iter().map(|answer| value(answer)).collect());
                (name(*occurrence).to_owned(), middle, format!("{} ({})", said(middle), answers.len()))
            })
            .collect()
    };
    let time = bars(|answer| answer.wall_ms as f64, |ms| millwright_agent::report::duration(ms as u64));
    let cost = bars(|answer| answer.cost_usd, |usd| format!("{usd:.4} USD"));
    let free = cost.iter().all(|(_, usd, _)| *usd == 0.0);
    html! {
        section {
            h2 { "By how often the problem was seen" }
            @if time.is_empty() { p { "No cause was proven yet." } }
            @else {
                (charts::bars("Time to a proven cause, median (answers)", &time))
                @if free { p.dim { "No model costs: every proven cause cost 0 USD." } }
                @else { (charts::bars("Cost of a proven cause, median (answers)", &cost)) }
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle)) {
        (_, None) => 0.0,
        (1, Some(value)) => *value,
        (_, Some(value)) => (value + values.get(middle.saturating_sub(1)).copied().unwrap_or(*value)) / 2.0,
    }
}

fn weeks(answered: &[AnsweredIncident]) -> Markup {
    let mut by: BTreeMap<String, Vec<&AnsweredIncident>> = BTreeMap::new();
    for answer in answered {
        if let Some(week) = monday(answer.at) {
            by.entry(week).or_default().push(answer);
        }
    }
    let from = by.len().saturating_sub(WEEKS);
    let points: Vec<(String, [f64; 2])> =
        by.into_iter().skip(from).map(|(week, answers)| (week, shares(answers.into_iter()))).collect();
    html! {
        section {
            h2 { "By week" }
            @if points.len() < 2 { p.dim { "A line needs at least two weeks of data." } }
            @else { (charts::shares("Share of answers", ["settled without a person", "with a verified fix"], &points)) }
        }
    }
}

/// The Monday of the week of `at`.
fn monday(at: Timestamp) -> Option<String> {
    let date = at.as_jiff().to_zoned(TimeZone::UTC).date();
    let back = i64::from(date.weekday().since(Weekday::Monday));
    Some(date.checked_sub(jiff::SignedDuration::from_hours(24 * back)).ok()?.to_string())
}

fn ranking(versions: &[WeightVersion]) -> Markup {
    html! {
        section {
            h2 { "What ranking has learned" }
            @if versions.is_empty() {
                p { "The weights that ship are in force. Once causes are proven or confirmed, "
                    code { "millwright memory weights learn" } " learns from them." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Versions of the weights" {
                    table {
                        thead { tr { th scope="col" { "version" } th scope="col" { "learned" } th scope="col" { "state" } th.num scope="col" { "incidents" } th.num scope="col" { "culprit on top before" } th.num scope="col" { "after" } } }
                        tbody {
                            @for version in versions.iter().rev().take(VERSIONS) {
                                @let figures = &version.learned.figures;
                                tr {
                                    th scope="row" { (version.version) }
                                    td { (format::time(version.created_at)) }
                                    td { @if version.active { "in force" } @else if version.adopted { "was in force" } @else { "not adopted" } }
                                    td.num { (figures.held_out) }
                                    td.num { (format!("{:.0} %", figures.first_before * 100.0)) }
                                    td.num { (format!("{:.0} %", figures.first_after * 100.0)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use millwright_model::IncidentId;

    use super::*;

    #[test]
    fn figures_are_those_of_the_answers() {
        let answer = |verdict, steered| AnsweredIncident {
            incident_id: IncidentId::from_bits(1),
            at: Timestamp::UNIX_EPOCH,
            verdict,
            occurrence: 1,
            wall_ms: 1,
            cost_usd: 0.0,
            steered,
        };
        let answers = [
            answer(Verdict::Verified, 0),
            answer(Verdict::Verified, 2),
            answer(Verdict::Confirmed, 0),
            answer(Verdict::Inconclusive, 0),
        ];
        assert_eq!(shares(answers.iter()), [0.5, 0.5]);
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0]), median(vec![])), (2.0, 2.5, 0.0));
        assert_eq!(monday("2026-11-24T10:00:00Z".parse().unwrap()).as_deref(), Some("2026-11-23"));
        assert_eq!(monday("2026-11-23T00:00:00Z".parse().unwrap()).as_deref(), Some("2026-11-23"));
    }
}
