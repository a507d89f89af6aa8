use millwright_git::history::HistoryIndex;
use millwright_redaction::RedactionConfig;
use millwright_testkit::repository::TestRepo;

use super::super::record::OriginKind;
use super::*;

/// The index of everything that `HEAD` reaches.
fn indexed(repo: &TestRepo) -> (Repo, HistoryIndex, UnitIndex) {
    let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
    let head = opened.resolve("HEAD").unwrap();
    let history = HistoryIndex::open(&opened, &RedactionConfig::default(), &head).unwrap();
    let mut units = UnitIndex::open(&opened).unwrap();
    units.ensure(&opened, &history.structure.ids()).unwrap();
    (opened, history, units)
}

/// What a commit did, a line a unit.
fn described(units: &UnitIndex, commit: &CommitId) -> Vec<String> {
    let record = units.get(commit).unwrap().unwrap();
    let mut lines = Vec::new();
    for file in &record.files {
        if let Some(old) = &file.old_path {
            lines.push(format!("{old} => {}", file.path));
        }
        for change in &file.changes {
            let what = match (&change.origin, &change.before, &change.after) {
                (Some(origin), ..) if origin.kind == OriginKind::SplitFrom => {
                    format!("split from {}", origin.unit)
                }
                (Some(origin), ..) => format!("from {}::{}", origin.path, origin.unit),
                (None, None, _) => "added".to_owned(),
                (None, Some(_), None) => match &change.merged_into {
                    Some((_, unit)) => format!("merged into {unit}"),
                    None => "removed".to_owned(),
                },
                (None, Some(_), Some(_)) => change.parts.names().join("+"),
            };
            lines.push(format!("{}::{} {what}", file.path, change.unit));
        }
    }
    lines.sort();
    lines
}

const TOTAL: &str = "def total(cart, rate):\n    amount = sum(item.price for item in cart.items)\n    \
                     return round(amount * (1 + rate), 2)\n";
const ADDRESS: &str = "def address(user):\n    parts = [user.street, user.city, user.country]\n    \
                       return ', '.join(part for part in parts if part)\n";

#[test]
fn a_unit_is_found_again_under_another_name_and_in_another_file() {
    let repo = TestRepo::new();
    let first = repo.commit("first", &[("a.py", &format!("{TOTAL}\n{ADDRESS}"))]);
    let renamed = TOTAL.replace("total", "gross").replace("cart, rate", "cart, rate, places");
    let second = repo.commit("rename", &[("a.py", &format!("{renamed}\n{ADDRESS}"))]);
    let third = repo.commit("move", &[("a.py", &renamed), ("b.py", &format!("import a\n\n{ADDRESS}"))]);
    repo.git(&["mv", "a.py", "c.py"]);
    let fourth = repo.commit("move the file", &[]);
    let (_, _, units) = indexed(&repo);
    assert_eq!(described(&units, &first), ["a.py::address added", "a.py::total added"]);
    assert_eq!(described(&units, &second), ["a.py::gross from a.py::total"]);
    assert_eq!(described(&units, &third), ["b.py::address from a.py::address"]);
    assert_eq!(described(&units, &fourth), ["a.py => c.py"]);
}

#[test]
fn a_type_that_is_renamed_takes_its_members_along() {
    let repo = TestRepo::new();
    let class = "class Cart {\n  int a;\n  int size() { return a; }\n  int twice() { return 2 * a; }\n}\n";
    repo.commit("first", &[("src/Cart.java", class)]);
    repo.git(&["mv", "src/Cart.java", "src/Basket.java"]);
    let second = repo.commit("rename", &[("src/Basket.java", &class.replace("Cart", "Basket"))]);
    let (_, _, units) = indexed(&repo);
    let mut found = described(&units, &second);
    found.retain(|line| line.contains("::"));
    assert_eq!(
        found,
        [
            "src/Basket.java::Basket from src/Cart.java::Cart",
            "src/Basket.java::Basket.size() from src/Cart.java::Cart.size()",
            "src/Basket.java::Basket.twice() from src/Cart.java::Cart.twice()"
        ]
    );
}

#[test]
fn a_part_that_becomes_a_unit_and_a_unit_that_becomes_a_part_are_edges() {
    let repo = TestRepo::new();
    let long = |inner: &str| format!("def report(user, cart):\n    log(user)\n{inner}    send(user)\n");
    let body = "    lines = []\n    for item in cart.items:\n        price = item.price * item.count\n        \
                lines.append(f'{item.name}: {price}')\n    text = '\\n'.join(lines)\n";
    let call = "    text = lines_of(cart)\n";
    let split = format!("{}\n\ndef lines_of(cart):\n{body}    return text\n", long(call));
    repo.commit("first", &[("a.py", &long(body))]);
    let second = repo.commit("split", &[("a.py", &split)]);
    let third = repo.commit("merge back", &[("a.py", &long(body))]);
    let (_, _, units) = indexed(&repo);
    assert_eq!(described(&units, &second), ["a.py::lines_of split from report", "a.py::report body"]);
    assert_eq!(described(&units, &third), ["a.py::lines_of merged into report", "a.py::report body"]);
}

#[test]
fn a_merge_has_what_differs_from_all_its_parents() {
    let repo = TestRepo::new();
    let file = |a: u32, b: u32, c: u32| {
        format!("def a():\n    return {a}\n\n\ndef b():\n    return {b}\n\n\ndef c():\n    return {c}\n")
    };
    repo.commit("first", &[("a.py", &file(1, 1, 1))]);
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.commit("side", &[("a.py", &file(2, 1, 1))]);
    repo.git(&["checkout", "-q", "main"]);
    repo.commit("main", &[("a.py", &file(1, 1, 2))]);
    repo.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    std::fs::write(repo.work().join("a.py"), file(2, 5, 2)).unwrap();
    let merge = repo.commit("merge", &[]);
    let (_, _, units) = indexed(&repo);
    assert_eq!(described(&units, &merge), ["a.py::b body"]);
}

#[test]
fn an_index_that_grew_equals_a_fresh_one() {
    let repo = TestRepo::new();
    let mut commits = Vec::new();
    for round in 0..12 {
        let name = if round % 4 == 0 { "total" } else { "sum_up" };
        let text = TOTAL.replace("total", name).replace('2', &round.to_string());
        commits.push(
            repo.commit(
                "change",
                &[("a.py", &format!("{text}\n{ADDRESS}")), ("b.js", &format!("f({round})"))],
            ),
        );
    }
    let (opened, _, units) = indexed(&repo);
    let mut grown = UnitIndex::open(&Repo::open(&repo.work(), &repo.beside("other")).unwrap()).unwrap();
    for commit in commits.iter().rev() {
        assert_eq!(grown.ensure(&opened, std::slice::from_ref(commit)).unwrap(), 1);
        assert_eq!(grown.ensure(&opened, std::slice::from_ref(commit)).unwrap(), 0);
    }
    for commit in &commits {
        assert_eq!(grown.get(commit).unwrap(), units.get(commit).unwrap());
    }
}

/// Hostile or generated histories: thousands of files that move at once, binary and broken sources.
#[test]
fn large_and_broken_commits_are_bounded() {
    let repo = TestRepo::new();
    let files: Vec<(String, String)> =
        (0..3_000).map(|n| (format!("old/f{n}.py"), format!("def f{n}():\n    return {n}\n"))).collect();
    let written: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    repo.commit("first", &written);
    repo.git(&["mv", "old", "new"]);
    let moved = repo.commit("move everything", &[]);
    let broken = repo.commit("broken", &[("a.py", "def f(:\n  '''"), ("b.py", "\0\0def f(): pass\n")]);
    repo.git(&["rm", "-rq", "new"]);
    let gone = repo.commit("remove everything", &[]);
    let (_, _, units) = indexed(&repo);
    let record = units.get(&moved).unwrap().unwrap();
    assert_eq!((record.files.len(), record.truncated), (3_000, false));
    assert!(record.files.iter().all(|file| file.old_path.is_some() && file.changes.is_empty()));
    let record = units.get(&broken).unwrap().unwrap();
    let unread: Vec<(&str, bool)> =
        record.files.iter().map(|file| (file.path.as_str(), file.unread)).collect();
    assert_eq!(unread, [("a.py", false), ("b.py", true)]);
    assert_eq!(units.get(&gone).unwrap().unwrap().files.len(), 3_000);
}
