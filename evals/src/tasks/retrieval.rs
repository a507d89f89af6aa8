/*!
The task `retrieval`: whether recall finds the reports that people marked as duplicates of each other. Each report with a
duplicate is a query against all other reports and, as a stricter figure, against earlier reports only.

Reports go through intake into a real store, and the queries use recall's own ranking function. The contribution of each view
is measured by leaving it out and by using it alone. A plain BM25 is the baseline: a memory that does not beat it is not
worth its cost.
*/

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use millwright_ingest::{self as ingest, moment};
use millwright_model::{IncidentId, NewIncident, ParsedTicket, Scope, Timestamp};
use millwright_recall::{RecallQuery, RecallViews, nearest_by, recall};
use millwright_store::embed::Embedder;
use millwright_store::tokenize::split;
use millwright_store::vectors::catch_up;
use millwright_store::{Incident, Store, StoreError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cases::CasesError;
use crate::options::EvalOptions;
use crate::results::CaseResult;
use crate::summary::EvalSummary;
use crate::{EvalError, stats};

/// The number of ranks that are searched for a right answer.
const DEPTH: usize = 1_000;
/// Number of reports stored in one transaction.
const BATCH: usize = 500;
/// Number of queries without a duplicate, to see how often recall shows something for them.
const UNRELATED: usize = 500;

#[derive(Debug, Deserialize)]
struct IssueReport {
    id: String,
    title: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    duplicates: Vec<String>,
}

/// Ranks of the first right answer; `None` if there is none.
#[derive(Debug, Default)]
struct Ranks {
    all: Vec<Option<u32>>,
    earlier: Vec<Option<u32>>,
}

impl Ranks {
    fn figures(&self) -> Map<String, Value> {
        let mut out = Map::new();
        for (prefix, ranks) in [("", &self.all), ("earlier_", &self.earlier)] {
            for k in [1, 5, 10] {
                out.insert(format!("{prefix}hit@{k}"), json!(stats::share(&stats::hits_within(ranks, k))));
            }
            out.insert(format!("{prefix}mrr"), json!(stats::mean(&stats::reciprocal_ranks(ranks))));
        }
        out.insert("earlier_cases".into(), json!(self.earlier.len()));
        out
    }
}

/// Runs the task with the built-in embedding, and also with `options.embedder` if given.
///
/// # Errors
/// When the reports cannot be read, the output cannot be written, or the model does not answer.
pub fn run(options: &EvalOptions) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    let reports = read(&options.cases, options.limit)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| EvalError::Options(format!("no runtime: {e}")))?;
    runtime.block_on(judge(&reports, options))
}

async fn judge(
    reports: &[IssueReport],
    options: &EvalOptions,
) -> Result<(EvalSummary, Vec<CaseResult>), EvalError> {
    let failed = |error: &dyn std::fmt::Display| EvalError::Options(error.to_string());
    let dir = tempfile::TempDir::new().map_err(|e| failed(&e))?;
    let store = Store::open(&dir.path().to_string_lossy(), Scope::installation("evals"))
        .await
        .map_err(|e| failed(&e))?;
    let set = Set::fill(&store, reports).await.map_err(|e| failed(&e))?;
    if set.queries.is_empty() {
        return Err(EvalError::NothingJudged("no report names a duplicate that is in the file".into()));
    }
    let mut figures = Map::from_iter([("cases".to_owned(), json!(set.queries.len()))]);
    let built_in = set.measure(&store, reports).await.map_err(|e| failed(&e))?;
    let (main, results) = match &options.embedder {
        Some(embedder) => {
            let store = embedded_by(&store, embedder).await?;
            let measured = set.measure(&store, reports).await.map_err(|e| failed(&e))?;
            figures.extend(measured.figures);
            figures.insert("built_in".into(), Value::Object(built_in.figures));
            (embedder.model().name.clone(), measured.results)
        }
        None => {
            figures.extend(built_in.figures);
            (store.vector_index().embedder().model().name.clone(), built_in.results)
        }
    };
    figures.insert("embeddings".into(), json!(main));
    let bm25 = set.ranks_of(|query| plain_bm25(&set, query));
    figures.insert("baselines".into(), json!({ "bm25": bm25.figures() }));
    store.close().await;
    Ok((EvalSummary(Map::from_iter([("retrieval".to_owned(), Value::Object(figures))])), results))
}

async fn embedded_by(store: &Store, embedder: &Arc<dyn Embedder>) -> Result<Store, EvalError> {
    let failed = |error: &dyn std::fmt::Display| EvalError::Options(error.to_string());
    let store = store.with_vector_index(Arc::clone(embedder), None).await.map_err(|e| failed(&e))?;
    let progress = catch_up(&store, usize::MAX).await.map_err(|e| failed(&e))?;
    if progress.left > 0 {
        return Err(EvalError::Options(format!("{} reports could not be embedded", progress.left)));
    }
    Ok(store)
}

struct Measured {
    figures: Map<String, Value>,
    results: Vec<CaseResult>,
}

/// The reports in a store, and the duplicates of each.
struct Set {
    incidents: Vec<Incident>,
    by_incident: HashMap<IncidentId, usize>,
    seen: Vec<Option<Timestamp>>,
    queries: Vec<usize>,
    truth: Vec<BTreeSet<usize>>,
    words: Vec<Vec<String>>,
}

impl Set {
    async fn fill(store: &Store, reports: &[IssueReport]) -> Result<Self, StoreError> {
        let mut incidents = Vec::with_capacity(reports.len());
        for batch in reports.chunks(BATCH) {
            let new: Vec<NewIncident> = batch
                .iter()
                .map(|report| NewIncident {
                    repository_name: None,
                    repository: None,
                    source: Some("eval".into()),
                    ticket: ticket(report),
                    mapped: Vec::new(),
                })
                .collect();
            incidents.extend(store.create_incidents(&new).await?);
        }
        let by_id: HashMap<&str, usize> =
            reports.iter().enumerate().map(|(i, r)| (r.id.as_str(), i)).collect();
        let mut truth = vec![BTreeSet::new(); reports.len()];
        for (i, report) in reports.iter().enumerate() {
            let known = report.duplicates.iter().filter_map(|id| by_id.get(id.as_str()).copied());
            let known: Vec<usize> = known.filter(|j| *j != i).collect();
            if let Some(own) = truth.get_mut(i) {
                own.extend(known);
            }
        }
        Ok(Self {
            by_incident: incidents.iter().enumerate().map(|(i, one)| (one.id.clone(), i)).collect(),
            seen: reports.iter().map(|r| r.created.as_deref().and_then(moment)).collect(),
            queries: (0..reports.len()).filter(|i| truth.get(*i).is_some_and(|t| !t.is_empty())).collect(),
            words: reports
                .iter()
                .map(|r| split(&format!("{}\n{}", r.title, r.body.as_deref().unwrap_or_default())))
                .collect(),
            truth,
            incidents,
        })
    }

    async fn measure(&self, store: &Store, reports: &[IssueReport]) -> Result<Measured, StoreError> {
        let mut results = Vec::new();
        let (full, times) = self.rankings(store, RecallViews::ALL).await?;
        let ranks = self.ranks_of(|query| full.get(&query).cloned().unwrap_or_default());
        for ((query, rank), time) in self.queries.iter().zip(&ranks.all).zip(&times) {
            results.push(CaseResult {
                id: reports.get(*query).map(|r| r.id.clone()).unwrap_or_default(),
                task: "retrieval".into(),
                hit: *rank == Some(1),
                rank: *rank,
                verdict: None,
                commit: None,
                replay_runs: None,
                wall_ms: *time as u64,
                not_judged: None,
                report: None,
                tags: Vec::new(),
                grades: None,
            });
        }
        let mut figures = ranks.figures();
        figures.insert("wall_ms_p50".into(), json!(stats::percentile(&times, 0.5)));
        figures.insert("wall_ms_p95".into(), json!(stats::percentile(&times, 0.95)));
        let mut views = Map::new();
        let all = RecallViews::ALL;
        for (name, on) in [
            ("words alone", RecallViews { words: true, ..RecallViews::NONE }),
            ("code alone", RecallViews { code: true, ..RecallViews::NONE }),
            ("dense alone", RecallViews { dense: true, ..RecallViews::NONE }),
            ("without words", RecallViews { words: false, ..all }),
            ("without code", RecallViews { code: false, ..all }),
            ("without context", RecallViews { context: false, ..all }),
            ("without dense", RecallViews { dense: false, ..all }),
        ] {
            let (rankings, _) = self.rankings(store, on).await?;
            let ranks = self.ranks_of(|query| rankings.get(&query).cloned().unwrap_or_default());
            views.insert(name.into(), Value::Object(ranks.figures()));
        }
        figures.insert("views".into(), Value::Object(views));
        figures.extend(self.precedents(store).await?);
        Ok(Measured { figures, results })
    }

    /// For each query, the other reports, best first, and the milliseconds that the query took.
    async fn rankings(
        &self,
        store: &Store,
        views: RecallViews,
    ) -> Result<(HashMap<usize, Vec<usize>>, Vec<f64>), StoreError> {
        let (mut rankings, mut times) = (HashMap::new(), Vec::new());
        for &query in &self.queries {
            let Some(own) = self.incidents.get(query) else { continue };
            let asked = RecallQuery { exclude: Some(&own.id), limit: DEPTH, ..RecallQuery::new(&own.ticket) };
            let begun = Instant::now();
            let near = nearest_by(store, &asked, views).await?;
            times.push(begun.elapsed().as_secs_f64() * 1_000.0);
            let places = near.iter().filter_map(|n| self.by_incident.get(&n.incident_id).copied());
            rankings.insert(query, places.collect());
        }
        Ok((rankings, times))
    }

    /// What recall shows after its own thresholds: how often a duplicate is among it, and how often recall shows something
    /// for a report without a duplicate.
    async fn precedents(&self, store: &Store) -> Result<Map<String, Value>, StoreError> {
        let without: Vec<usize> = (0..self.incidents.len())
            .filter(|i| self.truth.get(*i).is_some_and(BTreeSet::is_empty))
            .collect();
        let step = (without.len() / UNRELATED).max(1);
        let mut wrong = Map::new();
        for (name, set) in [
            ("shown", self.queries.clone()),
            ("shown_wrongly", without.into_iter().step_by(step).take(UNRELATED).collect()),
        ] {
            let (mut any, mut claimed) = (Vec::new(), Vec::new());
            for at in set {
                let Some(own) = self.incidents.get(at) else { continue };
                let asked = RecallQuery { exclude: Some(&own.id), ..RecallQuery::new(&own.ticket) };
                let found = recall(store, &asked).await?;
                let right = |id: &str| {
                    let place = self.by_incident.get(id);
                    place.is_some_and(|j| self.truth.get(at).is_some_and(|t| t.contains(j)))
                };
                let counts = |hit: bool| f64::from(u8::from(hit));
                let judged = name == "shown_wrongly";
                any.push(counts(found.iter().any(|r| judged || right(r.incident.id.as_str()))));
                // The agent may act only on reports that agree in structure; all others are hints.
                claimed.push(counts(
                    found.iter().any(|r| r.structural && (judged || right(r.incident.id.as_str()))),
                ));
            }
            wrong.insert(format!("{name}_rate"), json!(stats::share(&any)));
            wrong.insert(format!("{name}_structural_rate"), json!(stats::share(&claimed)));
        }
        Ok(wrong)
    }

    fn ranks_of(&self, ranking: impl Fn(usize) -> Vec<usize>) -> Ranks {
        let mut ranks = Ranks::default();
        let none = BTreeSet::new();
        for &query in &self.queries {
            let truth = self.truth.get(query).unwrap_or(&none);
            let ranking = ranking(query);
            let place = |ranking: &[usize]| {
                ranking.iter().position(|j| truth.contains(j)).and_then(|p| u32::try_from(p + 1).ok())
            };
            ranks.all.push(place(&ranking));
            let before = |j: &usize| match (self.seen.get(*j), self.seen.get(query)) {
                (Some(Some(theirs)), Some(Some(own))) => theirs < own,
                _ => false,
            };
            if truth.iter().any(before) {
                ranks.earlier.push(place(&ranking.into_iter().filter(before).collect::<Vec<_>>()));
            }
        }
        ranks
    }
}

/// Converts a report as a channel of the service would.
fn ticket(report: &IssueReport) -> ParsedTicket {
    let body = report.body.as_deref().unwrap_or_default();
    let payload = json!({ "title": report.title, "body": body }).to_string();
    let mut ticket = ingest::parse(payload.as_bytes());
    let seen = report.created.as_deref().and_then(moment);
    ticket.context.last_seen = ticket.context.last_seen.or(seen);
    ticket
}

/// Robertson's BM25 (k1 = 1.2, b = 0.75) over all words of a report, the usual baseline.
fn plain_bm25(set: &Set, query: usize) -> Vec<usize> {
    let empty = Vec::new();
    let asked: BTreeSet<&str> = set.words.get(query).unwrap_or(&empty).iter().map(String::as_str).collect();
    let total = set.words.len() as f64;
    let average = set.words.iter().map(Vec::len).sum::<usize>() as f64 / total.max(1.0);
    let mut holders: HashMap<&str, f64> = HashMap::new();
    let mut counts: Vec<HashMap<&str, f64>> = Vec::with_capacity(set.words.len());
    for words in &set.words {
        let mut count: HashMap<&str, f64> = HashMap::new();
        for word in words.iter().map(String::as_str).filter(|w| asked.contains(w)) {
            *count.entry(word).or_default() += 1.0;
        }
        for word in count.keys() {
            *holders.entry(word).or_default() += 1.0;
        }
        counts.push(count);
    }
    let mut scored: Vec<(usize, f64)> = counts
        .iter()
        .zip(&set.words)
        .enumerate()
        .filter(|(i, _)| *i != query)
        .map(|(i, (count, words))| {
            let length = 0.25 + 0.75 * words.len() as f64 / average.max(1.0);
            let score = count.iter().map(|(word, tf)| {
                let df = holders.get(word).copied().unwrap_or(0.0);
                (1.0 + (total - df + 0.5) / (df + 0.5)).ln() * tf * 2.2 / (tf + 1.2 * length)
            });
            (i, score.sum())
        })
        .filter(|(_, score)| *score > 0.0)
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    scored.into_iter().map(|(i, _)| i).collect()
}

fn read(path: &Path, limit: Option<usize>) -> Result<Vec<IssueReport>, CasesError> {
    let text = std::fs::read(path).map_err(|source| CasesError::Io { path: path.to_owned(), source })?;
    let text = String::from_utf8_lossy(&text);
    let mut reports: Vec<IssueReport> = Vec::new();
    let mut known = BTreeSet::new();
    for (line, text) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: String| CasesError::Line { path: path.to_owned(), line: line + 1, why };
        let report: IssueReport = serde_json::from_str(text).map_err(|error| {
            wrong(format!("{error}; a report is {{\"id\",\"title\",\"body\",\"created\",\"duplicates\"}}"))
        })?;
        if !known.insert(report.id.clone()) {
            return Err(wrong(format!("id {:?} is already used on an earlier line", report.id)));
        }
        reports.push(report);
        if limit.is_some_and(|limit| reports.len() >= limit) {
            break;
        }
    }
    if reports.is_empty() {
        return Err(CasesError::Empty { path: path.to_owned() });
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_found_and_reports_that_are_none_are_refused() {
        let dir = tempfile::TempDir::new().unwrap();
        let cases = dir.path().join("reports.jsonl");
        let report = |id: &str, title: &str, created: &str, duplicates: &[&str]| {
            json!({"id": id, "title": title, "body": "It happens since the last release.", "created": created,
                   "duplicates": duplicates})
            .to_string()
        };
        let mut lines = vec![
            report("1", "Barcode scanner reads umlauts twice", "2021-01-01", &["2"]),
            report("2", "Umlauts are read twice by the barcode scanner", "2021-01-03", &["1", "gone"]),
        ];
        for n in 0..20 {
            lines.push(report(
                &format!("x{n}"),
                &format!("Invoice {n} has a wrong total"),
                "2021-01-02",
                &[],
            ));
        }
        std::fs::write(&cases, lines.join("\n")).unwrap();
        let options = crate::options::tests::options(crate::EvalTask::Retrieval, &cases, dir.path());
        let summary = crate::run(&options).unwrap();
        let figures = &summary.0["retrieval"];
        assert_eq!((&figures["cases"], &figures["earlier_cases"]), (&json!(2), &json!(1)));
        for name in ["hit@1", "mrr", "earlier_hit@1"] {
            assert_eq!(figures[name]["value"], json!(1.0), "{name}");
        }
        assert!(figures["views"]["dense alone"]["mrr"]["value"].as_f64().unwrap() > 0.9);
        assert!(figures["baselines"]["bm25"]["hit@1"].is_object());
        let results = std::fs::read_to_string(dir.path().join("results.jsonl")).unwrap();
        assert_eq!(results.lines().count(), 2);

        lines.push(lines[0].clone());
        std::fs::write(&cases, lines.join("\n")).unwrap();
        assert!(run(&options).unwrap_err().to_string().contains("line 23: id \"1\""));
        std::fs::write(&cases, "{\"id\":\"1\"}").unwrap();
        assert!(run(&options).unwrap_err().to_string().contains("missing field `title`"));
    }
}
