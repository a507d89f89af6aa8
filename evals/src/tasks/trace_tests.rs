use millwright_testkit::missing_part::report_missing;
use millwright_testkit::repository::TestRepo;

use super::*;
use crate::options::{EvalTask, RepoMapping};

const TILL: &str = "def add(a):\n    return a + 1\n\n\ndef idle():\n    return 0\n\n\ndef fail(a):\n    raise ValueError(a)\n";

#[test]
fn the_functions_of_a_trace_are_held_against_those_that_ran() {
    let repo = TestRepo::new();
    repo.commit("Add", &[("till.py", TILL), ("main.py", "import till\ntill.fail(till.add(1))\n")]);
    let folder = tempfile::tempdir().unwrap();
    let case = |id: &str, line: u32| {
        json!({
            "id": id, "program": "till", "repository": "https://example.org/acme/till", "at": "HEAD",
            "command": "python3 main.py", "files": ["till.py"],
            "ran": [{"path": "till.py", "line": line}, {"path": "till.py", "line": 9}],
        })
        .to_string()
    };
    let file = folder.path().join("cases.jsonl");
    std::fs::write(&file, [case("right", 1), case("other", 5)].join("\n")).unwrap();
    let mut options = EvalOptions::new(EvalTask::Trace, &file, folder.path());
    options.repo_map =
        vec![RepoMapping { address: "https://example.org/acme/till".into(), path: repo.work() }];
    options.data_dir = repo.data();
    let (summary, results) = run(&options).unwrap();
    if results.iter().any(|result| result.not_judged.as_ref().is_some_and(|why| why.contains("not found"))) {
        report_missing("python3", "it is not installed");
        return;
    }
    assert_eq!(results.iter().map(|result| result.hit).collect::<Vec<_>>(), [true, false], "{results:?}");
    let figures = &summary.0["trace"]["programs"];
    assert_eq!((&figures["right"]["precision"], &figures["right"]["recall"]), (&json!(1.0), &json!(1.0)));
    assert_eq!((&figures["other"]["precision"], &figures["other"]["recall"]), (&json!(0.5), &json!(0.5)));
    assert_eq!(figures["other"]["only_trace"], json!(["till.py::add"]));

    std::fs::write(&file, "{}").unwrap();
    let error = run(&options).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("`id`"), "{error}");
}
