//! What a sandbox costs to start, compared with the same shell without one.
#![expect(clippy::disallowed_methods, reason = "the plain shell is the measure")]

use std::process::Command;

use criterion::Criterion;
use millwright_sandbox::{CancelFlag, SandboxCeiling, SandboxedCommand, intercept, run_at};

fn main() {
    intercept();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let command = SandboxedCommand {
        script: "true".into(),
        cwd: folder.path().into(),
        write: vec![folder.path().into()],
        ..SandboxedCommand::default()
    };
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("start");
    group.bench_function("plain sh", |bench| {
        bench.iter(|| Command::new("sh").args(["-c", "true"]).status().expect("a shell"));
    });
    for (name, ceiling) in [("reduced", SandboxCeiling::reduced()), ("full", SandboxCeiling::default())] {
        group.bench_function(name, |bench| {
            bench.iter(|| run_at(ceiling, &command, &CancelFlag::default()).expect("a sandbox"));
        });
    }
    let mut recorded = command.clone();
    recorded.record_opened_under = Some(folder.path().into());
    group.bench_function("full, recording opened files", |bench| {
        bench.iter(|| {
            run_at(SandboxCeiling::default(), &recorded, &CancelFlag::default()).expect("a sandbox")
        });
    });
    group.finish();
    criterion.final_summary();
}
