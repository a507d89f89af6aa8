/*!
A minimal HTTP client and server, so that the test controls exactly what goes over the wire.
*/

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The content type.
    pub(crate) media: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Asserts that the answer is a problem with this status and these words.
    pub(crate) fn refuses(&self, status: u16, words: &str) {
        assert_eq!((self.status, &*self.media), (status, "application/problem+json"), "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{words:?} is not said: {problem}");
    }
}

/// Sends one request on a new connection. An error means that the outcome is unknown.
pub(crate) fn ask(
    at: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes())?;
    read_answer(&mut BufReader::new(stream))
}

/// Reads one answer.
pub(crate) fn read_answer(reader: &mut impl BufRead) -> std::io::Result<Answer> {
    let Head { first, length, chunked, media, .. } = head(reader)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other("no status"))?;
    let mut bytes = Vec::new();
    match length {
        Some(length) => {
            bytes.resize(length, 0);
            reader.read_exact(&mut bytes)?;
        }
        None if chunked => loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk)?;
            if size == 0 {
                break;
            }
            bytes.extend_from_slice(&chunk[..size]);
        },
        None => {
            reader.read_to_end(&mut bytes)?;
        }
    }
    Ok(Answer { status, media, text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// The head of a message: first line, body length, whether the body is chunked, content type, and credentials.
struct Head {
    first: String,
    length: Option<usize>,
    chunked: bool,
    media: String,
    authorization: String,
}

fn head(reader: &mut impl BufRead) -> std::io::Result<Head> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let (mut length, mut chunked) = (None, false);
    let (mut media, mut authorization) = (String::new(), String::new());
    loop {
        let mut given = String::new();
        if reader.read_line(&mut given)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = given.trim().to_ascii_lowercase();
        if line.is_empty() {
            return Ok(Head { first: first.trim().to_owned(), length, chunked, media, authorization });
        }
        if let Some(value) = line.strip_prefix("content-type:") {
            value.trim().clone_into(&mut media);
        }
        if ["authorization:", "private-token:"].iter().any(|name| line.starts_with(name)) {
            given.trim().split_once(':').map_or("", |(_, value)| value.trim()).clone_into(&mut authorization);
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok();
        }
        chunked |= line.strip_prefix("transfer-encoding:").is_some_and(|value| value.contains("chunked"));
    }
}

/// One received request.
pub(crate) struct Heard {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

pub(crate) fn heard(stream: &TcpStream) -> std::io::Result<Heard> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let Head { first, length, authorization, .. } = head(&mut reader)?;
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok(Heard { method, path, authorization, body: String::from_utf8_lossy(&body).into_owned() })
}

pub(crate) fn answer(mut stream: &TcpStream, status: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}
