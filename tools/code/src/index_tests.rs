use millwright_testkit::repository::TestRepo;

use super::*;
use crate::ReferenceKind;

#[test]
fn finds_definitions_and_references_at_a_revision() {
    let repo = TestRepo::new();
    let old = repo.commit(
        "old",
        &[
            ("app/models.py", "class Query:\n    def run(self):\n        return 1\n\ndef run():\n    pass\n"),
            ("app/views.py", "from .models import Query\n\ndef view():\n    return Query().run()\n"),
            ("web/run.ts", "export function run() {}\n"),
            ("docs/run.md", "run it\n"),
        ],
    );
    std::fs::write(repo.work().join("app/blob.py"), b"run\0run\n").unwrap();
    let new = repo.commit("new", &[("app/models.py", "x = 1\n")]);
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let index = CodeIndex::new();
    let cancel = CancelFlag::default();
    let check = |revision: &str, name: &str, expected: &[&str]| {
        let found = index.definitions(&repo, revision, name, &[], &cancel).unwrap().found;
        let found: Vec<_> =
            found.iter().map(|(path, symbol)| format!("{path}::{}", symbol.qualified)).collect();
        assert_eq!(found, expected, "{name}");
    };
    check(&old, "run", &["app/models.py::Query.run", "app/models.py::run", "web/run.ts::run"]);
    check(&old, "Query.run", &["app/models.py::Query.run"]);
    check(&old, "Query::run", &["app/models.py::Query.run"]);
    check(&old, "nothing", &[]);
    check(&new, "run", &["web/run.ts::run"]);

    let uses = index.references(&repo, &old, "Query.run", &["app".into()], &cancel).unwrap();
    let lines: Vec<_> = uses
        .found
        .iter()
        .map(|(path, r)| format!("{path}:{} {:?} in {:?}", r.line, r.kind, r.within))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    app/models.py:2 Definition in Some("Query.run")
    app/models.py:5 Definition in Some("run")
    app/views.py:4 Call in Some("view")
    "#);
    assert_eq!(uses.files_left_out, 0);
    assert_eq!(index.references(&repo, &old, "run", &[], &cancel).unwrap().files_left_out, 1, "docs/run.md");
    assert!(uses.found.iter().any(|(_, reference)| reference.kind == ReferenceKind::Call));

    let inside = index.enclosing(&repo, &old, "app/models.py", 3).unwrap().unwrap();
    assert_eq!(inside.qualified, "Query.run");
    assert!(Arc::ptr_eq(
        &index.symbols(&repo, &old, "app/views.py").unwrap(),
        &index.symbols(&repo, &new, "app/views.py").unwrap()
    ));
    assert!(index.symbols(&repo, &new, "app/blob.py").unwrap().is_empty());
    assert!(matches!(index.symbols(&repo, &old, "none.py"), Err(RepoError::NoSuchPath { .. })));
}
