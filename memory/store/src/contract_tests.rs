//! The contract of every engine. Each check takes a `Store` and nothing specific to SQLite; another engine runs the
//! checks by adding its constructor to `check`.

use millwright_model::{IncidentId, ReportId};
use std::io::Cursor;
use std::time::Duration;

use millwright_model::*;
use millwright_redaction::{RedactionConfig, Redactor};
use proptest::prelude::*;
use serde_json::json;

use super::testing::{self, ANNA, incident, prose, repository, resolution, temporary, traced};
use super::*;

const CULPRIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn hypothesis(id: &str, status: HypothesisStatus) -> Hypothesis {
    Hypothesis {
        id: id.into(),
        statement: format!("{id} did it"),
        status,
        evidence: vec![EvidenceId("E1".into())],
    }
}

fn evidence(text: &str) -> EvidenceDraft {
    EvidenceDraft {
        source: EvidenceSource::Logs,
        locator: Locator::file_lines("app.log", 3, 4),
        text: text.into(),
    }
}

fn report(incident: &str, id: &str) -> Report {
    Report {
        schema: REPORT_SCHEMA.into(),
        id: id.parse().unwrap(),
        incident_id: incident.parse().unwrap(),
        verdict: Verdict::Verified,
        summary: "it was 0123456".into(),
        root_cause: None,
        hypotheses: vec![],
        suspects: vec![],
        fix: None,
        tried: Vec::new(),
        replay: None,
        similar: vec![],
        struck: vec![],
        impact: None,
        evidence: vec![],
        usage: Usage::default(),
        escalate: None,
    }
}

#[tokio::test]
async fn incidents_come_back_as_they_went_in() {
    let (store, _dir) = temporary().await;
    let mut ticket =
        traced("Totals are wrong", "ValueError", "bad currency <*>", &["shop/money.py::Money.add"]);
    ticket.context.service = Some("checkout".into());
    let made = store.create_incident(&incident(ticket.clone())).await.unwrap();
    assert!(made.id.as_str().starts_with("inc_") && made.id.as_str().len() == 30, "{}", made.id);
    assert_eq!(store.get_incident(&made.id).await.unwrap(), made);
    assert_eq!(made.service.as_deref(), Some("checkout"));

    store.set_incident_state(&made.id, IncidentState::Running).await.unwrap();
    ticket.title = "Totals are wrong in euros".into();
    store.update_ticket(&made.id, None, &ticket, &[]).await.unwrap();
    let now = store.get_incident(&made.id).await.unwrap();
    assert_eq!((now.state, &now.ticket.title), (IncidentState::Running, &ticket.title));
    assert_eq!(now.repository, Some(repository()));
    assert_eq!(store.search_memory("euros", 0).await.unwrap().len(), 1);

    let same = store.incidents_with_ticket(&ticket.text, Some(&repository())).await.unwrap();
    assert_eq!(same.iter().map(|i| &i.id).collect::<Vec<_>>(), [&made.id]);
    assert!(
        store.incidents_with_ticket(&ticket.text, Some(&"other".parse().unwrap())).await.unwrap().is_empty()
    );
}

#[tokio::test]
async fn ids_sort_by_time_and_may_be_shortened() {
    let (store, _dir) = temporary().await;
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(store.create_incident(&incident(prose(&format!("ticket {n}"), ""))).await.unwrap().id);
    }
    assert!(ids.is_sorted());
    let tail = &ids[3].as_str()[22..];
    assert_eq!(store.resolve_incident_id(tail).await.unwrap(), ids[3]);
    assert_eq!(store.resolve_incident_id(ids[4].as_str()).await.unwrap(), ids[4]);
    let Err(StoreError::Ambiguous { candidates, .. }) = store.resolve_incident_id("inc_").await else {
        panic!("every id begins so")
    };
    assert!(candidates.split(", ").all(|id| ids.iter().any(|known| known == id)), "{candidates}");
    for bad in ["", "zz", "nothere9", "%%%%", "'; DROP TABLE incidents"] {
        assert!(matches!(store.resolve_incident_id(bad).await, Err(StoreError::NotFound { .. })), "{bad}");
    }
}

#[tokio::test]
async fn events_are_numbered_without_gaps_and_never_twice() {
    let (store, _dir) = temporary().await;
    let incident = store.create_incident(&incident(prose("slow", ""))).await.unwrap();
    let run = store.create_run(&incident.id).await.unwrap();
    let fact = |n: i32| NewEvent::fact("noted", json!({ "n": n }));
    assert_eq!(store.append_events(&run.id, &[fact(1), fact(2)]).await.unwrap(), 1);
    assert_eq!(store.append_events_at(&run.id, 3, &[fact(3)]).await.unwrap(), 3);
    let late = store.append_events_at(&run.id, 3, &[fact(4)]).await;
    assert!(matches!(late, Err(StoreError::Conflict { expected: 3, found: 4, .. })), "{late:?}");
    assert_eq!(store.append_events(&run.id, &[]).await.unwrap(), 4);
    let seqs: Vec<i64> = store.events(&run.id, 2).await.unwrap().iter().map(|e| e.seq).collect();
    assert_eq!(seqs, [2, 3]);
    assert_eq!(store.get_run(&run.id).await.unwrap().next_seq, 4);
    let nowhere = store.append_events(&"run_none".parse().unwrap(), &[fact(1)]).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound { what: "run", .. })));
}

#[tokio::test]
async fn unfinished_runs_are_found_and_driven_by_one() {
    let (store, _dir) = temporary().await;
    let incident = store.create_incident(&incident(prose("slow", ""))).await.unwrap();
    let first = store.create_run(&incident.id).await.unwrap();
    store.set_run_state(&first.id, RunState::Failed).await.unwrap();
    assert_eq!(store.latest_unfinished_run(&incident.id).await.unwrap(), None);
    let run = store.create_run(&incident.id).await.unwrap();
    store.set_run_state(&run.id, RunState::Parked).await.unwrap();
    assert_eq!(store.latest_unfinished_run(&incident.id).await.unwrap().unwrap().id, run.id);
    assert_eq!(store.unfinished_runs().await.unwrap().len(), 1);

    let minute = Duration::from_secs(60);
    assert!(store.claim_run(&run.id, "a", minute).await.unwrap());
    assert!(store.claim_run(&run.id, "a", minute).await.unwrap(), "a holder renews");
    assert!(!store.claim_run(&run.id, "b", minute).await.unwrap());
    store.release_run(&run.id, "b").await.unwrap();
    assert!(!store.claim_run(&run.id, "b", minute).await.unwrap(), "only the holder gives it back");
    store.release_run(&run.id, "a").await.unwrap();
    assert!(store.claim_run(&run.id, "b", Duration::ZERO).await.unwrap());
    assert!(store.claim_run(&run.id, "a", minute).await.unwrap(), "a lease runs out");
    assert!(!store.claim_run(&first.id, "a", minute).await.unwrap(), "what has ended is not driven");
}

#[tokio::test]
async fn evidence_is_kept_once_and_checked() {
    let (store, _dir) = temporary().await;
    let a = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    let b = store.create_incident(&incident(prose("b", ""))).await.unwrap();
    let hash = store.put_evidence(&a.id, &evidence("it broke")).await.unwrap();
    assert_eq!(hash, Evidence::hash("it broke"));
    assert_eq!(store.put_evidence(&a.id, &evidence("it broke")).await.unwrap(), hash);
    store.put_evidence(&b.id, &evidence("it broke")).await.unwrap();
    assert_eq!(store.get_evidence(&hash).await.unwrap().as_deref(), Some("it broke"));
    assert_eq!(store.list_evidence(&a.id).await.unwrap().len(), 1);
    store.forget(&a.id, ANNA).await.unwrap();
    assert_eq!(store.get_evidence(&hash).await.unwrap().as_deref(), Some("it broke"), "b still cites it");
    store.forget(&b.id, ANNA).await.unwrap();
    assert_eq!(store.get_evidence(&hash).await.unwrap(), None);
    let large = evidence(&"x".repeat(evidence::MAX_EVIDENCE_BYTES + 1));
    assert!(matches!(store.put_evidence(&b.id, &large).await, Err(StoreError::TooLarge { .. })));
}

#[tokio::test]
async fn proof_approval_and_outcome_never_stand_for_one_another() {
    let (store, _dir) = temporary().await;
    let incident = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    let made = store
        .remember(
            &incident.id,
            &"run_1".parse().unwrap(),
            Some(&resolution(CULPRIT, Proof::Reproduced)),
            &[],
            ANNA,
        )
        .await
        .unwrap();
    let id = made.resolution.unwrap().id;
    let now = store.get_resolution(&id).await.unwrap();
    assert_eq!((now.proof, now.approval, now.outcome), (Proof::Reproduced, Approval::None, Outcome::Unknown));
    assert!(!now.is_trusted());

    let confirmed = store.set_approval(&id, Approval::Confirmed, ANNA).await.unwrap();
    assert_eq!((confirmed.proof, confirmed.approved_by.as_deref()), (Proof::Reproduced, Some(ANNA.who)));
    assert!(confirmed.is_trusted());
    let recurred = store.set_outcome(&id, Outcome::Recurred, ANNA).await.unwrap();
    assert_eq!(recurred.approval, Approval::Confirmed);
    assert!(!recurred.is_trusted());
    store.set_outcome(&id, Outcome::Unknown, ANNA).await.unwrap();
    let rejected = store.set_approval(&id, Approval::Rejected, ANNA).await.unwrap();
    assert_eq!(rejected.proof, Proof::Reproduced);
    assert!(!rejected.is_trusted(), "a person's no outweighs the machine");

    let audit = store.audit(Some(&incident.id)).await.unwrap();
    let told: Vec<String> = audit
        .iter()
        .map(|e| {
            format!(
                "{} {} -> {}",
                e.action,
                e.before.as_deref().unwrap_or(""),
                e.after.as_ref().unwrap_or(&"".parse().unwrap())
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    remember  -> reproduced
    approval none -> confirmed
    outcome unknown -> recurred
    outcome recurred -> unknown
    approval confirmed -> rejected
    ");
    assert!(audit.iter().all(|e| e.actor == ANNA.who && e.note.as_deref() == Some(ANNA.why)));
}

#[tokio::test]
async fn the_same_conclusion_is_one_resolution_and_contradictions_stand_side_by_side() {
    let (store, _dir) = temporary().await;
    let incident = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    let remember = async |culprit: &str, proof| {
        store
            .remember(&incident.id, &"run_1".parse().unwrap(), Some(&resolution(culprit, proof)), &[], ANNA)
            .await
            .unwrap()
    };
    let first = remember(CULPRIT, Proof::Reproduced).await;
    let again = remember(CULPRIT, Proof::FixVerified).await;
    assert!(!first.merged && again.merged);
    let lower = remember(CULPRIT, Proof::None).await.resolution.unwrap();
    assert_eq!((lower.id, lower.proof), (first.resolution.unwrap().id, Proof::FixVerified));
    remember(&"e".repeat(40), Proof::None).await;
    let all = store.resolutions(&incident.id).await.unwrap();
    assert_eq!(all.iter().map(|r| r.proof).collect::<Vec<_>>(), [Proof::FixVerified, Proof::None]);
}

#[tokio::test]
async fn refuted_hypotheses_are_kept_as_such() {
    let (store, _dir) = temporary().await;
    let incident = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    let tried = [hypothesis("H1", HypothesisStatus::Refuted), hypothesis("H2", HypothesisStatus::Open)];
    store.remember(&incident.id, &"run_1".parse().unwrap(), None, &tried, ANNA).await.unwrap();
    store.remember(&incident.id, &"run_1".parse().unwrap(), None, &tried, ANNA).await.unwrap();
    let kept: Vec<Hypothesis> =
        store.hypotheses(&incident.id).await.unwrap().into_iter().map(|h| h.hypothesis).collect();
    assert_eq!(kept, tried);
}

#[tokio::test]
async fn reports_come_back_and_a_newer_one_replaces() {
    let (store, _dir) = temporary().await;
    let incident = store.create_incident(&incident(prose("a", ""))).await.unwrap();
    let mut first = report(incident.id.as_str(), "rep_1");
    store.save_report(&first).await.unwrap();
    first.summary = "on second thought".into();
    store.save_report(&first).await.unwrap();
    store.save_report(&report(incident.id.as_str(), "rep_2")).await.unwrap();
    assert_eq!(store.get_report(&"rep_1".parse().unwrap()).await.unwrap(), first);
    let listed: Vec<ReportId> =
        store.list_reports(&incident.id).await.unwrap().into_iter().map(|r| r.id).collect();
    assert_eq!(listed, ["rep_2", "rep_1"]);
    assert!(matches!(store.get_report(&"rep_9".parse().unwrap()).await, Err(StoreError::NotFound { .. })));
    let nowhere = store.save_report(&report("inc_none", "rep_3")).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound { what: "incident", .. })));
}

#[tokio::test]
async fn recurrences_become_one_problem() {
    let (store, _dir) = temporary().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(store.create_incident(&incident(prose(&format!("t{n}"), ""))).await.unwrap().id);
    }
    let one = store.link_recurrence(&ids[1], &ids[0], ANNA).await.unwrap();
    let two = store.link_recurrence(&ids[3], &ids[2], ANNA).await.unwrap();
    assert_ne!(one.id, two.id);
    let joined = store.link_recurrence(&ids[2], &ids[1], ANNA).await.unwrap();
    assert_eq!((joined.id.clone(), joined.title.as_str()), (one.id, "t0"));
    assert_eq!(store.incidents_of_problem(&joined.id).await.unwrap(), ids);
    assert_eq!(store.get_problem(&two.id).await.unwrap(), None);
    store.forget(&ids[0], ANNA).await.unwrap();
    assert_eq!(store.get_problem(&joined.id).await.unwrap().unwrap().title, "t1");
}

#[tokio::test]
async fn memory_can_be_listed_narrowed_and_searched() {
    let (store, _dir) = temporary().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let mut ticket = prose(&format!("Checkout rounds totals wrong {n}"), "cents vanish");
        ticket.context.service = Some(if n < 2 { "shop" } else { "bank" }.into());
        ids.push(store.create_incident(&incident(ticket)).await.unwrap().id);
    }
    let proven = resolution(CULPRIT, Proof::CauseConfirmed);
    store
        .remember(
            &ids[0],
            &"run_1".parse().unwrap(),
            Some(&proven),
            &[hypothesis("H1", HypothesisStatus::Refuted)],
            ANNA,
        )
        .await
        .unwrap();
    let list = async |filter: MemoryFilter| -> Vec<IncidentId> {
        store.list_memory(&filter).await.unwrap().into_iter().map(|i| i.incident_id).collect()
    };
    let newest_first: Vec<IncidentId> = ids.iter().rev().cloned().collect();
    assert_eq!(list(MemoryFilter::default()).await, newest_first);
    assert_eq!(list(MemoryFilter { service: Some("shop".into()), ..Default::default() }).await.len(), 2);
    let page = list(MemoryFilter { limit: 2, after: Some(ids[3].clone()), ..Default::default() }).await;
    assert_eq!(page, newest_first[2..4]);
    for (least, expected) in [(Proof::CauseConfirmed, 1), (Proof::FixVerified, 0), (Proof::None, 1)] {
        let found = list(MemoryFilter { proof_at_least: Some(least), ..Default::default() }).await;
        assert_eq!(found.len(), expected, "{least:?}");
    }
    assert!(
        list(MemoryFilter { approval: Some(Approval::Confirmed), ..Default::default() }).await.is_empty()
    );
    assert_eq!(list(MemoryFilter { outcome: Some(Outcome::Unknown), ..Default::default() }).await, ids[..1]);

    let found = store.search_memory("\"rounding\" total* AND ) NEAR(", 3).await.unwrap();
    assert_eq!((found.len(), found[0].score), (3, Some(1.0)));
    assert!(store.search_memory("elephants", 3).await.unwrap().is_empty());
    let shown = store.show_memory(ids[0].as_str()).await.unwrap();
    assert_eq!((shown.resolutions.len(), shown.hypotheses.len(), shown.audit.len()), (1, 1, 1));
    let by_resolution = store.show_memory(shown.resolutions[0].id.as_str()).await.unwrap();
    assert_eq!(by_resolution.incident.id, ids[0]);
}

async fn fill(store: &Store) -> Vec<IncidentId> {
    let mut ids = Vec::new();
    for n in 0..3 {
        let ticket =
            traced(&format!("Totals {n}"), "ValueError", "bad currency <*>", &["shop/money.py::Money.add"]);
        let id = store.create_incident(&incident(ticket)).await.unwrap().id;
        let run = store.create_run(&id).await.unwrap();
        store.append_events(&run.id, &[NewEvent::fact("noted", json!({ "n": n }))]).await.unwrap();
        store.put_evidence(&id, &evidence("shared text")).await.unwrap();
        store.save_report(&report(id.as_str(), &format!("rep_{n}"))).await.unwrap();
        let tried = [hypothesis("H1", HypothesisStatus::Refuted)];
        let new = resolution(CULPRIT, Proof::FixVerified);
        let made = store.remember(&id, &run.id, Some(&new), &tried, ANNA).await.unwrap().resolution.unwrap();
        store.set_approval(&made.id, Approval::Confirmed, ANNA).await.unwrap();
        ids.push(id);
    }
    store.link_recurrence(&ids[1], &ids[0], ANNA).await.unwrap();
    ids
}

async fn exported(store: &Store) -> Vec<u8> {
    let mut out = Vec::new();
    store.export(&mut out).await.unwrap();
    out
}

async fn imported(
    store: &Store,
    text: &[u8],
    options: ImportOptions<'_>,
) -> Result<ImportSummary, StoreError> {
    store.import(&mut Cursor::new(text), options, ANNA).await
}

#[tokio::test]
async fn an_export_is_complete_and_an_import_idempotent() {
    let (from, _from) = temporary().await;
    let (to, _to) = temporary().await;
    let ids = fill(&from).await;
    let text = exported(&from).await;

    let dry = imported(&to, &text, ImportOptions { dry_run: true, ..Default::default() }).await.unwrap();
    assert_eq!((dry.new_incidents, dry.new_resolutions), (3, 3));
    assert_eq!(to.count_incidents().await.unwrap(), 0);
    let first = imported(&to, &text, ImportOptions::default()).await.unwrap();
    assert_eq!((first.new_incidents, first.known_incidents), (3, 0));
    for id in &ids {
        assert_eq!(to.show_memory(id.as_str()).await.unwrap(), from.show_memory(id.as_str()).await.unwrap());
        let run = &from.list_runs(id).await.unwrap()[0].id;
        assert_eq!(to.events(run, 1).await.unwrap(), from.events(run, 1).await.unwrap());
    }
    let after_first = exported(&to).await;
    let second = imported(&to, &text, ImportOptions::default()).await.unwrap();
    assert_eq!((second.new_incidents, second.known_incidents, second.new_resolutions), (0, 3, 0));
    assert_eq!(String::from_utf8(exported(&to).await).unwrap(), String::from_utf8(after_first).unwrap());

    to.forget(&ids[0], ANNA).await.unwrap();
    let third = imported(&to, &text, ImportOptions::default()).await.unwrap();
    assert_eq!((third.forgotten, to.count_incidents().await.unwrap()), (1, 2));
}

#[tokio::test]
async fn an_import_from_elsewhere_brings_no_trust() {
    let (from, _from) = temporary().await;
    let (to, _to) = temporary().await;
    let ids = fill(&from).await;
    let redactor = Redactor::new(RedactionConfig::default()).unwrap();
    let options = ImportOptions { trust: ImportTrust::Nothing(&redactor), ..Default::default() };
    let secret = "Totals 1, password=hunter2-hunter2";
    let text = String::from_utf8(exported(&from).await).unwrap().replace("Totals 1", secret);
    imported(&to, text.as_bytes(), options).await.unwrap();
    for id in &ids {
        let entry = to.show_memory(id.as_str()).await.unwrap();
        let known = &entry.resolutions[0];
        assert_eq!((known.proof, known.approval, &known.approved_by), (Proof::None, Approval::None, &None));
        assert_eq!(
            (&known.replay, &known.fix_checks),
            (&None, &None),
            "nothing of it may be run or shown as proof"
        );
        assert!(entry.hypotheses.is_empty() && to.list_runs(id).await.unwrap().is_empty());
        assert!(!format!("{entry:?}").contains("hunter2"), "it is masked again");
        // The audit log says what was done to this memory: the import, and nothing that the file claims.
        assert!(entry.audit.iter().all(|audit| audit.action != "confirm" && audit.action != "approval"));
    }
    // Once its signer is trusted, the same file imports what it proves.
    imported(&to, text.as_bytes(), ImportOptions { trust: ImportTrust::ProofOnly, ..Default::default() })
        .await
        .unwrap();
    assert_eq!(to.resolutions(&ids[0]).await.unwrap()[0].proof, Proof::FixVerified);
    // Existing knowledge gains nothing from an untrusted file.
    let again = imported(&from, text.as_bytes(), options).await.unwrap();
    assert_eq!((again.known_incidents, again.new_resolutions), (3, 0));
    assert_eq!(from.resolutions(&ids[0]).await.unwrap()[0].proof, Proof::FixVerified);
}

#[tokio::test]
async fn an_export_is_signed_as_a_whole_and_by_one_installation() {
    let (from, _from) = temporary().await;
    let (other, _other) = temporary().await;
    fill(&from).await;
    let text = exported(&from).await;
    let signer = |text: &[u8]| signer_of(&mut Cursor::new(text.to_vec())).unwrap();
    let key = signer(&text).expect("it is signed");
    assert_eq!(key, from.export(&mut Vec::new()).await.unwrap().key);
    assert_ne!(key, other.export(&mut Vec::new()).await.unwrap().key);
    let whole = String::from_utf8(text).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let signature = lines.last().unwrap();
    for forged in [
        whole.replace("Totals 1", "Totals 9"),
        lines[..lines.len() - 1].join("\n"),
        format!("{}\n{signature}\n", lines[0]),
        format!("{whole}{}\n", lines[0]),
        whole.replace(&key, &"0".repeat(64)),
        String::new(),
    ] {
        assert_eq!(signer(forged.as_bytes()), None);
    }
}

#[tokio::test]
async fn a_bad_import_names_the_line_and_keeps_those_before() {
    let (from, _from) = temporary().await;
    fill(&from).await;
    let text = String::from_utf8(exported(&from).await).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let cases = [
        ("not json".to_owned(), "expected"),
        (lines[1].replace(TRANSFER_SCHEMA, "other/9"), "schema"),
        (lines[1].replace("shared text", "altered text"), "hash"),
        (lines[1].replace("\"seq\":1", "\"seq\":5"), "out of order"),
        (lines[1].replace(ANNA.who, ""), "names no person"),
        (lines[1].replace("\"id\":\"inc_", "\"id\":\"../x"), "is not the id of an incident"),
    ];
    for (second, expected) in cases {
        let (to, _to) = temporary().await;
        let text = format!("{}\n{second}\n", lines[0]);
        match imported(&to, text.as_bytes(), ImportOptions::default()).await {
            Err(StoreError::BadImport { line: 2, detail }) => assert!(detail.contains(expected), "{detail}"),
            other => panic!("{expected}: {other:?}"),
        }
        assert_eq!(to.count_incidents().await.unwrap(), 1);
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

fn event() -> impl Strategy<Value = NewEvent> {
    let phase = prop_oneof![Just(EventPhase::Fact), Just(EventPhase::Intent), Just(EventPhase::Outcome)];
    (any::<String>(), phase, any::<Option<String>>(), value())
        .prop_map(|(kind, phase, effect, payload)| NewEvent { kind, phase, effect, payload })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_events_come_back_in_order(batches in proptest::collection::vec(proptest::collection::vec(event(), 0..4), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, _dir) = temporary().await;
            let incident = store.create_incident(&incident(prose("a", ""))).await.unwrap();
            let run = store.create_run(&incident.id).await.unwrap();
            for batch in &batches {
                store.append_events(&run.id, batch).await.unwrap();
            }
            let read = store.events(&run.id, 1).await.unwrap();
            let expected: Vec<NewEvent> = batches.concat();
            assert!(read.iter().map(|e| e.seq).eq(1..=expected.len() as i64));
            assert_eq!(read.into_iter().map(|e| e.event).collect::<Vec<_>>(), expected);
        });
    }
}

/// A payload of any size is read back unchanged, by every read method, and is deleted with its incident.
#[tokio::test]
async fn large_payloads_of_events_lie_beside_their_rows() {
    let (store, home) = temporary().await;
    let made = store.create_incident(&incident(prose("large", ""))).await.unwrap();
    let run = store.create_run(&made.id).await.unwrap();
    let large = format!("{}é\0\u{10ffff}\"\\{}", "x".repeat((1 << 20) - 12), "ü\n".repeat(3 << 20));
    let payloads = [json!({ "text": "small" }), json!({ "text": large }), json!({ "text": "last" })];
    let phases = [EventPhase::Fact, EventPhase::Intent, EventPhase::Fact];
    let events: Vec<NewEvent> = payloads
        .iter()
        .zip(phases)
        .map(|(payload, phase)| NewEvent {
            kind: "planned".into(),
            phase,
            effect: Some("c1".into()),
            payload: payload.clone(),
        })
        .collect();
    store.append_events(&run.id, &events).await.unwrap();
    let read = |events: Vec<StoredEvent>| events.into_iter().map(|event| event.event).collect::<Vec<_>>();
    assert!(read(store.events(&run.id, 1).await.unwrap()) == events, "read whole");
    let streamed = store.stream(&made.id, &StreamPosition::default(), 10).await.unwrap();
    assert!(streamed.iter().map(|event| &event.payload).eq(&payloads), "streamed");
    assert_eq!(store.latest_plan(&made.id).await.unwrap(), Some(payloads[2].clone()));

    let mut exported = Vec::new();
    store.export(&mut exported).await.unwrap();
    let other = tempfile::TempDir::new().unwrap();
    let other = testing::open(other.path().to_str().unwrap()).await.unwrap();
    other.import(&mut Cursor::new(exported), ImportOptions::default(), ANNA).await.unwrap();
    assert!(read(other.events(&run.id, 1).await.unwrap()) == events, "moved");

    store.forget(&made.id, ANNA).await.unwrap();
    assert_eq!(store.stream(&made.id, &StreamPosition::default(), 10).await.unwrap().len(), 0);
    drop(home);
}
