/*!
Hostile input to a reachable service: senders that never finish, bodies without an end, bytes that are not text, and
deliveries that are forged, old or repeated. Each sender gets a clear answer, and other clients are not affected.
*/

use std::io::{BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{Answer, ask, read_answer};
use super::{PATIENCE, SECRET, Serving};

/// A service with every channel enabled that does not investigate; `more` goes to `[server]`.
fn open(more: &str) -> Serving {
    let hooks =
        ["generic", "alertmanager", "grafana", "pagerduty", "sentry", "github", "gitlab", "jira", "zendesk"];
    let hooks = hooks.map(|name| format!("[connectors.{name}]\nsecret_env = \"HOOK_SECRET\"\n"));
    let slack = "[channels.slack]\nbot_token_env = \"API_TOKEN\"\nsigning_secret_env = \"HOOK_SECRET\"\n\
                 base_url = \"http://127.0.0.1:9\"\n";
    Serving::of(&["api"], &format!("{more}\n{}{slack}", hooks.concat()))
}

impl Serving {
    fn is_well(&self) {
        assert_eq!(ask(self.at, "GET", "/healthz", &[], "").unwrap().status, 200);
    }

    /// The peak memory of the process, in MiB.
    fn peak_mib(&self) -> u64 {
        let pid = self.processes[0].child.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
    }

    /// Begins a request. A thread reads the answer while the test continues to send.
    fn begin(&self, head: &str) -> (TcpStream, std::thread::JoinHandle<std::io::Result<Answer>>) {
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head.replace("HOST", &self.at.to_string()).as_bytes()).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        (stream, std::thread::spawn(move || read_answer(&mut reader)))
    }
}

/// Sends bytes at intervals until the other side closes the connection.
fn dribble(streams: &mut [TcpStream], what: &[u8]) {
    let begun = Instant::now();
    let mut open = vec![true; streams.len()];
    while open.contains(&true) {
        assert!(begun.elapsed() < PATIENCE, "slow senders are never cut off");
        for (stream, open) in streams.iter_mut().zip(&mut open).filter(|(_, open)| **open) {
            *open = stream.write_all(what).is_ok();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The head of a delivery whose signature cannot be rejected before the whole body has arrived.
fn claimed() -> String {
    let signature = "00".repeat(32);
    format!(
        "POST /hooks/github HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\nx-hub-signature-256: sha256={signature}\r\n"
    )
}

#[test]
fn slow_senders_are_cut_off_and_hold_nobody() {
    let serving = open("header_timeout_s = 1\nbody_timeout_s = 1");
    // Headers that never end get no answer.
    let (mut streams, ends): (Vec<_>, Vec<_>) =
        (0..200).map(|_| serving.begin("GET /healthz HTTP/1.1\r\nhost: HOST\r\nx-slow: ")).unzip();
    serving.is_well();
    dribble(&mut streams, b"x");
    for end in ends {
        assert!(end.join().unwrap().is_err(), "a request without an end has no answer");
    }
    // A sender whose body never arrives gets an error.
    let (mut streams, ends): (Vec<_>, Vec<_>) =
        (0..50).map(|_| serving.begin(&format!("{}content-length: 100000\r\n\r\n", claimed()))).unzip();
    serving.is_well();
    dribble(&mut streams, b"x");
    for end in ends {
        end.join().unwrap().unwrap().refuses(408, "body_timeout_s");
    }
    serving.is_well();
}

#[test]
fn a_body_without_end_is_refused_and_never_held() {
    const MIB: usize = 1 << 20;
    let serving = open("");
    let before = serving.peak_mib();
    let known = |path: &str, key: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\n"
        )
    };
    for head in [known("/v1/incidents", &serving.token), known("/hooks/alertmanager", SECRET), claimed()] {
        let head = |more: &str| format!("{head}{more}\r\n");
        // Announced length: refused before the body is read. With `expect: 100-continue` the sender need not send it at all.
        let announced = format!("content-length: {}\r\n", 100 * MIB);
        let (_stream, end) = serving.begin(&head(&format!("{announced}expect: 100-continue\r\n")));
        end.join().unwrap().unwrap().refuses(413, "body_mb");
        let (mut stream, end) = serving.begin(&head(&announced));
        for _ in 0..100 {
            stream.write_all(&vec![b'x'; MIB]).unwrap();
        }
        end.join().unwrap().unwrap().refuses(413, "body_mb");
        // No announced length: refused as soon as the body is too long.
        let (mut stream, end) = serving.begin(&head("transfer-encoding: chunked\r\n"));
        for _ in 0..100 {
            stream.write_all(format!("{MIB:x}\r\n{}\r\n", "x".repeat(MIB)).as_bytes()).unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
        end.join().unwrap().unwrap().refuses(413, "body_mb");
    }
    let grown = serving.peak_mib() - before;
    // One body up to the limit of 10 MiB, in a buffer that doubles its size.
    assert!(grown < 60, "900 MiB were sent, {grown} MiB were held");
    let broken = format!("{}transfer-encoding: chunked\r\n\r\nzz\r\n", claimed());
    serving.begin(&broken).1.join().unwrap().unwrap().refuses(400, "chunks");
    serving.is_well();
}

#[test]
fn bodies_that_arrive_at_once_share_a_bound() {
    const MIB: usize = 1 << 20;
    let serving = open("body_timeout_s = 10");
    let before = serving.peak_mib();
    let head = format!("{}content-length: {}\r\n\r\n", claimed(), 9 * MIB);
    // No body is complete.
    let begun: Vec<_> = (0..30)
        .map(|_| {
            let (mut stream, end) = serving.begin(&head);
            let _ = stream.write_all(&vec![b'x'; 9 * MIB - 1]);
            (stream, end)
        })
        .collect();
    serving.is_well();
    let mut refused = 0;
    for (_stream, end) in begun {
        let answer = end.join().unwrap().unwrap();
        match answer.status {
            503 => {
                answer.refuses(503, "at once");
                refused += 1;
            }
            _ => answer.refuses(408, "body_timeout_s"),
        }
    }
    assert!(refused > 0, "all of them were held");
    let grown = serving.peak_mib() - before;
    // Four of the largest bodies from one address, the unreserved part of each body, and the read-ahead of connections.
    assert!(grown < 130, "270 MiB were sent, {grown} MiB were held");
    let body = doors()[5].report.to_string();
    let again = || serving.deliver("/hooks/github", body.as_bytes(), SECRET, 0).status == 202;
    serving.until("there is room again", again);
}

#[test]
fn what_is_no_request_ends_only_its_connection() {
    let serving = open("");
    let many = (0..200).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    for (sent, status) in [
        ("\x16\x03\x01\x02\x00 hello\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\nhost: HOST\r\n\r\n", "x".repeat(70_000)), 414),
        (format!("GET / HTTP/1.1\r\nhost: HOST\r\n{many}\r\n"), 431),
        (
            "POST /hooks/generic HTTP/1.1\r\nhost: HOST\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx"
                .to_owned(),
            400,
        ),
        ("POST /hooks/generic HTTP/1.1\r\nhost: HOST\r\ncontent-length: -1\r\n\r\n".to_owned(), 400),
    ] {
        match serving.begin(&sent).1.join().unwrap() {
            Ok(answer) => assert_eq!(answer.status, status, "{sent:.60}: {}", answer.text),
            // The service may close a longer request before the client reads the answer, but must not keep it in memory.
            Err(error) => assert!(
                sent.len() > 60_000
                    && matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof),
                "{sent:.60}: {error}"
            ),
        }
    }
    serving.is_well();
}

/// A system that sends deliveries.
struct Door {
    path: &'static str,
    /// A delivery that reports something.
    report: Value,
    /// A delivery to ignore.
    other: Value,
    /// A delivery with missing parts.
    part: Value,
}

fn doors() -> Vec<Door> {
    let alert = |status: &str, name: &str| {
        json!({ "version": "4", "status": status, "alerts": [{ "status": status, "labels": { "alertname": name },
            "annotations": { "summary": "totals are wrong" }, "startsAt": "2026-11-24T10:00:00Z", "fingerprint": name }] })
    };
    let door = |path, report, other, part| Door { path, report, other, part };
    vec![
        door(
            "/hooks/generic",
            json!({ "title": "Totals are wrong", "external_id": 7 }),
            json!({ "title": "Never reported", "status": "resolved" }),
            json!({ "body": "no title" }),
        ),
        door(
            "/hooks/alertmanager",
            alert("firing", "Totals"),
            alert("resolved", "Never"),
            json!({ "alerts": [] }),
        ),
        door(
            "/hooks/grafana",
            alert("firing", "Totals"),
            alert("resolved", "Never"),
            json!({ "alerts": [{}] }),
        ),
        door(
            "/hooks/pagerduty",
            json!({ "event": { "id": "e1", "event_type": "incident.triggered", "data": { "id": "P1", "title": "Totals" } } }),
            json!({ "event": { "id": "e2", "event_type": "incident.annotated", "data": { "id": "P1" } } }),
            json!({ "event": { "id": "e3", "event_type": "incident.triggered", "data": {} } }),
        ),
        door(
            "/hooks/sentry",
            json!({ "action": "created", "data": { "issue": { "id": "7", "title": "ValueError: x" } } }),
            json!({ "action": "archived", "data": { "issue": { "id": "7" } } }),
            json!({ "action": "created" }),
        ),
        door(
            "/hooks/github",
            json!({ "action": "opened", "issue": { "number": 7, "title": "Totals", "body": "" },
                "repository": { "name": "calc", "full_name": "acme/calc" } }),
            json!({ "action": "labeled", "issue": { "number": 7 }, "repository": { "full_name": "acme/calc" } }),
            json!({ "action": "opened", "issue": { "number": 7 }, "repository": { "full_name": "../../etc" } }),
        ),
        door(
            "/hooks/gitlab",
            json!({ "object_kind": "issue", "project": { "id": 24 },
                "object_attributes": { "iid": 7, "title": "Totals", "description": "", "action": "open" } }),
            json!({ "object_kind": "issue", "project": { "id": 24 }, "object_attributes": { "iid": 7, "action": "update" } }),
            json!({ "object_kind": "issue", "project": { "id": "../25" }, "object_attributes": { "iid": 7, "action": "open" } }),
        ),
        door(
            "/hooks/jira",
            json!({ "webhookEvent": "jira:issue_created", "issue": { "key": "SHOP-7", "fields": { "summary": "Totals" } } }),
            json!({ "webhookEvent": "comment_created" }),
            json!({ "webhookEvent": "jira:issue_created", "issue": { "key": "../7" } }),
        ),
        door(
            "/hooks/zendesk",
            json!({ "id": "z1", "type": "zen:event-type:ticket.created", "detail": { "id": "7", "subject": "Totals" } }),
            json!({ "id": "z2", "type": "zen:event-type:ticket.merged", "detail": { "id": "7" } }),
            json!({ "id": "z3", "type": "zen:event-type:ticket.created", "detail": { "id": "7/../8" } }),
        ),
        door(
            "/hooks/slack/events",
            json!({ "type": "event_callback", "event_id": "Ev1", "event":
                { "type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1", "text": "totals are wrong" } }),
            json!({ "type": "event_callback", "event_id": "Ev2", "event": { "type": "reaction_added" } }),
            json!({ "type": "event_callback", "event_id": "Ev3" }),
        ),
    ]
}

/// Signs a delivery as the system of this path does, with a clock that is `skew` seconds off.
fn signed(path: &str, body: &[u8], secret: &str, skew: i64) -> Vec<(&'static str, String)> {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(skew);
    let seconds = now.as_second().to_string();
    let mac = |parts: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    };
    let plain = hex::encode(mac(&[body]));
    match path {
        "/hooks/generic" | "/hooks/gitlab" => {
            let id = hex::encode(Sha256::digest(body));
            let signature = STANDARD.encode(mac(&[id.as_bytes(), b".", seconds.as_bytes(), b".", body]));
            vec![
                ("webhook-id", id),
                ("webhook-signature", format!("v1,{signature}")),
                ("webhook-timestamp", seconds),
            ]
        }
        "/hooks/alertmanager" => vec![("authorization", format!("Bearer {secret}"))],
        "/hooks/grafana" => vec![
            ("x-grafana-alerting-signature", hex::encode(mac(&[seconds.as_bytes(), b":", body]))),
            ("x-grafana-alerting-timestamp", seconds),
        ],
        "/hooks/pagerduty" => vec![("x-pagerduty-signature", format!("v1=00,v1={plain}"))],
        "/hooks/sentry" => vec![("sentry-hook-signature", plain)],
        "/hooks/linear" => vec![("linear-signature", plain)],
        "/hooks/github" => {
            vec![("x-hub-signature-256", format!("sha256={plain}")), ("x-github-event", "issues".into())]
        }
        "/hooks/jira" => vec![("x-hub-signature", format!("sha256={plain}"))],
        "/hooks/zendesk" => {
            let at = now.to_string();
            vec![
                ("x-zendesk-webhook-signature", STANDARD.encode(mac(&[at.as_bytes(), body]))),
                ("x-zendesk-webhook-signature-timestamp", at),
            ]
        }
        _ => vec![
            (
                "x-slack-signature",
                format!("v0={}", hex::encode(mac(&[b"v0:", seconds.as_bytes(), b":", body]))),
            ),
            ("x-slack-request-timestamp", seconds),
        ],
    }
}

impl Serving {
    pub(crate) fn deliver(&self, path: &str, body: &[u8], secret: &str, skew: i64) -> Answer {
        let mut head = format!("POST {path} HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n");
        for (name, value) in signed(path, body, secret, skew) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let (mut stream, end) = self.begin(&format!("{head}content-length: {}\r\n\r\n", body.len()));
        stream.write_all(body).unwrap();
        end.join().unwrap().unwrap()
    }
}

#[test]
fn every_door_tells_the_forged_the_old_the_strange_and_the_repeated_apart() {
    let serving = open("");
    for Door { path, report, other, part } in doors() {
        let body = report.to_string();
        let send = |body: &str, secret: &str, skew| serving.deliver(path, body.as_bytes(), secret, skew);
        // A delivery without proof of its sender leaves no trace.
        let unsigned = ask(serving.at, "POST", path, &[], &body).unwrap();
        unsigned.refuses(401, "is missing");
        send(&body, "another-secret", 0).refuses(401, "signature does not match");
        let timed = !matches!(
            path,
            "/hooks/alertmanager" | "/hooks/pagerduty" | "/hooks/sentry" | "/hooks/github" | "/hooks/jira"
        );
        if timed {
            for skew in [-310, 310, -86_400] {
                send(&body, SECRET, skew).refuses(401, "five minutes");
            }
        }
        // A delivery from a proven sender is checked for its content.
        for (bytes, words) in
            [(&b"{\"title\":\"\xff\xfe\"}"[..], "UTF-8"), (b"{\"title\":", "not valid JSON")]
        {
            serving.deliver(path, bytes, SECRET, 0).refuses(400, words);
        }
        let deep = format!("{{\"title\":{}1{}}}", "[".repeat(500_000), "]".repeat(500_000));
        send(&deep, SECRET, 0).refuses(400, "recursion limit");
        send(&part.to_string(), SECRET, 0).refuses(422, "");
        for wrong in ["null", "7", "\"x\"", "[]", "{}"] {
            send(wrong, SECRET, 0).refuses(422, "");
        }
        let unknown = send(&other.to_string(), SECRET, 0);
        assert_eq!((unknown.status, &unknown.json()["effect"]), (200, &json!("ignored")), "{path}");
        // Clocks may differ by minutes.
        let effects: Vec<Value> =
            [-280, 280, 0].map(|skew| send(&body, SECRET, skew).json()["effect"].clone()).to_vec();
        assert_eq!(effects, ["opened", "again", "again"], "{path}");
    }
    // The deepest JSON that is accepted goes through masking, parsing and storage.
    let mut deep = json!("totals are wrong");
    for _ in 0..120 {
        deep = json!([deep]);
    }
    let deep = json!({ "title": "deep", "external_id": "deep", "body": "x", "deep": deep }).to_string();
    assert_eq!(serving.deliver("/hooks/sentry", deep.as_bytes(), SECRET, 0).status, 422);
    let alert =
        doors().remove(1).report.to_string().replace("\"version\"", &format!("\"deep\":{deep},\"version\""));
    assert_eq!(serving.deliver("/hooks/alertmanager", alert.as_bytes(), SECRET, 0).json()["effect"], "again");
    // Each channel opened one incident. Reports of the same alert in the same words stay separate across channels.
    assert_eq!(serving.get("/v1/incidents")["incidents"].as_array().unwrap().len(), doors().len());
    serving.is_well();
}
