//! Limits on what is read from a server that never stops sending.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;

use super::*;

/// Answers one request with `head` and then repeats `piece` until the client stops reading; reports how many bytes
/// were sent.
fn endless(head: &'static str, piece: Vec<u8>) -> (String, std::thread::JoinHandle<u64>) {
    const MOST: u64 = 1 << 30;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 65_536]).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut sent = 0;
        while sent < MOST && stream.write_all(&piece).is_ok() {
            sent += piece.len() as u64;
        }
        sent
    });
    (url, server)
}

fn client(base_url: String) -> ChatClient {
    ChatClient::new(&ModelConnection {
        base_url,
        model: "m".into(),
        api_key: None,
        ca_file: None,
        proxy: None,
        timeout: Duration::from_secs(60),
        temperature: None,
    })
    .unwrap()
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let event = json!({ "choices": [{ "index": 0, "delta": { "role": "assistant" } }] });
    let events = format!("data: {event}\n\n").repeat(500).into_bytes();
    for (head, piece) in [
        ("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", vec![b'x'; 65_536]),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", events),
        ("HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n\r\n", vec![b' '; 65_536]),
        ("HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\n\r\n", vec![b' '; 65_536]),
    ] {
        let (url, server) = endless(head, piece);
        let body = json!({ "model": "m", "messages": [], "stream": true, "max_tokens": 100 });
        let failure = client(url).ask(&body, &|_| {}).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Garbled, "{failure:?}");
        assert!(failure.to_string().contains("is longer than 4296704 bytes"), "{failure}");
        assert!(failure.to_string().contains("model.base_url"), "{failure}");
        let sent = tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap();
        // Bytes in the kernel's buffers were sent but never read.
        assert!(sent < max_answer_bytes(&body) + (32 << 20), "{sent}");
    }
}
