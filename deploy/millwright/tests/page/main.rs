/*!
The web page in a real browser, on a real service that really investigates. To run only these tests:
`cargo test --release --workspace --test page -- --nocapture`. MILLWRIGHT_PICTURES=FOLDER saves screenshots of every page.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "shared with tests that investigate from the command line")]
mod common;
#[path = "../serve/http.rs"]
#[expect(dead_code, reason = "shared with tests that play a ticket system")]
mod http;

mod browser;

use browser::Browser;
use common::Scene;

const BODY: &str =
    "FAILED tests/test_calc.py::test_total\ncalc_check: total 21 gave 63, not 42 (lib/calc.sh)\n";
const TAB: &str = "\u{e004}";

/// A service on a scene. Dropping it stops the service.
struct Serving {
    at: SocketAddr,
    token: String,
    child: Child,
    _scene: Scene,
}

impl Serving {
    fn start() -> Self {
        let scene = Scene::new();
        scene.write(
            "service.toml",
            "[repositories.calc]\npath = \"repo\"\nservices = [\"calc\"]\ntest_one = \"sh check.sh {test}\"\n\
             [server]\nrequests_per_minute = 100000\n[connectors.alertmanager]\nsecret_env = \"HOOK_SECRET\"\n",
        );
        let made = scene.run(&["token", "create", "Ann", "--role", "admin"]);
        assert_eq!(made.status, Some(0), "{}", made.stderr);
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = scene.command(&["serve", "--config", "service.toml", "--listen", &at.to_string()]);
        command.env("HOOK_SECRET", "a-secret-of-the-hooks");
        let log = std::fs::File::create(scene.path("serve.log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let begun = Instant::now();
        while !http::ask(at, "GET", "/readyz", &[], "").is_ok_and(|answer| answer.status == 200) {
            let log = || std::fs::read_to_string(scene.path("serve.log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { at, token: made.stdout.trim().to_owned(), child, _scene: scene }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn report(browser: &Browser, title: &str) {
    browser.follow("Report an incident");
    browser.fill("#title", title);
    browser.fill("#body", BODY);
    browser.fill("#service", "calc");
    browser.click("main form button[type=submit]");
    browser.until("the incident is shown", |browser| browser.url().contains("/incidents/inc_"));
}

/// Tables, long commands and the list of pages fit a phone screen, and reading needs no sign-in.
#[test]
fn the_guide_is_read_without_signing_in() {
    let Some(browser) = Browser::start() else { return };
    let serving = Serving::start();
    browser.go(&serving.url("/sign-in"));
    browser.follow("Guide");
    browser.until("the guide is open", |browser| browser.url().ends_with("/docs"));
    browser.look("guide");
    for page in ["service", "operations", "configuration", "api"] {
        browser.go(&serving.url(&format!("/docs/{page}")));
        assert_eq!(browser.count("main h1"), 1, "{page}");
        browser.look(&format!("guide-{page}"));
    }
    let none: Vec<String> = Vec::new();
    assert_eq!(browser.errors(), none);
}

#[test]
fn the_main_path_by_clicks() {
    let Some(browser) = Browser::start() else { return };
    let serving = Serving::start();
    let none: Vec<String> = Vec::new();

    // Sign in with a token. The first tab stop is the link to the content.
    browser.go(&serving.url("/memory"));
    browser.look("sign-in");
    browser.fill("#token", "mw_000000000000_00");
    browser.click("main button");
    browser.until("the wrong token is refused", |browser| browser.text().contains("not valid"));
    browser.look("sign-in-refused");
    // The console reports a refused page as an error, so clear its errors.
    browser.errors();
    browser.fill("#token", &serving.token);
    browser.click("main button");
    browser.until("the page is open", |browser| browser.url().ends_with("/memory"));
    browser.look("memory-empty");
    browser.press(TAB);
    assert_eq!(browser.run("return document.activeElement.className"), "skip");
    browser.run("document.activeElement.blur()");
    browser.follow("Incidents");
    browser.look("inbox-empty");

    // Report an incident and watch it until its verdict, without a reload.
    browser.follow("Report an incident");
    browser.look("report");
    browser.go(&serving.url("/"));
    report(&browser, "Totals are wrong");
    browser.run("window.still = true");
    browser.look("incident-running");
    browser.until("the verdict is there", |browser| browser.count(".standing .badge.done") == 1);
    assert_eq!(browser.run("return window.still"), true, "it was followed, not loaded anew");
    assert!(browser.text().contains("VERIFIED"), "{}", browser.text());
    browser.until("the timeline is whole", |browser| browser.text().contains("Answered:"));
    assert!(browser.count("ol.timeline > li") > 5, "{}", browser.text());
    assert_eq!(browser.count("ol.timeline .tail"), 0, "nothing more is waited for");
    browser.look("incident-followed");
    assert_eq!(browser.errors(), none);

    // The answer and its proof are shown.
    browser.run("location.reload()");
    browser.until("it is loaded anew", |browser| browser.run("return window.still === undefined") == true);
    for what in ["svg.bisect", ".diff tr.guilty", ".suspects .reasons", ".evidence pre", ".chips .good"] {
        assert!(browser.count(what) > 0, "{what} is missing");
    }
    browser.look("incident-done");
    browser.click(".cite");
    assert!(browser.url().contains("#evidence-"), "{}", browser.url());
    browser.click("details.evidence[open] p a");
    browser.until("the evidence is open", |browser| browser.url().contains("/evidence/E"));
    browser.look("evidence");
    browser.follow("Back to the incident");

    // Ask a question and wait for the answer; then confirm the cause as a person.
    browser.fill("#text", "who changed lib/calc.sh?");
    browser.click("#talk form button");
    browser.until("the answer is there", |browser| browser.count(".talk .answer pre") == 1);
    assert!(browser.text().contains("change 7"), "{}", browser.text());
    browser.fill("#why", "the totals are right again without it");
    browser.click("button[value=confirm]");
    browser.until("it is confirmed", |browser| browser.url().contains("said=confirmed"));
    assert!(browser.text().contains("confirmed by Ann"), "{}", browser.text());
    browser.look("incident-confirmed");

    // The same report again is a known incident. Inspect the remembered incident and delete it.
    browser.follow("Incidents");
    report(&browser, "Totals are wrong again");
    browser.until("the verdict is there", |browser| browser.count(".standing .badge.done") == 1);
    assert!(browser.text().contains("KNOWN"), "{}", browser.text());
    browser.follow("Incidents");
    browser.until("both are listed", |browser| browser.count("#list .rows > li") == 2);
    browser.look("inbox");
    browser.follow("Learning");
    // The charts show time but no cost, because no model was paid for.
    assert!(browser.count("svg.chart") >= 1, "{}", browser.text());
    browser.look("learning");
    browser.follow("Memory");
    browser.fill("#q", "totals wrong");
    browser.click("main form button");
    browser.until("it is found", |browser| browser.count(".rows .name") == 2);
    browser.look("memory");
    browser.follow("Totals are wrong");
    browser.until("it is shown", |browser| browser.text().contains("because:"));
    browser.look("memory-one");
    browser.click("input[name=sure]");
    browser.click("form[action$=forget] button");
    browser.until("it is forgotten", |browser| browser.url().contains("said=forgotten"));
    assert_eq!(browser.count(".rows .name"), 1);
    browser.look("memory-forgotten");

    // The pages for administrators.
    browser.follow("Settings");
    browser.look("settings");
    browser.follow("Tokens");
    browser.fill("#name", "the desk");
    browser.click("main form.stack button");
    browser.until("the token is shown", |browser| browser.count("pre.secret") == 1);
    browser.look("tokens");
    browser.follow("Audit log");
    browser.look("audit");
    assert_eq!(browser.errors(), none);
    browser.go(&serving.url("/incidents/inc_nothing"));
    browser.look("not-found");
    browser.errors();

    // Everything also works without scripts.
    browser.scripts(false);
    browser.go(&serving.url("/"));
    report(&browser, "Without scripts");
    browser.go(&serving.url("/?q=without"));
    browser.follow("Without scripts");
    browser.click(".who button");
    browser.scripts(true);
    browser.until("nobody is signed in", |browser| browser.url().ends_with("/sign-in"));
    browser.go(&serving.url("/"));
    assert!(browser.url().contains("/sign-in"), "{}", browser.url());
    assert_eq!(browser.errors(), none);
}
