//! The server on a real port, with attackers and honest clients: connections, memory for bodies, and what is left for the
//! other clients.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::auth::TokenRole;
use crate::router;
use crate::settings::{HookSettings, ServiceSettings};
use crate::tests::{Scene, scene_with};

const SECRET: &str = "s3cret";
const LARGEST: usize = 1 << 20;
/// The longest acceptable wait, generous for slow machines.
const SOON: Duration = Duration::from_secs(4);

struct Server {
    scene: Scene,
    at: SocketAddr,
}

async fn serve(change: impl FnOnce(&mut ServiceSettings)) -> Server {
    let scene = scene_with(|settings| {
        settings.limits.body_bytes = LARGEST;
        settings.limits.requests_per_minute = 100_000;
        for name in ["github", "sentry", "alertmanager"] {
            settings.hooks.insert(
                name.to_owned(),
                HookSettings { secrets: vec![SecretString::from(SECRET)], audience: None },
            );
        }
        change(settings);
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(super::serve(scene.app.clone(), router::service(&scene.app), listener));
    Server { scene, at }
}

/// The status of a response and all of its text, read until the connection ends.
struct Answer {
    status: u16,
    text: String,
}

async fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, text }
}

impl Server {
    async fn begin(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn ask(&self, head: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!("{head}host: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        let mut stream = self.begin(&head).await;
        stream.write_all(body).await.unwrap();
        tokio::time::timeout(SOON, answer(stream)).await.expect("an answer comes soon")
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nauthorization: Bearer {token}\r\n"), b"").await
    }

    async fn github(&self, body: &[u8]) -> Answer {
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(body);
        let signature = hex::encode(mac.finalize().into_bytes());
        let head = format!(
            "POST /hooks/github HTTP/1.1\r\nx-github-event: issues\r\nx-hub-signature-256: sha256={signature}\r\n"
        );
        self.ask(&head, body).await
    }

    /// Bodies of the largest size whose last byte is missing and whose signature is invalid.
    async fn half_sent(&self, path: &str, header: &str, count: usize) -> Vec<TcpStream> {
        let mut streams = Vec::new();
        for _ in 0..count {
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: h\r\n{header}{}\r\ncontent-length: {LARGEST}\r\n\r\n",
                "00".repeat(32)
            );
            let mut stream = self.begin(&head).await;
            let _ = stream.write_all(&vec![b' '; LARGEST - 1]).await;
            streams.push(stream);
        }
        streams
    }

    /// Opens a stream of events and waits for its head.
    async fn stream(&self, token: &str, id: &str) -> (TcpStream, u16) {
        let head = format!(
            "GET /v1/incidents/{id}/events HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        let mut stream = self.begin(&head).await;
        let mut head = [0; 12];
        tokio::time::timeout(SOON, stream.read_exact(&mut head)).await.unwrap().unwrap();
        let status = std::str::from_utf8(&head).unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        (stream, status)
    }
}

fn issue(number: u32, filling: usize) -> Vec<u8> {
    let body: Value = json!({ "action": "opened",
        "issue": { "number": number, "title": "Totals are wrong", "body": "x".repeat(filling) },
        "repository": { "name": "calc", "full_name": "acme/calc" } });
    body.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_sent_bodies_starve_nobody() {
    let server = serve(|_| {}).await;
    let token = server.scene.token(TokenRole::Support).await;
    let mut attack = server.half_sent("/hooks/github", "x-hub-signature-256: sha256=", 24).await;
    attack.extend(server.half_sent("/hooks/sentry", "sentry-hook-signature: ", 24).await);
    for (number, filling) in [(1, 10), (2, LARGEST / 2), (3, 10)] {
        let honest = server.github(&issue(number, filling)).await;
        assert_eq!(honest.status, 202, "{}", honest.text);
    }
    let report = json!({ "title": "Totals are wrong", "body": "x".repeat(LARGEST / 2) }).to_string();
    let head = format!(
        "POST /v1/incidents HTTP/1.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
    );
    let honest = server.ask(&head, report.as_bytes()).await;
    assert_eq!(honest.status, 202, "{}", honest.text);
    let alert = json!({ "version": "4", "alerts": [{ "status": "firing", "labels": { "alertname": "a" } }], "x": "x".repeat(LARGEST / 2) });
    let head = format!("POST /hooks/alertmanager HTTP/1.1\r\nauthorization: Bearer {SECRET}\r\n");
    let honest = server.ask(&head, alert.to_string().as_bytes()).await;
    assert_eq!(honest.status, 202, "{}", honest.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_proven_is_refused_before_its_body() {
    let server = serve(|_| {}).await;
    for (header, words) in [
        ("x-other: 1", "is missing"),
        ("x-hub-signature-256: sha256=0", "cannot be read"),
        ("x-hub-signature-256: 00", "cannot be read"),
    ] {
        let head = format!(
            "POST /hooks/github HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{header}\r\ncontent-length: 900000\r\n\r\n"
        );
        // The test sends no byte of the body.
        let mut stream = server.begin(&head).await;
        let mut text = String::new();
        let read = async {
            while !text.ends_with('}') {
                let mut bytes = [0; 4_096];
                let count = stream.read(&mut bytes).await.unwrap();
                assert!(count > 0, "{text}");
                text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
        };
        tokio::time::timeout(SOON, read).await.expect("an answer comes soon");
        assert!(text.starts_with("HTTP/1.1 401") && text.contains(words), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_only_drips_is_cut_off() {
    let server = serve(|_| {}).await;
    let head = format!(
        "POST /hooks/github HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx-hub-signature-256: sha256={}\r\n\
         content-length: {LARGEST}\r\n\r\n",
        "00".repeat(32)
    );
    let (mut reader, mut writer) = server.begin(&head).await.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut bytes)).await;
    drip.abort();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("bytes a second"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_by_token_and_in_all() {
    let server = serve(|settings| {
        (settings.limits.streams, settings.limits.streams_per_token) = (3, 2);
    })
    .await;
    let (one, other) =
        (server.scene.token(TokenRole::Support).await, server.scene.token(TokenRole::Viewer).await);
    let id = server.scene.report(&one, "Totals are wrong").await;
    let path = format!("/v1/incidents/{id}/events");
    let mut open = Vec::new();
    for token in [&one, &one, &other] {
        let (stream, status) = server.stream(token, id.as_str()).await;
        assert_eq!(status, 200);
        open.push(stream);
    }
    for (token, setting) in [(&one, "server.streams_per_token"), (&other, "server.streams)")] {
        let refused = server.get(&path, token).await;
        assert_eq!(refused.status, 429, "{}", refused.text);
        assert!(refused.text.contains(setting) && refused.text.contains("retry-after: "), "{}", refused.text);
    }
    assert_eq!(server.get("/v1/incidents", &other).await.status, 200);
    drop(open.remove(0));
    let begun = Instant::now();
    while server.stream(&other, id.as_str()).await.1 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "a stream that was closed holds its place");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_hold_nobody_up() {
    let server = serve(|settings| {
        (settings.limits.connections, settings.limits.connections_per_address) = (20, 20);
    })
    .await;
    let token = server.scene.token(TokenRole::Viewer).await;
    let mut silent = Vec::new();
    for n in 0..200 {
        let head = if n % 2 == 0 { "" } else { "GET /healthz HTTP/1.1\r\nx-slow: " };
        silent.push(server.begin(head).await);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..30 {
        assert_eq!(server.get("/v1/incidents", &token).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_are_answered_while_every_place_is_taken() {
    let server = serve(|settings| {
        (settings.limits.connections, settings.limits.connections_per_address) = (10, 5);
        (settings.limits.streams, settings.limits.streams_per_token) = (5, 5);
    })
    .await;
    let token = server.scene.token(TokenRole::Support).await;
    let id = server.scene.report(&token, "Totals are wrong").await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(server.stream(&token, id.as_str()).await.0);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(server.get(path, &token).await.status, 200, "{path}");
    }
    let refused = server.get("/v1/incidents", &token).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(
        refused.text.contains("server.connections") && refused.text.contains("retry-after"),
        "{}",
        refused.text
    );
    drop(held);
    let begun = Instant::now();
    while server.get("/v1/incidents", &token).await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "places are given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
