/*!
Somebody at another address who wants the service to answer nobody: bodies that never end, connections that say nothing, floods of
event streams with a token of the lowest role, and reports that are slow to mask. All of it goes on until it is told to end.
*/

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Loopback has many addresses; the attacker's is not that of the honest senders.
const FROM: &str = "127.0.0.2:0";
const HALF_SENT: usize = 64;
const SILENT: usize = 1_100;
const STREAMS: usize = 1_060;
/// Bytes of a report that is slow to mask.
const SLOW_BYTES: usize = 9_700_000;

/// What was tried, and how often.
#[derive(Default)]
pub(crate) struct AttackCounts {
    pub(crate) half_sent: AtomicUsize,
    pub(crate) silent: AtomicUsize,
    pub(crate) streams: AtomicUsize,
    pub(crate) slow: AtomicUsize,
}

pub(crate) struct LoadAttacker {
    end: Arc<AtomicBool>,
    pub(crate) tried: Arc<AttackCounts>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Whom the attacker knows: a viewer's token, and somebody else's that may report.
pub(crate) struct StolenTokens {
    pub(crate) viewer: String,
    pub(crate) reporter: String,
    /// The incident whose events are read.
    pub(crate) incident: String,
}

impl LoadAttacker {
    pub(crate) fn start(at: SocketAddr, stolen: StolenTokens) -> Self {
        let (end, tried) = (Arc::new(AtomicBool::new(false)), Arc::new(AttackCounts::default()));
        let (ended, counts) = (end.clone(), tried.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(attack(at, &Arc::new(stolen), &ended, &counts));
        });
        Self { end, tried, thread: Some(thread) }
    }
}

impl Drop for LoadAttacker {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn attack(at: SocketAddr, stolen: &Arc<StolenTokens>, end: &AtomicBool, tried: &Arc<AttackCounts>) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..HALF_SENT {
        tasks.spawn(again(tried.clone(), |tried| &tried.half_sent, move || half_sent(at)));
    }
    for _ in 0..SILENT {
        tasks.spawn(again(tried.clone(), |tried| &tried.silent, move || silent(at)));
    }
    for _ in 0..STREAMS {
        let stolen = stolen.clone();
        tasks.spawn(again(tried.clone(), |tried| &tried.streams, move || stream(at, stolen.clone())));
    }
    for _ in 0..3 {
        let stolen = stolen.clone();
        tasks.spawn(again(tried.clone(), |tried| &tried.slow, move || slow(at, stolen.clone())));
    }
    while !end.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tasks.abort_all();
}

/// Does something over and over, counting; whatever ends it, it begins anew after a pause.
async fn again<F: Future<Output = std::io::Result<()>>>(
    tried: Arc<AttackCounts>,
    count: fn(&AttackCounts) -> &AtomicUsize,
    what: impl Fn() -> F,
) {
    loop {
        count(&tried).fetch_add(1, Ordering::Relaxed);
        let _ = what().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn connect(at: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(FROM.parse().unwrap())?;
    socket.connect(at).await
}

/// A body of megabytes that arrives byte by byte, under a signature that might be right.
async fn half_sent(at: SocketAddr) -> std::io::Result<()> {
    let mut stream = connect(at).await?;
    let head = format!(
        "POST /hooks/github HTTP/1.1\r\nhost: {at}\r\nx-github-event: issues\r\nx-hub-signature-256: sha256={}\r\n\
         content-length: 9000000\r\n\r\n",
        "ab".repeat(32)
    );
    stream.write_all(head.as_bytes()).await?;
    loop {
        stream.write_all(b"{").await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A connection that begins a request and says no more.
async fn silent(at: SocketAddr) -> std::io::Result<()> {
    let mut stream = connect(at).await?;
    stream.write_all(b"GET / HT").await?;
    stream.read_to_end(&mut Vec::new()).await.map(|_| ())
}

async fn stream(at: SocketAddr, stolen: Arc<StolenTokens>) -> std::io::Result<()> {
    let mut stream = connect(at).await?;
    let head = format!(
        "GET /v1/incidents/{}/events HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {}\r\n\r\n",
        stolen.incident, stolen.viewer
    );
    stream.write_all(head.as_bytes()).await?;
    let mut buffer = [0; 4_096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

async fn slow(at: SocketAddr, stolen: Arc<StolenTokens>) -> std::io::Result<()> {
    let body = serde_json::json!({
        "title": "Totals are wrong",
        "body": "-----BEGIN PRIVATE KEY-----".repeat(SLOW_BYTES / 27),
    })
    .to_string();
    let mut stream = connect(at).await?;
    let head = format!(
        "POST /v1/incidents HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        stolen.reporter,
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.read_to_end(&mut Vec::new()).await.map(|_| ())
}
