//! Knowledge reaches only those who may read it, and is trusted no longer than it may be.

use std::time::Duration;

use millwright_model::{
    Approval, Audience, FailedFix, IncidentId, IncomingReport, NewIncident, NewResolution, Outcome,
    ParsedTicket, PastIncident, PastResolution, Proof, ResolutionId,
};
use millwright_store::{MemoryFilter, Store, past_incident_id};

use super::{RecallQuery, recall};
use crate::testing::{ANNA, incident, prose, repository, resolution, temporary, traced};

fn ticket(title: &str) -> ParsedTicket {
    traced(title, "KeyError", "currency", &["shop/money.py::add", "shop/cart.py::total"])
}

fn arrival(audience: Audience, number: u32) -> IncomingReport {
    IncomingReport {
        conversation: None,
        incident: incident(ticket("Totals are wrong")),
        delivery: Some(format!("d:{number}")),
        content: None,
        correlation: Vec::new(),
        resolved: false,
        audience,
        note: None,
        files: Vec::new(),
        by: "hook".into(),
    }
}

/// An answered incident of an audience, with the given approval of its cause.
async fn answered(store: &Store, audience: Audience, number: u32, approval: Approval) -> IncidentId {
    let arrived = store.ingest(&[arrival(audience, number)], Duration::from_secs(3_600)).await.unwrap();
    let id = arrived[0].incident().unwrap().to_owned();
    let run = store.create_run(&id).await.unwrap();
    let new = NewResolution {
        failed_fixes: vec![FailedFix { diff: format!("diff {number}"), because: "tests fail".into() }],
        ..resolution(&format!("{number:040}"), Proof::CauseConfirmed)
    };
    let known = store.remember(&id, &run.id, Some(&new), &[], ANNA).await.unwrap().resolution.unwrap();
    store.set_approval(&known.id, approval, ANNA).await.unwrap();
    id
}

#[tokio::test]
async fn knowledge_reaches_only_readers_who_may_be_told() {
    use Audience::{Internal, Public, Unknown};
    let (store, _dir) = temporary().await;
    let mut of = Vec::new();
    for (number, audience) in [(1, Internal), (2, Unknown), (3, Public)] {
        of.push(answered(&store, audience, number, Approval::Confirmed).await);
        of.push(answered(&store, audience, number + 10, Approval::Rejected).await);
    }
    let sorted = |mut ids: Vec<IncidentId>| {
        ids.sort();
        ids.dedup();
        ids
    };
    for (readers, expected) in [(Internal, &of[..]), (Unknown, &of[4..]), (Public, &of[4..])] {
        let store = store.read_for(readers);
        let expected = sorted(expected.to_vec());
        let query = ticket("Totals are wrong");
        let query = RecallQuery { repository: Some(&repository()), ..RecallQuery::new(&query) };
        let found = recall(&store, &query).await.unwrap();
        assert_eq!(
            sorted(found.iter().map(|one| one.incident.id.clone()).collect()),
            expected,
            "{readers:?}"
        );
        let names = found.iter().flat_map(|one| &one.resolutions).any(|known| known.approved_by.is_some());
        let why = found.iter().any(|one| one.trust.why.join(" ").contains(ANNA.who));
        assert_eq!((names, why), (readers == Internal, readers == Internal));
        let listed = store.list_memory(&MemoryFilter::default()).await.unwrap();
        assert_eq!(sorted(listed.into_iter().map(|item| item.incident_id).collect()), expected);
        let searched = store.search_memory("totals", 20).await.unwrap();
        assert_eq!(sorted(searched.into_iter().map(|item| item.incident_id).collect()), expected);
        let causes = store.earlier_causes(&repository(), None).await.unwrap();
        let all = causes.trusted.iter().chain(&causes.rejected);
        assert_eq!(sorted(all.map(|known| known.incident_id.clone()).collect()), expected);
        let fixes = store.failed_fixes(&repository()).await.unwrap();
        assert_eq!(sorted(fixes.into_iter().map(|fix| fix.incident_id).collect()), expected);
        let rejected: Vec<&ResolutionId> = causes.rejected.iter().map(|known| &known.id).collect();
        let notes = store.rejection_notes(&rejected).await.unwrap();
        assert_eq!(notes.is_empty(), readers != Internal, "what somebody inside said");
        for id in &of {
            let known = store.resolutions(id).await.unwrap().remove(0);
            assert_eq!(store.get_resolution(&known.id).await.is_ok(), expected.contains(id), "{readers:?}");
        }
    }
}

#[tokio::test]
async fn what_was_known_before_is_recalled_and_trusted_until_it_recurs() {
    let (store, _dir) = temporary().await;
    let past = |n: usize| PastIncident {
        key: format!("jira\nSHOP-{n}"),
        at: Some("2020-02-03T00:00:00Z".parse().unwrap()),
        incident: NewIncident {
            source: Some("jira".into()),
            ..incident(prose(&format!("Old ticket {n} about invoices"), "It was closed long ago."))
        },
        resolution: Some(PastResolution {
            statement: "the currency is dropped".into(),
            culprit: None,
            units: vec!["shop/money.py::Money.add".into()],
            confirmed_by: Some("Anna".into()),
        }),
    };
    let tickets = [past(1), past(2)];
    store.take_in_past(&tickets, false, ANNA).await.unwrap();
    let query = prose("Old ticket about an invoice", "");
    let found = recall(&store, &RecallQuery::new(&query)).await.unwrap();
    assert_eq!(found.iter().map(|f| f.trusted).collect::<Vec<_>>(), [true, true], "{found:?}");
    for ticket in &tickets {
        let known = store.resolutions(&past_incident_id(ticket)).await.unwrap().remove(0);
        store.set_outcome(&known.id, Outcome::Recurred, ANNA).await.unwrap();
    }
    let found = recall(&store, &RecallQuery::new(&query)).await.unwrap();
    assert_eq!(found.iter().map(|f| f.trusted).collect::<Vec<_>>(), [false, false], "{found:?}");
}
