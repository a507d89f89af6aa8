//! Who may read what a hook reports, and whose judgement counts.

use axum::body::Body;
use axum::http::Request;
use hmac::{Hmac, KeyInit, Mac};
use millwright_model::{Audience, IncidentId, JudgingAuthority};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{BY, scene, scene_with};
use crate::auth::{TokenRequest, TokenRole, create_token};
use crate::settings::HookSettings;

#[tokio::test]
async fn who_reads_an_issue_is_told_by_its_delivery_or_the_configuration() {
    use Audience::{Internal, Public, Unknown};
    let opened = async |configured: Option<Audience>, repository: Value| {
        let hook = HookSettings { secrets: vec![SecretString::from("s3cret")], audience: configured };
        let scene = scene_with(|settings| {
            settings.hooks.insert("github".into(), hook);
        })
        .await;
        let mut body = json!({ "action": "opened", "issue": { "number": 1, "title": "x" },
            "repository": { "name": "calc", "full_name": "acme/calc" } });
        body["repository"].as_object_mut().unwrap().extend(repository.as_object().unwrap().clone());
        let body = body.to_string();
        let mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap().chain_update(&body);
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let request =
            Request::builder().method("POST").uri("/hooks/github").header("x-github-event", "issues");
        let request = request.header("x-hub-signature-256", signature);
        let answer = scene.send(request.body(Body::from(body)).unwrap()).await;
        let id: IncidentId = answer.json()["incident_id"].as_str().unwrap().parse().unwrap();
        scene.app.own_store.get_incident(&id).await.unwrap().audience
    };
    for (configured, private, expected) in [
        (None, json!({ "private": false }), Public),
        (None, json!({ "private": true }), Internal),
        (None, json!({}), Unknown),
        (Some(Internal), json!({ "private": false }), Internal),
        (Some(Public), json!({ "private": true }), Public),
    ] {
        assert_eq!(opened(configured, private.clone()).await, expected, "{configured:?} {private}");
    }
}

#[tokio::test]
async fn a_word_in_a_message_counts_as_the_right_of_who_wrote_it_does_now() {
    let scene = scene().await;
    let store = &scene.app.own_store;
    let standing =
        async |author: &str| crate::worker::standing::standing_of(&scene.app, author).await.unwrap();
    for (role, expected) in [
        (TokenRole::Viewer, None),
        (TokenRole::Support, Some((JudgingAuthority::Support, false))),
        (TokenRole::Responder, Some((JudgingAuthority::Responder, true))),
        (TokenRole::Admin, Some((JudgingAuthority::Admin, true))),
    ] {
        let token = create_token(store, TokenRequest::new("slack:U0RESP", role), BY).await.unwrap().token;
        let author = format!("{} ({})", token.name, token.id);
        let found = standing(&author).await.ok().map(|known| (known.authority, known.suffices));
        assert_eq!(found, expected, "{role}");
        assert!(standing(&format!("another name ({})", token.id)).await.is_err(), "a name that is made up");
        store.end_token(&token.id, None, BY).await.unwrap();
        assert!(standing(&author).await.is_err(), "a token that was revoked since");
    }
    for nobody in ["anna", "", "anna (none)", "slack:U1"] {
        assert!(standing(nobody).await.is_err(), "{nobody:?}");
    }
    assert!(standing("anonymous@localhost").await.is_err(), "only while nobody needs a token");
    let open = scene_with(|settings| settings.anonymous = true).await;
    let known = crate::worker::standing::standing_of(&open.app, "anonymous@localhost").await.unwrap();
    assert!(known.is_ok_and(|known| known.suffices));
}
