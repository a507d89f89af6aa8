use millwright_model::{Approval, NewIncident, NewResolution, Proof, Scope};
use millwright_store::{Actor, Store};
use serde_json::json;

use crate::RunMemory;
use crate::bisect::BisectResult;
use crate::testing::{Bench, empty_ticket};

/// A person names a commit by its first digits. Once that is rejected, the whole id is recognised.
#[tokio::test]
async fn a_rejected_cause_is_known_again_although_it_was_named_by_a_few_digits() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().to_str().unwrap(), Scope::installation("test")).await.unwrap();
    let repository = "shop".parse().unwrap();
    let incident = NewIncident {
        repository_name: None,
        repository: None,
        source: None,
        ticket: empty_ticket(),
        mapped: Vec::new(),
    };
    let incident = store.create_incident(&incident).await.unwrap();
    let run = store.create_run(&incident.id).await.unwrap();
    let named = NewResolution {
        repository: Some("shop".parse().unwrap()),
        culprit: Some(bench.bad.short().into()),
        ..millwright_testkit::tickets::stated("it was that one", Proof::None)
    };
    let by = Actor { who: "anna", why: "no" };
    let kept = store.remember(&incident.id, &run.id, Some(&named), &[], by).await.unwrap();
    store.set_approval(&kept.resolution.unwrap().id, Approval::Rejected, by).await.unwrap();

    let bench = bench.with(|bench| bench.memory = Some(RunMemory { store, repository }));
    bench.call("reproduce", json!({})).await.unwrap();
    let found: BisectResult =
        serde_json::from_value(bench.call("bisect", json!({})).await.unwrap().data).unwrap();
    assert_eq!(found.culprit.as_ref(), Some(&bench.bad));
    let rejected = found.rejected_cause.expect("the rejection is known");
    assert_eq!(rejected.culprit.as_deref(), Some(bench.bad.as_str()));
}
