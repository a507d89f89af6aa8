use std::fmt::Write as _;
use std::io::Write as _;

use super::*;
use crate::logs::{SearchQuery, TimeWindow, search, templates};

/// Ten minutes of a service. From minute six on, payments fail and the cache is no longer refreshed.
fn incident() -> String {
    let mut log = String::new();
    for second in 0..600 {
        let time = format!("2026-11-22T10:{:02}:{:02}Z", second / 60, second % 60);
        writeln!(log, "{time} INFO http: GET /cart/{} took {} ms", second * 7, second % 90).unwrap();
        if second % 100 == 50 {
            writeln!(log, "{time} WARN http: retrying order {}", second * 3).unwrap();
        }
        if second < 360 && second % 4 == 0 {
            writeln!(log, "{time} INFO cache: refreshed {second} entries").unwrap();
        }
        if second >= 360 {
            writeln!(log, "{time} WARN http: retrying order {}", second * 3).unwrap();
        }
        if second >= 360 && second % 2 == 0 {
            writeln!(log, "{time} ERROR pay: charge {} failed: connection refused", second * 11).unwrap();
            writeln!(log, "\tat org.acme.Pay.run(Pay.java:{second})").unwrap();
        }
    }
    log
}

fn file(content: &str) -> (tempfile::NamedTempFile, Vec<PathBuf>) {
    let mut file = tempfile::Builder::new().suffix(".log").tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    let paths = vec![file.path().to_owned()];
    (file, paths)
}

/// 2026-11-22T10:06:00Z
const ONSET: i64 = 1_795_341_960_000;

fn shown(found: &LogChanges) -> String {
    let show = |change: &LogChange| {
        format!("{:?} {:?} {}→{} {}", change.kind, change.level, change.before, change.after, change.template)
    };
    found.changes.iter().map(show).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_new_surged_and_gone() {
    let (_file, paths) = file(&incident());
    let known = changes(&paths, &ChangesQuery { since_ms: Some(ONSET), ..ChangesQuery::default() }).unwrap();
    insta::assert_snapshot!(shown(&known), @r"
    New Some(Error) 0→120 charge <*> failed: connection refused
    Surged Some(Warn) 4→242 retrying order <*>
    Vanished Some(Info) 90→0 refreshed <*> entries
    ");
    let evidence = &known.changes[0].evidence;
    assert_eq!(evidence.len(), 3);
    assert!(evidence[0].text.contains("charge 3960 failed") && evidence[0].text.contains("Pay.java:360"));
    assert_eq!(evidence[0].end_line, evidence[0].start_line + 1);
    assert!(
        evidence[0]
            .evidence()
            .locator
            .0
            .ends_with(&format!("#L{}-L{}", evidence[0].start_line, evidence[0].end_line))
    );

    let chosen = changes(&paths, &ChangesQuery::default()).unwrap();
    assert!((ONSET - 4_000..=ONSET).contains(&chosen.since_ms), "{}", chosen.since_ms);
    assert!(chosen.since_because.contains("first burst"), "{}", chosen.since_because);
    assert_eq!(chosen.changes[0].template, known.changes[0].template);
}

#[test]
fn a_quiet_log_has_no_changes_to_tell() {
    let log: String = (0..600)
        .map(|second| format!("2026-11-22T10:{:02}:{:02}Z INFO a: beat {second}\n", second / 60, second % 60))
        .collect();
    let (_file, paths) = file(&log);
    let found = changes(&paths, &ChangesQuery::default()).unwrap();
    assert!(found.since_because.contains("by default"), "{}", found.since_because);
    assert_eq!(found.total, 0, "{:?}", found.changes);
    let outside = changes(&paths, &ChangesQuery { since_ms: Some(5), ..ChangesQuery::default() });
    assert!(matches!(outside, Err(LogError::OutsideOfLogs { .. })));
}

#[test]
fn searching() {
    let (_file, paths) = file(&incident());
    let check = |query: SearchQuery, matched: u64, first: &str| {
        let found = search(&paths, &query).unwrap();
        assert_eq!(found.matched, matched, "{query:?}");
        assert!(found.records[0].text.contains(first), "{:?}", found.records[0]);
        found
    };
    let all = SearchQuery::default();
    check(SearchQuery { text: Some("CONNECTION refused".into()), ..all.clone() }, 120, "charge 3960");
    check(SearchQuery { text: Some("Pay.java:362".into()), ..all.clone() }, 1, "charge 3982");
    check(SearchQuery { regex: Some(r"order 15\d\b".into()), ..all.clone() }, 1, "order 150");
    check(SearchQuery { level: Some(LogLevel::Error), ..all.clone() }, 120, "charge 3960");
    check(SearchQuery { service: Some("CACHE".into()), ..all.clone() }, 90, "refreshed 0");
    check(
        SearchQuery { from_ms: Some(ONSET), to_ms: Some(ONSET + 1000), ..all.clone() },
        3,
        "GET /cart/2520",
    );
    let page = check(SearchQuery { limit: Some(10), offset: 600, ..all.clone() }, 1056, "");
    assert_eq!(page.next.as_deref(), Some("446 more; use offset 610 to see them"));
    assert_eq!((page.records.len(), page.scanned.records), (10, 1056));
    assert!(matches!(
        search(&paths, &SearchQuery { regex: Some("(".into()), ..all }),
        Err(LogError::Regex { .. })
    ));
}

#[test]
fn templates_with_counts_and_examples() {
    let (_file, paths) = file(&incident());
    let found = templates(&paths, TimeWindow { from_ms: None, to_ms: Some(ONSET) }).unwrap();
    let shown: Vec<String> =
        found.templates.iter().map(|one| format!("{} {}", one.count, one.template)).collect();
    assert_eq!(shown, ["360 GET <*> took <*>", "90 refreshed <*> entries", "4 retrying order <*>"]);
    assert_eq!(found.templates[1].first_ms, Some(ONSET - 360_000));
    assert_eq!(found.templates[1].example.start_line, 2);
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.log"), "2026-11-22T10:00:00Z INFO x\n").unwrap();
    std::fs::write(folder.path().join("b.log"), b"\0\x01\x02").unwrap();
    std::fs::write(folder.path().join("c.log.gz"), b"\x1f\x8b\x08broken").unwrap();
    let found = search(&[folder.path().to_owned()], &SearchQuery::default()).unwrap();
    assert_eq!(found.matched, 1);
    let told = found.scanned.not_searched.join("\n");
    assert!(told.contains("b.log: binary") && told.contains("c.log.gz"), "{told}");
}

#[test]
fn mining_is_bounded_and_deterministic() {
    let run = || {
        let mut miner = TemplateMiner::<Counts>::default();
        for line in 0..60_000_u32 {
            let word: String =
                (0..6).map(|at| char::from(b'a' + u8::try_from((line >> (4 * at)) % 16).unwrap())).collect();
            miner
                .add(&format!(
                    "{word} met {word}{word} in the {} of {word}",
                    if line % 2 == 0 { "hall" } else { "yard" }
                ))
                .after += 1;
            miner.add("the same again").after += 1;
        }
        let (mined, dropped) = miner.finish();
        (mined.into_iter().map(|one| (one.template, one.count, one.tally.after)).collect::<Vec<_>>(), dropped)
    };
    let (mined, dropped) = run();
    assert_eq!((mined.clone(), dropped), run());
    assert!(mined.len() <= 20_000, "{}", mined.len());
    assert_eq!(mined.iter().map(|one| one.1).sum::<u64>() + dropped, 120_000);
    assert!(mined.iter().any(|one| one.0 == "the same again" && one.1 == 60_000 && one.2 == 60_000));
}
