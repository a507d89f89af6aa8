//! The suites that every engine must pass, once more on PostgreSQL, and what is PostgreSQL's own.

use std::process::Stdio;

use super::test_server::{SERVER, Server};

/// All that makes its stores by `testing::temporary`.
const SUITES: [&str; 6] = [
    "store::contract_tests",
    "store::service::tests",
    "store::cleanup_tests",
    "store::learning",
    "vectors::contract_tests",
    "recall::",
];

/// Runs this binary again with the server named in the environment, so that each suite is written, built and listed
/// once. To run one of them by hand, name a server in `MILLWRIGHT_TEST_POSTGRES`.
#[test]
fn the_suites_of_every_engine_hold_on_postgres() {
    if std::env::var_os(SERVER).is_some() {
        return;
    }
    let Some(server) = Server::find() else { return };
    #[expect(clippy::disallowed_methods, reason = "the test starts a copy of itself")]
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let done = again
        .args(["--test-threads", "4"])
        .args(SUITES)
        .env(SERVER, server.url())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    for suite in SUITES {
        let held = said.lines().filter(|line| line.starts_with("test ") && line.contains(suite));
        assert!(held.count() > 0, "nothing of {suite} ran:\n{said}");
    }
}
