//! Narrow scopes: for every call, data outside the scope does not exist. Every call must state how it applies the
//! scope.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use millwright_model::{
    Approval, Audience, ConversationId, EvidenceDraft, EvidenceSource, IncidentId, IncomingReport, Locator,
    NewIncident, Proof, RepositoryName, Scope, VisibleSet,
};

use crate::testing::{ANNA, incident, prose, resolution, temporary};
use crate::{
    FeedbackAuthor, IncidentFilter, IngestResult, JobKind, MemoryFilter, MessageKind, Store, StoreError,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn conversation(text: &str) -> ConversationId {
    text.parse().unwrap()
}

fn bound_to(names: &[&str]) -> Scope {
    Scope {
        repositories: VisibleSet::Only(names.iter().map(|one| name(one)).collect()),
        conversations: VisibleSet::Only(BTreeSet::new()),
        ..Scope::installation("of a team")
    }
}

fn arrival(number: u32, repository: Option<&str>, within: Option<&str>) -> IncomingReport {
    IncomingReport {
        incident: NewIncident {
            repository_name: repository.map(name),
            ..incident(prose(&format!("Zebra totals {number}"), "zebra"))
        },
        delivery: Some(format!("d:{number}")),
        content: None,
        correlation: vec!["ticket:1".to_owned()],
        audience: Audience::Internal,
        conversation: within.map(conversation),
        resolved: false,
        note: Some(("tracker".into(), number.to_string())),
        files: Vec::new(),
        by: "hook".into(),
    }
}

async fn arrive(store: &Store, arrival: IncomingReport) -> IncidentId {
    match store.ingest(&[arrival], HOUR).await.unwrap().remove(0) {
        IngestResult::Opened(id) | IngestResult::Joined(id) => id,
        other => panic!("{other:?}"),
    }
}

fn is_missing<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::NotFound { .. }))
}

/// An incident with data of every kind.
async fn whole_incident(store: &Store, number: u32, repository: &str) -> IncidentId {
    let arrival = IncomingReport {
        correlation: vec![format!("t:{number}")],
        ..arrival(number, Some(repository), None)
    };
    let id = arrive(store, arrival).await;
    let run = store.create_run(&id).await.unwrap();
    store.remember(&id, &run.id, Some(&resolution("aaaa", Proof::CauseConfirmed)), &[], ANNA).await.unwrap();
    let draft = EvidenceDraft {
        source: EvidenceSource::Logs,
        locator: Locator("log:1".into()),
        text: format!("zebra {number}"),
    };
    store.put_evidence(&id, &draft).await.unwrap();
    store.put_message(&id, "anna", MessageKind::Remark, "look at the log").await.unwrap();
    id
}

#[tokio::test]
async fn what_is_of_another_team_is_not_there() {
    let (store, _home) = temporary().await;
    let theirs = whole_incident(&store, 1, "billing").await;
    let ours = whole_incident(&store, 2, "shop").await;
    let run = store.list_runs(&theirs).await.unwrap().remove(0).id;
    let known = store.resolutions(&theirs).await.unwrap().remove(0).id;
    let message = store.messages(&theirs, None).await.unwrap().remove(0).id;
    let note = store.notes(&theirs).await.unwrap().remove(0).id;
    let evidence = store.list_evidence(&theirs).await.unwrap().remove(0).sha256;
    let seen = store.scoped(bound_to(&["shop"]));

    assert!(is_missing(seen.get_incident(&theirs).await) && is_missing(seen.incident_state(&theirs).await));
    assert!(
        is_missing(seen.resolve_incident_id(&theirs.as_str()[..12]).await) || {
            // Ids made at the same moment begin alike.
            seen.resolve_incident_id(theirs.as_str()).await.is_err()
        }
    );
    assert!(is_missing(seen.resolve_incident_id(known.as_str()).await));
    for missing in [
        is_missing(seen.list_reports(&theirs).await),
        is_missing(seen.list_runs(&theirs).await),
        is_missing(seen.messages(&theirs, None).await),
        is_missing(seen.notes(&theirs).await),
        is_missing(seen.deliveries(&theirs).await),
        is_missing(seen.resolutions(&theirs).await),
        is_missing(seen.hypotheses(&theirs).await),
        is_missing(seen.list_evidence(&theirs).await),
        is_missing(seen.audit(Some(&theirs)).await),
        is_missing(seen.related_incidents(&theirs).await),
        is_missing(seen.stream(&theirs, &Default::default(), 10).await),
        is_missing(seen.put_message(&theirs, "x", MessageKind::Remark, "x").await),
        is_missing(seen.cancel_idle_job(&theirs).await),
        is_missing(seen.forget(&theirs, ANNA).await),
        is_missing(seen.get_run(&run).await),
        is_missing(seen.events(&run, 1).await),
        is_missing(seen.run_files(&run).await),
        is_missing(seen.get_resolution(&known).await),
        is_missing(seen.set_approval(&known, Approval::Confirmed, ANNA).await),
        is_missing(seen.set_statement(&known, "x", ANNA).await),
        is_missing(seen.get_message(&message).await),
        is_missing(seen.get_note(&note).await),
        is_missing(seen.show_memory(theirs.as_str()).await),
        is_missing(seen.decide(&format!("{run}.call"), true, ANNA).await),
    ] {
        assert!(missing);
    }
    assert_eq!(seen.get_evidence(&evidence).await.unwrap(), None);
    assert_eq!(seen.get_job(JobKind::Investigate, theirs.as_str()).await.unwrap(), None);
    assert!(!seen.wake_job(JobKind::Investigate, theirs.as_str()).await.unwrap());
    let rights = millwright_rights();
    let judge = FeedbackAuthor::new(ANNA, rights);
    assert!(is_missing(seen.record_feedback(&theirs, None, Approval::Confirmed, judge).await));

    // Lists and counts contain only what is in the scope.
    let listed = seen.list_incidents(&IncidentFilter::default()).await.unwrap();
    assert_eq!(listed.iter().map(|line| &line.id).collect::<Vec<_>>(), [&ours]);
    assert_eq!(seen.count_incidents().await.unwrap(), 1);
    assert_eq!(seen.count_states().await.unwrap().iter().map(|(_, many)| many).sum::<i64>(), 1);
    let found = seen.search_memory("zebra", 10).await.unwrap();
    assert_eq!(found.iter().map(|item| &item.incident_id).collect::<Vec<_>>(), [&ours]);
    assert_eq!(seen.list_memory(&MemoryFilter::default()).await.unwrap().len(), 1);
    let both = [theirs.clone(), ours.clone()];
    assert_eq!(seen.get_incidents(&both).await.unwrap().len(), 1);
    assert_eq!(seen.knowledge_of(&both).await.unwrap().keys().collect::<Vec<_>>(), [&ours]);
    assert!(seen.get_incident(&ours).await.is_ok() && seen.show_memory(ours.as_str()).await.is_ok());
    // Calls that concern the installation are refused as such.
    let refused = |answer: Result<(), StoreError>| matches!(answer, Err(StoreError::OutsideScope));
    assert!(refused(seen.list_tokens().await.map(|_| ())) && refused(seen.audit(None).await.map(|_| ())));
    assert!(refused(seen.export(&mut Vec::new()).await.map(|_| ())));
}

fn millwright_rights() -> crate::FeedbackRights {
    crate::FeedbackRights { authority: millwright_model::JudgingAuthority::Admin, suffices: true }
}

#[tokio::test]
async fn what_belongs_to_no_repository_is_of_those_who_see_all() {
    let (store, _home) = temporary().await;
    let nowhere = arrive(&store, arrival(1, None, None)).await;
    assert!(store.get_incident(&nowhere).await.is_ok());
    assert!(is_missing(store.scoped(bound_to(&["shop"])).get_incident(&nowhere).await));
    assert!(is_missing(store.scoped(bound_to(&[])).get_incident(&nowhere).await));
    store.place_incident(&nowhere, &name("shop")).await.unwrap();
    assert!(store.scoped(bound_to(&["shop"])).get_incident(&nowhere).await.is_ok());
    assert!(
        store
            .scoped(bound_to(&["sh'op"]))
            .list_incidents(&IncidentFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_closed_conversation_is_its_members_alone() {
    let (store, _home) = temporary().await;
    let open = arrive(&store, arrival(1, Some("shop"), None)).await;
    let closed = arrive(&store, arrival(2, Some("shop"), Some("slack:C1"))).await;
    let other = arrive(&store, arrival(3, Some("shop"), Some("slack:C2"))).await;
    assert!(open != closed && closed != other, "nobody joins what they may not read");
    assert_eq!(arrive(&store, arrival(4, Some("shop"), Some("slack:C1"))).await, closed);
    assert_eq!(arrive(&store, arrival(5, Some("shop"), None)).await, open);
    assert!(store.related_incidents(&open).await.unwrap().is_empty(), "nor are they led to it");
    let known = |within: Option<&'static str>| {
        let store = &store;
        async move {
            let within = within.map(conversation);
            store.incident_known_by("ticket:1", within.as_ref()).await.unwrap()
        }
    };
    assert_eq!((known(None).await, known(Some("slack:C2")).await), (Some(open.clone()), Some(other.clone())));

    let in_channel = |channel: Option<&str>| {
        let channel = channel.map(conversation);
        let seen = store.within_conversation(channel.as_ref());
        async move {
            let all = seen.list_incidents(&IncidentFilter::default()).await.unwrap();
            all.into_iter().map(|line| line.id).collect::<BTreeSet<_>>()
        }
    };
    assert_eq!(in_channel(None).await, [open.clone()].into());
    assert_eq!(in_channel(Some("slack:C1")).await, [open.clone(), closed.clone()].into());
    assert_eq!(in_channel(Some("slack:C2")).await, [open.clone(), other.clone()].into());
    // A narrowed store cannot widen its own scope.
    let outside = store.within_conversation(None);
    let inside = outside.within_conversation(Some(&conversation("slack:C1")));
    assert!(is_missing(inside.get_incident(&closed).await));
    // Calls that concern the installation still work for a scope that is told less.
    assert!(outside.list_tokens().await.is_ok());
}

#[tokio::test]
async fn what_is_told_of_one_repository_is_not_of_another() {
    let (store, _home) = temporary().await;
    let theirs = whole_incident(&store, 1, "billing").await;
    let ours = whole_incident(&store, 2, "shop").await;
    let mut unplaced = IncomingReport { correlation: vec![], ..arrival(3, None, None) };
    unplaced.incident.repository = None;
    let old = arrive(&store, unplaced).await;
    let told = |store: Store| async move {
        let found = store.search_memory("zebra", 10).await.unwrap();
        found.into_iter().map(|item| item.incident_id).collect::<BTreeSet<_>>()
    };
    let about_shop = store.withholding([name("billing")].into());
    assert_eq!(
        told(about_shop.clone()).await,
        [ours.clone()].into(),
        "nor what may turn out to be of another"
    );
    let causes = about_shop.earlier_causes(&crate::testing::repository(), None).await.unwrap().trusted;
    assert_eq!(causes.iter().map(|known| &known.incident_id).collect::<Vec<_>>(), [&ours]);
    // Knowledge from before repositories had names belongs to the repositories with the same root commit.
    store
        .update_ticket(&old, Some(&"root:1".parse().unwrap()), &prose("Zebra of old", "zebra"), &[])
        .await
        .unwrap();
    assert_eq!(told(about_shop.clone()).await, [ours, old].into());
    assert!(about_shop.get_incident(&theirs).await.is_ok() && about_shop.list_tokens().await.is_ok());
}

#[tokio::test]
async fn a_word_counts_as_far_as_its_author_sees() {
    let (store, _home) = temporary().await;
    let theirs = whole_incident(&store, 1, "billing").await;
    let ours = whole_incident(&store, 2, "shop").await;
    store.link_recurrence(&ours, &theirs, ANNA).await.unwrap();
    let seen = store.scoped(bound_to(&["shop"]));
    let judge = FeedbackAuthor::new(ANNA, millwright_rights());
    seen.record_feedback(&ours, None, Approval::Rejected, judge).await.unwrap();
    let approval = async |id: &IncidentId| store.resolutions(id).await.unwrap().remove(0).approval;
    assert_eq!((approval(&ours).await, approval(&theirs).await), (Approval::Rejected, Approval::None));
    let problem = store.get_incident(&ours).await.unwrap().problem_id.unwrap();
    assert_eq!(seen.incidents_of_problem(&problem).await.unwrap(), std::slice::from_ref(&ours));
    let told = seen.get_problem(&problem).await.unwrap().unwrap();
    assert_eq!(told.title, "Zebra totals 2", "not that of the first, which is another team's");
    // A judge who sees both rejects both.
    store.record_feedback(&ours, None, Approval::Rejected, judge).await.unwrap();
    assert_eq!(approval(&theirs).await, Approval::Rejected);
}

/// The calls by which a public method of the store applies the scope.
const ANSWERS: [&str; 7] = [
    "self.require_everything(",
    "self.visible()",
    "self.visible_by(",
    "self.told()",
    "self.require_incident(",
    "self.require(",
    "self.require_installation(",
];

/// Methods that need no such call, each with the reason.
const WITHOUT: [(&str, &str); 17] = [
    ("open", "opens the database"),
    ("open_with", "opens the database"),
    ("with_vector_index", "names an engine"),
    ("described", "tells the engine"),
    ("close", "closes the database"),
    ("seen_by", "is where a scope is given"),
    ("catch_up", "works through calls of the store"),
    ("audit", "is a page of audit_page"),
    ("wake_job", "asks get_job first"),
    ("search_memory", "finds through documents and get_incident"),
    ("show_memory", "reads through resolve_incident_id and get_incident"),
    ("precedents", "are among earlier_causes"),
    ("find_keys", "gives numbers that documents has to accept"),
    ("find_words", "gives numbers that documents has to accept"),
    ("docs_of", "gives numbers that documents has to accept"),
    ("word_frequencies", "counts words, of nobody's in particular"),
    ("is_link_spent", "is asked with the link itself, which is a secret"),
];

/// Public methods in a source that do not apply the scope.
fn unscoped_methods(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in source.split("\n    pub async fn ").skip(1) {
        let method: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let body = part.split("\n    }\n").next().unwrap_or(part);
        let answers = ANSWERS.iter().any(|answer| body.contains(answer));
        if !answers && !WITHOUT.iter().any(|(known, _)| *known == method) {
            found.push(method);
        }
    }
    found
}

fn sources(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => sources(&path, into),
            false if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "testing.rs" => {
                into.push(path)
            }
            false => {}
        }
    }
}

#[test]
fn every_call_says_whose_it_is() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 40);
    let mut found = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        if source.contains("impl Store {") {
            found.extend(
                unscoped_methods(&source).into_iter().map(|one| format!("{}: {one}", file.display())),
            );
        }
    }
    assert!(found.is_empty(), "calls that no scope narrows: {found:#?}");
}

#[test]
fn a_call_without_a_scope_is_seen() {
    let planted = "impl Store {\n    pub async fn all_titles(&self) -> Vec<String> {\n        query(\"SELECT title FROM \
        incidents\")\n    }\n\n    pub async fn ours(&self) {\n        self.visible();\n    }\n}\n";
    assert_eq!(unscoped_methods(planted), ["all_titles"]);
}
