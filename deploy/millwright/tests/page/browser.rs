/*!
Drives a headless Chromium through its WebDriver, and runs the accessibility checker inside it. When they are not installed,
the tests report that; see `millwright_testkit::missing_part`.
*/
#![expect(
    clippy::disallowed_methods,
    reason = "the driver and the package client are programs of the machine"
)]

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::ask;
use millwright_testkit::missing_part::report_missing;

/// The accessibility checker: its name and version in its registry.
const AXE: &str = "axe-core@4.11.1";
const PATIENCE: Duration = Duration::from_secs(120);
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Browser {
    driver: Child,
    at: SocketAddr,
    session: String,
    axe: Option<String>,
    /// Folder for screenshots, if requested.
    pictures: Option<PathBuf>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts Chromium; `None` when it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(driver) = driver else {
            let why = "no chromedriver (Debian: apt-get install chromium chromium-driver)";
            report_missing("browser", why);
            return None;
        };
        let at: SocketAddr = ([127, 0, 0, 1], port).into();
        let axe = axe();
        if axe.is_none() {
            report_missing("axe", &format!("npm cannot fetch {AXE}, so accessibility is not checked"));
        }
        let profile = tempfile::tempdir().unwrap();
        let pictures = std::env::var_os("MILLWRIGHT_PICTURES").map(PathBuf::from);
        let mut browser = Self { driver, at, session: String::new(), axe, pictures, _profile: profile };
        let begun = Instant::now();
        while ask(at, "GET", "/status", &[], "").is_err() {
            assert!(begun.elapsed() < PATIENCE, "chromedriver does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        let profile = format!("--user-data-dir={}", browser._profile.path().display());
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", &profile];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let made = browser.ask("POST", "/session", wanted);
        browser.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        Some(browser)
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        self.try_ask(method, path, body).unwrap_or_else(|problem| panic!("{method} {path}: {problem}"))
    }

    fn try_ask(&self, method: &str, path: &str, body: Value) -> Result<Value, Value> {
        let path = format!("{}{path}", self.session);
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let answer = ask(self.at, method, &path, &[("content-type", "application/json")], &body);
        let answer = answer.map_err(|error| json!(error.to_string()))?;
        let value = answer.json()["value"].clone();
        if answer.status == 200 { Ok(value) } else { Err(value) }
    }

    pub(crate) fn go(&self, url: &str) {
        self.ask("POST", "/url", json!({ "url": url }));
    }

    pub(crate) fn url(&self) -> String {
        self.ask("GET", "/url", Value::Null).as_str().unwrap().to_owned()
    }

    /// Runs a script and returns its result.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", json!({ "script": script, "args": [] }))
    }

    pub(crate) fn text(&self) -> String {
        self.run("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn count(&self, css: &str) -> u64 {
        let script = format!("return document.querySelectorAll({}).length", json!(css));
        self.run(&script).as_u64().unwrap()
    }

    fn find(&self, css: &str) -> String {
        let found = self.ask("POST", "/element", json!({ "using": "css selector", "value": css }));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    pub(crate) fn click(&self, css: &str) {
        let element = self.find(css);
        self.ask("POST", &format!("/element/{element}/click"), json!({}));
    }

    /// Clicks the link with this text.
    pub(crate) fn follow(&self, text: &str) {
        let found = self.ask("POST", "/element", json!({ "using": "link text", "value": text }));
        let element = found[ELEMENT].as_str().unwrap();
        self.ask("POST", &format!("/element/{element}/click"), json!({}));
    }

    pub(crate) fn fill(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.ask("POST", &format!("/element/{element}/clear"), json!({}));
        self.ask("POST", &format!("/element/{element}/value"), json!({ "text": text }));
    }

    /// Presses a key in the focused element.
    pub(crate) fn press(&self, key: &str) {
        let keys = json!({ "actions": [{ "type": "key", "id": "keys", "actions": [
            { "type": "keyDown", "value": key }, { "type": "keyUp", "value": key },
        ] }] });
        self.ask("POST", "/actions", keys);
    }

    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(
                begun.elapsed() < PATIENCE,
                "waited in vain until {what} on {}:\n{}",
                self.url(),
                self.text()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn size(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.protocol("Emulation.setDeviceMetricsOverride", metrics);
    }

    pub(crate) fn scripts(&self, on: bool) {
        self.protocol("Emulation.setScriptExecutionDisabled", json!({ "value": !on }));
    }

    fn scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.protocol("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    fn protocol(&self, command: &str, parameters: Value) {
        self.ask("POST", "/goog/cdp/execute", json!({ "cmd": command, "params": parameters }));
    }

    /// Errors that the console received since the last call.
    pub(crate) fn errors(&self) -> Vec<String> {
        let log = self.ask("POST", "/se/log", json!({ "type": "browser" }));
        let severe = log.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Checks the page at phone and desktop size, in the light and the dark theme: nothing is wider than the screen, and the
    /// accessibility checker finds nothing.
    pub(crate) fn look(&self, name: &str) {
        for (kind, width, height) in [("phone", 390, 844), ("desktop", 1280, 900)] {
            self.size(width, height);
            for scheme in ["light", "dark"] {
                self.scheme(scheme);
                let wide = self.run("return document.documentElement.scrollWidth").as_u64().unwrap();
                self.picture(&format!("{name}-{kind}-{scheme}"));
                assert!(wide <= u64::from(width), "{name} on a {kind} is {wide} wide");
                self.check(&format!("{name}, {kind}, {scheme}"));
            }
        }
    }

    fn check(&self, what: &str) {
        let Some(axe) = &self.axe else { return };
        self.run(&format!("if (!window.axe) {{ {axe} }}"));
        let script = "const done = arguments[arguments.length - 1]; \
                      axe.run(document, { resultTypes: ['violations'] }).then(found => done(found.violations.map(one => \
                      one.id + ': ' + one.help + ' ' + one.nodes.map(node => node.html.slice(0, 200) + ' ' + \
                      (node.any[0] ? node.any[0].message : '')).join(' | '))), error => done(['' + error]))";
        let found = self.ask("POST", "/execute/async", json!({ "script": script, "args": [] }));
        assert_eq!(found, json!([]), "the accessibility check of {what}: {found:#}");
    }

    /// Saves a screenshot of the whole page.
    fn picture(&self, name: &str) {
        let Some(folder) = &self.pictures else { return };
        let parameters =
            json!({ "cmd": "Page.captureScreenshot", "params": { "captureBeyondViewport": true } });
        let taken = self.ask("POST", "/goog/cdp/execute", parameters);
        let bytes = decoded(taken["data"].as_str().unwrap());
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.try_ask("DELETE", "", json!({}));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn decoded(base64: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let (mut bytes, mut bits, mut have) = (Vec::new(), 0_u32, 0);
    for byte in base64.bytes().filter(|byte| *byte != b'=') {
        bits = (bits << 6) | u32::from(value(byte));
        have += 6;
        if have >= 8 {
            have -= 8;
            bytes.push(u8::try_from((bits >> have) & 0xff).unwrap());
        }
    }
    bytes
}

/// The checker's source, downloaded once into a cache outside the repository.
fn axe() -> Option<String> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let folder = cache.join("millwright-tests").join(AXE);
    let file = folder.join("node_modules/axe-core/axe.min.js");
    if !file.exists() {
        std::fs::create_dir_all(&folder).ok()?;
        let folder = folder.display().to_string();
        let fetched = Command::new("npm")
            .args(["install", "--prefix", &folder, "--ignore-scripts", "--no-audit", "--no-fund", AXE])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        fetched.ok().filter(std::process::ExitStatus::success)?;
    }
    std::fs::read_to_string(file).ok()
}
