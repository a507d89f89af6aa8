/*!
Judges recall of words alone on duplicate issue reports: `retrieval FILE`, a JSON object a line as in the
`retrieval` task (`id`, `title`, `body`, `created`, `duplicates`). Goes through the real store and index.
*/

use std::collections::HashMap;

use millwright_memory::Memory;
use millwright_memory::recall::{RecallQuery, Views, nearest_by, recall};
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
    parsed: serde_json::Value,
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

    for (name, views) in [("ALL", Views::ALL), ("words", Views{words:true,..Views::NONE}), ("code", Views{code:true,..Views::NONE}), ("dense", Views{dense:true,..Views::NONE}), ("-context", Views{context:false,..Views::ALL}), ("-dense", Views{dense:false,..Views::ALL}), ("-words", Views{words:false,..Views::ALL}), ("-code", Views{code:false,..Views::ALL})] {
    let (mut all, mut earlier, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for (i, report) in reports.iter().enumerate() {
        let truth: Vec<usize> =
            report.duplicates.iter().filter_map(|d| by_id.get(d.as_str()).copied()).collect();
        let (Some(own), false) = (stored.get(i), truth.is_empty()) else { continue };
        let query = RecallQuery { exclude: Some(&own.id), limit: 1_000, ..RecallQuery::new(&own.ticket) };
        let start = std::time::Instant::now();
        let near = nearest_by(memory.store(), &query, views).await?;
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
    println!("{name}"); print("", &all);
    print("earlier_", &earlier);
    println!("p50 {:?}, slowest {:?}", times.get(times.len() / 2), times.last());
    }
    let (mut wrong, mut n, mut st) = (0, 0, 0);
    for (i, report) in reports.iter().enumerate().filter(|(_, r)| r.duplicates.is_empty()).step_by(5) {
        let _ = report;
        let own = &stored[i];
        let found = recall(memory.store(), &RecallQuery { exclude: Some(&own.id), ..RecallQuery::new(&own.ticket) }).await?;
        n += 1; wrong += usize::from(!found.is_empty()); st += usize::from(found.iter().any(|r| r.structural));
    }
    println!("shown wrongly {wrong} of {n}, structural {st}");
    Ok(())
}

fn ticket(report: &IssueReport) -> ParsedTicket {
    let p = &report.parsed;
    let text = |k: &str| p[k].as_str().unwrap_or_default().to_owned();
    let (y, m, d, t) = date(&report.created);
    ParsedTicket {
        format: TicketFormat::Text,
        title: text("title"),
        text: text("text"),
        symptom: text("symptom"),
        traces: Vec::new(),
        failing_tests: Vec::new(),
        errors: p["errors"].as_array().unwrap().iter().map(|e| millwright_memory::types::ErrorMessage { kind: None, message: e.as_str().unwrap().to_owned() , span: None}).collect(),
        code: Vec::new(),
        log_spans: Vec::new(),
        context: TicketContext { last_seen: Some(format!("20{y}-{:02}-{d}T{t}:00Z", m / 3 + 1)), ..TicketContext::default() },
        fingerprint: serde_json::from_value(p["print"].clone()).unwrap(),
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
