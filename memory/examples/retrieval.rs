/*!
Judges recall of words alone on duplicate issue reports: `retrieval FILE`, a JSON object a line as in the
`retrieval` task (`id`, `title`, `body`, `created`, `duplicates`). Goes through the real store and index.
*/

use std::collections::HashMap;

use millwright_memory::Memory;
use millwright_memory::recall::{RecallQuery, nearest};
use millwright_memory::store::NewIncident;
use millwright_memory::types::{Fingerprint, ParsedTicket, TicketContext, TicketFormat};
use serde::Deserialize;

#[derive(Deserialize)]
struct IssueReport {
    id: String,
    title: String,
    body: String,
    created: String,
    duplicates: Vec<String>,
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("usage: retrieval FILE.jsonl")?;
    let text = std::fs::read_to_string(&path)?;
    let reports: Vec<IssueReport> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let dir = tempfile::TempDir::new()?;
    let memory = Memory::open(&dir.path().to_string_lossy()).await?;
    let new: Vec<NewIncident> = reports
        .iter()
        .map(|r| NewIncident { repository: None, source: None, ticket: ticket(r), mapped: Vec::new() })
        .collect();
    let stored = memory.create_incidents(&new).await?;
    let by_id: HashMap<&str, usize> = reports.iter().enumerate().map(|(i, r)| (r.id.as_str(), i)).collect();
    let by_incident: HashMap<&str, usize> =
        stored.iter().enumerate().map(|(i, s)| (s.id.as_str(), i)).collect();

    let (mut all, mut earlier, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for (i, report) in reports.iter().enumerate() {
        let truth: Vec<usize> =
            report.duplicates.iter().filter_map(|d| by_id.get(d.as_str()).copied()).collect();
        let (Some(own), false) = (stored.get(i), truth.is_empty()) else { continue };
        let query = RecallQuery { exclude: Some(&own.id), limit: 1_000, ..RecallQuery::new(&own.ticket) };
        let start = std::time::Instant::now();
        let near = nearest(memory.store(), &query).await?;
        times.push(start.elapsed());
        let ranking: Vec<usize> =
            near.iter().filter_map(|n| by_incident.get(n.incident_id.as_str()).copied()).collect();
        let rank = |ranking: &[usize]| ranking.iter().position(|j| truth.contains(j)).map(|p| p + 1);
        all.push(rank(&ranking));
        let before = |j: &usize| reports.get(*j).is_some_and(|r| date(&r.created) < date(&report.created));
        if truth.iter().any(before) {
            earlier.push(rank(&ranking.into_iter().filter(before).collect::<Vec<_>>()));
        }
    }
    times.sort();
    print("", &all);
    print("earlier_", &earlier);
    println!("p50 {:?}, slowest {:?}", times.get(times.len() / 2), times.last());
    Ok(())
}

fn ticket(report: &IssueReport) -> ParsedTicket {
    ParsedTicket {
        format: TicketFormat::Text,
        title: report.title.clone(),
        text: format!("{}\n\n{}", report.title, report.body),
        symptom: report.body.clone(),
        traces: Vec::new(),
        failing_tests: Vec::new(),
        errors: Vec::new(),
        code: Vec::new(),
        log_spans: Vec::new(),
        context: TicketContext::default(),
        fingerprint: Fingerprint::default(),
        notes: Vec::new(),
    }
}

/// `30/Sep/21 17:20` as something that sorts.
fn date(text: &str) -> (String, usize, String, String) {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (day, time) = text.split_once(' ').unwrap_or((text, ""));
    let mut parts = day.split('/').map(str::to_owned);
    let (d, m, y) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    (y, MONTHS.find(&m).unwrap_or(0), format!("{d:0>2}"), format!("{time:0>5}"))
}

fn print(prefix: &str, ranks: &[Option<usize>]) {
    let n = ranks.len().max(1) as f64;
    let hit = |k: usize| ranks.iter().flatten().filter(|r| **r <= k).count() as f64 / n;
    let mrr = ranks.iter().flatten().map(|r| 1.0 / *r as f64).sum::<f64>() / n;
    let (one, five, ten) = (hit(1), hit(5), hit(10));
    println!(
        "{} queries: {prefix}hit@1 {one:.3} {prefix}hit@5 {five:.3} {prefix}hit@10 {ten:.3} {prefix}mrr {mrr:.3}",
        ranks.len()
    );
}
