//! Lines per second of reading, mining and comparing generated logs of a million lines.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::path::PathBuf;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use millwright_ingest::logs::{
    ChangesQuery, LogRecords, SearchQuery, TemplateMiner, TimeWindow, changes, search, templates,
};

const LINES: u64 = 1_000_000;

/// Forty kinds of messages that contain numbers, addresses, users, paths and durations.
fn generated() -> String {
    let users =
        ["root", "admin", "news", "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan"];
    let mut chance = fastrand::Rng::with_seed(7);
    let mut next = move || chance.u64(..1 << 31);
    let mut text = String::new();
    for line in 0..LINES {
        let (a, b) = (next(), next());
        let (minute, second) = (line / 60_000 % 60, line / 1000 % 60);
        let user = users[usize::try_from(b).unwrap_or_default() % users.len()];
        let level = if a % 50 == 0 { "ERROR" } else { "INFO" };
        let kind = a % 40;
        let _ = write!(
            text,
            "2026-11-22 10:{minute:02}:{second:02},{:03} {level} [worker-{}] org.acme.Module{kind}: ",
            line % 1000,
            b % 8
        );
        let _ = match kind % 5 {
            0 => writeln!(
                text,
                "Session {b:016x} of user {user} from 10.0.{}.{}:{} opened in step{kind}",
                a % 256,
                b % 256,
                b % 65_536
            ),
            1 => writeln!(
                text,
                "Kind{kind} request took {} ms, {} bytes sent to /srv/data/{user}/{b}.bin",
                a % 5000,
                b
            ),
            2 => writeln!(
                text,
                "Cache kind{kind} hit={} miss={} ratio={}.{} for key \"{user}:{b}\"",
                a % 9000,
                b % 9000,
                a % 2,
                b % 10
            ),
            3 => {
                writeln!(text, "Block blk_{b} replicated to node-{} as part of kind{kind} by {user}", a % 300)
            }
            _ => writeln!(
                text,
                "Connection kind{kind} closed: no activity since Sat Nov 21 10:{minute:02}:{second:02} 2026"
            ),
        };
    }
    text
}

fn logs(criterion: &mut Criterion) {
    let text = generated();
    let mut file = tempfile::Builder::new().suffix(".log").tempfile().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("room for the log");
    let paths = vec![PathBuf::from(file.path())];

    let mut group = criterion.benchmark_group("logs");
    group.sample_size(10).throughput(Throughput::Elements(LINES));
    group.bench_function("mine", |bencher| {
        bencher.iter_batched(
            TemplateMiner::<()>::default,
            |mut miner| {
                for line in text.lines() {
                    miner.add(line);
                }
                black_box(miner.finish().0.len())
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let mut records = LogRecords::open(file.path()).expect("the log");
            let mut count = 0;
            while records.next_record().expect("readable").is_some() {
                count += 1;
            }
            black_box(count)
        });
    });
    group.bench_function("templates", |bencher| {
        bencher.iter(|| templates(&paths, TimeWindow::default()).map(|found| found.total))
    });
    group.bench_function("changes", |bencher| {
        bencher.iter(|| changes(&paths, &ChangesQuery::default()).map(|found| found.total))
    });
    group.bench_function("search", |bencher| {
        let query = SearchQuery { text: Some("replicated to node-17 ".into()), ..SearchQuery::default() };
        bencher.iter(|| search(&paths, &query).map(|found| found.matched));
    });
    group.finish();
}

criterion_group!(benches, logs);
criterion_main!(benches);
