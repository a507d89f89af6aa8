/*!
The service under load, as a process of its own: signed hooks and Slack's events come at a steady rate while two
investigations run. Times count from the moment a request was due, so that a slow answer also shows in those that had to
wait behind it. In the end every acknowledged delivery is sent once more: one that is not known then was lost.

`cargo bench --workspace --bench load -- [--seconds 60] [--rate 200] [--attacker]`

With `--attacker` somebody at another address does all that [`attacker`] knows meanwhile; the figures are those of the honest senders.
*/
#![expect(clippy::unwrap_used, reason = "a load that cannot be made has no figures")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

mod attacker;
#[path = "../../tests/common/mod.rs"]
#[expect(dead_code, reason = "shared with tests that investigate from the command line")]
mod common;

use attacker::{LoadAttacker, StolenTokens};
use common::Scene;

const SECRET: &str = "a-secret-of-the-hooks";
/// Connections that are kept open; more than are ever busy at once, as long as answers come in time.
const SENDERS: usize = 48;
/// Starts that are timed.
const STARTS: usize = 5;
/// How long a process rests before its idle memory is read.
const REST: Duration = Duration::from_secs(5);
const TEST_OUTPUT: &str =
    "FAILED tests/test_calc.py::test_total\ncalc_check: total 21 gave 63, not 42 (lib/calc.sh)\n";

fn main() {
    let seconds = option("--seconds", 60);
    let rate = option("--rate", 200);
    let scene = Scene::new();
    scene.repo.replace("check.sh", "r=$(total 21)", "sleep 2; r=$(total 21)");
    scene.repo.commit("slower, so that investigations last", &[]);
    let slack = slack();
    scene.write(
        "service.toml",
        format!(
            "[repositories.calc]\npath = \"repo\"\nservices = [\"calc\"]\ntest_one = \"sh check.sh {{test}}\"\n\
             [server]\nrequests_per_minute = 10000000\ninvestigations = 2\n\
             [connectors.alertmanager]\nsecret_env = \"HOOK_SECRET\"\n[connectors.grafana]\nsecret_env = \"HOOK_SECRET\"\n\
             [connectors.github]\nsecret_env = \"HOOK_SECRET\"\n[connectors.sentry]\nsecret_env = \"HOOK_SECRET\"\n\
             [channels.slack]\nbot_token_env = \"HOOK_SECRET\"\nsigning_secret_env = \"HOOK_SECRET\"\n\
             base_url = \"http://{slack}\"\n"
        ),
    );
    let made = scene.run(&["token", "create", "load", "--role", "admin", "--config", "service.toml"]);
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    let token = made.stdout.trim().to_owned();

    let mut starts = Vec::new();
    let mut server = Server::start(&scene, &mut starts);
    for _ in 1..STARTS {
        drop(server);
        server = Server::start(&scene, &mut starts);
    }
    std::thread::sleep(REST);
    let idle = server.memory("VmRSS:");

    for number in 0..2 {
        let body = json!({ "title": format!("Totals are wrong ({number})"), "body": TEST_OUTPUT, "service": "calc" });
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let (status, text) = ClientConnection::open(server.at)
            .ask("POST", "/v1/incidents", &headers, &body.to_string())
            .unwrap();
        assert_eq!(status, 202, "{text}");
    }
    let running = || {
        let bearer = format!("Bearer {token}");
        let path = "/v1/incidents?state=running";
        let (_, text) =
            ClientConnection::open(server.at).ask("GET", path, &[("authorization", &bearer)], "").unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["incidents"].as_array().unwrap().len()
    };
    while running() < 2 {
        std::thread::sleep(Duration::from_millis(100));
    }

    let attacker = std::env::args().any(|argument| argument == "--attacker").then(|| {
        let made = scene.run(&["token", "create", "reader", "--role", "viewer", "--config", "service.toml"]);
        let bearer = format!("Bearer {token}");
        let (_, text) = ClientConnection::open(server.at)
            .ask("GET", "/v1/incidents", &[("authorization", &bearer)], "")
            .unwrap();
        let listed = serde_json::from_str::<Value>(&text).unwrap();
        let incident = listed["incidents"][0]["id"].as_str().unwrap().to_owned();
        let viewer = made.stdout.trim().to_owned();
        let attacker =
            LoadAttacker::start(server.at, StolenTokens { viewer, reporter: token.clone(), incident });
        std::thread::sleep(REST);
        attacker
    });
    let sent = load(server.at, usize::try_from(seconds * rate).unwrap(), rate);
    let tried = attacker.as_ref().map(|attacker| attacker.tried.clone());
    drop(attacker);
    let at_work = running();
    let (peak, after) = (server.memory("VmHWM:"), server.memory("VmRSS:"));
    let acknowledged: Vec<usize> =
        sent.iter().filter(|one| one.is_acknowledged()).map(|one| one.number).collect();
    let lost = lost(server.at, &acknowledged);

    let refused = sent.len() - acknowledged.len();
    println!(
        "load: {rate} requests/s for {seconds} s, {} sent, {at_work} investigations at work in the end",
        sent.len()
    );
    if let Some(tried) = tried {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        println!(
            "attacker              {} bodies that do not end, {} silent connections, {} streams, {} slow reports",
            of(&tried.half_sent),
            of(&tried.silent),
            of(&tried.streams),
            of(&tried.slow)
        );
    }
    println!(
        "start to ready        {}",
        starts.iter().map(|ms| format!("{ms} ms")).collect::<Vec<_>>().join(", ")
    );
    println!("memory idle           {idle} MB");
    println!("memory peak, after    {peak} MB, {after} MB");
    let took = sent.iter().map(|one| one.took).collect();
    println!("acknowledged          {}", figures(took));
    println!("begun late by us      {}", figures(sent.iter().map(|one| one.late).collect()));
    for kind in KINDS {
        let took: Vec<_> =
            sent.iter().filter(|one| kind_of(one.number) == *kind).map(|one| one.took).collect();
        println!("- {kind:<19} {} of them, {}", took.len(), figures(took.clone()));
    }
    println!("not acknowledged      {refused}");
    println!("acknowledged and lost {lost}");
    if let Some(odd) = sent.iter().find(|one| !one.is_acknowledged()) {
        println!("the first that was not: {} {}", odd.status, odd.text);
    }
    assert!(lost == 0 && refused == 0, "deliveries were lost or refused");
}

fn option(name: &str, default: u64) -> u64 {
    let mut given = std::env::args().skip_while(|argument| argument != name).skip(1);
    given.next().map_or(default, |value| value.parse().unwrap())
}

fn figures(mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |share: f64| {
        let place = (took.len().saturating_sub(1) as f64 * share).round() as usize;
        took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    };
    format!("p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", at(0.5), at(0.99), at(1.0))
}

struct Server {
    child: Child,
    at: SocketAddr,
}

impl Server {
    /// Starts it, and notes how many milliseconds it took until it was ready.
    fn start(scene: &Scene, starts: &mut Vec<u128>) -> Self {
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = std::fs::File::options().create(true).append(true).open(scene.path("serve.log")).unwrap();
        let mut command = scene.command(&["serve", "--config", "service.toml", "--listen", &at.to_string()]);
        command.env("HOOK_SECRET", SECRET).stdout(Stdio::null()).stderr(log);
        let begun = Instant::now();
        let child = command.spawn().unwrap();
        let ready = || {
            let mut line = ClientConnection { at, open: Some(BufReader::new(TcpStream::connect(at).ok()?)) };
            line.ask("GET", "/readyz", &[], "").ok().filter(|(status, _)| *status == 200)
        };
        while ready().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not start; see serve.log");
            std::thread::sleep(Duration::from_millis(2));
        }
        starts.push(begun.elapsed().as_millis());
        Self { child, at }
    }

    /// In MB, as the kernel counts this process alone.
    fn memory(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_000
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that is kept, and opened again when the other side closed it.
struct ClientConnection {
    at: SocketAddr,
    open: Option<BufReader<TcpStream>>,
}

impl ClientConnection {
    fn open(at: SocketAddr) -> Self {
        Self { at, open: None }
    }

    fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<(u16, String)> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.at);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        let mut reader = match self.open.take() {
            Some(open) => open,
            None => {
                let stream = TcpStream::connect(self.at)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(Duration::from_secs(30)))?;
                BufReader::new(stream)
            }
        };
        reader.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text)?;
        self.open = Some(reader);
        Ok((status, String::from_utf8_lossy(&text).into_owned()))
    }
}

struct Sent {
    number: usize,
    /// From the moment it was due.
    took: Duration,
    /// How much later than due it was begun, for want of a free connection or of time.
    late: Duration,
    status: u16,
    text: String,
}

impl Sent {
    fn is_acknowledged(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

fn load(at: SocketAddr, most: usize, rate: u64) -> Vec<Sent> {
    let (next, sent) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(most)));
    let begun = Instant::now() + Duration::from_millis(100);
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                let mut line = ClientConnection::open(at);
                let mut own = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= most {
                        break;
                    }
                    let due = begun + Duration::from_secs_f64(number as f64 / rate as f64);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let late = Instant::now().saturating_duration_since(due);
                    let (status, text) = deliver(&mut line, number);
                    own.push(Sent { number, took: due.elapsed(), late, status, text });
                }
                sent.lock().unwrap().extend(own);
            });
        }
    });
    sent.into_inner().unwrap()
}

fn deliver(line: &mut ClientConnection, number: usize) -> (u16, String) {
    let (path, headers, body) = delivery(number);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    line.ask("POST", path, &headers, &body).unwrap_or_else(|error| (0, error.to_string()))
}

/// Sends again what was acknowledged; answers how many of it are not known.
fn lost(at: SocketAddr, acknowledged: &[usize]) -> usize {
    let (next, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut line = ClientConnection::open(at);
                while let Some(number) = acknowledged.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (_, text) = deliver(&mut line, *number);
                    let told = serde_json::from_str::<Value>(&text).unwrap_or_default();
                    if told["effect"] != "again" {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    lost.into_inner()
}

/// What comes in, of twenty: alerts of some rules and many pods, issues, errors, mentions that begin threads and go on
/// with them, and deliveries that are repeated.
const MIX: [&str; 20] = [
    "alert",
    "slack thread",
    "alert",
    "issue",
    "grafana",
    "alert",
    "error",
    "repeated",
    "slack",
    "alert",
    "issue",
    "grafana",
    "alert",
    "slack thread",
    "repeated",
    "issue",
    "alert",
    "grafana",
    "error",
    "slack",
];
const KINDS: &[&str] = &["alert", "grafana", "issue", "error", "slack", "slack thread", "repeated"];

fn kind_of(number: usize) -> &'static str {
    MIX[number % MIX.len()]
}

type Delivery = (&'static str, Vec<(&'static str, String)>, String);

fn delivery(number: usize) -> Delivery {
    let mac = |parts: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        hex::encode(mac.finalize().into_bytes())
    };
    let seconds = jiff::Timestamp::now().as_second().to_string();
    match kind_of(number) {
        // What came two rounds before, as a sender does that missed the answer.
        "repeated" => {
            let earlier = number.saturating_sub(2 * MIX.len()) / MIX.len() * MIX.len();
            delivery(earlier)
        }
        "alert" => {
            let body = alerts(number, "TotalsWrong");
            ("/hooks/alertmanager", vec![("authorization", format!("Bearer {SECRET}"))], body)
        }
        "grafana" => {
            let body = alerts(number, "LatencyHigh");
            let signature = mac(&[seconds.as_bytes(), b":", body.as_bytes()]);
            let headers =
                vec![("x-grafana-alerting-signature", signature), ("x-grafana-alerting-timestamp", seconds)];
            ("/hooks/grafana", headers, body)
        }
        "issue" => {
            let body = json!({
                "action": "opened",
                "issue": { "number": number, "title": format!("Totals are wrong for order {number}"), "body": trace(number) },
                "repository": { "name": "calc", "full_name": "acme/calc" },
            })
            .to_string();
            let signature = format!("sha256={}", mac(&[body.as_bytes()]));
            (
                "/hooks/github",
                vec![("x-hub-signature-256", signature), ("x-github-event", "issues".into())],
                body,
            )
        }
        "error" => {
            let body = json!({ "action": "created", "data": { "issue": {
                "id": number, "title": format!("ValueError: order {number}"), "culprit": "shop.cart in total",
                "metadata": { "type": "ValueError", "value": trace(number), "filename": "shop/cart.py", "function": "total" },
                "project": { "slug": "calc" } } } })
            .to_string();
            ("/hooks/sentry", vec![("sentry-hook-signature", mac(&[body.as_bytes()]))], body)
        }
        kind => {
            let thread = (kind == "slack thread").then(|| format!("17{:08}.{:06}", number % 400, 1));
            let mut event = json!({ "type": "app_mention", "user": "U1", "channel": "C1",
                "ts": format!("18{number:08}.000100"), "text": format!("<@U0BOT> order {number} fails\n{TEST_OUTPUT}") });
            if let Some(thread) = thread {
                event["thread_ts"] = thread.into();
            }
            let body = json!({ "type": "event_callback", "event_id": format!("Ev{number}"), "event": event })
                .to_string();
            let signature = format!("v0={}", mac(&[b"v0:", seconds.as_bytes(), b":", body.as_bytes()]));
            (
                "/hooks/slack/events",
                vec![("x-slack-signature", signature), ("x-slack-request-timestamp", seconds)],
                body,
            )
        }
    }
}

/// Five pods of one of forty rules.
fn alerts(number: usize, name: &str) -> String {
    let alert = |pod: usize| {
        json!({ "status": "firing", "startsAt": "2026-11-24T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "labels": { "alertname": format!("{name}{}", number % 40), "service": "calc", "instance": format!("pod-{number}-{pod}") },
            "annotations": { "summary": "totals are wrong", "description": TEST_OUTPUT }, "fingerprint": format!("{number}-{pod}") })
    };
    json!({ "version": "4", "status": "firing", "groupKey": "{}", "alerts": (0..5).map(alert).collect::<Vec<_>>() }).to_string()
}

/// Two kilobytes, as tickets have them.
fn trace(number: usize) -> String {
    let frame = |n: usize| {
        format!(
            "  File \"/srv/shop/cart{}.py\", line {n}, in total_{n}\n    return total(order)\n",
            number % 50
        )
    };
    format!(
        "Traceback (most recent call last):\n{}ValueError: order {number} has no lines\n",
        (1..25).map(frame).collect::<String>()
    )
}

/// A Slack that takes every message; answers where it listens.
fn slack() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut line = String::new();
                let mut length = 0;
                while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                    let header = line.trim().to_ascii_lowercase();
                    line.clear();
                    if let Some(value) = header.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap_or(0);
                    }
                    if !header.is_empty() {
                        continue;
                    }
                    let answer = "{\"ok\":true,\"ts\":\"1.1\",\"messages\":[]}";
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
                    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
                    let read = reader.read_exact(&mut vec![0; length]);
                    if read.and_then(|()| reader.get_mut().write_all(answer.as_bytes())).is_err() {
                        break;
                    }
                }
            });
        }
    });
    at
}
