//! The history of code over HTTP: who gets it, of which repository, and what a wrong question is told.

use std::path::Path;

use millwright_testkit::repository::TestRepo;
use serde_json::Value;

use crate::auth::TokenRole;
use crate::scope_tests::{only, repository};
use crate::settings::RepositorySettings;
use crate::tests::{Scene, scene_with};

pub(crate) fn shop() -> TestRepo {
    let repo = TestRepo::new();
    let text = |rate: &str| {
        format!("def total(cart):\n    tell('ann@example.org')\n    return sum(cart) * {rate}\n")
    };
    repo.commit("Add totals", &[("shop/cart.py", &text("1"))]);
    repo.commit("Double <b>everything</b>", &[("shop/cart.py", &text("2"))]);
    repo
}

pub(crate) async fn service(repositories: Vec<RepositorySettings>, data: &Path) -> Scene {
    let data = data.to_owned();
    scene_with(|settings| {
        settings.limits.requests_per_minute = 100_000;
        settings.repositories = repositories;
        settings.data_dir = data;
    })
    .await
}

pub(crate) fn of_shop(repo: &TestRepo) -> RepositorySettings {
    RepositorySettings { path: repo.work(), ..repository("shop", "checkout") }
}

#[tokio::test]
async fn a_history_is_given_of_what_the_caller_may_see() {
    let repo = shop();
    let billing = repository("billing", "invoices");
    let scene = service(vec![of_shop(&repo), billing], &repo.data()).await;
    let viewer = scene.token_of(TokenRole::Viewer, only("shop")).await;
    let ask = async |token: &str, query: &str| {
        scene.ask("GET", &format!("/v1/history?{query}"), Some(token), None).await
    };
    let answer = ask(&viewer, "of=shop/cart.py::total").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let history = answer.json();
    assert_eq!((&history["repository"], &history["total"]), (&Value::from("shop"), &Value::from(2)));
    assert_eq!(history["commits"][0]["what"][0], "body");
    assert!(history["commits"][0]["patch"].as_str().unwrap().contains("+    return sum(cart) * 2"));
    assert!(!answer.text.contains("ann@example.org"), "{}", answer.text);
    let older = ask(&viewer, "of=shop/cart.py:3&offset=1&limit=1&at=HEAD~1").await.json();
    assert_eq!((older["total"].as_u64(), older["commits"].as_array().unwrap().len()), (Some(1), 0));

    ask(&viewer, "of=a.py&repository=billing").await.refuses(404, "no repository \"billing\"");
    ask(&viewer, "of=shop/cart.py::gone").await.refuses(404, "it has total");
    ask(&viewer, "of=shop/cart.py&at=v9").await.refuses(404, "no revision \"v9\"");
    ask(&viewer, "of=shop/::").await.refuses(422, "PATH::NAME");
    ask(&viewer, "of=a.py&limit=0").await.refuses(400, "limit must be 1 to 1000");
    let admin = scene.token(TokenRole::Admin).await;
    ask(&admin, "of=a.py").await.refuses(422, "say which repository: shop, billing");
    // A clone that is not there is not the caller's fault, and where it would be is not told.
    let away = ask(&admin, "of=a.py&repository=billing").await;
    away.refuses(503, "the clone of billing cannot be read here yet");
    assert!(!away.text.contains("nowhere"), "{}", away.text);
    // What is broken here is for the operator, and where it lies is not told.
    let mut broken = of_shop(&repo);
    std::fs::write(repo.beside("config-file"), "").unwrap();
    broken.name = "broken".parse().unwrap();
    let data = repo.beside("config-file");
    let scene = service(vec![broken], &data).await;
    let admin = scene.token(TokenRole::Admin).await;
    let answer = scene.ask("GET", "/v1/history?of=shop/cart.py", Some(&admin), None).await;
    answer.refuses(500, "the log says why");
    assert!(!answer.text.contains("config-file"), "{}", answer.text);
}
