use millwright_model::{CauseKind, CommitId, Hypothesis, ReplayOutcome, ReplayRun, ReplaySummary, RootCause};
use millwright_model::{REPORT_SCHEMA, SandboxLevel, Usage};

use super::*;

const SHA: &str = "1111111111111111111111111111111111111111";
const TICKET: &str =
    "We are unable to connect.\n  Error: total\n    is below zero\nCafé closed, id_4711 lost\n";
const DIFF: &str = "-  round_half_up \"$1\"\n+  truncate \"$1\"\n";

/// Opens `lib/money.sh` and nothing else.
struct OneFile;

impl LocatorOpener for OneFile {
    fn open(&self, place: &LocatorTarget) -> Result<(), String> {
        match place {
            LocatorTarget::Git { path: Some(path), .. } | LocatorTarget::File { path, .. }
                if path != "lib/money.sh" =>
            {
                Err(format!("no file {path}"))
            }
            _ => Ok(()),
        }
    }
}

fn sha() -> CommitId {
    SHA.parse().unwrap()
}

fn evidence(id: &str, source: EvidenceSource, locator: &str, text: &str) -> Evidence {
    Evidence {
        id: EvidenceId(id.into()),
        source,
        locator: Locator(locator.into()),
        excerpt: excerpt(text, 60),
        sha256: Evidence::hash(text),
    }
}

fn report() -> (Report, BTreeMap<EvidenceId, String>) {
    let run = ReplayRun {
        commit: sha(),
        patched: false,
        traced: false,
        outcome: ReplayOutcome::Reproduces,
        duration_ms: 12,
    };
    let evidence = vec![
        evidence("E1", EvidenceSource::Ticket, "ticket:#L1-L3", TICKET),
        evidence("E2", EvidenceSource::Git, &format!("git:{SHA}:lib/money.sh#L4-L9"), DIFF),
        evidence("E3", EvidenceSource::Replay, "replay:1", "exit status 1"),
    ];
    let texts = [("E1", TICKET), ("E2", DIFF), ("E3", "exit status 1")];
    let stored = texts.into_iter().map(|(id, text)| (EvidenceId(id.into()), text.to_owned())).collect();
    let hypothesis = |id: &str, status, cited: &[&str]| Hypothesis {
        id: id.into(),
        statement: format!("statement of {id}"),
        status,
        evidence: cited.iter().map(|id| EvidenceId((*id).into())).collect(),
    };
    let report = Report {
        schema: REPORT_SCHEMA.into(),
        id: "run_1".parse().unwrap(),
        incident_id: "inc_1".parse().unwrap(),
        verdict: Verdict::Verified,
        summary: "s".into(),
        root_cause: Some(RootCause {
            statement: "rounding was lost".into(),
            kind: CauseKind::CodeChange,
            commit: Some(sha()),
            locations: vec![],
            confidence: 0.9,
            evidence: vec![EvidenceId("E1".into()), EvidenceId("E2".into())],
        }),
        hypotheses: vec![
            hypothesis("H1", HypothesisStatus::Supported, &["E2"]),
            hypothesis("H2", HypothesisStatus::Open, &[]),
        ],
        suspects: vec![],
        fix: None,
        tried: Vec::new(),
        replay: Some(ReplaySummary {
            executed: None,
            reproduced: true,
            sandbox: SandboxLevel::Full,
            flaky_rate: 0.0,
            runs: vec![run],
            bisect: None,
            output_end: None,
            agreement: None,
            laid_in: vec![],
        }),
        similar: vec![],
        struck: vec![],
        impact: None,
        evidence,
        usage: Usage::default(),
        escalate: None,
    };
    (report, stored)
}

fn root_quote(evidence: &str, text: &str) -> Quote {
    Quote { claim: ClaimRef::RootCause, evidence: EvidenceId(evidence.into()), text: text.into() }
}

/// The reason why the root cause is struck after `change`, if it is struck.
fn root_struck(
    quotes: &[Quote],
    change: impl FnOnce(&mut Report, &mut BTreeMap<EvidenceId, String>),
) -> Option<String> {
    let (mut report, mut stored) = report();
    change(&mut report, &mut stored);
    let before = report.struck.len();
    let checked = check(report, None, quotes, &stored, &OneFile);
    match checked.root_cause {
        Some(_) => {
            assert_eq!(checked.verdict, Verdict::Verified);
            None
        }
        None => {
            assert_eq!(checked.verdict, Verdict::Inconclusive);
            assert!(!checked.summary.contains("rounding"));
            assert!(checked.escalate.is_some());
            Some(checked.struck[before].because.clone())
        }
    }
}

fn none(_: &mut Report, _: &mut BTreeMap<EvidenceId, String>) {}

#[test]
fn a_sound_report_is_left_alone() {
    let (report, stored) = report();
    let quotes = [root_quote("E1", "total is below zero"), root_quote("E2", "truncate \"$1\"")];
    assert_eq!(check(report.clone(), None, &quotes, &stored, &OneFile), report);
}

#[test]
fn quotes_stand_letter_for_letter_white_space_aside() {
    for good in [
        "total is below zero",
        "total\n\n   is\tbelow   zero",
        "  Error: total ",
        "unable to connect.",
        "Café closed, id_4711",
        "(+  truncate".trim_start_matches('('),
    ] {
        let source = if good.contains("truncate") { "E2" } else { "E1" };
        assert_eq!(root_struck(&[root_quote(source, good)], none), None, "{good:?}");
    }
    for forged in [
        "total is above zero",        // other words
        "able to connect",            // begins inside a word
        "id_471",                     // ends inside a word
        "closed, id",                 // `_` belongs to the word
        "tоtal is below zero",        // Cyrillic о
        "Cafe\u{301} closed",         // decomposed é
        "total is below\u{200b}zero", // zero-width space is not white space
        "total\u{a0}is belowzero",
        "TOTAL IS BELOW ZERO",
        "",
        " \n\t",
        "is",
    ] {
        let because = root_struck(&[root_quote("E1", forged)], none);
        assert!(
            because.as_deref().is_some_and(|why| why.starts_with("its quote")),
            "{forged:?}: {because:?}"
        );
    }
    let long = format!("total is {}", "very ".repeat(1_000));
    assert!(root_struck(&[root_quote("E1", &long)], none).unwrap().contains("too long"));
}

#[test]
fn ids_must_exist_once_and_be_cited() {
    let forged = root_struck(&[], |report, _| {
        report.root_cause.as_mut().unwrap().evidence.push(EvidenceId("E9".into()));
    });
    assert_eq!(forged.unwrap(), "it cites \"E9\", which does not exist");
    let empty = root_struck(&[], |report, _| report.root_cause.as_mut().unwrap().evidence.clear());
    assert_eq!(empty.unwrap(), "it cites no evidence");
    let uncited = root_struck(&[root_quote("E3", "exit status 1")], none);
    assert_eq!(uncited.unwrap(), "it quotes \"E3\", which it does not cite");
    let twice = root_struck(&[], |report, _| {
        let again = report.evidence[0].clone();
        report.evidence.push(again);
    });
    assert_eq!(twice.unwrap(), "E1 is the id of more than one piece of evidence");
}

#[test]
fn stored_text_hash_and_excerpt_must_agree() {
    let e1 = || EvidenceId("E1".into());
    let missing = root_struck(&[], |_, stored| drop(stored.remove(&e1())));
    assert!(missing.unwrap().contains("never stored"));
    let changed = root_struck(&[], |_, stored| stored.get_mut(&e1()).unwrap().push('!'));
    assert!(changed.unwrap().contains("sha256"));
    let excerpt = root_struck(&[], |report, _| report.evidence[0].excerpt = "all is well".into());
    assert!(excerpt.unwrap().contains("excerpt of E1"));
}

#[test]
fn locators_must_be_well_formed_fit_and_open() {
    let with = |index: usize, locator: &'static str| {
        root_struck(&[], move |report, _| report.evidence[index].locator = Locator(locator.into()))
    };
    assert_eq!(with(0, "ticket:#L2"), None);
    assert!(with(0, "replay:1").unwrap().contains("does not fit"));
    assert!(with(0, "nonsense").unwrap().contains("no scheme"));
    let gone = "git:1111111111111111111111111111111111111111:lib/tax.sh#L1-L2";
    assert!(with(1, gone).unwrap().contains("no file lib/tax.sh"));
    let run = root_struck(&[], |report, _| {
        report.evidence[2].locator = Locator::replay(2);
        report.root_cause.as_mut().unwrap().evidence = vec![EvidenceId("E3".into())];
    });
    assert_eq!(run.unwrap(), "E3 cites replay 2, but only 1 were run");
}

#[test]
fn locators_parse() {
    let parse = |text: &str| parse_locator(&Locator(text.into()));
    let commit = Locator::commit_lines(&sha(), "a b/c#d.sh", 3, 9);
    assert_eq!(
        parse_locator(&commit),
        Ok(LocatorTarget::Git { sha: sha(), path: Some("a b/c#d.sh".into()), lines: Some((3, 9)) })
    );
    assert_eq!(
        parse(&Locator::commit(&sha()).0),
        Ok(LocatorTarget::Git { sha: sha(), path: None, lines: None })
    );
    assert_eq!(
        parse("file:/var/log/app.log#L7"),
        Ok(LocatorTarget::File { path: "/var/log/app.log".into(), lines: Some((7, 7)) })
    );
    assert_eq!(parse("memory:INC-1"), Ok(LocatorTarget::Memory { id: "INC-1".into() }));
    for bad in [
        "git:HEAD",
        "git:1111:lib/x",
        "git:1111111111111111111111111111111111111111:../x",
        "git:1111111111111111111111111111111111111111:/etc/passwd",
        "file:#L1-L2",
        "file:a/../../b",
        "file:a#L0-L2",
        "file:a#L9-L2",
        "file:a#L1-Lx",
        "file:a#L99999999999",
        "file:a\u{1b}[2J",
        "ticket:",
        "ticket:L1",
        "replay:0",
        "replay:-1",
        "memory: ",
        "http://example.org",
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn hypotheses_are_struck_one_by_one() {
    let (mut report, stored) = report();
    report.hypotheses[1].status = HypothesisStatus::Refuted;
    let quote = Quote {
        claim: ClaimRef::Hypothesis("H1".into()),
        evidence: EvidenceId("E2".into()),
        text: "no such".into(),
    };
    let checked = check(report, None, &[quote], &stored, &OneFile);
    assert_eq!(checked.verdict, Verdict::Verified, "the root cause is untouched");
    assert!(checked.hypotheses.is_empty());
    let struck: Vec<_> = checked.struck.iter().map(|s| format!("{} | {}", s.claim, s.because)).collect();
    assert_eq!(
        struck,
        [
            "H1: statement of H1 | its quote \"no such\" does not occur in E2",
            "H2: statement of H2 | it cites no evidence",
        ]
    );
}

#[test]
fn excerpts_are_bounded_and_pass_the_check() {
    let text: String = (0..500).map(|line| format!("línea {line}\n")).collect();
    for max in [0, 1, 5, 40, 300, 100_000] {
        let cut = excerpt(&text, max);
        assert!(cut.chars().count() <= max.max(CUT.chars().count()), "{max}: {}", cut.chars().count());
        for part in cut.split(CUT) {
            assert!(squeeze(&text).contains(&squeeze(part)));
        }
    }
}
