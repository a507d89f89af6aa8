use std::collections::BTreeMap;

use millwright_testkit::repository::TestRepo;

use super::*;
use crate::testing::context;

const TILL: &str = "def add(a):\n    return a + 1\n\n\ndef fail(a):\n    raise ValueError(a)\n\n\nclass Till:\n    def open(self):\n        return add(2)\n";

fn trace(precision: TracePrecision, files: &[(&str, &[u32], &[&str])]) -> ExecutionTrace {
    let files = files.iter().map(|(path, lines, functions)| {
        let functions = functions.iter().map(|name| (*name).to_owned()).collect();
        let file =
            ExecutedFile { lines: lines.iter().copied().collect(), functions, ..ExecutedFile::default() };
        ((*path).to_owned(), file)
    });
    ExecutionTrace { precision, files: files.collect::<BTreeMap<_, _>>() }
}

#[test]
fn the_units_of_the_culprit_that_ran_are_told_from_those_that_did_not() {
    let repo = TestRepo::new();
    repo.commit(
        "Add the till",
        &[("till.py", TILL), ("shop.py", "def sell():\n    pass\n"), ("a.txt", "x\n")],
    );
    let changed = format!("LIMIT = 9\n{TILL}")
        .replace("a + 1", "a + 2")
        .replace("raise ValueError(a)", "raise KeyError(a)");
    let culprit = repo.commit("Change the till", &[("till.py", &changed), ("a.txt", "y\n")]);
    // Only what the unit is called at the failing revision can be compared.
    repo.commit("Rename", &[("till.py", &changed.replace("def fail", "def refuse"))]);
    let ctx = context(&repo);
    let told = |code: &ExecutedCode| -> Vec<(String, Option<bool>)> {
        code.changed.iter().map(|unit| (unit.unit.clone(), unit.executed)).collect()
    };

    let lines = trace(
        TracePrecision::Lines,
        &[("till.py", &[3, 12], &[]), ("shop.py", &[2], &[]), ("a.txt", &[], &[])],
    );
    let code = executed_code(&ctx, &lines, &culprit).unwrap();
    assert_eq!((code.files, code.units, code.changed_total), (2, 3, 3));
    assert_eq!(code.named, ["till.py::Till.open", "till.py::add", "shop.py::sell"]);
    assert_eq!(
        told(&code),
        [
            ("till.py::add".to_owned(), Some(true)),
            ("till.py".to_owned(), Some(true)),
            ("till.py::fail".to_owned(), None)
        ]
    );

    let functions = trace(TracePrecision::Functions, &[("till.py", &[], &["Till.open", "refuse"])]);
    let code = executed_code(&ctx, &functions, &culprit).unwrap();
    assert_eq!(code.named, ["till.py::Till.open", "till.py::refuse"]);
    assert!(told(&code).contains(&("till.py::add".to_owned(), Some(false))));

    let files = trace(TracePrecision::Files, &[("till.py", &[], &[])]);
    let code = executed_code(&ctx, &files, &culprit).unwrap();
    assert_eq!((code.units, code.precision), (0, TracePrecision::Files));
    assert!(told(&code).iter().all(|(_, ran)| ran.is_none()));
    // Lines beyond the end, and files that are not there, are nobody's.
    let wild = trace(TracePrecision::Lines, &[("till.py", &[9_000], &[]), ("../x.py", &[1], &[])]);
    assert_eq!(executed_code(&ctx, &wild, &culprit).unwrap().units, 0);

    // Of a language that was not traced nothing is known.
    let other = trace(TracePrecision::Lines, &[("a.rb", &[2], &[]), ("till.py", &[], &[])]);
    let code = executed_code(&ctx, &other, &culprit).unwrap();
    assert_eq!(code.files, 1);
    assert!(told(&code).iter().all(|(_, ran)| ran.is_none()), "{code:?}");
}

#[test]
fn functions_on_one_line_and_without_code_are_told_apart() {
    let repo = TestRepo::new();
    let text = "class A {\n  get a() { return 1 }\n  get b() { return 2 }\n  c() {\n    return [() => 1]\n  }\n  d() {\n  }\n}\n\
                class B {\n  get a() { return 3 }\n}\nmodule.exports = A\n";
    let head = repo.commit("Add", &[("a.js", text)]);
    let units = |functions: &[&str]| -> Vec<String> {
        let file = ExecutedFile {
            lines: [2, 4, 5].into(),
            import_lines: [1, 3, 11].into(),
            functions: functions.iter().map(|name| (*name).to_owned()).collect(),
        };
        let trace = ExecutionTrace {
            precision: TracePrecision::Lines,
            files: BTreeMap::from([("a.js".into(), file)]),
        };
        let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
        executed_units(&opened, &head, &trace).unwrap().into_iter().map(|(_, key)| key).collect()
    };
    assert_eq!(units(&["a", "c"]), ["A.a", "A.c"]);
    assert_eq!(units(&["b"]), ["A.a", "A.b", "A.c"]);
    // A body without code has no lines.
    assert_eq!(units(&["a", "d"]), ["A.a", "A.c", "A.d"]);
    // Names that are not those of the source say nothing.
    assert_eq!(units(&["_ZN1A1aEv"]), ["A.a", "A.c"]);
}
