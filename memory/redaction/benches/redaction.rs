//! Throughput (bytes per second) of masking ordinary logs and logs rich in secrets.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millwright_redaction::Redactor;

fn redaction(criterion: &mut Criterion) {
    let mut plain = String::new();
    let mut rich = String::new();
    for line in 0..50_000 {
        let _ = writeln!(
            plain,
            "2026-11-22 10:00:00,{:03} INFO [worker-{}] org.acme.Pay: order {line} took {} ms, token bucket {}",
            line % 1000,
            line % 8,
            line % 977,
            line * 7
        );
        let _ = writeln!(
            rich,
            "2026-11-22 10:00:00 user{line}@corp.io password=hunter{line}x Authorization: Bearer a8Kd02LmQz81xPqR{line}"
        );
    }
    let mut group = criterion.benchmark_group("redaction");
    group.sample_size(10);
    for (name, text) in [("plain", &plain), ("rich", &rich)] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(Redactor::default().redact(text)).counts.len())
        });
    }
    group.finish();
}

criterion_group!(benches, redaction);
criterion_main!(benches);
