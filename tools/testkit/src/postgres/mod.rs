/*!
A PostgreSQL server for tests: started from the installed binaries, on a free loopback port, in a folder under the
system's temporary one, without fsync. It ends with the process that started it, in any case, because a shell beside
it waits for the end of a pipe and then stops the server by its id. The tests of the binary use it, too.

`MILLWRIGHT_TEST_POSTGRES` names a running server instead (`postgres://user@host:port`; the user must be able to
create databases).
*/

pub mod faulty_proxy;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::missing_part::report_missing;

pub const SERVER: &str = "MILLWRIGHT_TEST_POSTGRES";

/// A server that ends when this is dropped, or with its process.
pub struct PostgresServer {
    url: String,
    bin: PathBuf,
    watcher: Option<Child>,
}

impl PostgresServer {
    /// The server that the environment names, or a new one; `None` if there is none, after a call of
    /// [`report_missing`].
    pub fn find() -> Option<PostgresServer> {
        let Some(bin) = binaries() else {
            report_missing("postgres", "no PostgreSQL under /usr/lib/postgresql nor on the PATH");
            return None;
        };
        if let Ok(url) = std::env::var(SERVER) {
            return Some(PostgresServer { url, bin, watcher: None });
        }
        Some(Self::start(bin))
    }

    fn start(bin: PathBuf) -> PostgresServer {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // initdb refuses root, so the folder belongs to another user: `postgres` if it exists.
        let script = format!(
            r#"
set -eu
home=$(mktemp -d "${{TMPDIR:-/tmp}}/millwright-pg.XXXXXX")
as=''
if [ "$(id -u)" = 0 ]; then
    user=postgres; id -u "$user" >/dev/null 2>&1 || user=nobody
    chown "$user" "$home"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
fi
cd "$home"
$as "{bin}/initdb" -D "$home/data" -U millwright -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$home/log" 2>&1 ||
$as "{bin}/initdb" -D "$home/data" -U millwright -A trust -E UTF8 --locale=C --no-sync >"$home/log" 2>&1
$as "{bin}/postgres" -D "$home/data" -h 127.0.0.1 -p {port} -k '' -F -c max_connections=400 \
    -c shared_buffers=64MB -c full_page_writes=off -c autovacuum=off >>"$home/log" 2>&1 &
server=$!
tries=0
until "{bin}/pg_isready" -q -h 127.0.0.1 -p {port}; do
    tries=$((tries + 1))
    if [ $tries -gt 300 ] || ! kill -0 $server 2>/dev/null; then cat "$home/log" >&2; rm -rf "$home"; exit 1; fi
    sleep 0.1
done
echo ready
cat >/dev/null || true
kill -INT $server 2>/dev/null || true
wait $server || true
rm -rf "$home"
"#,
            bin = bin.display()
        );
        #[expect(clippy::disallowed_methods, reason = "a real server to test against")]
        let mut watcher = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(watcher.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said.trim(), "ready", "PostgreSQL did not start; its log stands above");
        PostgresServer { url: format!("postgres://millwright@127.0.0.1:{port}"), bin, watcher: Some(watcher) }
    }

    /// The URL without a database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of a new and empty database.
    pub fn database(&self, name: &str) -> String {
        self.run("createdb", &["-T", "template0", "-E", "UTF8", name]);
        format!("{}/{name}", self.url)
    }

    /// Runs a statement in a database, and returns its rows without decoration.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        self.run("psql", &["-d", database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
    }

    /// Runs one of PostgreSQL's own programs against the server.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let (user, address) = self.url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).unwrap();
        let (host, port) = address.split_once(':').unwrap();
        #[expect(clippy::disallowed_methods, reason = "PostgreSQL's own programs")]
        let mut command = Command::new(self.bin.join(program));
        let done = command.args(["-h", host, "-p", port, "-U", user, "-w"]).args(arguments).output().unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            drop(watcher.stdin.take());
            let _ = watcher.wait();
        }
    }
}

/// The newest installed release.
fn binaries() -> Option<PathBuf> {
    let complete = |bin: &Path| {
        ["initdb", "postgres", "pg_isready", "createdb", "psql"].iter().all(|p| bin.join(p).is_file())
    };
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| complete(bin))
        .collect();
    found.sort_by_key(|bin| {
        bin.parent().and_then(|p| p.file_name()?.to_str()?.parse::<u32>().ok()).unwrap_or_default()
    });
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    found.pop().or_else(|| std::env::split_paths(&on_path).find(|bin| complete(bin)))
}

/// Runs this test binary again with the server named in the environment, so that each suite is written, built and
/// listed once. To run one suite by hand, name a server in `MILLWRIGHT_TEST_POSTGRES`.
pub fn hold_on_a_server(suites: &[&str]) {
    if std::env::var_os(SERVER).is_some() {
        return;
    }
    let Some(server) = PostgresServer::find() else { return };
    #[expect(clippy::disallowed_methods, reason = "the test starts a copy of itself")]
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let done = again
        .args(["--test-threads", "4"])
        .args(suites)
        .env(SERVER, server.url())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    for suite in suites {
        let held = said.lines().filter(|line| line.starts_with("test ") && line.contains(suite));
        assert!(held.count() > 0, "nothing of {suite} ran:\n{said}");
    }
}
