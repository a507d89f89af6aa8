use super::*;

/// Outputs of real tools: `@@@ subject` (or `-` if none is named), then the output.
const SAMPLES: &[(ObstacleKind, &str)] = &[
    (ObstacleKind::Import, include_str!("samples/import.txt")),
    (ObstacleKind::MissingCommand, include_str!("samples/command.txt")),
    (ObstacleKind::MissingFile, include_str!("samples/file.txt")),
    (ObstacleKind::Network, include_str!("samples/network.txt")),
    (ObstacleKind::Permission, include_str!("samples/permission.txt")),
    (ObstacleKind::MissingVariable, include_str!("samples/variable.txt")),
    (ObstacleKind::LineEndings, include_str!("samples/line_ends.txt")),
    (ObstacleKind::RuntimeVersion, include_str!("samples/version.txt")),
    (ObstacleKind::Build, include_str!("samples/build.txt")),
    (ObstacleKind::Syntax, include_str!("samples/syntax.txt")),
    (ObstacleKind::MissingTest, include_str!("samples/test.txt")),
    (ObstacleKind::Resources, include_str!("samples/resources.txt")),
];

fn found(output: &str) -> Option<Obstacle> {
    Obstacle::find(output, &SetupContext::default())
}

#[test]
fn real_outputs_of_every_kind() {
    let mut wrong = Vec::new();
    for (kind, samples) in SAMPLES {
        let blocks: Vec<(&str, &str)> =
            samples.split("@@@ ").skip(1).filter_map(|block| block.split_once('\n')).collect();
        assert!(blocks.len() >= 10, "{kind:?} has only {}", blocks.len());
        for (subject, output) in blocks {
            let seen = found(output);
            let right = seen.as_ref().is_some_and(|seen| {
                seen.kind == *kind && (subject == "-" || seen.subject.as_deref() == Some(subject))
            });
            if !right {
                wrong.push(format!("{kind:?} {subject}: {seen:?} in\n{output}"));
            }
            if let Some(seen) = seen {
                let remedy = seen.remedy();
                assert!(remedy.ends_with('.') && !remedy.contains('\n') && remedy.len() < 500, "{remedy}");
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn ordinary_failures_are_no_obstacle() {
    for output in [
        "",
        "total wrong: 30\n",
        "expected: 3\ngot: 4\n",
        "ledger: error: no rate for the code ''\n  at rate (lib/rules.sh)\n",
        "Error: minify failed: Maximum call stack size exceeded\n",
        "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in f\n    g()\nValueError: no such till\n",
        "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in f\n    rates[code]\nKeyError: 'std'\n",
        "--- FAIL: TestTotal (0.01s)\n    cart_test.go:13: got 3, want 5\nFAIL\nexit status 1\nFAIL\tacme/cart\t0.003s\n",
        "SyntaxError: Unexpected token o in JSON at position 1\n    at JSON.parse (<anonymous>)\n    at read (/app/lib/read.js:3:8)\n",
        "Segmentation fault (core dumped)\n",
        "ReferenceError: MAX_SIZE is not defined\n    at size (/app/lib/size.js:3:8)\n",
        "ledger: unknown command: totals\n",
        "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in f\n    rates[code]\nKeyError: 'SHOP_RATE'\n",
        "django.core.exceptions.PermissionDenied: only for editors\n",
        "<p>Connection refused is what the page says</p>\n<p>the title is wrong</p>\n".repeat(30).as_str(),
    ] {
        if output.len() < 1000 {
            assert_eq!(found(output), None, "{output}");
        }
    }
}

#[test]
fn records_of_older_versions_are_read() {
    let old = r#"{"kind":"MissingCommand","detail":"sh: 1: make: not found"}"#;
    let read: Obstacle = serde_json::from_str(old).unwrap();
    assert_eq!((read.kind, read.subject.as_deref()), (ObstacleKind::MissingCommand, None));
    assert_eq!(serde_json::to_string(&read).unwrap(), old);
    let signature: crate::OutputSignature = serde_json::from_str(&format!(
        r#"{{"exception":null,"template":"x","symbols":[],"tests":[],"obstacle":{old},"failures":[]}}"#
    ))
    .unwrap();
    // A current obstacle has a subject, and matches one that was recorded without a subject.
    assert!(signature.matches(&crate::signature("sh: 1: make: not found\n")).is_same());
    assert!(!signature.matches(&crate::signature("sh: 1: cmake: not found\n")).is_same());
    for kind in ["Import", "Syntax", "Build", "MissingTest", "Environment"] {
        let json = format!(r#"{{"kind":"{kind}","detail":"x"}}"#);
        assert!(serde_json::from_str::<Obstacle>(&json).is_ok(), "{kind}");
    }
}

#[test]
fn submodules_and_statuses() {
    let submodules = ["vendor/acme-lib".to_owned(), "third_party/zlib".to_owned()];
    let context = SetupContext { submodules: &submodules, exit_status: Some(2) };
    for output in [
        "main.c:1:10: fatal error: vendor/acme-lib/lib.h: No such file or directory\ncompilation terminated.\n",
        "make: *** vendor/acme-lib: No such file or directory.  Stop.\nmake: *** No rule to make target 'vendor/acme-lib/all'.  Stop.\n",
        "Error: Cannot find module './vendor/acme-lib/index.js'\nRequire stack:\n- /app/main.js\n",
        "sh: 0: cannot open vendor/acme-lib/run.sh: No such file\n",
        "ModuleNotFoundError: No module named 'third_party.zlib'\n",
        "main.c:3:10: fatal error: zlib/zlib.h: No such file or directory\n",
        "CMake Error at CMakeLists.txt:3 (add_subdirectory):\n  The source directory\n\n    /app/third_party/zlib\n\n  does not contain a CMakeLists.txt file.\n/app/third_party/zlib does not exist\n",
    ] {
        let seen = Obstacle::find(output, &context);
        assert_eq!(
            seen.as_ref().map(|seen| seen.kind),
            Some(ObstacleKind::EmptySubmodule),
            "{output}\n{seen:?}"
        );
        assert!(seen.unwrap().remedy().contains("submodule"));
    }
    let other = Obstacle::find(
        "main.c:1:10: fatal error: vendor/acme-library/x.h: No such file or directory\n",
        &context,
    );
    assert_eq!(other.map(|seen| seen.kind), Some(ObstacleKind::Import));
    let status = |exit: i32| {
        Obstacle::find("", &SetupContext { exit_status: Some(exit), ..SetupContext::default() })
            .map(|seen| seen.kind)
    };
    assert_eq!(status(127), Some(ObstacleKind::MissingCommand));
    assert_eq!(status(126), Some(ObstacleKind::Permission));
    assert_eq!(status(124), Some(ObstacleKind::TimeOut));
    assert_eq!(status(1), None);
    assert!(Obstacle::time_out(30).remedy().contains("timeout_s"));
}

#[test]
fn remedies_name_what_is_missing() {
    let check = |output: &str, parts: &[&str]| {
        let remedy = found(output).unwrap().remedy();
        assert!(parts.iter().all(|part| remedy.contains(part)), "{parts:?} in {remedy}");
    };
    check("Error: Cannot find module 'side-channel'\n", &["`side-channel`", "--allow-read", "setup = ["]);
    check("sh: 0: cannot open chek.sh: No such file\n", &["`chek.sh`", "--overlay PATH"]);
    check("sh: 1: jest: not found\n", &["`jest`", "--env PATH"]);
    check("curl: (6) Could not resolve host: db.acme.test\n", &["`db.acme.test`", "no network"]);
    check("sh: 1: DATABASE_URL: parameter not set\n", &["--env DATABASE_URL=VALUE"]);
}

#[test]
fn hostile_outputs_are_survived() {
    let long = "x".repeat(1 << 20);
    let lines = "sh: 1: a: b: c: \n".repeat(60_000);
    for output in ["\0", "''''''", "\u{2018}\u{2019}: ", "=== ", "sh: 1: : not found", &long, &lines] {
        let _ = found(output).map(|seen| (seen.remedy(), seen.to_string()));
    }
}
