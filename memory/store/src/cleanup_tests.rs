//! Import of earlier knowledge, and removal of unproven knowledge: complete, repeatable, and really deleted.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::Arc;

use millwright_model::{Approval, NewIncident, Outcome, PastIncident, PastResolution, Proof, RunId};

use super::testing::{self, ANNA, incident, prose, resolution, temporary};
use super::*;
use crate::embed::{EmbedText, Embedder, Embedding, ModelId};
use crate::vectors::{VectorQuery, catch_up};

fn past(n: usize, confirmed_by: Option<&str>) -> PastIncident {
    let ticket = prose(&format!("Old ticket {n} about invoices"), "It was closed long ago.");
    PastIncident {
        key: format!("jira\nSHOP-{n}"),
        at: Some("2020-02-03T00:00:00Z".parse().unwrap()),
        incident: NewIncident { source: Some("jira".into()), ..incident(ticket) },
        resolution: Some(PastResolution {
            statement: "the currency is dropped".into(),
            culprit: None,
            units: vec!["shop/money.py::Money.add".into()],
            confirmed_by: confirmed_by.map(str::to_owned),
        }),
    }
}

#[tokio::test]
async fn the_past_comes_once_without_proof_and_with_named_approval_only() {
    let (store, _dir) = temporary().await;
    let tickets = [past(1, Some("Anna")), past(2, None), past(1, Some("Anna"))];
    let tried = store.take_in_past(&tickets, true, ANNA).await.unwrap();
    assert_eq!(store.count_incidents().await.unwrap(), 0, "a dry run writes nothing");
    let done = store.take_in_past(&tickets, false, ANNA).await.unwrap();
    assert_eq!(done, tried);
    assert_eq!(
        (done.new_incidents, done.new_resolutions, done.confirmed, done.known_incidents),
        (2, 2, 1, 1)
    );
    let again = store.take_in_past(&tickets, false, ANNA).await.unwrap();
    assert_eq!((again.new_incidents, again.known_incidents), (0, 3));

    let trusted = async |n| {
        let known = store.resolutions(&past_incident_id(&past(n, None))).await.unwrap().remove(0);
        assert_eq!(known.proof, Proof::None);
        (known.is_trusted(), known.approval, known.approved_by)
    };
    assert_eq!(trusted(1).await, (true, Approval::Confirmed, Some("Anna".into())));
    assert_eq!(trusted(2).await, (false, Approval::None, None));
    let first = store.get_incident(&past_incident_id(&tickets[0])).await.unwrap();
    assert_eq!(first.state, IncidentState::Done, "nothing is to be done about it");
    let found = store.search_memory("invoices", 20).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    let audit = store.audit(Some(&first.id)).await.unwrap();
    assert_eq!(audit[0].after.as_deref(), Some("confirmed by Anna, as the file says"));

    // A fix after which the failure came back is no longer trusted, no matter who confirmed it.
    let known = store.resolutions(&first.id).await.unwrap().remove(0);
    store.set_outcome(&known.id, Outcome::Recurred, ANNA).await.unwrap();
    assert!(!trusted(1).await.0);

    store.forget(&first.id, ANNA).await.unwrap();
    let after = store.take_in_past(&tickets, false, ANNA).await.unwrap();
    assert_eq!((after.new_incidents, after.forgotten, after.known_incidents), (0, 2, 1));
}

#[tokio::test]
async fn what_was_never_proven_expires_with_words_and_vectors() {
    let (store, home) = temporary().await;
    let make = async |title: &str| {
        let made = store.create_incident(&incident(prose(title, "qqzzexpired words"))).await.unwrap();
        let run = store.create_run(&made.id).await.unwrap();
        (made.id, run.id)
    };
    let end = async |run: &RunId| store.set_run_state(run, RunState::Done).await.unwrap();
    let (idle, run) = make("nothing known").await;
    end(&run).await;
    let (guessed, run) = make("only reproduced").await;
    store.remember(&guessed, &run, Some(&resolution("c", Proof::Reproduced)), &[], ANNA).await.unwrap();
    end(&run).await;
    let (proven, run) = make("proven").await;
    store.remember(&proven, &run, Some(&resolution("c", Proof::CauseConfirmed)), &[], ANNA).await.unwrap();
    end(&run).await;
    let (judged, run) = make("rejected by a person").await;
    let kept = store.remember(&judged, &run, Some(&resolution("d", Proof::None)), &[], ANNA).await.unwrap();
    store.set_approval(&kept.resolution.unwrap().id, Approval::Rejected, ANNA).await.unwrap();
    end(&run).await;
    let (running, _) = make("still at it").await;

    assert!(
        store.expire("2020-01-01T00:00:00.000000Z".parse().unwrap(), ANNA).await.unwrap().is_empty(),
        "all are younger"
    );
    let later = "2999-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(store.due(later).await.unwrap(), [idle.clone(), guessed.clone()]);
    assert_eq!(store.count_incidents().await.unwrap(), 5, "asking changes nothing");
    assert_eq!(store.expire(later, ANNA).await.unwrap(), [idle.clone(), guessed.clone()]);
    let found = store.search_memory("qqzzexpired", 100).await.unwrap();
    let mut left: Vec<&str> = found.iter().map(|item| item.incident_id.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, [proven.as_str(), judged.as_str(), running.as_str()]);
    let dense = store.vector_index();
    assert_eq!(dense.engine().count(dense.embedder().model()).await.unwrap(), 3);
    let audit = store.audit(Some(&idle)).await.unwrap();
    assert_eq!(audit.last().map(|entry| entry.action.as_str()), Some("forget"));
    assert!(
        !home.bytes().windows(13).any(|bytes| bytes == b"nothing known"),
        "the text is still in the file"
    );
}

const LOCATION: &str = "MILLWRIGHT_TEST_CLEANUP_LOCATION";
const TASK: &str = "MILLWRIGHT_TEST_CLEANUP_TASK";
const MANY: usize = 400;

/// A model whose vectors come slowly enough to kill the process in between.
#[derive(Debug)]
struct Slow(ModelId);

impl Embedder for Slow {
    fn model(&self) -> &ModelId {
        &self.0
    }

    fn embed<'a>(&'a self, texts: &'a [EmbedText]) -> Embedding<'a> {
        Box::pin(async move {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            println!("\nembedding {}", texts.len());
            Ok(texts.iter().map(|text| vec![text.title.len() as f32, 1.0]).collect())
        })
    }
}

async fn with_slow(store: &Store) -> Store {
    let model = ModelId { name: "slow".into(), dimension: 2 };
    store.with_vector_index(Arc::new(Slow(model)), None).await.unwrap()
}

/// The process to be killed: it only works when one of the tests below starts it.
#[tokio::test]
async fn victim() {
    let (Ok(location), Ok(task)) = (std::env::var(LOCATION), std::env::var(TASK)) else { return };
    let store = testing::open(&location).await.unwrap();
    if task == "embed" {
        catch_up(&with_slow(&store).await, MANY).await.unwrap();
        return;
    }
    for first in (0..MANY).step_by(10) {
        let batch: Vec<_> = (first..first + 10).map(|n| past(n, Some("Anna"))).collect();
        store.take_in_past(&batch, false, ANNA).await.unwrap();
        writeln!(std::io::stdout(), "\nkept {}", first + 10).unwrap();
    }
}

/// Starts that process, kills it after some lines, and returns the last of them.
fn killed(location: &str, task: &str, lines: usize) -> String {
    #[expect(clippy::disallowed_methods, reason = "the test kills a copy of itself")]
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let mut victim = command
        .args(["--exact", "cleanup_tests::victim", "--nocapture"])
        .env(LOCATION, location)
        .env(TASK, task)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = |line: &String| line.starts_with("kept ") || line.starts_with("embedding ");
    let reader = BufReader::new(victim.stdout.take().unwrap());
    let last = reader.lines().map_while(Result::ok).filter(said).take(lines).last().unwrap();
    victim.kill().unwrap();
    victim.wait().unwrap();
    last
}

#[tokio::test]
async fn an_import_that_is_killed_is_repeated_and_loses_nothing() {
    let (_, home) = temporary().await;
    for lines in [1, 4, 9] {
        let told: usize = killed(&home.location(), "import", lines)["kept ".len()..].parse().unwrap();
        let store = testing::open(&home.location()).await.unwrap();
        let there = usize::try_from(store.count_incidents().await.unwrap()).unwrap();
        assert!(there >= told && there.is_multiple_of(10) && there < MANY, "{told} told, {there} there");
        store.close().await;
    }
    let store = testing::open(&home.location()).await.unwrap();
    let all: Vec<_> = (0..MANY).map(|n| past(n, Some("Anna"))).collect();
    let done = store.take_in_past(&all, false, ANNA).await.unwrap();
    assert_eq!(done.new_incidents + done.known_incidents, MANY as u64);
    assert!(done.known_incidents > 0);
    assert_eq!(store.count_incidents().await.unwrap(), MANY as i64);
    assert_eq!(store.search_memory("invoices", 1_000).await.unwrap().len(), MANY, "all are found by words");
    let dense = store.vector_index();
    assert_eq!(dense.engine().count(dense.embedder().model()).await.unwrap(), MANY as u64);
    for one in &all {
        assert_eq!(store.resolutions(&past_incident_id(one)).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn embedding_anew_that_is_killed_goes_on_and_loses_nothing() {
    let (store, home) = temporary().await;
    let all: Vec<_> = (0..MANY).map(|n| past(n, None)).collect();
    store.take_in_past(&all, false, ANNA).await.unwrap();
    let old = store.vector_index().embedder().model().clone();
    for lines in [2, 3] {
        killed(&home.location(), "embed", lines);
    }
    let anew = with_slow(&store).await;
    let there = anew.vector_index().engine().count(anew.vector_index().embedder().model()).await.unwrap();
    assert!(there > 0 && there < MANY as u64, "{there}");
    assert_eq!(
        store.vector_index().engine().count(&old).await.unwrap(),
        MANY as u64,
        "the old ones still answer"
    );
    let done = catch_up(&anew, MANY).await.unwrap();
    assert_eq!((done.embedded + there, done.left), (MANY as u64, 0));
    catch_up(&anew, MANY).await.unwrap();
    let asked = VectorQuery { dense: &[1.0, 0.0], limit: MANY, ..VectorQuery::default() };
    let found =
        anew.vector_index().engine().search(anew.vector_index().embedder().model(), asked).await.unwrap();
    assert_eq!(found.len(), MANY, "each is found once");
    assert_eq!(
        store.vector_rows().count(store.vector_index().space()).await.unwrap(),
        0,
        "the old ones are gone"
    );
}
