//! One small report a format, as its own tool writes it, and reports that lie.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::mapping::RepoFiles;

fn read(text: &str) -> CoverageReport {
    read_coverage(text.as_bytes(), &mut |_| None).unwrap()
}

/// `executed | missed | functions` of a file.
fn shown(report: &CoverageReport, path: &str) -> String {
    let file = report.files.get(path).unwrap_or_else(|| panic!("{path} is not in {report:?}"));
    let lines = |lines: &std::collections::BTreeSet<u32>| {
        lines.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
    };
    let functions: Vec<&str> = file.functions.iter().map(String::as_str).collect();
    format!("{} | {} | {}", lines(&file.executed), lines(&file.missed), functions.join(" "))
}

#[test]
fn reads_lcov() {
    let report = read(
        "TN:\nSF:src/money.c\nFN:3,add\nFNDA:2,add\nFN:9,never\nFNDA:0,never\nFNF:2\nFNH:1\nDA:3,2\nDA:4,2\nDA:9,0\nLF:3\nLH:2\n\
         end_of_record\nTN:second\nSF:src/money.c\nFNL:0,9,11\nFNA:0,1,never\nDA:9,1,checksum\nDA:4,0\nDA:5,1e3\nend_of_record\n",
    );
    assert_eq!(report.format, CoverageFormat::Lcov);
    assert_eq!(shown(&report, "src/money.c"), "3 4 5 9 |  | add never");
    assert!(report.notes.is_empty());
}

#[test]
fn reads_go_profiles() {
    let report = read(
        "mode: set\nexample.org/shop/money/money.go:5.30,8.2 2 1\nexample.org/shop/money/money.go:10.20,11.12 1 0\n\
         example.org/shop/money/money.go:11.12,13.3 1 1\n",
    );
    assert_eq!(report.format, CoverageFormat::GoCover);
    assert_eq!(shown(&report, "example.org/shop/money/money.go"), "5 6 7 8 11 12 13 | 10 | ");
}

#[test]
fn reads_cobertura_and_clover() {
    let report = read(
        r#"<?xml version="1.0" ?><!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
        <coverage line-rate="0.5"><sources><source>/build/app/src</source></sources><packages><package name="shop">
        <classes><class name="money.py" filename="shop/money.py"><methods><method name="add"><lines><line number="2" hits="1"/>
        </lines></method><method name="never"><lines><line number="5" hits="0"/></lines></method></methods>
        <lines><line number="2" hits="1"/><line number="5" hits="0"/></lines></class></classes></package></packages></coverage>"#,
    );
    assert_eq!(report.format, CoverageFormat::Cobertura);
    assert_eq!(shown(&report, "/build/app/src/shop/money.py"), "2 | 5 | add");
    let clover = read(
        r#"<coverage generated="1"><project timestamp="1"><file name="/app/src/Money.php"><class name="Money"/>
        <line num="7" type="method" name="add" visibility="public" count="3"/><line num="9" type="stmt" count="3"/>
        <line num="12" type="stmt" count="0"/></file></project></coverage>"#,
    );
    assert_eq!(shown(&clover, "/app/src/Money.php"), "7 9 | 12 | add");
}

#[test]
fn reads_jacoco() {
    let report = read(
        r#"<?xml version="1.0"?><report name="shop"><sessioninfo id="a" start="1" dump="2"/><group name="core">
        <package name="com/acme/shop"><class name="com/acme/shop/Money$Rate" sourcefilename="Money.java">
        <method name="&lt;init&gt;" desc="()V" line="3"><counter type="METHOD" missed="0" covered="1"/></method>
        <method name="lambda$apply$0" desc="()V" line="4"><counter type="METHOD" missed="0" covered="1"/></method>
        <method name="never" desc="()V" line="9"><counter type="METHOD" missed="1" covered="0"/></method></class>
        <sourcefile name="Money.java"><line nr="3" mi="0" ci="2" mb="0" cb="0"/><line nr="4" mi="1" ci="3" mb="0" cb="0"/>
        <line nr="9" mi="2" ci="0" mb="0" cb="0"/></sourcefile></package></group></report>"#,
    );
    assert_eq!(report.format, CoverageFormat::Jacoco);
    assert_eq!(shown(&report, "com/acme/shop/Money.java"), "3 4 | 9 | Money.Rate.Rate Money.Rate.apply");
    let repository = RepoFiles::new(
        ["core/src/main/java/com/acme/shop/Money.java".to_owned(), "other/Money.java".to_owned()].into_iter(),
    );
    let placed = report.placed(&repository, |_| Some(100));
    assert_eq!(placed.files.keys().collect::<Vec<_>>(), ["core/src/main/java/com/acme/shop/Money.java"]);
}

#[test]
fn reads_coverage_py_with_contexts() {
    let report = read(
        &json!({ "meta": { "format": 3, "version": "7.6.1", "show_contexts": true }, "files": { "shop/money.py": {
            "executed_lines": [1, 2, 3], "missing_lines": [7],
            "functions": { "": { "executed_lines": [1] }, "Money.add": { "executed_lines": [3] }, "never": { "executed_lines": [] } },
            "contexts": { "1": [""], "3": ["tests/test_money.py::test_add|run", "tests/test_money.py::test_sum|run"] } } } })
        .to_string(),
    );
    assert_eq!(report.format, CoverageFormat::CoveragePy);
    assert_eq!(shown(&report, "shop/money.py"), "1 2 3 | 7 | Money.add");
    assert_eq!(report.files["shop/money.py"].loaded, [1].into());
    let contexts = &report.files["shop/money.py"].contexts;
    assert_eq!(contexts.len(), 2);
    assert_eq!(contexts["tests/test_money.py::test_add|run"], [3].into());
}

#[test]
fn reads_istanbul_and_simplecov() {
    let place =
        |line: u32| json!({ "start": { "line": line, "column": 0 }, "end": { "line": line, "column": 9 } });
    let report = read(
        &json!({ "/app/src/money.js": { "path": "/app/src/money.js",
            "statementMap": { "0": place(1), "1": place(2), "2": place(6) }, "s": { "0": 1, "1": 4, "2": 0 },
            "fnMap": { "0": { "name": "add" }, "1": { "name": "(anonymous_1)" }, "2": { "name": "never" } },
            "f": { "0": 4, "1": 1, "2": 0 }, "branchMap": {}, "b": {} } })
        .to_string(),
    );
    assert_eq!(report.format, CoverageFormat::Istanbul);
    assert_eq!(shown(&report, "/app/src/money.js"), "1 2 | 6 | add");
    let ruby = read(
        &json!({ "RSpec": { "coverage": { "/app/lib/money.rb": { "lines": [1, null, 0, 2] }, "/app/lib/old.rb": [null, 1] } },
                 "Cucumber": { "coverage": { "/app/lib/money.rb": { "lines": [0, null, 1, 0] } } } })
        .to_string(),
    );
    assert_eq!(ruby.format, CoverageFormat::SimpleCov);
    assert_eq!(shown(&ruby, "/app/lib/money.rb"), "1 3 4 |  | ");
    assert_eq!(shown(&ruby, "/app/lib/old.rb"), "2 |  | ");
}

/// A range of a function with the given name, over the text from `from` to the end of `to`.
fn function(text: &str, name: &str, from: &str, to: &str, count: u64) -> serde_json::Value {
    let start = text.find(from).unwrap();
    let end = start + text[start..].find(to).unwrap() + to.len();
    let offset = |at: usize| text[..at].encode_utf16().count();
    json!({ "functionName": name, "isBlockCoverage": true,
            "ranges": [{ "startOffset": offset(start), "endOffset": offset(end), "count": count }] })
}

#[test]
fn reads_v8_by_the_innermost_range() {
    let text = "// größe 🦀 of a shop\nconst vat = 2;\nclass Till {\n  add(x) {\n    if (x > 2) {\n      return fail(x);\n    }\n    \
                return x;\n  }\n  never() {\n    return 0;\n  }\n}\nnew Till().add(1);\n";
    let mut add = function(text, "add", "add(x) {", "return x;\n  }", 1);
    let block = function(text, "", "{\n      return fail", "}", 0)["ranges"][0].clone();
    add["ranges"].as_array_mut().unwrap().push(block);
    let script = json!({ "result": [
        { "scriptId": "1", "url": "node:internal/fs", "functions": [] },
        { "scriptId": "2", "url": "file:///srv/a%20shop/till.js", "functions": [
            function(text, "", "// größe", "add(1);\n", 1), add, function(text, "never", "never() {", "0;\n  }", 0),
        ] },
    ] });
    let mut asked = Vec::new();
    let report = read_coverage(script.to_string().as_bytes(), &mut |path: &str| {
        asked.push(path.to_owned());
        Some(text.to_owned())
    })
    .unwrap();
    assert_eq!(asked, ["/srv/a shop/till.js"]);
    assert_eq!(report.format, CoverageFormat::V8);
    assert_eq!(shown(&report, "/srv/a shop/till.js"), "2 3 4 5 8 14 | 6 10 11 | add");
    assert_eq!(report.files["/srv/a shop/till.js"].loaded, [2, 3, 14].into());
}

/// A test runner may run a transformed text under the name of a file; its offsets say nothing about the file.
#[test]
fn no_lines_are_read_of_a_text_that_did_not_run() {
    let script = json!({ "result": [{ "scriptId": "1", "url": "file:///srv/till.js", "functions": [
        { "functionName": "", "ranges": [{ "startOffset": 0, "endOffset": 465, "count": 1 }] } ] }] });
    let report =
        read_coverage(script.to_string().as_bytes(), &mut |_| Some("let a = 1;\n".to_owned())).unwrap();
    assert!(report.files.is_empty());
    assert_eq!(report.notes, ["scripts whose text is not the one that ran are left out"]);
}

/// What a transpiler wrote in memory leads back to the lines of its source.
#[test]
fn reads_v8_through_the_source_map_that_node_keeps() {
    // Two generated lines of ten characters, of lines 1 and 3 of the source.
    let script = json!({
        "result": [{ "scriptId": "1", "url": "file:///srv/src/till.ts", "functions": [
            { "functionName": "", "ranges": [{ "startOffset": 0, "endOffset": 22, "count": 1 }] },
            { "functionName": "never", "ranges": [{ "startOffset": 11, "endOffset": 21, "count": 0 }] } ] }],
        "source-map-cache": { "file:///srv/src/till.ts": { "lineLengths": [10, 10], "url": null, "data": {
            "version": 3, "sources": ["till.ts"], "names": [], "mappings": "AAAA;AAEA" } } },
    });
    let report = read(&script.to_string());
    assert_eq!(shown(&report, "/srv/src/till.ts"), "1 | 3 | ");
    // A method on one line of the source: its name stands in the class, which the script itself makes.
    let script = json!({
        "result": [{ "scriptId": "1", "url": "file:///srv/src/till.ts", "functions": [
            { "functionName": "", "ranges": [{ "startOffset": 0, "endOffset": 22, "count": 1 }] },
            { "functionName": "get add", "ranges": [{ "startOffset": 4, "endOffset": 10, "count": 2 }] } ] }],
        "source-map-cache": { "file:///srv/src/till.ts": { "lineLengths": [10, 10], "url": null, "data": {
            "version": 3, "sources": ["till.ts"], "names": [], "mappings": "AAAA,IAAI" } } },
    });
    let report = read(&script.to_string());
    let file = &report.files["/srv/src/till.ts"];
    assert!(file.executed.contains(&1) && !file.loaded.contains(&1), "{file:?}");
    assert!(file.functions.contains("add"), "{file:?}");
}

#[test]
fn paths_become_those_of_the_repository() {
    let files = ["src/shop/money.py", "src/shop/till.py", "web/src/index.js", "index.js"];
    let repository = RepoFiles::new(files.iter().map(|path| (*path).to_owned()));
    let lcov = |paths: &[&str]| {
        let record = |path: &&str| format!("SF:{path}\nDA:1,1\nDA:50,1\nend_of_record\n");
        read(&paths.iter().map(record).collect::<String>())
    };
    let placed = |paths: &[&str]| {
        let placed = lcov(paths).placed(&repository, |_| Some(10));
        (placed.files.keys().cloned().collect::<Vec<_>>(), placed.notes)
    };
    let (files, notes) =
        placed(&["/ci/build/7/src/shop/money.py", "/ci/build/7/src/shop/till.py", "/usr/lib/x/index.js"]);
    assert_eq!(files, ["src/shop/money.py", "src/shop/till.py"]);
    assert_eq!(
        notes,
        ["1 of its files are not in the repository", "2 of its lines lie beyond the end of their files"]
    );
    assert_eq!(placed(&["shop/money.py", "./src/shop/till.py"]).0, ["src/shop/money.py", "src/shop/till.py"]);
    assert_eq!(placed(&["../../etc/passwd", "src/../src/shop/money.py"]).0, [""; 0]);
    assert_eq!(placed(&["C:\\ci\\src\\shop\\till.py"]).0, ["src/shop/till.py"]);
}

#[test]
fn what_lies_is_bounded_and_noted() {
    let lies = read(
        "mode: count\nx.go:1.1,9999999999.1 1 1\nx.go:9.1,3.1 1 1\nx.go:0.1,2.2 1 1\nx.go\nx.go:4.1,4.9 1 1\n",
    );
    assert_eq!(shown(&lies, "x.go"), "1 2 4 |  | ");
    assert_eq!(lies.notes.len(), 3, "{:?}", lies.notes);
    let far = read("SF:a\nDA:18446744073709551615,1\nDA:-3,1\nDA:7,-1\nDA:8,nan\n");
    assert_eq!(shown(&far, "a"), "7 |  | ");
    assert_eq!(far.notes.len(), 2, "{:?}", far.notes);
    for (text, why) in [
        ("", "not a coverage report"),
        ("hello", "not a coverage report"),
        ("<html></html>", "not a coverage report"),
        ("{\"a\": 1}", "not a coverage report"),
        ("{\"a\": ", "it is not valid JSON"),
        ("<report><package>", "it ends inside an element"),
        ("<coverage><a></b></coverage>", "Cobertura report is damaged"),
    ] {
        let error = read_coverage(text.as_bytes(), &mut |_| None).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let long = "a/".repeat(200_000);
    let endless = [
        format!("SF:{long}\nDA:1,1\nend_of_record\n"),
        format!("<report><package name=\"{long}\"><sourcefile name=\"b\"><line nr=\"1\" ci=\"1\"/></sourcefile></package></report>"),
        json!({ "gcc_version": "12", "current_working_directory": long, "files": [{ "file": "a.c", "lines": [] }] }).to_string(),
    ];
    for text in &endless {
        let report = read(text);
        assert!(report.files.keys().all(|path| path.len() < 100), "{}", &text[..60]);
    }
    let deep = format!("<coverage>{}", "<a>".repeat(5_000));
    assert!(read_coverage(deep.as_bytes(), &mut |_| None).unwrap_err().to_string().contains("nested"));
    let entities =
        "<!DOCTYPE report [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><report name=\"&b;\"></report>";
    assert!(
        read_coverage(entities.as_bytes(), &mut |_| None).unwrap().files.is_empty(),
        "no entity is expanded"
    );
}

/// Fragments of all formats, put together at random.
fn fragments() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "TN:\n",
        "SF:a.c\n",
        "DA:1,1\n",
        "DA:",
        "end_of_record\n",
        "mode: set\n",
        "a/b.go:1.2,3.4 1 1\n",
        "<report>",
        "<package name=\"a\">",
        "<sourcefile name=\"b\">",
        "<line nr=\"1\" ci=\"1\"/>",
        "</sourcefile>",
        "</report>",
        "<coverage>",
        "<class filename=\"a\">",
        "<line number=\"1\" hits=\"1\"/>",
        "</class>",
        "</coverage>",
        "{\"result\":[{\"url\":\"file:///a\",\"functions\":[",
        "{\"functionName\":\"\",\"ranges\":[{\"startOffset\":0,\"endOffset\":9,\"count\":1}]}",
        ",",
        "]}]}",
        "{\"meta\":{},\"files\":{\"a\":{",
        "\"executed_lines\":[1,2]",
        "}}}",
        "\u{0}",
        "é",
        "\n",
        "&lt;",
        "999999999999999999999",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_breaks_a_reader(text in fragments()) {
        if let Ok(report) = read_coverage(text.as_bytes(), &mut |_| Some("let a = 1;\nlet b = 2;\n".to_owned())) {
            let repository = RepoFiles::new(["a.c".to_owned()].into_iter());
            report.placed(&repository, |_| Some(1));
        }
    }

    /// V8's ranges may overlap in a report that lies; offsets still have one count each.
    #[test]
    fn no_ranges_break_the_sweep(ranges in prop::collection::vec((0_u64..60, 0_u64..60, 0_u64..3), 0..30)) {
        let functions: Vec<_> = ranges
            .iter()
            .map(|(start, end, count)| json!({ "functionName": "", "ranges": [
                { "startOffset": start, "endOffset": end, "count": count } ] }))
            .collect();
        let text = "a\nb\n".repeat(15);
        let script = json!({ "result": [{ "url": "file:///a.js", "functions": functions }] }).to_string();
        let report = read_coverage(script.as_bytes(), &mut |_| Some(text.clone())).unwrap();
        let all: BTreeMap<&str, &CoveredFile> = report.files.iter().map(|(path, file)| (path.as_str(), file)).collect();
        for file in all.values() {
            prop_assert!(file.executed.is_disjoint(&file.missed));
        }
    }
}
