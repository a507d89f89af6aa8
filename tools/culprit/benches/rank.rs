//! Indexing and ranking. `MILLWRIGHT_BENCH_REPO` names a repository, `MILLWRIGHT_BENCH_BAD` and
//! `MILLWRIGHT_BENCH_GOOD` the range (HEAD and a thousand commits before by default); without them a small
//! repository is generated.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use millwright_culprit::suspects::{RankRequest, SignalWeights, prepare, rank};
use millwright_git::Repo;
use millwright_redaction::RedactionConfig;
use millwright_sandbox::trusted;

const TICKET: &str = "Prefetching related objects of named rows fails.\n\nTraceback (most recent call last):\n  File \"django/db/models/query.py\", line 280, in __iter__\n    self._fetch_all()\n  File \"django/db/models/query.py\", line 1732, in prefetch_related_objects\n    raise AttributeError(\"Cannot find '%s' on %s object\")\nAttributeError: Cannot find 'books' on Row object, 'books' is an invalid parameter to prefetch_related()";

/// A thousand commits over forty modules.
fn generate(path: &Path) {
    let mut stream = String::new();
    for n in 0..1000usize {
        let module = n * 7 % 40;
        let mut content = String::new();
        for f in 0..30 {
            let _ = writeln!(
                content,
                "def function_{module}_{f}(value):\n    return value * {}\n\n",
                n * (f + 1) % 97
            );
        }
        let _ = writeln!(
            stream,
            "commit refs/heads/main\ncommitter A <a@example.org> {} +0000",
            1_700_000_000 + n
        );
        let message = format!("Change how module {module} counts, step {n}");
        let _ = writeln!(stream, "data {}\n{message}", message.len());
        let _ = writeln!(stream, "M 100644 inline src/module_{module}.py\ndata {}\n{content}", content.len());
    }
    trusted::git(path).args(["init", "--bare", "-q"]).output().expect("git init");
    trusted::git(path).args(["fast-import", "--quiet"]).output_with_input(stream.as_bytes()).expect("import");
    trusted::git(path).args(["symbolic-ref", "HEAD", "refs/heads/main"]).output().expect("HEAD");
}

fn benches(criterion: &mut Criterion) {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let path = std::env::var_os("MILLWRIGHT_BENCH_REPO").map(PathBuf::from).unwrap_or_else(|| {
        let path = scratch.path().join("generated");
        generate(&path);
        path
    });
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let data = scratch.path().join("data");
    let repo = Repo::open(&path, &data).expect("a repository");
    let bad = repo.resolve(&setting("MILLWRIGHT_BENCH_BAD", "HEAD")).expect("the bad revision");
    let good =
        repo.resolve(&setting("MILLWRIGHT_BENCH_GOOD", &format!("{bad}~999"))).expect("the good revision");
    let good = Some(&good);
    let (ticket, weights) = (millwright_ingest::parse(TICKET.as_bytes()), SignalWeights::default());
    let rules = RedactionConfig::default();
    let request = RankRequest {
        repo: &repo,
        rules: &rules,
        bad: &bad,
        good,
        ticket: &ticket,
        executed: None,
        extra_text: "",
        precedents: &[],
        weights: &weights,
    };
    let mut group = criterion.benchmark_group("rank");
    group.sample_size(10);
    let mut fresh = 0;
    group.bench_function("never seen, 1000 commits", |bench| {
        bench.iter(|| {
            fresh += 1;
            let repo =
                Repo::open(&path, &scratch.path().join(format!("fresh-{fresh}"))).expect("a repository");
            rank(&RankRequest { repo: &repo, ..request }).expect("a ranking").commits.len()
        });
    });
    prepare(&repo, &rules, &bad, good).expect("an index");
    group.bench_function("warm, 1000 commits", |bench| {
        bench.iter(|| rank(&request).expect("a ranking").commits.len());
    });
    group.bench_function("index of one new commit", |bench| {
        let parent = repo.resolve(&format!("{bad}^")).expect("a parent");
        let grown = Repo::open(&path, &scratch.path().join("grown")).expect("a repository");
        prepare(&grown, &rules, &parent, good).expect("an index");
        let (from, to) = (grown.data().join("history"), scratch.path().join("kept"));
        copy(&from, &to);
        bench.iter_batched(
            || copy(&to, &from),
            |()| prepare(&grown, &rules, &bad, Some(&parent)).expect("an index"),
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the index").flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

criterion_group!(all, benches);
criterion_main!(all);
