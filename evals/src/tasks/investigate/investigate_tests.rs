//! Failures of one case must not stop the rest of a suite.

use std::time::Duration;

use super::*;
use crate::options::EvalTask;
use crate::options::tests::options;

fn case(id: &str, more: Value) -> String {
    let mut case = json!({"id": id, "repo": "nowhere", "bad": "HEAD", "good": null, "ticket": "t",
        "truth": {"kind": "code_change", "commit": "0".repeat(40), "files": [], "symbols": []}});
    if let (Some(case), Some(more)) = (case.as_object_mut(), more.as_object()) {
        case.extend(more.clone());
    }
    case.to_string()
}

fn with_cases(folder: &std::path::Path, lines: &[String]) -> EvalOptions {
    let cases = folder.join("cases.jsonl");
    std::fs::write(&cases, lines.join("\n")).unwrap();
    EvalOptions {
        data_dir: folder.join("data"),
        ..options(EvalTask::Investigate, &cases, &folder.join("out"))
    }
}

/// The results of all cases with a simulated agent.
fn judged(options: &EvalOptions, agent: &Agent<'_>) -> Vec<CaseResult> {
    run_with(options, agent).unwrap().1
}

#[test]
fn a_case_that_breaks_down_or_cannot_be_asked_is_not_judged_and_the_others_are() {
    let folder = tempfile::tempdir().unwrap();
    let lines = ["a", "breaks", "c"].map(|id| case(id, json!({})));
    let options = with_cases(folder.path(), &lines);
    let results = judged(&options, &|case, _, _| match case.id.as_str() {
        "breaks" => panic!("on purpose"),
        id => Err(format!("{id} has no answer")),
    });
    let why: Vec<&str> = results.iter().map(|result| result.not_judged.as_deref().unwrap()).collect();
    assert_eq!(why[0], "a has no answer");
    assert!(why[1].contains("panicked"));
    assert_eq!(why[2], "c has no answer");
    let none = crate::run(&options).unwrap_err();
    assert!(none.to_string().contains("nowhere"), "{none}");
}

#[test]
fn what_was_judged_is_not_judged_again_after_a_stop_and_everything_is_after_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let lines = ["a", "b"].map(|id| case(id, json!({})));
    let options = with_cases(folder.path(), &lines);
    std::fs::create_dir_all(&options.out).unwrap();
    let cases = cases::read(&options.cases, None).unwrap();
    let progress = SuiteProgress::open(&options);
    progress.keep(&cases[0], &JudgedCase::not(&cases[0], "kept".into()));
    // The file after a crash.
    let path = options.out.join("progress.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{{\"key\":")).unwrap();

    let asked = std::sync::Mutex::new(Vec::new());
    let agent = |case: &EvalCase, _: &EvalOptions, _: Option<&MemoryCondition>| {
        asked.lock().unwrap().push(case.id.clone());
        Err("new".to_owned())
    };
    let results = judged(&options, &agent);
    let why: Vec<_> = results.iter().map(|result| result.not_judged.clone().unwrap()).collect();
    assert_eq!(
        (why, asked.lock().unwrap().clone()),
        (vec!["kept".into(), "new".into()], vec!["b".to_owned()])
    );
    assert!(!path.exists());
    judged(&options, &agent);
    assert_eq!(*asked.lock().unwrap(), ["b", "a", "b"]);
}

#[test]
fn cases_left_over_when_time_is_up_are_said_to_be_and_tried_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        EvalOptions { deadline: Some(Duration::ZERO), ..with_cases(folder.path(), &[case("a", json!({}))]) };
    let results = judged(&options, &|_, _, _| panic!("it must not be asked"));
    assert!(results[0].not_judged.as_deref().unwrap().contains("--deadline"));
    let later = EvalOptions { deadline: None, ..options };
    assert_eq!(judged(&later, &|_, _, _| Err("asked".into()))[0].not_judged.as_deref(), Some("asked"));
}

#[test]
fn repeats_are_cases_of_their_own_and_one_sample() {
    let folder = tempfile::tempdir().unwrap();
    let options = EvalOptions { repeat: 3, ..with_cases(folder.path(), &[case("a", json!({}))]) };
    let (summary, results) = run_with(&options, &|_, _, _| Err("x".into())).unwrap();
    let ids: Vec<&str> = results.iter().map(|result| result.id.as_str()).collect();
    assert_eq!(ids, ["a#1", "a#2", "a#3"]);
    assert_eq!(summary.0["investigate"]["hit"]["value"], 0.0);
    assert_eq!(summary.0["investigate"]["not_judged"], 3);
}
