/*!
The cost of memory at a given size. `scale [INCIDENTS] [FOLDER]` (100,000 by default) fills a store and prints writes
per second, percentiles of dense search and of whole recalls, and the use of memory and disk. Without a folder the
store is temporary. A folder that already holds a store is only queried. A `postgres://…` URL in place of the folder
is filled as well.
*/

#[path = "../benches/made/mod.rs"]
mod made;

use millwright_model::Scope;
use std::time::{Duration, Instant};

use made::{Random, incident, repository, ticket};
use millwright_recall::{RecallQuery, recall};
use millwright_store::Store;
use millwright_store::embed::EmbedText;
use millwright_store::vectors::VectorQuery;

type Failure = Box<dyn std::error::Error>;

const ASKED: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let count: usize = std::env::args().nth(1).map(|n| n.parse()).transpose()?.unwrap_or(100_000);
    let temporary = tempfile::TempDir::new()?;
    let kept = std::env::args().nth(2).map(std::path::PathBuf::from);
    let dir = kept.as_deref().unwrap_or(temporary.path());
    let filled = dir.join("millwright.db").exists();
    let memory = Store::open(&dir.to_string_lossy(), Scope::installation("example")).await?;
    let mut random = Random(7);
    if filled {
        random = Random(8);
    } else {
        fill(&memory, &mut random, count).await?;
    }
    let size: u64 = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|f| f.ok()?.metadata().ok())
        .map(|m| m.len())
        .sum();
    println!("on disk: {} MB, {} bytes an incident", size / 1_000_000, size / count.max(1) as u64);
    ask(&memory, &mut random).await?;
    println!("memory at the end: {} MB", resident() / 1024);
    memory.close().await;
    Ok(())
}

async fn fill(memory: &Store, random: &mut Random, count: usize) -> Result<(), Failure> {
    let begun = Instant::now();
    for _ in 0..count.div_ceil(500) {
        let batch: Vec<_> = (0..500.min(count)).map(|_| incident(random, 120)).collect();
        memory.create_incidents(&batch).await?;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    println!("{count} incidents in batches of 500: {rate:.0} a second");
    let begun = Instant::now();
    for _ in 0..ASKED {
        memory.create_incident(&incident(random, 120)).await?;
    }
    let rate = ASKED as f64 / begun.elapsed().as_secs_f64();
    println!("one by one, each durable: {rate:.0} a second");
    Ok(())
}

async fn ask(memory: &Store, random: &mut Random) -> Result<(), Failure> {
    let before = resident();
    let dense = memory.vector_index();
    let (model, embedder) = (dense.embedder().model(), dense.embedder());
    let mut vectors = Vec::new();
    for _ in 0..ASKED {
        let text = EmbedText::of_ticket(&ticket(random, 120));
        vectors.extend(embedder.embed(&[text]).await?);
    }
    let begun = Instant::now();
    let mut times = Vec::new();
    for (i, vector) in vectors.iter().enumerate() {
        let query = VectorQuery { dense: vector, words: &[], repository: Some(&repository()), limit: 100 };
        let begun = Instant::now();
        let found = dense.engine().search(model, query).await?;
        assert!(!found.is_empty());
        if i > 0 {
            times.push(begun.elapsed());
        }
    }
    println!("dense search, 100 nearest: {}", percentiles(times));
    println!("  first one, reading the vectors: {:?} in total", begun.elapsed());
    println!("  memory: {} MB more than before", resident().saturating_sub(before) / 1024);
    for (name, length) in [("short ticket (40 words)", 40), ("long ticket (1,000 words)", 1_000)] {
        let mut times = Vec::new();
        for _ in 0..ASKED {
            let ticket = ticket(random, length);
            let query = RecallQuery { repository: Some(&repository()), ..RecallQuery::new(&ticket) };
            let begun = Instant::now();
            recall(memory, &query).await?;
            times.push(begun.elapsed());
        }
        println!("whole recall, {name}: {}", percentiles(times));
    }
    Ok(())
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at =
        |share: f64| times.get(((times.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied();
    let ms = |share: f64| at(share).unwrap_or_default().as_secs_f64() * 1_000.0;
    format!("p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms", ms(0.5), ms(0.99), ms(1.0))
}

/// The process's own memory in kB, without the pages of the database file that the system caches anyway.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|kb| kb.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
