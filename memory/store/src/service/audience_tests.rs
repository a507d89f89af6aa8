//! Reports with different readers stay separate, and readers are never told what is known from a narrower audience.

use std::time::Duration;

use millwright_model::{Audience, ParsedTicket, RemoteFile};

use super::super::Store;
use super::super::testing::{ANNA, incident, temporary, traced};
use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn ticket(title: &str) -> ParsedTicket {
    traced(title, "KeyError", "currency", &["shop/money.py::add", "shop/cart.py::total"])
}

fn arrival(audience: Audience, number: u32) -> IncomingReport {
    IncomingReport {
        conversation: None,
        incident: incident(ticket("Totals are wrong")),
        delivery: Some(format!("d:{number}")),
        content: None,
        correlation: vec![format!("ticket:{number}"), format!("{SHARED_KEY}abc")],
        resolved: false,
        audience,
        note: Some(("tracker".into(), number.to_string())),
        files: vec![RemoteFile {
            url: "https://x/a.log".into(),
            name: "a.log".into(),
            media_type: "text/plain".into(),
        }],
        by: "hook".into(),
    }
}

async fn arrive(store: &Store, arrival: IncomingReport) -> IngestResult {
    store.ingest(&[arrival], HOUR).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_report_joins_only_reports_with_the_same_readers() {
    use Audience::{Internal, Public, Unknown};
    let (store, _dir) = temporary().await;
    let mut opened = Vec::new();
    for (number, audience) in [(1, Internal), (2, Public), (3, Unknown), (4, Unknown)] {
        let IngestResult::Opened(id) = arrive(&store, arrival(audience, number)).await else {
            panic!("{audience:?} joined")
        };
        assert_eq!(store.get_incident(&id).await.unwrap().audience, audience);
        let notes = store.notes(&id).await.unwrap();
        assert_eq!(
            notes.iter().map(|note| (&*note.target, note.audience)).collect::<Vec<_>>(),
            [(&*number.to_string(), audience)]
        );
        assert_eq!(store.deliveries(&id).await.unwrap().len(), 1);
        opened.push(id);
    }
    for (number, audience, at) in [(5, Internal, 0), (6, Public, 1)] {
        let joined = arrive(&store, arrival(audience, number)).await;
        assert_eq!(joined, IngestResult::Joined(opened[at].clone()), "the same readers");
    }
    let again = IncomingReport { delivery: Some("d:7".into()), ..arrival(Unknown, 3) };
    assert_eq!(arrive(&store, again).await, IngestResult::Joined(opened[2].clone()), "the same ticket");
    // Internal readers can see that they are related.
    let mut others = opened[1..].to_vec();
    others.sort();
    others.reverse();
    assert_eq!(store.related_incidents(&opened[0]).await.unwrap(), others);
    // A closed ticket is noted even if its readers have changed.
    let closed = IncomingReport { resolved: true, delivery: Some("d:8".into()), ..arrival(Internal, 2) };
    let closed = IncomingReport { correlation: vec!["ticket:2".into()], ..closed };
    assert_eq!(arrive(&store, closed).await, IngestResult::Resolved(opened[1].clone()));
    assert_eq!(store.incident_known_by("ticket:4", None).await.unwrap().as_ref(), Some(&opened[3]));
    store.forget(&opened[0], ANNA).await.unwrap();
    assert!(!store.related_incidents(&opened[1]).await.unwrap().contains(&opened[0]));
}

/// An incident that was over for longer than the window is another failure for every reader; an open one is the same
/// failure.
#[tokio::test]
async fn only_what_could_have_been_joined_is_related() {
    use Audience::{Internal, Public, Unknown};
    let (store, _dir) = temporary().await;
    let mut opened = Vec::new();
    for (number, audience) in [(1, Public), (2, Unknown)] {
        opened.push(arrive(&store, arrival(audience, number)).await.incident().unwrap().to_owned());
    }
    store.set_incident_state(&opened[0], IncidentState::Done).await.unwrap();
    let late = arrival(Internal, 3);
    let late = store.ingest(&[late], Duration::ZERO).await.unwrap().remove(0);
    assert_eq!(store.related_incidents(late.incident().unwrap()).await.unwrap(), [opened[1].clone()]);
    // A report with many keys, one of which matches.
    let many = (0..1_200).map(|number| format!("alert:{number}")).chain(["ticket:2".to_owned()]);
    let many = IncomingReport { correlation: many.collect(), ..arrival(Public, 4) };
    let many = arrive(&store, many).await;
    assert_eq!(store.related_incidents(many.incident().unwrap()).await.unwrap(), [opened[1].clone()]);
}
