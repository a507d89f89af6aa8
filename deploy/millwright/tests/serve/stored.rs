/*!
A data folder of an earlier version: it is read, exported unchanged, and the interrupted run continues where its worker was
killed. See `tests/stored/README.md`.
*/

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use millwright_model::Timestamp;
use serde_json::Value;

use super::Serving;
use super::common::Scene;

/// The store's token at creation. The store itself contains only the hash.
const TOKEN: &str = "mw_4b9836b4ab96_04d3a74cf2434fbab8baa92d33fe40061f5b11dc783c49f9b5c4a7a26de64e22";
const VERIFIED: &str = "inc_01m8mx80fmeeh9gfhk7gmf6785";
const KILLED: &str = "inc_01m8mx8axveqj8ncxhhajmt9me";

const MASKED_BY: &str = "masked-by";
/// The index files of the demo's history, and the file that names the rules by which it was masked.
const INDEX: [&str; 4] = [MASKED_BY, "structure", "text-3", "text-3-index"];

fn stored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored/1")
}

fn unpacked(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let packed = File::open(stored().join(name)).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Creates the demo's repository and puts the data folder of the earlier version around it. Returns the index folder.
fn lay_out(scene: &Scene) -> PathBuf {
    let demo = scene.run(&["demo"]);
    assert_eq!(demo.status, Some(0), "{}", demo.stderr);
    scene.write("data/demo/millwright.db", unpacked("millwright.db.gz"));
    let repositories: Vec<_> = fs::read_dir(scene.path("data/demo/repos")).unwrap().collect();
    assert_eq!(repositories.len(), 1);
    let history = repositories[0].as_ref().unwrap().path().join("history");
    for name in INDEX {
        // The masking rules come from the current demo. Changed rules would rebuild the index, and this test is about the
        // formats of the index, which stay valid when the rules change.
        if name != MASKED_BY {
            fs::copy(stored().join("history").join(name), history.join(name)).unwrap();
        }
        File::options()
            .write(true)
            .open(history.join(name))
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
    }
    let config = "[repositories.counter]\npath = \"data/demo/repository\"\nservices = [\"counter\"]\n\
                  test_one = \"sh tests/run.sh {test}\"\n[server]\nlease_s = 5\n";
    scene.write("service.toml", config);
    history
}

/// The lines of an export without the signature, which differs in each export.
fn lines(export: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(export).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line.get("signature").is_none()).collect()
}

/// Earlier versions stored the times of a ticket as it spelled them. Now they are timestamps with one spelling.
fn with_times_as_now(line: &Value) -> Value {
    let mut line = line.clone();
    for told in ["first_seen", "last_seen"] {
        if let Some(at) = line.pointer_mut(&format!("/incident/ticket/context/{told}")) {
            let moment = at.as_str().map(|at| Timestamp::parse(at).unwrap());
            *at = moment.map_or(Value::Null, |at| at.to_string().into());
        }
    }
    line
}

#[test]
fn a_data_folder_of_an_earlier_version_is_exported_as_it_was_and_gone_on_with() {
    let scene = Scene::new();
    let history = lay_out(&scene);
    let exported = scene.run(&[
        "memory",
        "export",
        "--out",
        "now.jsonl",
        "--data-dir",
        "data/demo",
        "--config",
        "service.toml",
    ]);
    assert_eq!(exported.status, Some(0), "{}", exported.stderr);
    let (then, now) =
        (lines(&unpacked("export.jsonl.gz")), lines(&fs::read(scene.path("now.jsonl")).unwrap()));
    assert_eq!(then.len(), now.len());
    for (then, now) in then.iter().zip(&now) {
        assert_eq!(&with_times_as_now(then), now);
    }
    // The earlier export is imported with its proofs. A new export equals it, except for the owner of the proof and the
    // audit log.
    scene.write("then.jsonl", unpacked("export.jsonl.gz"));
    let key = then_key(&unpacked("export.jsonl.gz"));
    let imported =
        scene.run(&["memory", "import", "then.jsonl", "--trust", &key, "--data-dir", "data/other"]);
    assert_eq!(imported.status, Some(0), "{}", imported.stderr);
    let shown = scene.run(&["memory", "show", VERIFIED, "--format", "json", "--data-dir", "data/other"]);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap_or_else(|_| panic!("{}", shown.stderr));
    assert_eq!(shown["resolutions"][0]["proof"], "fix_verified", "{shown:#}");

    let serving = Serving::on(scene, TOKEN, "data/demo");
    let verified = serving.get(&format!("/v1/incidents/{VERIFIED}"));
    assert_eq!(verified["report"]["verdict"], "verified", "{verified:#}");
    let done = serving.until_done(KILLED);
    assert_eq!(done["state"], "done", "{done:#}");
    let log = fs::read_to_string(&serving.log).unwrap();
    assert!(log.contains("\"run.resumed\"") && log.contains(KILLED), "{log}");
    let events = serving.try_ask("GET", &format!("/v1/incidents/{KILLED}/events"), "").unwrap();
    for kind in ["started", "planned", "tool_finished", "finished"] {
        assert!(events.text.contains(&format!("event: {kind}\n")), "{kind} is not told: {}", events.text);
    }
    // An unreadable index would have been rebuilt.
    for name in INDEX {
        let modified = fs::metadata(history.join(name)).unwrap().modified().unwrap();
        assert_eq!(modified, SystemTime::UNIX_EPOCH, "{name} was written again");
    }
}

/// The key that signed an export.
fn then_key(export: &[u8]) -> String {
    let text = std::str::from_utf8(export).unwrap();
    let signed: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    signed["key"].as_str().unwrap().to_owned()
}
