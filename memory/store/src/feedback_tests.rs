//! What feedback changes, by whose authority, and what it never changes.

use super::super::judging::FeedbackRights;
use super::super::testing::{ANNA, incident, prose, resolution, temporary};
use super::super::{Actor, FeedbackAuthor};
use super::*;

fn owner(by: Actor<'_>) -> FeedbackAuthor<'_> {
    FeedbackAuthor::new(by, FeedbackRights::OWNER)
}

#[test]
fn a_note_may_name_the_commit() {
    let check = |note: &str, expected: Option<&str>| {
        assert_eq!(commit_named(note).as_deref(), expected, "{note}");
    };
    check("it was 1c1ed3b", Some("1c1ed3b"));
    check("No. It was commit 1C1ED3B, see #12", Some("1c1ed3b"));
    check("1c1ed3b", Some("1c1ed3b"));
    check("caused by 1c1ed3b4f00ba41c1ed3b4f00ba41c1ed3b4f00ba", None);
    check(&format!("the culprit is {}", "1".repeat(40)), Some(&"1".repeat(40)));
    check("it was not 1c1ed3b", None);
    check("not this", None);
    check("it was order 1234567", None);
    check("it was defaced", None);
    check("seen with build 1c1ed3b as well, no idea", None);
    check("", None);
}

#[tokio::test]
async fn a_correction_stands_beside_what_it_corrects() {
    let (store, _dir) = temporary().await;
    let incident = store.create_incident(&incident(prose("totals are wrong", ""))).await.unwrap();
    let run = store.create_run(&incident.id).await.unwrap();
    let new = resolution("aaaa111", Proof::CauseConfirmed);
    let kept = store.remember(&incident.id, &run.id, Some(&new), &[], ANNA).await.unwrap();
    let kept = kept.resolution.unwrap();
    let by = Actor { who: "anna", why: "it was 1c1ed3b" };
    let judged = store.record_feedback(&incident.id, None, Approval::Rejected, owner(by)).await.unwrap();
    let correction = judged.correction.unwrap();
    assert_eq!(judged.resolution.unwrap().approval, Approval::Rejected);
    assert_eq!(correction.culprit.as_deref(), Some("1c1ed3b"));
    assert_eq!((correction.approval, correction.proof), (Approval::Confirmed, Proof::None));
    assert_eq!(correction.replay, kept.replay);
    // Repeating the feedback does not add a second correction.
    store.record_feedback(&incident.id, Some(&kept.id), Approval::Rejected, owner(by)).await.unwrap();
    let all = store.resolutions(&incident.id).await.unwrap();
    assert_eq!(all.iter().map(|known| &known.id).collect::<Vec<_>>(), [&correction.id, &kept.id]);
    let said: Vec<String> =
        store.audit(Some(&incident.id)).await.unwrap().into_iter().map(|e| e.action).collect();
    assert!(said.contains(&"correct".to_owned()), "{said:?}");
}
#[tokio::test]
async fn a_rejection_reaches_the_other_reports_of_the_problem() {
    let (store, _dir) = temporary().await;
    let mut kept = Vec::new();
    for _ in 0..4 {
        let incident = store.create_incident(&incident(prose("totals are wrong", ""))).await.unwrap();
        let run = store.create_run(&incident.id).await.unwrap();
        let new = resolution("aaaa111", Proof::CauseConfirmed);
        let done = store.remember(&incident.id, &run.id, Some(&new), &[], ANNA).await.unwrap();
        kept.push(done.resolution.unwrap());
    }
    for again in &kept[1..3] {
        store.link_recurrence(&again.incident_id, &kept[0].incident_id, ANNA).await.unwrap();
    }
    store.record_feedback(&kept[2].incident_id, None, Approval::Confirmed, owner(ANNA)).await.unwrap();
    store.record_feedback(&kept[0].incident_id, None, Approval::Rejected, owner(ANNA)).await.unwrap();
    let mut standing = Vec::new();
    for one in &kept {
        standing.push(store.get_resolution(&one.id).await.unwrap().approval);
    }
    let expected = [Approval::Rejected, Approval::Rejected, Approval::Confirmed, Approval::None];
    assert_eq!(standing, expected, "what a person confirmed, and another problem, stay");
}

#[tokio::test]
async fn where_nothing_was_concluded_the_cause_can_be_told() {
    let (store, _dir) = temporary().await;
    let incident = store.create_incident(&incident(prose("totals are wrong", ""))).await.unwrap();
    let say = async |why| {
        store.record_feedback(&incident.id, None, Approval::Rejected, owner(Actor { who: "anna", why })).await
    };
    assert!(matches!(say("no").await, Err(StoreError::NotFound { .. })));
    let told = say("it was 1c1ed3b").await.unwrap();
    assert_eq!((told.resolution.as_ref(), told.corrected_to()), (None, Some("1c1ed3b")));
    assert!(store.resolutions(&incident.id).await.unwrap().iter().all(Resolution::is_trusted));
}

const BOB: Actor<'static> = Actor { who: "bob (t2)", why: "same here" };

fn support(by: Actor<'_>) -> FeedbackAuthor<'_> {
    FeedbackAuthor::new(by, FeedbackRights { authority: JudgingAuthority::Support, suffices: false })
}

/// An unproven claim, in an incident of its own.
async fn claim(store: &Store, culprit: &str, proof: Proof) -> Resolution {
    let incident = store.create_incident(&incident(prose("totals are wrong", ""))).await.unwrap();
    let run = store.create_run(&incident.id).await.unwrap();
    let new = resolution(culprit, proof);
    store.remember(&incident.id, &run.id, Some(&new), &[], ANNA).await.unwrap().resolution.unwrap()
}

async fn judge(
    store: &Store,
    known: &Resolution,
    approval: Approval,
    judge: FeedbackAuthor<'_>,
) -> FeedbackResult {
    store.record_feedback(&known.incident_id, Some(&known.id), approval, judge).await.unwrap()
}

#[tokio::test]
async fn what_a_higher_right_said_stands_until_it_is_taken_back_there() {
    let (store, _dir) = temporary().await;
    let known = claim(&store, "aaaa111", Proof::None).await;
    let now = async || store.get_resolution(&known.id).await.unwrap();
    judge(&store, &known, Approval::Rejected, owner(ANNA)).await;
    let link = |by| FeedbackAuthor { by, standing: FeedbackRights::LINK, link: None };
    for lower in [support(BOB), link(Actor { who: "Eve (by a link in the ticket)", why: "it was it" })] {
        let told = judge(&store, &known, Approval::Confirmed, lower).await;
        let stands = PriorFeedback { approval: Approval::Rejected, authority: JudgingAuthority::Admin };
        assert_eq!(told.overruled_by, Some(stands));
        assert!(told.in_words(Approval::Confirmed).contains("rejected by an administrator"), "{told:?}");
        assert_eq!(
            (now().await.approval, now().await.approved_by.as_deref()),
            (Approval::Rejected, Some(ANNA.who))
        );
    }
    let audit = store.audit(Some(&known.incident_id)).await.unwrap();
    let remarks: Vec<_> = audit.iter().filter(|entry| entry.action == "remark").collect();
    assert_eq!(remarks.len(), 2, "{audit:?}");
    assert_eq!((remarks[0].actor.as_str(), remarks[0].note.as_deref()), (BOB.who, Some("same here")));
    // Naming it as the right cause instead of another has the same effect.
    let other = claim(&store, "bbbb222", Proof::None).await;
    store.link_recurrence(&other.incident_id, &known.incident_id, ANNA).await.unwrap();
    let named = support(Actor { who: BOB.who, why: "it was aaaa111" });
    let told = judge(&store, &other, Approval::Rejected, named).await;
    assert!(told.correction.is_none() && told.overruled_by.is_some(), "{told:?}");
    let words = told.in_words(Approval::Rejected);
    assert!(
        told.is_taken && words.starts_with("Marked as wrong") && words.contains("commit that you named was"),
        "{words}"
    );
    let resolutions = store.resolutions(&other.incident_id).await.unwrap();
    assert!(resolutions.iter().all(|known| !known.is_trusted()), "{resolutions:?}");
    // The one with the authority can take it back.
    assert_eq!(judge(&store, &known, Approval::Confirmed, owner(ANNA)).await.overruled_by, None);
    assert!(now().await.is_trusted());
    // Nor does a lower authority reject what a higher one confirmed.
    assert!(judge(&store, &known, Approval::Rejected, support(BOB)).await.overruled_by.is_some());
    assert!(now().await.is_trusted());
}

#[tokio::test]
async fn a_confirmation_counts_by_right_or_by_two_persons() {
    let (store, _dir) = temporary().await;
    let known = claim(&store, "aaaa111", Proof::None).await;
    let trusted = async || store.get_resolution(&known.id).await.unwrap().is_trusted();
    let carl = |who| support(Actor { who, why: "" });
    let told = judge(&store, &known, Approval::Confirmed, carl("carl")).await;
    assert!(told.in_words(Approval::Confirmed).contains("second person"), "{told:?}");
    assert!(!trusted().await, "one person");
    judge(&store, &known, Approval::Confirmed, carl("carl")).await;
    assert!(!trusted().await, "the same person twice");
    // Anybody can enter any name on a link's page.
    let eve = Actor { who: "Eve (by a link in the ticket)", why: "" };
    judge(
        &store,
        &known,
        Approval::Confirmed,
        FeedbackAuthor { by: eve, standing: FeedbackRights::LINK, link: None },
    )
    .await;
    assert!(!trusted().await, "a link is nobody in particular");
    let now = store.get_resolution(&known.id).await.unwrap();
    assert_eq!(now.approved_by.as_deref(), Some("carl"), "a lower word that agrees takes nothing away");
    judge(&store, &known, Approval::Confirmed, support(BOB)).await;
    assert!(trusted().await, "two persons");
    judge(&store, &known, Approval::Rejected, support(BOB)).await;
    assert!(!trusted().await, "a rejection of the same right holds");
    judge(&store, &known, Approval::Confirmed, carl("carl")).await;
    assert!(!trusted().await, "after it, what was said before does not count");
    let responder = FeedbackRights { authority: JudgingAuthority::Responder, suffices: true };
    judge(&store, &known, Approval::Confirmed, FeedbackAuthor::new(BOB, responder)).await;
    assert!(trusted().await);
    // A resolution that a machine proved needs no confirmation, and keeps its proof.
    let proven = claim(&store, "cccc333", Proof::CauseConfirmed).await;
    judge(&store, &proven, Approval::Confirmed, carl("carl")).await;
    assert!(store.get_resolution(&proven.id).await.unwrap().is_trusted());
}

#[tokio::test]
async fn a_rejection_by_a_higher_right_reaches_what_a_lower_one_confirmed_elsewhere() {
    let (store, _dir) = temporary().await;
    let (first, second) =
        (claim(&store, "aaaa111", Proof::None).await, claim(&store, "aaaa111", Proof::None).await);
    store.link_recurrence(&second.incident_id, &first.incident_id, ANNA).await.unwrap();
    judge(&store, &second, Approval::Confirmed, support(BOB)).await;
    judge(&store, &second, Approval::Confirmed, support(Actor { who: "carl", why: "" })).await;
    assert!(store.get_resolution(&second.id).await.unwrap().is_trusted());
    judge(&store, &first, Approval::Rejected, owner(ANNA)).await;
    assert_eq!(store.get_resolution(&second.id).await.unwrap().approval, Approval::Rejected);
    assert!(judge(&store, &second, Approval::Confirmed, support(BOB)).await.overruled_by.is_some());
}

#[tokio::test]
async fn a_link_is_good_for_once() {
    let (store, _dir) = temporary().await;
    let known = claim(&store, "aaaa111", Proof::None).await;
    let by = Actor { who: "Eve (by a link in the ticket)", why: "" };
    let link = FeedbackAuthor { by, standing: FeedbackRights::LINK, link: Some("c.1") };
    judge(&store, &known, Approval::Confirmed, link).await;
    assert!(store.is_link_spent("c.1").await.unwrap() && !store.is_link_spent("r.1").await.unwrap());
    let again = store.record_feedback(&known.incident_id, Some(&known.id), Approval::Confirmed, link).await;
    assert!(matches!(again, Err(StoreError::LinkSpent)), "{again:?}");
    store.forget(&known.incident_id, ANNA).await.unwrap();
}
