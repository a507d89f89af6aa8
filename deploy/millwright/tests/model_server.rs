/*!
A whole run by a real model server, when `MILLWRIGHT_TEST_MODEL_URL` names one (`.ci/model-server` starts one). The
model may be the smallest there is: it need not be clever, but whatever it says, the protocol holds and the report is
whole.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

mod common;

use common::{Ran, Scene};

#[test]
fn a_small_model_drives_a_run_to_a_valid_report() {
    let Ok(url) = std::env::var("MILLWRIGHT_TEST_MODEL_URL") else {
        eprintln!("skipped: MILLWRIGHT_TEST_MODEL_URL names no model server");
        return;
    };
    let scene = Scene::new();
    let demo = scene.run(&["demo", "--format", "json"]);
    assert_eq!(demo.status, Some(0), "{}", demo.stderr);
    scene.write("ticket.txt", include_str!("../src/demo/ticket.txt"));
    // Small in everything, so that a busy machine without a graphics card is done within minutes.
    scene.write(
        "small.toml",
        "[model]\naction_mode = \"constrained\"\ncontext_tokens = 4096\nmax_output_tokens = 256\ntemperature = 0\n\
         timeout_s = 240\n[model.budgets]\nsteps = 3\n",
    );
    let arguments = [
        "investigate",
        "ticket.txt",
        "--repo",
        "data/demo/repository",
        "--planner",
        "small-model",
        "--config",
        "small.toml",
        "--no-memory",
        "--no-replay",
        "--require",
        "inconclusive",
        "--format",
        "json",
    ];
    let ran: Ran = scene.command(&arguments).env("OPENAI_BASE_URL", url).output().unwrap().into();
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let report = ran.report();
    eprintln!("{:#}", report["usage"]);
    assert_eq!(report["schema"], "millwright.report/1");
    assert_eq!(report["usage"]["planner"], "small-model");
    assert!(report["usage"]["output_tokens"].as_u64().unwrap() > 0, "it never answered: {}", report["usage"]);
    assert!(report["usage"]["prompts"]["system"].is_string());
    assert!(report["suspects"].as_array().unwrap().len() >= 20);
    // What it said without evidence is not in the report.
    let known = report["evidence"].as_array().unwrap();
    let cause = &report["root_cause"]["evidence"];
    for id in cause.as_array().into_iter().flatten() {
        assert!(known.iter().any(|one| one["id"] == *id), "{id}");
    }
    // Its words may be useless, but none of its requests was refused as malformed.
    assert!(
        !report["usage"]["fell_back"].as_str().unwrap_or_default().contains("answered 4"),
        "{}",
        report["usage"]
    );
}
