/*!
Writes and recall on a filled store: 10,000 incidents, or `MILLWRIGHT_BENCH_INCIDENTS`. Texts are made up of a
vocabulary with natural (Zipf-like) frequencies, because recall costs what the common words cost.
*/

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use millwright_memory::Memory;
use millwright_memory::recall::RecallQuery;
use millwright_memory::store::{NewEvent, NewIncident};
use millwright_memory::types::{
    ExceptionInfo, Fingerprint, Frame, Language, MappedFrame, ParsedTicket, StackTrace, TicketContext,
    TicketFormat,
};

const VOCABULARY: f64 = 30_000.0;

struct Random(u64);

impl Random {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn word(&mut self) -> String {
        let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let mut rank = VOCABULARY.powf(uniform) as u64;
        let mut word = String::from("w");
        while rank > 0 {
            word.push(char::from(b'a' + (rank % 26) as u8));
            rank /= 26;
        }
        word.push('o');
        word
    }
    fn words(&mut self, n: usize) -> String {
        (0..n).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

fn ticket(random: &mut Random, length: usize) -> ParsedTicket {
    let title = random.words(9);
    let symptom = random.words(length);
    let traced = random.next().is_multiple_of(2);
    let symbols: Vec<String> = (0..8).map(|_| format!("function_{}", random.next() % 4_000)).collect();
    let exception = format!("Error{}", random.next() % 60);
    let frames = symbols
        .iter()
        .map(|s| Frame {
            function: Some(s.clone()),
            in_app: true,
            mapped: Some(MappedFrame {
                path: format!("src/{}.py", &s[..10]),
                symbol: Some(s.clone()),
                is_test: false,
            }),
            ..Frame::default()
        })
        .collect();
    let exceptions = vec![ExceptionInfo { kind: exception.clone(), message: title.clone(), frames }];
    let trace = StackTrace { language: Language::Python, exceptions, span: None };
    let fingerprint = Fingerprint {
        value: format!("{:016x}", random.next()),
        exception: Some(exception),
        symbols,
        template: Some(random.words(5)),
    };
    ParsedTicket {
        format: TicketFormat::Text,
        text: format!("{title}\n{symptom}"),
        title,
        symptom,
        traces: if traced { vec![trace] } else { vec![] },
        failing_tests: vec![],
        errors: vec![],
        code: vec![],
        log_spans: vec![],
        context: TicketContext::default(),
        fingerprint: if traced { fingerprint } else { Fingerprint::default() },
        notes: vec![],
    }
}

fn incident(random: &mut Random, length: usize) -> NewIncident {
    NewIncident { repository: Some("r".into()), source: None, ticket: ticket(random, length), mapped: vec![] }
}

fn store(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::TempDir::new().expect("a folder");
    let count: usize =
        std::env::var("MILLWRIGHT_BENCH_INCIDENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let mut random = Random(7);
    let memory = runtime.block_on(Memory::open(&dir.path().to_string_lossy())).expect("a store");
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
    for n in [1, 10] {
        let events = vec![event.clone(); n];
        group.bench_function(format!("append_{n}_events"), |b| {
            b.iter(|| runtime.block_on(memory.append_events(&run.id, &events)).expect("written"));
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
                    let query = RecallQuery { repository: Some("r"), ..RecallQuery::new(&ticket) };
                    runtime.block_on(memory.recall(&query)).expect("answered")
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, store);
criterion_main!(benches);
