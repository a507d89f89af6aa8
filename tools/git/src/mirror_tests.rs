//! Clones over files, and over HTTP from git's own server, which requires a password.
#![expect(clippy::disallowed_methods, reason = "the far end is git's own server, which is not under test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use millwright_model::CommitId;

use super::*;
use crate::{Repo, RepoError};
use millwright_testkit::repository::TestRepo;

fn at(folder: &Path, revision: &str, data: &Path) -> Result<CommitId, RepoError> {
    Repo::open(folder, data)?.resolve(revision)
}

#[test]
fn addresses_that_hold_passwords_or_start_programs_are_refused() {
    for good in ["https://git.example/a/b.git", "http://127.0.0.1:80/a", "file:///srv/a"] {
        assert_eq!(check_url(good), Ok(()), "{good}");
    }
    for bad in [
        "ext::sh -c x",
        "ssh://git@host/a",
        "git@host:a",
        "https://u:p@host/a",
        "file://a",
        "https://",
        "-u",
        "a b",
    ] {
        assert!(check_url(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_clone_follows_its_origin_and_outlives_it() {
    let repo = TestRepo::new();
    let first = repo.commit("one", &[("a", "1")]);
    let folder = repo.beside("clones").join("shop.git");
    let remote = MirrorRemote { url: format!("file://{}", repo.work().display()), credentials: None };
    let (data, cancel, now) = (repo.beside("data2"), CancelFlag::default(), Duration::ZERO);
    fetch_mirror(&remote, &folder, now, &cancel).unwrap();
    assert_eq!(at(&folder, "HEAD", &data).unwrap(), first);
    let second = repo.commit("two", &[("a", "2")]);
    repo.git(&["tag", "v1"]);
    repo.git(&["branch", "gone", &first]);
    fetch_mirror(&remote, &folder, Duration::from_secs(600), &cancel).unwrap();
    assert_eq!(at(&folder, "main", &data).unwrap(), first, "it was fetched a moment ago");
    fetch_mirror(&remote, &folder, now, &cancel).unwrap();
    assert_eq!(at(&folder, "main", &data).unwrap(), second);
    assert_eq!(at(&folder, "v1", &data).unwrap(), second);
    // The mirror follows rewritten history and deleted branches.
    repo.git(&["branch", "-D", "gone"]);
    repo.git(&["reset", "--hard", "--quiet", &first]);
    fetch_mirror(&remote, &folder, now, &cancel).unwrap();
    assert_eq!(at(&folder, "main", &data).unwrap(), first);
    assert!(at(&folder, "gone", &data).is_err());
    fs::rename(repo.work(), repo.beside("away")).unwrap();
    let away = fetch_mirror(&remote, &folder, now, &cancel).unwrap_err().to_string();
    assert!(away.contains("cannot be fetched"), "{away}");
    assert_eq!(at(&folder, "main", &data).unwrap(), first, "what was there stays");
    let other = MirrorRemote { url: format!("file://{}", repo.beside("away").display()), credentials: None };
    fetch_mirror(&other, &folder, Duration::from_secs(600), &cancel).unwrap();
    assert_eq!(at(&folder, "main", &data).unwrap(), first);
}

#[test]
fn a_token_is_sent_where_it_belongs_and_stands_in_no_file() {
    let repo = TestRepo::new();
    let first = repo.commit("one", &[("a", "1")]);
    let (url, asked) = serve(repo.git_dir());
    let folder = repo.beside("clone.git");
    let (data, cancel) = (repo.beside("data2"), CancelFlag::default());
    let mut remote = MirrorRemote { url, credentials: None };
    let refused = fetch_mirror(&remote, &folder, Duration::ZERO, &cancel).unwrap_err().to_string();
    assert!(refused.contains("cannot be fetched") && !folder.exists(), "{refused}");
    remote.credentials = Some(("bot".into(), "s3cret".to_owned().into()));
    fetch_mirror(&remote, &folder, Duration::ZERO, &cancel).unwrap();
    assert_eq!(at(&folder, "HEAD", &data).unwrap(), first);
    assert!(asked.lock().unwrap().iter().any(|header| header == "Basic Ym90OnMzY3JldA=="));
    let config = fs::read_to_string(folder.join("config")).unwrap();
    assert!(!config.contains("Ym90OnMzY3JldA") && !config.contains("s3cret"));
}

/// Git's own HTTP server behind a password; returns its address and the passwords it received.
fn serve(git_dir: PathBuf) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/repo", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let given = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(&stream, &git_dir, &given);
        }
    });
    (url, asked)
}

fn answer(mut stream: &TcpStream, git_dir: &Path, given: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut lines, mut line) = (Vec::new(), String::new());
    while reader.read_line(&mut line)? > 2 {
        lines.push(std::mem::take(&mut line).trim().to_owned());
    }
    let header = |name: &str| {
        let found = lines
            .iter()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let password = header("authorization");
    given.lock().unwrap().push(password.clone());
    if password != "Basic Ym90OnMzY3JldA==" {
        let refused = "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"x\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return stream.write_all(refused.as_bytes());
    }
    let mut words = lines[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", git_dir)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path.trim_start_matches("/repo"))
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().unwrap().write_all(&body)?;
    let said = child.wait_with_output()?.stdout;
    let end = said.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(said.len());
    let head = String::from_utf8_lossy(&said[..end]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let rest: Vec<&str> = head.lines().filter(|line| !line.starts_with("Status: ")).collect();
    let body = &said[(end + 4).min(said.len())..];
    let head = format!(
        "HTTP/1.1 {status}\r\n{}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        rest.join("\r\n"),
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}
