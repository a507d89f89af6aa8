/*!
Rewriting, variation, normalisation and rules on small texts.
*/

use std::time::{Duration, UNIX_EPOCH};

use super::super::normalise::Normaliser;
use super::super::observe::{ObservationMode, observe};
use super::super::rules::{FourSides, FourWayRuling, rule};
use super::super::types::InputChange;
use super::super::variants::input_variants;
use super::super::*;

fn printed(command: &str) -> String {
    let source = InputSource { command: command.to_owned(), ..InputSource::default() };
    observe(&source, ObservationMode::Printed).map_or_else(|| command.to_owned(), |input| input.command)
}

#[test]
fn judgements_are_printed() {
    let check = |command: &str, wanted: &str| assert_eq!(printed(command), wanted);
    check("ruby bin/kramdown in.md | grep '<em>'", "{ ruby bin/kramdown in.md ; echo \"exit $?\"; true; }");
    check(
        "python3 -c 'import m; assert m.f(3) == 300, \"no\"'",
        "python3 -c 'import m; print(repr(m.f(3)))'",
    );
    check("python3 -c 'import m; m.f(3)'", "python3 -c 'import m; print(repr(m.f(3)))'");
    check("node -e 'assert.equal(f(1), 2)'", "node -e 'console.dir(f(1), {depth: 9})'");
    check(
        "node -e 'if(!pm.isMatch(\"b\",\"+(a)\")){ throw new Error(\"x\") }'",
        "node -e 'if((console.dir(pm.isMatch(\"b\",\"+(a)\"), {depth: 9}), 0)){ throw new Error(\"x\") }'",
    );
    check("ruby -e 'abort(\"FAIL\") unless h.include?(\"x\")'", "ruby -e 'p((h))'");
    check("perl -e 'open(my $f, \"x\") or die \"no\"'", "perl -e 'open(my $f, \"x\") or die \"no\"'");
    check("expect 3", "expect 3");
    let test = printed("test \"$(total 3)\" = 300 || exit 1");
    assert!(
        test.starts_with("{ printf '%s\\n' \"$(total 3)\"") && test.ends_with("; true; } || exit 1"),
        "{test}"
    );
    let inverse = printed("! grep -q '<table>' out.html");
    assert!(inverse.contains("cat") && inverse.contains("false"), "{inverse}");
}

#[test]
fn variants_are_near_diverse_and_quoted() {
    let command = r#"node -e 'const q=require("./"); q.parse("it'\''s a=1", 3, true)' | cat"#;
    let source = InputSource { command: command.to_owned(), ..InputSource::default() };
    let variants = input_variants(&source, ObservationMode::AsIs, 40);
    assert_eq!(variants, input_variants(&source, ObservationMode::AsIs, 40));
    assert_eq!(variants[0].change, InputChange::Original);
    assert_eq!(variants.len(), 40);
    let sites: std::collections::BTreeSet<_> = variants.iter().take(13).map(|variant| variant.site).collect();
    let changes: std::collections::BTreeSet<_> =
        variants.iter().take(13).map(|variant| variant.change).collect();
    assert!(sites.len() >= 4 && changes.len() >= 6, "{sites:?} {changes:?}");
    assert!(variants.iter().all(|variant| variant.command.contains("require(\"./\")")));
    assert!(variants.iter().any(|variant| variant.command.contains(", 4, true)")));
    assert!(variants.iter().any(|variant| variant.command.contains(", 3, false)")));
    assert!(variants.iter().any(|variant| variant.command.contains(r"it'\''s a=2")));
}

/// Commands of the first `budget` variants of a replay of a changed program.
fn commands(command: &str, path: &str, program: &str, diff: &str, budget: usize) -> Vec<String> {
    let source = InputSource {
        command: command.to_owned(),
        diffs: vec![diff.to_owned()],
        programs: [(path.to_owned(), program.to_owned())].into(),
        ..InputSource::default()
    };
    let variants = input_variants(&source, ObservationMode::AsIs, budget);
    variants.into_iter().map(|variant| variant.command).collect()
}

#[test]
fn words_that_the_program_knows_are_tried_early() {
    let diff = "--- a/price.c\n+++ b/price.c\n@@ -7,3 +7,3 @@ int main\n x\n y\n z\n-    printf(\"%d\", a * (factor + 50));\n+    printf(\"%d\", a * factor);\n";
    let program = "int main() {\n    if (strcmp(argv[2], \"express\") == 0)\n        factor = 150;\n}\n";
    let found = commands("./price 200 normal", "price.c", program, diff, 10);
    assert!(found.contains(&"./price 200 express".to_owned()), "{found:#?}");
    let shell = "case \"$1\" in\n    full) full \"$2\" ;;\n    reduced) reduced \"$2\" ;;\nesac\n";
    let found = commands("sh vat.sh full 10", "vat.sh", shell, "", 10);
    assert!(found.contains(&"sh vat.sh reduced 10".to_owned()), "{found:#?}");
}

#[test]
fn options_of_the_diff_are_tried() {
    let diff = "--- a/print.pl\n+++ b/print.pl\n@@ -1,2 +1,2 @@\n-    $chosen{digits} = $1 if $word =~ /^--digits=(\\d+)$/;\n+    $chosen{places} = $1 if $word =~ /^--digits=(\\d+)$/;\n";
    let found = commands("perl print.pl 12.5", "print.pl", "", diff, 12);
    assert!(found.contains(&"perl print.pl 12.5 --digits=3".to_owned()), "{found:#?}");
}

#[test]
fn tables_are_completed() {
    let source =
        InputSource { command: r"printf '|a|b|\n|:-|:' | ./md".to_owned(), ..InputSource::default() };
    let variants = input_variants(&source, ObservationMode::AsIs, 20);
    assert!(
        variants.iter().any(|v| v.command == r"printf '|a|b|\n|:---|:---|\n|a|b|' | ./md"),
        "{variants:#?}"
    );
}

#[test]
fn files_that_a_command_names() {
    assert_eq!(
        input_files_of("python repro.py && sh ./check.sh <in.txt"),
        ["repro.py", "check.sh", "in.txt"]
    );
    assert_eq!(input_files_of("python -m pytest tests/test_a.py::T::t --x=/etc/y ../z"), ["tests/test_a.py"]);
}

#[test]
fn volatile_parts_go_and_messages_stay() {
    let now = UNIX_EPOCH + Duration::from_secs(1_796_000_000);
    let normaliser = Normaliser::new(vec!["/w/co-1".into(), "/w/co-2".into()], now);
    let same = |a: &str, b: &str| assert_eq!(normaliser.text(a), normaliser.text(b));
    let differ = |a: &str, b: &str| assert_ne!(normaliser.text(a), normaliser.text(b));
    same("<A at 0x7f00aa11bb22>", "<A at 0x7fffaa11bb33>");
    same("/w/co-1/a.py: x", "/w/co-2/a.py: x");
    same("in /tmp/in.12.md", "in /tmp/in.77.md");
    same("bad at Foo.pm line 3.", "bad at Foo.pm line 9.");
    differ("line 3: no value", "line 9: no value");
    same(
        "  File \"a.py\", line 3, in f\n    x = 1\nValueError: no",
        "  File \"a.py\", line 9, in g\n    y = 2\nValueError: no",
    );
    differ("ValueError: no", "ValueError: yes");
    same(
        "/w/co-1/a.js:3\n  throw e;\n  ^\n\nError: x\n    at f (/w/a.js:3:1)",
        "/w/co-2/a.js:9\n  throw new E;\n  ^\n\nError: x\n    at g (/w/b.js:4:1)",
    );
    same("a.rb:12:in `f': no such till (E)", "a.rb:15:in `f': no such till (E)");
    same("3 passed in 0.03s", "3 passed in 1.27s");
    same("1796000001", "1796000044");
    differ("total 3", "total 4");
    differ("took 3.5 s", "took 4.5 s");
}

#[test]
fn rules() {
    let normaliser = Normaliser::default();
    let seen = |text: &str, ending| {
        let observation = FourWayObservation { output: text.to_owned(), ending, files: Default::default() };
        normaliser.comparable(&observation)
    };
    let sides = |texts: [&str; 4]| {
        let [parent, culprit, bad, fixed] = texts.map(|text| match text.strip_prefix('!') {
            Some(signal) => seen("", ExecutionEnding::Signal(signal.parse().unwrap())),
            None => seen(text, ExecutionEnding::Status(0)),
        });
        FourSides { parent, culprit, bad, fixed }
    };
    let check =
        |texts, kind, wanted| assert_eq!(rule(&sides(texts), kind, false), wanted, "{texts:?} {kind:?}");
    use CheckedFixKind::{Patch, Revert};
    check(["1", "1", "1", "1"], Revert, FourWayRuling::Holds(InputRule::Unaffected));
    check(["1", "1", "2", "2"], Revert, FourWayRuling::Holds(InputRule::Unaffected));
    check(["1", "1", "2", "1"], Patch, FourWayRuling::Contradicts(InputRule::Unaffected));
    check(["1", "2", "2", "1"], Patch, FourWayRuling::Holds(InputRule::Restored));
    check(["1", "2", "2", "2"], Revert, FourWayRuling::Contradicts(InputRule::Restored));
    check(["1", "2", "2", "2"], Patch, FourWayRuling::Keeps);
    check(["1", "!11", "!11", "!11"], Patch, FourWayRuling::Contradicts(InputRule::Restored));
    check(["1", "2", "2", "3"], Patch, FourWayRuling::Suspect);
    check(["a\nb", "c\nd", "c\nd", "a\nd"], Patch, FourWayRuling::Keeps);
    check(["1", "2", "3", "1"], Patch, FourWayRuling::Undecided);
}

#[test]
fn hostile_text_never_panics() {
    let seeds = [
        "a=$(sh -c 'x \"$(y `z`)\"' <<'E' | grep -q é\nfoo\nE\n) && [[ \"$a\" == \"b\" ]] || { exit 1; }",
        "node -e 'if(!a(\"é\",[1,{b:2}])&&/x[/]/.test(`q${1}`)){throw new Error(\"…\")} else {assert.equal(f(1),2)}'",
        "python3 -c \"import a\nassert not (a.b(r'\\d', f'{x}') in [1, -2.5]), 'ü'\nsys.exit(0 if a else 1)\"",
        "curl -s 'http://localhost:1/a/b?c=1&d=é' -d '{\"a\":[1,2]}' | ruby -e 'abort \"x\" unless p =~ /é/' > /dev/null 2>&1",
    ];
    let mut chance = fastrand::Rng::with_seed(12_345);
    let mut random = |n: usize| chance.usize(..n.max(1));
    for round in 0..400 {
        let mut chars: Vec<char> = seeds[round % seeds.len()].chars().collect();
        for _ in 0..random(6) {
            let at = random(chars.len());
            match random(3) {
                0 => drop(chars.remove(at)),
                1 => chars
                    .insert(at, ['\'', '"', '$', '(', ')', '`', '\\', '\n', '|', 'é', '{', '<'][random(12)]),
                _ => chars.truncate(at + 1),
            }
        }
        let text: String = chars.iter().collect();
        let file = InputFile { text: text.clone(), origin: FileOrigin::Laid };
        let names = [
            "t.py", "t.js", "t.rb", "t.pl", "t.php", "t.c", "T.java", "t.go", "t.rs", "t.json", "t.md",
            "t.sh",
        ];
        let source = InputSource {
            command: text.clone(),
            env: [("N".to_owned(), text.clone())].into(),
            files: names.iter().map(|name| ((*name).to_owned(), file.clone())).collect(),
            diffs: vec![text.clone()],
            programs: names.iter().map(|name| ((*name).to_owned(), text.clone())).collect(),
        };
        for mode in ObservationMode::ALL {
            let _ = input_variants(&source, mode, 12);
        }
        let _ = input_files_of(&text);
        let _ = Normaliser::default().text(&text);
    }
    let deep = "((((a && ".repeat(3_000);
    let source = InputSource { command: format!("node -e 'if{deep}'"), ..InputSource::default() };
    let _ = input_variants(&source, ObservationMode::Printed, 12);
    let nested = "$(".repeat(20_000);
    let _ = input_variants(
        &InputSource { command: nested, ..InputSource::default() },
        ObservationMode::Printed,
        12,
    );
}

#[test]
#[ignore = "prints the inputs of a planted case"]
fn inputs_of_a_case() {
    let only = std::env::var("FOURWAY_ONLY").unwrap_or_default();
    let cases = [
        super::cases_javascript::CASES,
        super::cases_c::CASES,
        super::cases_perl_ruby::CASES,
        super::cases_python::CASES,
        super::cases_shell::CASES,
    ];
    for case in cases.iter().flat_map(|cases| cases.iter()).filter(|case| case.name == only) {
        let mut source = InputSource { command: case.replay.to_owned(), ..InputSource::default() };
        let parent: super::Files =
            case.files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
        let culprit = super::edited(&parent, case.culprit, "");
        let bad = super::edited(&culprit, case.later, "");
        let number = std::env::var("FOURWAY_FIX").ok().and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
        let fixed = super::edited(&bad, case.fixes[number].edits, "");
        source.diffs = vec![super::revision_diff(&parent, &culprit), super::revision_diff(&bad, &fixed)];
        source.programs = super::changed_programs(&bad, &[&fixed]);
        for (path, text) in case.laid {
            let file = InputFile { text: (*text).to_owned(), origin: FileOrigin::Laid };
            source.files.insert((*path).to_owned(), file);
        }
        println!(
            "{}",
            observe(&source, ObservationMode::Printed)
                .map_or_else(String::new, |i| format!("{}\n{:?}", i.command, i.files))
        );
        for input in input_variants(&source, ObservationMode::Printed, 100) {
            println!("{:?} {:?} {}", input.site, input.change, input.description);
        }
    }
}
