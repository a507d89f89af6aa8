/*!
Writes and recall on a filled store: 10,000 incidents, or `MILLWRIGHT_BENCH_INCIDENTS`. For percentiles, memory and
disk at 100,000 see `examples/scale.rs`.
*/

mod made;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use made::{Random, incident, repository, ticket};
use millwright_model::{NewIncident, Scope};
use millwright_recall::{RecallQuery, recall};
use millwright_store::{NewEvent, Store};

fn store(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::TempDir::new().expect("a folder");
    let count: usize =
        std::env::var("MILLWRIGHT_BENCH_INCIDENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let mut random = Random(7);
    let memory = runtime
        .block_on(Store::open(&dir.path().to_string_lossy(), Scope::installation("bench")))
        .expect("a store");
    let start = std::time::Instant::now();
    for _ in 0..count / 500 {
        let batch: Vec<NewIncident> = (0..500).map(|_| incident(&mut random, 120)).collect();
        runtime.block_on(memory.create_incidents(&batch)).expect("written");
    }
    let size: u64 = std::fs::read_dir(dir.path())
        .expect("the folder")
        .filter_map(|f| f.ok()?.metadata().ok())
        .map(|m| m.len())
        .sum();
    println!("{count} incidents in batches of 500: {:?}, {} MB", start.elapsed(), size / 1_000_000);

    let run = runtime.block_on(async {
        let made = memory.create_incident(&incident(&mut random, 120)).await.expect("written");
        memory.create_run(&made.id).await.expect("written")
    });
    let mut group = c.benchmark_group("write");
    group.sample_size(50);
    group.bench_function("create_incident", |b| {
        b.iter_batched(
            || incident(&mut random, 120),
            |new| runtime.block_on(memory.create_incident(&new)).expect("written"),
            BatchSize::SmallInput,
        );
    });
    let event =
        NewEvent::fact("tool_called", serde_json::json!({ "tool": "git_log", "text": "x".repeat(400) }));
    let mut next_seq = run.next_seq;
    for n in [1, 10] {
        let events = vec![event.clone(); n];
        group.bench_function(format!("append_{n}_events"), |b| {
            b.iter(|| {
                runtime.block_on(memory.append_events_at(&run.id, next_seq, &events)).expect("written");
                next_seq += events.len() as i64;
            });
        });
    }
    group.finish();

    let mut group = c.benchmark_group("recall");
    group.sample_size(100);
    for (name, length) in [("short_ticket", 40), ("long_ticket", 1_000)] {
        group.bench_function(name, |b| {
            b.iter_batched(
                || ticket(&mut random, length),
                |ticket| {
                    let query = RecallQuery { repository: Some(&repository()), ..RecallQuery::new(&ticket) };
                    runtime.block_on(recall(&memory, &query)).expect("answered")
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, store);
criterion_main!(benches);
