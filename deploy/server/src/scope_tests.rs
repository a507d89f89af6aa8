//! Scopes on every route: an incident that belongs to another team or was discussed in a closed channel does not appear in
//! any list or response.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use millwright_model::{IncidentId, RepositoryName, VisibleSet};
use millwright_replay::TestRecipes;
use millwright_store::MessageKind;
use serde_json::json;

use crate::auth::TokenRole;
use crate::http::RouteAccess;
use crate::router::routes::table;
use crate::settings::RepositorySettings;
use crate::tests::{Scene, scene_with};

/// Words that occur only in hidden data.
pub(crate) const HIDDEN: [&str; 3] = ["Zebrafish", "walrus", "invoices"];

pub(crate) fn repository(name: &str, service: &str) -> RepositorySettings {
    RepositorySettings {
        name: name.parse().unwrap(),
        path: "/nowhere".into(),
        remote: None,
        branch: None,
        services: vec![service.into()],
        path_prefixes: Vec::new(),
        recipes: TestRecipes::default(),
        tests: None,
        remotes: Default::default(),
    }
}

pub(crate) fn only(name: &str) -> VisibleSet<RepositoryName> {
    VisibleSet::Only(BTreeSet::from([name.parse().unwrap()]))
}

/// A service of two teams.
pub(crate) async fn two_teams() -> Scene {
    scene_with(|settings| {
        settings.limits.requests_per_minute = 100_000;
        settings.repositories = vec![repository("shop", "checkout"), repository("billing", "invoices")];
    })
    .await
}

/// An incident of a service, with a message about it.
pub(crate) async fn incident_of(scene: &Scene, admin: &str, service: &str, words: &str) -> IncidentId {
    let report = json!({ "title": format!("{words} is wrong"), "body": words, "service": service });
    let answer = scene.ask("POST", "/v1/incidents", Some(admin), Some(report)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let id: IncidentId = answer.json()["id"].as_str().unwrap().parse().unwrap();
    scene.app.own_store.put_message(&id, "anna", MessageKind::Remark, words).await.unwrap();
    id
}

pub(crate) fn tells_nothing(text: &str, id: &IncidentId, of: &str) {
    for hidden in HIDDEN.into_iter().chain([id.as_str()]) {
        assert!(!text.contains(hidden), "{of} tells {hidden}: {text}");
    }
}

#[tokio::test]
async fn a_bound_token_finds_only_its_own_on_every_route() {
    let scene = two_teams().await;
    let admin = scene.token(TokenRole::Admin).await;
    let theirs = incident_of(&scene, &admin, "invoices", "Zebrafish walrus").await;
    let ours = incident_of(&scene, &admin, "checkout", "Coupon").await;
    let bodies = |path: &str| match path {
        "/v1/incidents/{id}/messages" => json!({ "text": "hello" }),
        "/v1/incidents/{id}/feedback" => json!({ "verdict": "confirm" }),
        "/v1/approvals/{id}" => json!({ "decision": "approve" }),
        "/v1/deployments" => {
            json!({ "service": "invoices", "revision": "1", "environment": "production" })
        }
        _ => json!({ "title": "Another", "service": "invoices" }),
    };
    let mut asked = 0;
    for role in [TokenRole::Viewer, TokenRole::Support, TokenRole::Responder] {
        let token = scene.token_of(role, only("shop")).await;
        for route in table() {
            let RouteAccess::Role(least) = route.access else { continue };
            if role < least {
                continue;
            }
            let query = match route.path {
                "/v1/memory/search" => "?q=zebrafish",
                "/v1/history" => "?of=a.py&repository=billing",
                _ => "",
            };
            let method = route.method.to_uppercase();
            let body = || (method == "POST").then(|| bodies(route.path));
            let path = |id: &str| format!("{}{query}", route.path.replace("{id}", id));
            asked += 1;
            if route.path.contains("{id}") {
                // The full id and a shortened one both find nothing.
                for id in [theirs.as_str(), &theirs.as_str()[..theirs.as_str().len() - 1]] {
                    let answer = scene.ask(&method, &path(id), Some(&token), body()).await;
                    answer.refuses(404, "no");
                    let told = answer.text.replace(id, "");
                    tells_nothing(&told, &theirs, &path("ID"));
                }
                continue;
            }
            let answer = scene.ask(&method, &path(""), Some(&token), body()).await;
            // An error repeats what was asked for.
            let told = if answer.status == 422 { answer.text.replace("invoices", "") } else { answer.text };
            tells_nothing(&told, &theirs, &path(""));
            match route.path {
                "/metrics" => assert_eq!(answer.status, 403),
                "/v1/history" => assert_eq!(answer.status, 404, "{told}"),
                "/v1/deployments" => assert_eq!(answer.status, 422, "{told}"),
                "/v1/incidents" if method == "POST" => assert_eq!(answer.status, 422, "{told}"),
                _ => assert_eq!(answer.status, 200, "{told}"),
            }
        }
        let own = scene.ask("GET", &format!("/v1/incidents/{ours}"), Some(&token), None).await;
        assert_eq!(own.status, 200, "{}", own.text);
        let listed = scene.ask("GET", "/v1/incidents", Some(&token), None).await;
        assert!(listed.text.contains(ours.as_str()), "{}", listed.text);
    }
    assert!(asked >= 20, "{asked}");
    // A caller who sees everything gets them.
    let all = scene.ask("GET", "/v1/incidents", Some(&admin), None).await;
    assert!(all.text.contains(theirs.as_str()) && all.text.contains("Zebrafish"), "{}", all.text);
}

#[tokio::test]
async fn a_stream_of_another_team_is_not_opened() {
    let scene = two_teams().await;
    let admin = scene.token(TokenRole::Admin).await;
    let theirs = incident_of(&scene, &admin, "invoices", "Zebrafish walrus").await;
    let token = scene.token_of(TokenRole::Viewer, only("shop")).await;
    // From every position in the stream.
    for place in ["", "run_1.1"] {
        let request = Request::builder()
            .uri(format!("/v1/incidents/{theirs}/events"))
            .header("authorization", format!("Bearer {token}"))
            .header("last-event-id", place);
        scene.send(request.body(Body::empty()).unwrap()).await.refuses(404, "no incident");
    }
}
