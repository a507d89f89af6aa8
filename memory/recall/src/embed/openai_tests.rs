//! The wire format of the embeddings endpoint, tested against a local server on the loopback interface.

use millwright_testkit::http_server::ScriptedHttpServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A server that answers each request by its body.
async fn serve(
    answer: impl Fn(&Value) -> (u16, Value) + Send + Sync + 'static,
) -> (String, ScriptedHttpServer) {
    let server = ScriptedHttpServer::start(move |request| Some(answer(&request.body))).await;
    (format!("{}/v1", server.base_url), server)
}

fn embeddings(base_url: &str, dimension: usize) -> OpenAiEmbeddings {
    OpenAiEmbeddings::new(&OpenAiOptions {
        base_url: base_url.to_owned(),
        api_key: Some("sk-secret".into()),
        model: "text-embedding-x".into(),
        dimension,
        timeout: Duration::from_secs(10),
    })
    .unwrap()
}

fn texts(n: usize) -> Vec<EmbedText> {
    (0..n).map(|i| EmbedText::new(&format!("title {i}"), if i == 0 { "" } else { "body" })).collect()
}

#[tokio::test]
async fn texts_are_sent_in_batches_and_vectors_put_in_order() {
    let (url, server) = serve(|body| {
        let inputs = body["input"].as_array().unwrap();
        let one = |(i, text): (usize, &Value)| {
            let number: f32 = text.as_str().unwrap().split([' ', '\n']).nth(1).unwrap().parse().unwrap();
            json!({ "index": i, "embedding": [1.0, number], "object": "embedding" })
        };
        let mut data: Vec<Value> = inputs.iter().enumerate().map(one).collect();
        data.reverse();
        (200, json!({ "object": "list", "data": data }))
    })
    .await;
    let vectors = embeddings(&url, 2).embed(&texts(70)).await.unwrap();
    assert_eq!(vectors.len(), 70);
    assert!((vectors[66][1] / vectors[66][0] - 66.0).abs() < 0.01, "{:?}", vectors[66]);
    let heard = server.heard();
    assert_eq!(heard.len(), 2);
    let body = &heard[0].body;
    assert_eq!(heard[0].line(), "POST /v1/embeddings");
    assert_eq!(heard[0].header("authorization"), Some("Bearer sk-secret"));
    assert_eq!((&body["model"], &body["encoding_format"]), (&json!("text-embedding-x"), &json!("float")));
    assert_eq!((&body["input"][0], &body["input"][1]), (&json!("title 0"), &json!("title 1\nbody")));
}

#[tokio::test]
async fn a_wrong_dimension_and_a_refusal_are_told() {
    let (url, _) = serve(|_| (200, json!({ "data": [{ "embedding": [1.0, 2.0, 3.0] }] }))).await;
    let error = embeddings(&url, 2).embed(&texts(1)).await.unwrap_err();
    assert!(matches!(error, EmbedError::Dimension { found: 3, wanted: 2, .. }), "{error:?}");
    let error = embeddings(&url, 3).embed(&texts(2)).await.unwrap_err();
    assert!(matches!(error, EmbedError::Count { found: 1, wanted: 2, .. }), "{error:?}");
    let (url, _) = serve(|_| (401, json!({ "error": { "message": "bad key", "type": "auth" } }))).await;
    let error = embeddings(&url, 2).embed(&texts(1)).await.unwrap_err().to_string();
    assert!(error.contains("bad key") && error.contains("words and code"), "{error}");
    let wrong = OpenAiOptions {
        base_url: "localhost:8080".into(),
        api_key: None,
        model: "m".into(),
        dimension: 2,
        timeout: Duration::from_secs(1),
    };
    assert!(OpenAiEmbeddings::new(&wrong).unwrap_err().to_string().contains("embeddings.base_url"));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    for status in ["200 OK", "400 Bad Request", "429 Too Many Requests"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let server = tokio::task::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 65_536]).await.unwrap();
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\r\n[");
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut sent = 0_u64;
            while sent < 1 << 30 && stream.write_all(&[b' '; 65_536]).await.is_ok() {
                sent += 65_536;
            }
            sent
        });
        let error = embeddings(&url, 3).embed(&texts(2)).await.unwrap_err().to_string();
        assert!(
            error.contains("is longer than 1048960 bytes") && error.contains("embeddings.base_url"),
            "{status}: {error}"
        );
        // Data in the kernel's buffers was sent but never read.
        let sent = server.await.unwrap();
        assert!(sent < 32 << 20, "{status}: {sent}");
    }
}
