//! The use cases as every channel calls them, without any server, on a store in a temporary folder.

use std::time::Duration;

use millwright_model::{Approval, Audience, IncidentId, NewIncident, Resolution, VisibleSet};
use millwright_store::{FeedbackAuthor, FeedbackRights, IncidentState, IngestResult, JobKind, MessageKind};
use serde_json::json;

use crate::testing::{SECRET, UseCaseFixture, principal, report, support};
use crate::{
    AnswerJudgement, ChannelReport, DeliveryKey, IncidentReport, JudgementEffect, JudgementResult, Principal,
    ReportAttachment, StatementChange, StopResult, ThreadMessage, TokenRole, UseCaseError, statement_version,
};

fn responder() -> Principal {
    principal("responder", TokenRole::Responder)
}

async fn judge(
    fixture: &UseCaseFixture,
    caller: &Principal,
    incident: &IncidentId,
    is_confirmed: bool,
    note: &str,
) -> Result<JudgementResult, UseCaseError> {
    let judge = FeedbackAuthor::new(caller.because(note), caller.standing(TokenRole::Responder));
    fixture.use_cases.judge(judge, AnswerJudgement::of_best(incident, is_confirmed)).await
}

fn refuses<T: std::fmt::Debug>(result: Result<T, UseCaseError>, words: &str) -> UseCaseError {
    let error = result.unwrap_err();
    assert!(error.to_string().contains(words), "{words:?} is not said: {error}");
    assert!(error.is_of_caller(), "{error}");
    error
}

#[tokio::test]
async fn an_incident_that_does_not_exist_is_told_by_every_use_case() {
    let fixture = UseCaseFixture::new().await;
    let nobody: IncidentId = "inc_01".parse().unwrap();
    let cases = &fixture.use_cases;
    let by = responder();
    let refused = [
        cases.say(&by, &nobody, "hello").await.unwrap_err(),
        cases.stop(&by, &nobody).await.unwrap_err(),
        judge(&fixture, &by, &nobody, true, "").await.unwrap_err(),
        cases.forget(&by, &nobody).await.unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, UseCaseError::NotFound { .. }), "{error:?}");
        assert_eq!(error.to_string(), "there is no incident inc_01");
    }
    let error = cases.decide(&by, "run_1.c1", true, "").await.unwrap_err();
    assert!(matches!(error, UseCaseError::NotFound { .. }), "{error:?}");
    assert_eq!(fixture.told(&nobody), (0, 0), "nothing happened");
}

#[tokio::test]
async fn what_is_said_is_a_remark_then_a_question_and_holds_no_secret() {
    let fixture = UseCaseFixture::new().await;
    let cases = &fixture.use_cases;
    let incident = fixture.reported("Totals are wrong").await;
    fixture.told(&incident);
    let said = cases.say(&support(), &incident, &format!("it began at nine, {SECRET}")).await.unwrap();
    assert_eq!(said.kind, MessageKind::Remark);
    let kept = fixture.store.get_message(&said.id).await.unwrap();
    assert!(kept.body.starts_with("it began at nine") && !kept.body.contains("hunter2"), "{}", kept.body);
    assert_eq!(kept.author, support().name);
    assert_eq!(fixture.told(&incident), (1, 1));

    cases.stop(&responder(), &incident).await.unwrap();
    assert_eq!(cases.say(&support(), &incident, "why?").await.unwrap().kind, MessageKind::Question);
    for text in [" \n", &*"x".repeat(8_001)] {
        refuses(cases.say(&support(), &incident, text).await, "text must be 1 to 8000 characters");
    }
}

#[tokio::test]
async fn a_message_of_another_system_is_kept_once() {
    let fixture = UseCaseFixture::new().await;
    let cases = &fixture.use_cases;
    let incident = fixture.reported("Totals are wrong").await;
    let text = format!("{SECRET} {}", "x".repeat(9_000));
    let message = ThreadMessage {
        delivery: &DeliveryKey::Delivered { system: "desk", id: "1".into() },
        system: "desk",
        incident: &incident,
        author: "desk:anna",
        text: &text,
        reply_in: Some("room/1"),
    };
    assert!(cases.say_in_thread(message).await.unwrap());
    assert!(!cases.say_in_thread(message).await.unwrap(), "delivered again");
    let changed =
        ThreadMessage { delivery: &DeliveryKey::Delivered { system: "desk", id: "2".into() }, ..message };
    assert_eq!(cases.tell_running(changed).await.unwrap(), Some(true));
    assert_eq!(cases.tell_running(changed).await.unwrap(), Some(false));
    let kept = fixture.store.messages(&incident, None).await.unwrap();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|kept| !kept.body.contains("hunter2") && kept.body.chars().count() <= 8_000));

    cases.stop(&responder(), &incident).await.unwrap();
    let late =
        ThreadMessage { delivery: &DeliveryKey::Delivered { system: "desk", id: "3".into() }, ..message };
    assert_eq!(cases.tell_running(late).await.unwrap(), None, "there is no run to tell");
    assert_eq!(fixture.store.messages(&incident, None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_investigation_is_stopped_once_and_only_one_of_the_service() {
    let fixture = UseCaseFixture::new().await;
    let cases = &fixture.use_cases;
    let waiting = fixture.reported("Totals are wrong").await;
    fixture.told(&waiting);
    assert_eq!(cases.stop(&responder(), &waiting).await.unwrap(), StopResult::Cancelled);
    assert_eq!(fixture.told(&waiting), (1, 1));
    let error = refuses(cases.stop(&responder(), &waiting).await, "has ended already");
    assert!(matches!(error, UseCaseError::Conflict { .. }), "{error:?}");
    let audit = fixture.store.audit(Some(&waiting)).await.unwrap();
    let stops: Vec<_> = audit.iter().filter(|entry| entry.action == "cancel").collect();
    assert_eq!(stops.len(), 1);
    assert_eq!((&*stops[0].actor, stops[0].after.as_deref()), (&*responder().name, Some("cancelled")));

    let running = fixture.reported("Rates are wrong").await;
    fixture.begin(&running).await;
    assert_eq!(cases.stop(&responder(), &running).await.unwrap(), StopResult::Stopping);
    assert!(fixture.store.is_stopped(&running).await.unwrap());

    let ticket = millwright_ingest::parse(b"Taxes are wrong");
    let new = NewIncident {
        repository_name: None,
        repository: None,
        source: Some("cli".into()),
        ticket,
        mapped: Vec::new(),
    };
    let elsewhere = fixture.store.create_incident(&new).await.unwrap().id;
    refuses(cases.stop(&responder(), &elsewhere).await, "by another command, not by the service");
}

#[tokio::test]
async fn consent_is_decided_once_and_its_reason_holds_no_secret() {
    let fixture = UseCaseFixture::new().await;
    let cases = &fixture.use_cases;
    let incident = fixture.reported("Totals are wrong").await;
    let waits = fixture.ask_consent(&incident).await;
    fixture.told(&incident);
    refuses(
        cases.decide(&responder(), &waits, true, &"x".repeat(4_001)).await,
        "note must be at most 4000 characters",
    );
    assert_eq!(fixture.store.open_approvals(Some(&incident)).await.unwrap().len(), 1, "it waits still");
    let why = format!("they said {SECRET}");
    assert_eq!(cases.decide(&responder(), &waits, true, &why).await.unwrap(), incident);
    assert_eq!(fixture.told(&incident), (1, 1));
    refuses(cases.decide(&responder(), &waits, false, "").await, "this was decided already");
    let audit = fixture.store.audit(Some(&incident)).await.unwrap();
    let consent = audit.iter().find(|entry| entry.action == "consent").unwrap();
    let note = consent.note.as_deref().unwrap();
    assert!(note.starts_with("they said") && !note.contains("hunter2"), "{note}");
}

#[tokio::test]
async fn a_lower_role_does_not_overrule_a_higher_one() {
    let fixture = UseCaseFixture::new().await;
    let incident = fixture.ended("Totals are wrong").await;
    let nothing = judge(&fixture, &support(), &incident, true, "").await;
    let error = refuses(nothing, "there is no resolution to confirm or reject");
    assert!(matches!(error, UseCaseError::NothingToJudge), "{error:?}");

    fixture.resolution(&incident).await;
    fixture.told(&incident);
    let rejected = judge(&fixture, &responder(), &incident, false, &format!("no: {SECRET}")).await.unwrap();
    assert_eq!((rejected.effect, rejected.approval), (JudgementEffect::Taken, Approval::Rejected));
    assert_eq!(fixture.told(&incident), (1, 1));
    let said = judge(&fixture, &support(), &incident, true, "").await.unwrap();
    assert_eq!((said.effect, said.approval), (JudgementEffect::Remark, Approval::Rejected));
    assert!(!said.is_trusted() && said.detail.contains("a responder"), "{}", said.detail);
    let stands = fixture.store.resolutions(&incident).await.unwrap().remove(0);
    assert_eq!(stands.approval, Approval::Rejected);
    assert_eq!(stands.approved_by, Some(responder().name));

    let admin = principal("admin", TokenRole::Admin);
    let confirmed = judge(&fixture, &admin, &incident, true, "").await.unwrap();
    assert_eq!((confirmed.effect, confirmed.approval), (JudgementEffect::Taken, Approval::Confirmed));
    assert!(confirmed.is_trusted());
    let notes: Vec<String> = fixture.audit_notes(&incident).await;
    assert!(notes.iter().any(|note| note.starts_with("no: ")), "{notes:?}");
    assert!(notes.iter().all(|note| !note.contains("hunter2")), "{notes:?}");
    refuses(
        judge(&fixture, &admin, &incident, false, &"x".repeat(4_001)).await,
        "note must be at most 4000 characters",
    );
}

#[tokio::test]
async fn a_link_judges_once() {
    let fixture = UseCaseFixture::new().await;
    let incident = fixture.ended("Totals are wrong").await;
    let known = fixture.resolution(&incident).await;
    let guest = support();
    let judge =
        FeedbackAuthor { by: guest.because(""), standing: FeedbackRights::LINK, link: Some("c.inc.res") };
    let judgement = AnswerJudgement { incident: &incident, resolution: Some(&known.id), is_confirmed: true };
    fixture.use_cases.judge(judge, judgement).await.unwrap();
    let error = refuses(fixture.use_cases.judge(judge, judgement).await, "each link works once");
    assert!(matches!(error, UseCaseError::LinkSpent), "{error:?}");
}

#[tokio::test]
async fn a_statement_gets_other_words_from_whoever_saw_the_last_ones() {
    let fixture = UseCaseFixture::new().await;
    let cases = &fixture.use_cases;
    let incident = fixture.ended("Totals are wrong").await;
    let known = fixture.resolution(&incident).await;
    fixture.told(&incident);
    let version = statement_version(&known.statement);
    let text = format!("The discount is taken twice.\r\n{SECRET} was in the log");
    let change = StatementChange {
        resolution: known.id.as_str(),
        seen_version: &version,
        text: &text,
        note: "clearer",
    };
    let other = StatementChange { resolution: "res_of_another", ..change };
    let error =
        refuses(cases.reword(&responder(), &incident, other).await, "this incident has no such answer");
    assert!(matches!(error, UseCaseError::NotFound { .. }), "{error:?}");
    for text in [" ", &*"x".repeat(2_001)] {
        let wrong = StatementChange { text, ..change };
        refuses(cases.reword(&responder(), &incident, wrong).await, "the text must be 1 to 2000 characters");
    }
    assert_eq!(fixture.told(&incident), (0, 0));
    cases.reword(&responder(), &incident, change).await.unwrap();
    assert_eq!(fixture.told(&incident), (1, 0));
    let now = fixture.store.get_resolution(&known.id).await.unwrap();
    assert!(now.statement.starts_with("The discount is taken twice.\npassword"), "{}", now.statement);
    assert!(!now.statement.contains("hunter2"), "{}", now.statement);
    assert_eq!(Resolution { statement: known.statement.clone(), ..now }, known, "only the text changes");
    let error = refuses(cases.reword(&responder(), &incident, change).await, "somebody changed the text");
    assert!(matches!(error, UseCaseError::Conflict { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_looked_into_is_not_forgotten() {
    let fixture = UseCaseFixture::new().await;
    let admin = principal("admin", TokenRole::Admin);
    let incident = fixture.reported("Totals are wrong").await;
    refuses(fixture.use_cases.forget(&admin, &incident).await, "stop the investigation first");
    fixture.use_cases.stop(&admin, &incident).await.unwrap();
    fixture.use_cases.forget(&admin, &incident).await.unwrap();
    assert!(fixture.store.get_incident(&incident).await.is_err());
    let error = fixture.use_cases.forget(&admin, &incident).await.unwrap_err();
    assert!(matches!(error, UseCaseError::NotFound { .. }), "{error:?}");
}

/// A command that is killed leaves its incident as it was, and nobody else could stop that incident.
#[tokio::test]
async fn a_command_that_was_killed_keeps_its_incident_only_while_its_lease_lasts() {
    let fixture = UseCaseFixture::new().await;
    let (store, admin) = (&fixture.store, principal("admin", TokenRole::Admin));
    let ticket = store.get_incident(&fixture.reported("Totals are wrong").await).await.unwrap().ticket;
    let new =
        NewIncident { repository_name: None, repository: None, source: None, ticket, mapped: Vec::new() };
    let incident = store.create_incident(&new).await.unwrap().id;
    store.set_incident_state(&incident, IncidentState::Running).await.unwrap();
    let run = store.create_run(&incident).await.unwrap().id;
    assert!(store.claim_run(&run, "desk/7/a", Duration::from_secs(600)).await.unwrap());
    refuses(fixture.use_cases.forget(&admin, &incident).await, "it is being investigated");
    store.release_run(&run, "desk/7/a").await.unwrap();
    fixture.use_cases.forget(&admin, &incident).await.unwrap();
    assert!(store.get_incident(&incident).await.is_err());
}

#[tokio::test]
async fn a_report_without_a_key_is_known_by_the_ticket_that_it_names() {
    let fixture = UseCaseFixture::new().await;
    let of = |source: Option<&str>, title: &str| crate::IncidentReport {
        source: source.map(str::to_owned),
        external_id: Some("T-1".into()),
        ..report(title)
    };
    let tell = async |report, key| fixture.intake.report(&support(), report, key).await.unwrap();
    let first = tell(of(Some("desk"), "Totals"), None).await;
    let again = tell(of(Some("desk"), "Totals are wrong"), None).await;
    assert!(!first.is_known && again.is_known && again.id == first.id, "a ticket may change");
    // A report without a source system comes from the API, as before.
    let unnamed = tell(of(None, "Totals"), None).await;
    assert!(!unnamed.is_known && tell(of(Some("api"), "Totals"), None).await.id == unnamed.id);
    let key = DeliveryKey::Idempotency { principal: "t1".into(), key: "k".into() };
    assert!(!tell(of(Some("desk"), "Totals"), Some(key)).await.is_known, "a key of its own goes first");
}

#[tokio::test]
async fn a_report_is_known_by_its_key_and_masked_before_it_is_kept() {
    let fixture = UseCaseFixture::new().await;
    let intake = &fixture.intake;
    let key = || Some(DeliveryKey::Idempotency { principal: "t1".into(), key: "k".into() });
    let with_secret = || crate::IncidentReport {
        body: format!("since nine, {SECRET}"),
        attachments: vec![ReportAttachment {
            name: "app.log".into(),
            media_type: None,
            // The same secret.
            base64: Some("cGFzc3dvcmQ9aHVudGVyMmh1bnRlcjI=".into()),
            text: None,
        }],
        ..report("Totals are wrong")
    };
    let taken = intake.report(&support(), with_secret(), key()).await.unwrap();
    assert!(!taken.is_known);
    let again = intake.report(&support(), with_secret(), key()).await.unwrap();
    assert!(again.is_known && again.id == taken.id);
    let kept = fixture.store.get_incident(&taken.id).await.unwrap();
    assert!(kept.ticket.text.contains("since nine") && !kept.ticket.text.contains("hunter2"));
    assert_eq!((kept.state, kept.audience), (IncidentState::Queued, Audience::Internal));
    assert!(fixture.store.get_job(JobKind::Investigate, taken.id.as_str()).await.unwrap().is_some());

    let error = intake.report(&support(), report("Something else"), key()).await.unwrap_err();
    assert!(
        matches!(&error, UseCaseError::OtherContent { incident: Some(id) } if *id == taken.id),
        "{error:?}"
    );
    refuses(intake.report(&support(), report(" "), None).await, "title must be 1 to 500 characters");
    let overlay = crate::IncidentReport { overlay: vec!["no colon".into()], ..report("t") };
    refuses(intake.report(&support(), overlay, None).await, "of the form REV:PATH");
    let both = ReportAttachment {
        name: "a".into(),
        media_type: None,
        base64: Some("!".into()),
        text: Some("a".into()),
    };
    let attached = crate::IncidentReport { attachments: vec![both], ..report("t") };
    refuses(intake.report(&support(), attached, None).await, "give either text or base64");
}

#[tokio::test]
async fn what_a_system_reports_joins_by_its_key_and_tells_who_waits() {
    let fixture = UseCaseFixture::new().await;
    let from = |id: &str, title: &str| ChannelReport {
        conversation: None,
        system: "desk",
        payload: json!({ "title": title, "body": format!("totals are off, {SECRET}") }),
        default_title: "Report from desk".into(),
        service: Some("shop".into()),
        external_id: Some("T-1".into()),
        delivery: DeliveryKey::Delivered { system: "desk", id: id.to_owned() },
        correlation: vec!["desk:1".into()],
        is_joined_by_trace: true,
        audience: Audience::Public,
        is_resolved: false,
        note: Some("T-1".into()),
        files: Vec::new(),
        by: "desk".into(),
    };
    let opened = fixture.intake.report_from_channel(from("1", "Totals")).await.unwrap();
    let IngestResult::Opened(incident) = &opened else { panic!("{opened:?}") };
    assert_eq!(fixture.told(incident), (1, 1));
    let kept = fixture.store.get_incident(incident).await.unwrap();
    assert_eq!((kept.source.as_deref(), kept.external_id.as_deref()), (Some("desk"), Some("T-1")));
    assert_eq!((kept.service.as_deref(), kept.audience), (Some("shop"), Audience::Public));
    assert!(!kept.ticket.text.contains("hunter2"), "{}", kept.ticket.text);
    assert_eq!(fixture.store.notes(incident).await.unwrap().len(), 1);
    let joined = fixture.intake.report_from_channel(from("2", "Totals again")).await.unwrap();
    assert_eq!(joined, IngestResult::Joined(incident.clone()));
    let again = fixture.intake.report_from_channel(from("2", "Totals again")).await.unwrap();
    assert_eq!(again, IngestResult::Again(Some(incident.clone())));
    let over = ChannelReport { is_resolved: true, ..from("3", "Totals") };
    assert_eq!(
        fixture.intake.report_from_channel(over).await.unwrap(),
        IngestResult::Resolved(incident.clone())
    );
}

fn of_team(name: &str, repository: &str) -> Principal {
    Principal {
        repositories: VisibleSet::Only([repository.parse().unwrap()].into()),
        ..principal(name, TokenRole::Responder)
    }
}

#[tokio::test]
async fn a_team_reports_and_acts_within_its_repositories() {
    let fixture = UseCaseFixture::new().await;
    let (shop, billing) = (of_team("shop", "shop"), of_team("billing", "billing"));
    let ours = fixture.intake.report(&shop, report("Totals are wrong"), None).await.unwrap().id;
    let stored = fixture.store.get_incident(&ours).await.unwrap();
    assert_eq!(stored.repository_name.unwrap().as_str(), "shop");

    // The same id from a caller who may not see the incident reveals nothing about it.
    let delivery = || Some(DeliveryKey::Idempotency { principal: "both".to_owned(), key: "T-1".to_owned() });
    let known = fixture.intake.report(&shop, report("Totals are wrong"), delivery()).await.unwrap();
    for title in ["Totals are wrong", "Another one"] {
        let error = fixture.intake.report(&billing, report(title), delivery()).await.unwrap_err();
        assert!(matches!(error, UseCaseError::OtherContent { incident: None }), "{error:?}");
        assert!(!error.to_string().contains(known.id.as_str()));
    }
    // Each team has its own ticket ids.
    let ticket = |title: &str| IncidentReport { external_id: Some("T-1".to_owned()), ..report(title) };
    let first = fixture.intake.report(&shop, ticket("Totals are wrong"), None).await.unwrap();
    let other = fixture.intake.report(&billing, ticket("Another one"), None).await.unwrap();
    let again = fixture.intake.report(&shop, ticket("Totals are wrong"), None).await.unwrap();
    assert!(!other.is_known && first.id != other.id && (again.is_known, &again.id) == (true, &first.id));
    let elsewhere = IncidentReport { service: Some("invoices".into()), ..report("x") };
    refuses(fixture.intake.report(&shop, elsewhere, None).await, "bound to (shop)");

    let theirs = fixture.use_cases_of(&billing);
    let judge = FeedbackAuthor::new(billing.because("no"), billing.standing(TokenRole::Responder));
    for error in [
        theirs.say(&billing, &ours, "hello").await.unwrap_err(),
        theirs.stop(&billing, &ours).await.unwrap_err(),
        theirs.forget(&billing, &ours).await.unwrap_err(),
        theirs.judge(judge, AnswerJudgement::of_best(&ours, true)).await.unwrap_err(),
    ] {
        assert_eq!(error.to_string(), format!("there is no incident {ours}"));
    }
    assert!(fixture.use_cases_of(&shop).say(&shop, &ours, "hello").await.is_ok());
}

#[tokio::test]
async fn one_stack_trace_in_two_repositories_is_two_incidents() {
    let fixture = UseCaseFixture::new().await;
    let trace =
        "Traceback (most recent call last):\n  File \"/lib/money.py\", line 3, in add\nKeyError: 'x'\n";
    let told = |service: &str, number: u32| ChannelReport {
        system: "desk",
        payload: json!({ "title": "Totals are wrong", "body": trace }),
        default_title: "A report".into(),
        service: Some(service.into()),
        external_id: None,
        delivery: DeliveryKey::Delivered { system: "desk", id: number.to_string() },
        correlation: Vec::new(),
        is_joined_by_trace: true,
        audience: Audience::Internal,
        conversation: None,
        is_resolved: false,
        note: None,
        files: Vec::new(),
        by: "desk".into(),
    };
    let arrive = async |service: &str, number: u32| {
        fixture.intake.report_from_channel(told(service, number)).await.unwrap()
    };
    let shop = arrive("checkout", 1).await;
    assert!(matches!(shop, IngestResult::Opened(_)));
    assert!(matches!(arrive("invoices", 2).await, IngestResult::Opened(_)), "another team's");
    assert_eq!(arrive("checkout", 3).await.incident(), shop.incident());
}
