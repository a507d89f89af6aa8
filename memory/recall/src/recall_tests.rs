//! What recall must find, must not find, and must say.

use millwright_model::{
    Approval, Hypothesis, HypothesisStatus, IncidentId, MappedFrame, NewIncident, Outcome, ParsedTicket,
    Proof,
};
use millwright_store::Store;

use super::{RecallQuery, RecallViews, RecalledIncident, nearest_by, recall};
use crate::testing::{ANNA, StoreHome, incident, prose, repository, resolution, temporary, traced};

const ADD: &[&str] = &["shop/money.py::Money.add", "shop/cart.py::Cart.total", "shop/views.py::checkout"];
const PARSE: &[&str] = &["bank/iban.py::parse", "bank/forms.py::clean_iban", "bank/views.py::transfer"];

/// A store with two hundred unrelated incidents, half of them with traces.
async fn filled() -> (Store, StoreHome) {
    let (store, dir) = temporary().await;
    let things =
        ["login", "upload", "search", "report", "mail", "export", "avatar", "invoice", "webhook", "cache"];
    let mut filler = Vec::new();
    for n in 0..200 {
        let (a, b) = (things[n % 10], things[(n / 10) % 10]);
        let title = format!("The {a} page shows an error after the {b} job");
        filler.push(incident(if n % 2 == 0 {
            let symbols = [format!("{a}/jobs.py::run_{b}"), format!("{b}/tasks.py::start")];
            let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
            traced(&title, "RuntimeError", &format!("{a} queue of {b} is closed"), &symbols)
        } else {
            prose(&title, &format!("Since the last deploy customers report that {a} and {b} hang."))
        }));
    }
    store.create_incidents(&filler).await.unwrap();
    (store, dir)
}

async fn keep(store: &Store, ticket: ParsedTicket) -> IncidentId {
    store.create_incident(&incident(ticket)).await.unwrap().id
}

async fn ask(store: &Store, ticket: &ParsedTicket) -> Vec<RecalledIncident> {
    let query = RecallQuery { repository: Some(&repository()), ..RecallQuery::new(ticket) };
    recall(store, &query).await.unwrap()
}

#[tokio::test]
async fn the_same_failure_in_other_words_is_found_first() {
    let (store, _dir) = filled().await;
    let id = keep(&store, traced("Totals are wrong", "ValueError", "bad currency <*>", ADD)).await;
    let again = traced("Customer 4711 cannot pay since noon", "ValueError", "bad currency <*>", ADD);
    let found = ask(&store, &again).await;
    assert_eq!(found[0].incident.id, id);
    assert!(found[0].structural && found[0].score >= 0.95 && !found[0].trusted, "{found:?}");
    assert!(found[0].why[0].contains("fingerprint"), "{:?}", found[0].why);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[tokio::test]
async fn a_longer_stack_to_the_same_place_agrees_in_structure() {
    let (store, _dir) = filled().await;
    let id =
        keep(&store, traced("Totals are wrong", "shop.errors.MoneyError", "bad currency <*>", ADD)).await;
    let mut deeper = ADD.to_vec();
    deeper.push("shop/api.py::post_order");
    let found = ask(&store, &traced("API answers 500", "MoneyError", "bad currency <*>", &deeper)).await;
    assert_eq!(found[0].incident.id, id);
    assert!(found[0].structural && found[0].score >= 0.7, "{found:?}");
    assert!(found[0].why.iter().any(|w| w.contains("Money.add")), "{:?}", found[0].why);
}

#[tokio::test]
async fn a_look_alike_with_another_cause_is_told_apart() {
    let (store, _dir) = filled().await;
    let title = "Checkout answers 500 for customers in Norway";
    keep(&store, traced(title, "ValueError", "bad currency <*>", ADD)).await;
    let cases = [
        ("other code", traced(title, "ValueError", "bad currency <*>", PARSE), "no function"),
        (
            "other exception",
            traced(title, "TimeoutError", "no answer from <*> in time", ADD),
            "TimeoutError here",
        ),
        (
            "other code and message",
            traced(title, "ValueError", "no such country <*>", PARSE),
            "another error",
        ),
    ];
    for (name, ticket, reason) in cases {
        for found in ask(&store, &ticket).await {
            assert!(!found.structural && found.score <= 0.4, "{name}: {} {:?}", found.score, found.why);
            assert!(
                found.why.iter().any(|w| w.starts_with("differs: ") && w.contains(reason)),
                "{name}: {:?}",
                found.why
            );
        }
    }
}

#[tokio::test]
async fn no_precedent_is_an_answer() {
    let (store, _dir) = filled().await;
    let cases = [
        prose("Barcode scanner reads umlauts twice", "The handheld prints ÄÄ where the label says Ä."),
        traced("Kernel oops", "SegmentationFault", "invalid read of size <*>", &["driver/usb.c::usb_probe"]),
        prose("", ""),
        prose("4711 0xdeadbeef ???", "!!!"),
    ];
    for ticket in cases {
        let found = ask(&store, &ticket).await;
        assert!(found.is_empty(), "{}: {found:?}", ticket.title);
    }
    let (empty, _dir) = temporary().await;
    assert!(ask(&empty, &prose("anything", "at all")).await.is_empty());
}

#[tokio::test]
async fn prose_is_a_hint_at_most_and_the_very_same_text_is_more() {
    let (store, _dir) = filled().await;
    let ticket = prose(
        "Totals in the cart are off by one cent",
        "Rounding of the VAT drops cents when a voucher is used.",
    );
    let id = keep(&store, ticket.clone()).await;
    let found =
        ask(&store, &prose("Cart total off by a cent", "With a voucher, VAT rounding drops one cent.")).await;
    assert_eq!(found[0].incident.id, id);
    assert!(!found[0].structural && found[0].score <= 0.6, "{found:?}");
    assert!(found[0].why[0].contains("similar words"), "{:?}", found[0].why);
    let same = ask(&store, &ticket).await;
    assert!(same[0].structural && same[0].score >= 0.95);
}

#[tokio::test]
async fn repositories_do_not_mix_and_the_incident_itself_is_left_out() {
    let (store, _dir) = temporary().await;
    let ticket = traced("Totals are wrong", "ValueError", "bad currency <*>", ADD);
    let other = NewIncident { repository: Some("other".parse().unwrap()), ..incident(ticket.clone()) };
    store.create_incident(&other).await.unwrap();
    assert!(ask(&store, &ticket).await.is_empty());
    let unknown = NewIncident { repository: None, ..incident(ticket.clone()) };
    let unknown = store.create_incident(&unknown).await.unwrap().id;
    let own = keep(&store, ticket.clone()).await;
    let query =
        RecallQuery { repository: Some(&repository()), exclude: Some(&own), ..RecallQuery::new(&ticket) };
    let ids: Vec<IncidentId> =
        recall(&store, &query).await.unwrap().into_iter().map(|r| r.incident.id).collect();
    assert_eq!(ids, [unknown]);
    let anywhere = RecallQuery { exclude: Some(&own), ..RecallQuery::new(&ticket) };
    assert_eq!(recall(&store, &anywhere).await.unwrap().len(), 2);
}

#[tokio::test]
async fn recurrences_fold_and_bring_what_each_knows() {
    let (store, _dir) = filled().await;
    let ticket = traced("Totals are wrong", "ValueError", "bad currency <*>", ADD);
    let (first, second) = (keep(&store, ticket.clone()).await, keep(&store, ticket.clone()).await);
    store.link_recurrence(&second, &first, ANNA).await.unwrap();
    let refuted = Hypothesis {
        id: "H1".into(),
        statement: "the cache is stale".into(),
        status: HypothesisStatus::Refuted,
        evidence: vec![],
    };
    store
        .remember(&first, &"run_1".parse().unwrap(), Some(&resolution("a", Proof::None)), &[refuted], ANNA)
        .await
        .unwrap();
    let proven = resolution("b", Proof::FixVerified);
    let made = store
        .remember(&second, &"run_2".parse().unwrap(), Some(&proven), &[], ANNA)
        .await
        .unwrap()
        .resolution
        .unwrap();

    let found = ask(&store, &ticket).await;
    assert_eq!((found.len(), found[0].occurrences, found[0].refuted.len()), (1, 2, 1));
    assert!(found[0].trusted);
    assert_eq!(
        found[0].resolutions.iter().map(|r| r.proof).collect::<Vec<_>>(),
        [Proof::FixVerified, Proof::None]
    );
    assert_eq!(found[0].resolutions[0].units, proven.units);

    for approval in [Approval::Rejected, Approval::None] {
        store.set_approval(&made.id, approval, ANNA).await.unwrap();
        assert_eq!(ask(&store, &ticket).await[0].trusted, approval == Approval::None, "{approval:?}");
    }
    store.set_outcome(&made.id, Outcome::Recurred, ANNA).await.unwrap();
    assert!(!ask(&store, &ticket).await[0].trusted);
}

#[tokio::test]
async fn guilty_code_of_then_on_the_stack_of_now_is_said() {
    let (store, _dir) = filled().await;
    let id = keep(
        &store,
        traced("Report is empty", "KeyError", "missing <*> column", &["shop/report.py::Report.rows"]),
    )
    .await;
    store
        .remember(&id, &"run_1".parse().unwrap(), Some(&resolution("c", Proof::CauseConfirmed)), &[], ANNA)
        .await
        .unwrap();
    let mapped =
        [MappedFrame { path: "shop/money.py".into(), symbol: Some("Money.add".into()), is_test: false }];
    let ticket = traced("Report fails", "KeyError", "missing <*> column", &["shop/totals.py::Totals.sum"]);
    let query = RecallQuery { repository: Some(&repository()), mapped: &mapped, ..RecallQuery::new(&ticket) };
    let found = recall(&store, &query).await.unwrap();
    assert_eq!(found[0].incident.id, id);
    assert!(
        found[0].why.iter().any(|w| w.contains("culprit") && w.contains("Money.add")),
        "{:?}",
        found[0].why
    );
}

#[tokio::test]
async fn the_service_decides_between_equals() {
    let (store, _dir) = filled().await;
    let mut ids = Vec::new();
    for service in ["shop", "bank", "mail"] {
        let mut ticket = prose("Nightly import of vouchers stalls", "The voucher importer never ends.");
        ticket.context.service = Some(service.into());
        ticket.text = format!("{} {service}", ticket.text);
        ids.push(keep(&store, ticket).await);
    }
    let mut ticket = prose("Nightly voucher import stalls", "The voucher importer never ends.");
    ticket.context.service = Some("bank".into());
    let near = nearest_by(&store, &RecallQuery::new(&ticket), RecallViews::ALL).await.unwrap();
    assert_eq!(near[0].incident_id, ids[1]);
    assert!(ask(&store, &ticket).await[0].why.contains(&"the same service bank".to_owned()));
}

#[test]
fn the_suites_of_every_engine_hold_on_postgres() {
    millwright_testkit::postgres::hold_on_a_server(&[
        "vectors::contract_tests",
        "tests::",
        "knowledge_tests::",
    ]);
}
