//! Links in notes by which readers judge an answer.

use axum::body::Body;
use axum::http::Request;
use millwright_model::{Approval, Audience, IncomingReport, NewIncident};
use millwright_store::Actor;

use super::{Browser, answered, get, leads, post};
use crate::auth::TokenRole;
use crate::judge_links::JudgeLinks;
use crate::tests::scene;

#[tokio::test]
async fn a_link_in_a_note_changes_nothing_until_its_button_is_pressed() {
    let scene = scene().await;
    let id = scene.report(&scene.token(TokenRole::Support).await, "Totals are wrong").await;
    let known = answered(&scene, &id, "a commit did it").await;
    let links = JudgeLinks::of(&scene.app, &id, "").await.unwrap().unwrap();
    let again = JudgeLinks::of(&scene.app, &id, "").await.unwrap().unwrap();
    assert_eq!(
        (&links.confirm, &links.reject),
        (&again.confirm, &again.reject),
        "a note is not written anew for them"
    );
    let approval = async || scene.app.own_store.get_resolution(&known.id).await.unwrap();

    let page = get(&scene, &links.confirm, "").await;
    assert!(
        page.status == 200
            && page.text.contains("Was this the cause?")
            && page.text.contains("a commit did it")
    );
    assert_eq!(approval().await.approval, Approval::None, "scanners open links");
    assert_eq!(
        post(&scene, &links.confirm, "", &[("note", "x")]).await.status,
        422,
        "somebody has to say who"
    );
    assert_eq!(approval().await.approval, Approval::None);
    let done =
        post(&scene, &links.confirm, "", &[("who", "Ann of the desk"), ("note", "the customer says so")])
            .await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(approval().await.approval, Approval::Confirmed);
    assert_eq!(approval().await.approved_by.as_deref(), Some("Ann of the desk (by a link in the ticket)"));
    assert!(!approval().await.approval_suffices, "anybody may say any name");
    for spent in
        [get(&scene, &links.confirm, "").await, post(&scene, &links.confirm, "", &[("who", "Eve")]).await]
    {
        assert!(spent.status == 409 && spent.text.contains("used already"), "{}", spent.text);
    }
    post(&scene, &links.reject, "", &[("who", "Bob")]).await;
    assert_eq!(approval().await.approval, Approval::Rejected, "the other link says the other thing");

    // Nobody can forge a link, change one, or use one for ever.
    let said = links.confirm.trim_start_matches("/links/");
    let (head, signature) = said.rsplit_once('.').unwrap();
    let seal = scene.app.seal().await.unwrap();
    let old = format!("c.{id}.{}.{:x}", known.id, jiff::Timestamp::now().as_second() - 1);
    for wrong in [
        format!("r{}", &said[1..]),
        format!("{head}.{}", "0".repeat(32)),
        head.to_owned(),
        format!("{head}.{signature}0"),
        format!("{old}.{}", seal.sign("link", &old)),
        format!("{head}.{}", seal.sign("form", head)),
        "x".to_owned(),
    ] {
        for method in ["GET", "POST"] {
            let request = Request::builder().method(method).uri(format!("/links/{wrong}"));
            let answer = scene.send(request.body(Body::from("who=Eve")).unwrap()).await;
            assert_eq!(answer.status, 404, "{method} {wrong}");
        }
    }
    assert_eq!(approval().await.approval, Approval::Rejected);
    scene.app.own_store.forget(&id, Actor { who: "anna", why: "" }).await.unwrap();
    assert_eq!(get(&scene, &links.confirm, "").await.status, 404);
}

#[tokio::test]
async fn a_link_overrules_nobody_who_is_known_and_works_for_people_inside_only() {
    let scene = scene().await;
    let id = scene.report(&scene.token(TokenRole::Support).await, "Totals are wrong").await;
    let known = answered(&scene, &id, "a commit did it").await;
    let links = JudgeLinks::of(&scene.app, &id, "").await.unwrap().unwrap();
    let support = Browser::signed_in(&scene, TokenRole::Support).await;
    let form = format!("/incidents/{id}/feedback");
    let standing = async || scene.app.own_store.get_resolution(&known.id).await.unwrap().approval;
    let admin = Browser::signed_in(&scene, TokenRole::Admin).await;
    leads(&admin.fill(&form, &[("verdict", "reject")]).await, &format!("/incidents/{id}?said=rejected"));
    let told = post(&scene, &links.confirm, "", &[("who", "Eve")]).await;
    assert!(told.status == 200 && told.text.contains("rejected by an administrator"), "{}", told.text);
    assert_eq!(standing().await, Approval::Rejected);
    // An account with fewer rights gets the same, on the page and by the API, and both say so.
    leads(&support.fill(&form, &[("verdict", "confirm")]).await, &format!("/incidents/{id}?said=remark"));
    assert!(support.get(&format!("/incidents/{id}?said=remark")).await.text.contains("Kept as a remark"));
    assert_eq!(standing().await, Approval::Rejected);
    leads(&admin.fill(&form, &[("verdict", "confirm")]).await, &format!("/incidents/{id}?said=confirmed"));
    assert_eq!(standing().await, Approval::Confirmed);
    let audit = scene.app.own_store.audit(Some(&id)).await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "remark").count(), 2, "{audit:?}");

    // A link in a place that others can read, as earlier versions wrote them, does not work.
    let arrival = IncomingReport {
        conversation: None,
        incident: NewIncident {
            repository_name: None,
            repository: None,
            source: Some("github".into()),
            ticket: millwright_ingest::parse(b"Totals are wrong"),
            mapped: Vec::new(),
        },
        delivery: None,
        content: None,
        correlation: Vec::new(),
        resolved: false,
        audience: Audience::Public,
        note: None,
        files: Vec::new(),
        by: "github".into(),
    };
    let public = scene.app.intake.ingest(arrival).await.unwrap();
    let public = public.incident().unwrap();
    answered(&scene, public, "a commit did it").await;
    let links = JudgeLinks::of(&scene.app, public, "").await.unwrap().unwrap();
    assert_eq!(get(&scene, &links.confirm, "").await.status, 404);
    assert_eq!(post(&scene, &links.confirm, "", &[("who", "Eve")]).await.status, 404);
}
