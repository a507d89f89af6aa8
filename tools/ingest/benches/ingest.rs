//! Lines per second of trace parsing over a million lines of mixed log, and of whole tickets.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const TRACES: &[&str] = &[
    "Traceback (most recent call last):\n  File \"/app/shop/views.py\", line 41, in checkout\n    cart.total()\n  File \"/app/shop/cart.py\", line 7, in total\n    return sum(self.lines)\n           ^^^^^^^^^^^^^^^\nTypeError: unsupported operand type(s) for +: 'int' and 'str'\n",
    "java.lang.IllegalStateException: order is gone\n\tat org.acme.Cart.total(Cart.java:12)\n\tat org.acme.Shop.run(Shop.java:99)\n\tat java.base/java.lang.Thread.run(Thread.java:840)\nCaused by: java.io.IOException: disk\n\tat org.acme.Db.read(Db.java:4)\n\t... 2 more\n",
    "TypeError: Cannot read properties of undefined (reading 'id')\n    at total (/app/src/cart.ts:10:15)\n    at async handler (/app/node_modules/express/lib/router.js:1:2)\n",
    "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:\nmain.total(0x1)\n\t/app/cart.go:21 +0x1d\nmain.main()\n\t/app/main.go:5 +0x20\n",
    "thread 'main' panicked at src/cart.rs:33:9:\nindex out of bounds: the len is 3 but the index is 7\nnote: run with `RUST_BACKTRACE=1`\n",
    "System.InvalidOperationException: no order\n   at Shop.Cart.Total() in /src/Cart.cs:line 12\n   at Shop.Api.Run(String a) in /src/Api.cs:line 3\n",
    "/app/lib/cart.rb:12:in `total': undefined method `price' for nil (NoMethodError)\n\tfrom /app/main.rb:2:in `<main>'\n",
];

/// A log of about `wanted` lines, with a trace after every fifty records.
fn log(wanted: usize) -> String {
    let mut out = String::new();
    let mut lines = 0;
    for n in 0_usize.. {
        if lines >= wanted {
            break;
        }
        let level = if n % 40 == 0 { "ERROR" } else { "INFO" };
        let _ = writeln!(
            out,
            "2024-05-01 10:{:02}:{:02},{:03} {level} [worker-{}] shop.cart: order {n} priced at {} in {}ms for user {}",
            n / 60 % 60,
            n % 60,
            n % 1000,
            n % 8,
            n * 7,
            n % 90,
            n % 1000
        );
        lines += 1;
        if n % 50 == 0 {
            let trace = TRACES[n / 50 % TRACES.len()];
            out.push_str(trace);
            lines += trace.lines().count();
        }
    }
    out
}

fn traces(criterion: &mut Criterion) {
    let text = log(1_000_000);
    let mut group = criterion.benchmark_group("intake");
    group.sample_size(10);
    group.throughput(Throughput::Elements(text.lines().count() as u64));
    group.bench_function("find_traces, a million lines", |bencher| {
        bencher.iter(|| millwright_ingest::find_traces(black_box(&text)).len())
    });
    group.finish();
}

fn tickets(criterion: &mut Criterion) {
    // `parse` only reads a bounded part of an oversized ticket, so this ticket is just below the bound.
    let text = log(30_000);
    let mut group = criterion.benchmark_group("intake");
    group.sample_size(10);
    group.throughput(Throughput::Elements(text.lines().count() as u64));
    group.bench_function("parse, thirty thousand lines", |bencher| {
        bencher.iter(|| millwright_ingest::parse(black_box(text.as_bytes())).errors.len())
    });
    group.bench_function("signature, thirty thousand lines", |bencher| {
        bencher.iter(|| millwright_ingest::signature(black_box(&text)).failures.len())
    });
    group.finish();
}

criterion_group!(benches, traces, tickets);
criterion_main!(benches);
