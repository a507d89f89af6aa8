//! Properties of every system that receives notes, tested with its requests over the network.

use millwright_testkit::http_server::ScriptedHttpServer;
use serde_json::json;

use super::*;
use crate::INTEGRATIONS;

const NOTE: NoteTarget<'static> = NoteTarget { ticket: "a/b#7", marker: "note_01" };

fn apis() -> impl Iterator<Item = (&'static str, &'static dyn TicketApi)> {
    INTEGRATIONS.iter().filter_map(|system| Some((system.name(), system.tickets()?)))
}

fn text() -> NoteText {
    let mut text = NoteText::default();
    text.say("The cause is proven.");
    text
}

#[tokio::test]
async fn each_system_is_told_who_we_are_by_every_request_and_nobody_else_is() {
    for (name, api) in apis() {
        let server = ScriptedHttpServer::start(|_| Some((401, json!({})))).await;
        let connection = TicketConnection::for_test(&server.base_url, "t0ken");
        let client = TicketClient::new(api, &connection, outbound_http::client().unwrap());
        assert!(matches!(client.try_token().await, Err(SendError::Refused(_))), "{name}");
        assert!(matches!(client.create(NOTE, &text()).await, Err(SendError::Refused(_))), "{name}");
        assert!(matches!(client.find(NOTE).await, Err(SendError::Refused(_))), "{name}");
        let heard = server.heard();
        let (header, value) = api.credentials(&connection);
        assert!(
            heard.iter().all(|request| request.header(header.as_str()) == Some(&value)),
            "{name}: {heard:?}"
        );
        assert!(value.contains("t0ken"), "{name}");
        assert!(heard.iter().all(|request| !request.path.contains("t0ken")), "{name}: {heard:?}");
        assert!(heard[0].method == "GET" || heard[0].path == "/graphql", "{name}: trying writes nothing");
        assert_ne!(heard[1].method, "GET", "{name}");
        assert!(heard[1].body.to_string().contains("note_01"), "{name}: the marker stands in the note");
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_no_refusal_and_a_redirect_is_not_followed() {
    for (name, api) in apis() {
        let server = ScriptedHttpServer::start(|_| None).await;
        let connection = TicketConnection::for_test(&server.base_url, "t0ken");
        let client = TicketClient::new(api, &connection, outbound_http::client().unwrap());
        let lost = client.create(NOTE, &text()).await.unwrap_err();
        assert!(!lost.certainly_not_done(), "{name}: {lost}");
        let server = ScriptedHttpServer::start(|_| Some((307, json!({})))).await;
        let connection = TicketConnection::for_test(&server.base_url, "t0ken");
        let client = TicketClient::new(api, &connection, outbound_http::client().unwrap());
        assert!(client.create(NOTE, &text()).await.is_err(), "{name}");
        let asked: Vec<String> = server.heard().iter().map(|request| request.line()).collect();
        assert_eq!(asked.len(), 1, "{name}: {asked:?}");
    }
}

/// The search through a ticket with endless notes ends, and concludes nothing from the notes seen.
#[tokio::test]
async fn the_search_for_a_marker_is_bounded() {
    let server = ScriptedHttpServer::start(|_| {
        let page: Vec<Value> = (0..100).map(|id| json!({ "id": id, "body": "said" })).collect();
        Some((200, page.into()))
    })
    .await;
    let connection = TicketConnection::for_test(&server.base_url, "t0ken");
    let (_, api) = apis().find(|(name, _)| *name == "github").unwrap();
    let client = TicketClient::new(api, &connection, outbound_http::client().unwrap());
    let error = client.find(NOTE).await.unwrap_err();
    assert!(matches!(&error, SendError::Unknown(why) if why.contains("too many")), "{error}");
    assert_eq!(server.heard().len(), MOST_PAGES);
}
