use super::*;
use crate::check::check_candidate;
use crate::pieces::{apply_pieces, line_hunks};

/// Splits hunks into single lines, as the minimiser tries them.
pub(crate) fn split(hunk: &LineHunk) -> Vec<LineHunk> {
    let paired = hunk.old_lines.min(hunk.new_lines);
    let pieces = match paired {
        0 => hunk.old_lines.max(hunk.new_lines),
        _ => paired + u32::from(hunk.old_lines != hunk.new_lines),
    };
    let (old, new) = (hunk.old_start, hunk.new_start);
    let piece = |at: u32| match (hunk.old_lines, hunk.new_lines) {
        (0, _) => LineHunk { new_start: new + at, new_lines: 1, ..*hunk },
        (_, 0) => LineHunk { old_start: old + at, old_lines: 1, ..*hunk },
        _ if at < paired => LineHunk { old_start: old + at, old_lines: 1, new_start: new + at, new_lines: 1 },
        (o, n) if n > o => LineHunk {
            old_start: old + paired - 1,
            old_lines: 0,
            new_start: new + paired,
            new_lines: n - paired,
        },
        (o, _) => LineHunk {
            old_start: old + paired,
            old_lines: o - paired,
            new_start: new + paired - 1,
            new_lines: 0,
        },
    };
    (0..pieces).map(piece).collect()
}

/// The texts that result from the sets around the piece with `mark` on a changed line, smallest first.
fn texts(path: &str, old: &str, new: &str, mark: &str) -> Vec<(ChangeLevel, String)> {
    let pieces: Vec<LineHunk> = line_hunks(old, new).iter().flat_map(split).collect();
    let on = |text: &str, start: u32, lines: u32| {
        let from = start.saturating_sub(1) as usize;
        text.lines().skip(from).take(lines as usize).any(|line| line.contains(mark))
    };
    let guilty = pieces
        .iter()
        .position(|p| on(old, p.old_start, p.old_lines) || on(new, p.new_start, p.new_lines))
        .unwrap_or_else(|| panic!("{mark:?} is on no changed line of {path}"));
    let sets = whole_changes(path, old, new, &pieces, &[guilty]);
    for pair in sets.windows(2) {
        assert!(pair[0].pieces.iter().all(|piece| pair[1].pieces.contains(piece)), "{path}: nested {sets:?}");
    }
    assert_eq!(sets.last().map(|set| set.pieces.len()), Some(pieces.len()), "{path}: the last is all");
    let text = |set: &ChangeSet| (set.level, apply_pieces(old, new, &pieces, &set.pieces));
    sets.iter()
        .map(text)
        .inspect(|(_, candidate)| {
            let found = check_candidate(path, new, candidate, Some(old));
            assert!(found.is_ok(), "{path} {mark:?}: {found:?}\n{candidate}");
        })
        .collect()
}

/// The smallest set that reverts at least a statement.
fn statement(path: &str, old: &str, new: &str, mark: &str) -> String {
    let all = texts(path, old, new, mark);
    let found = all.into_iter().find(|(level, _)| *level >= ChangeLevel::Statement);
    found.map(|(_, text)| text).unwrap_or_default()
}

#[test]
fn takes_back_whole_statements() {
    let c = |body: &str| format!("int f(int x) {{\n{body}    return x;\n}}\n");
    let (old, new) = (c("    if(x)\n        foo();\n    bar();\n"), c("    bar();\n    baz();\n"));
    let half_back = c("    if(x)\n        foo();\n    bar();\n    baz();\n");
    // A case from practice: half of an `if` is guilty, and the complete `if` is restored; additions elsewhere
    // stay.
    assert_eq!(statement("a.c", &old, &new, "if(x)"), half_back);
    assert_eq!(statement("a.c", &old, &new, "foo();"), half_back);
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        // A removed `else`.
        (
            "a.js",
            "if (a) {\n  b();\n} else {\n  c();\n}\nd();\n",
            "if (a) {\n  b();\n}\nd(1);\n",
            "c();",
            "if (a) {\n  b();\n} else {\n  c();\n}\nd(1);\n",
        ),
        // A call of several lines, one of them guilty.
        (
            "a.py",
            "x = max(\n    1,\n    2,\n)\ny = 1\n",
            "x = min(\n    1,\n    3,\n)\ny = 2\n",
            "max(",
            "x = max(\n    1,\n    2,\n)\ny = 2\n",
        ),
        (
            "a.py",
            "x = max(\n    1,\n    2,\n)\ny = 1\n",
            "x = max(\n    1,\n    3,\n)\ny = 2\n",
            "    3,",
            "x = max(\n    1,\n    2,\n)\ny = 2\n",
        ),
        // An expression over several lines.
        (
            "a.py",
            "x = (\n    1\n    + 2\n)\ny = 1\n",
            "x = (\n    3\n    + 4\n)\ny = 2\n",
            "    3",
            "x = (\n    1\n    + 2\n)\ny = 2\n",
        ),
        // Entries of a dictionary.
        (
            "a.py",
            "d = {\n    'a': 1,\n    'b': 2,\n}\nprint(d)\n",
            "d = {\n    'b': 3,\n    'c': 4,\n}\nprint(1, d)\n",
            "'b': 3",
            "d = {\n    'a': 1,\n    'b': 2,\n}\nprint(1, d)\n",
        ),
        // Half of a `try`.
        (
            "a.py",
            "def f():\n    try:\n        g()\n    except OSError:\n        pass\n    x = 1\n    return 1\n\n\ndef g():\n    pass\n",
            "def f():\n    g()\n    x = 1\n    return 2\n\n\ndef g():\n    pass\n",
            "except OSError",
            "def f():\n    try:\n        g()\n    except OSError:\n        pass\n    x = 1\n    return 2\n\n\ndef g():\n    pass\n",
        ),
        // Indentation: the body of an `if` that went.
        (
            "a.py",
            "def f(a):\n    if a:\n        print(1)\n        print(2)\n    x = 1\n    return 1\n",
            "def f(a):\n    print(1)\n    print(2)\n    x = 1\n    return 2\n",
            "        print(2)",
            "def f(a):\n    if a:\n        print(1)\n        print(2)\n    x = 1\n    return 2\n",
        ),
        // A branch by itself.
        (
            "a.py",
            "def f(a):\n    if a == 1:\n        x = 1\n    elif a == 2:\n        x = 2\n    else:\n        x = 3\n    return x\n",
            "def f(a):\n    if a == 1:\n        x = 1\n    else:\n        x = 3\n    return -x\n",
            "elif a == 2",
            "def f(a):\n    if a == 1:\n        x = 1\n    elif a == 2:\n        x = 2\n    else:\n        x = 3\n    return -x\n",
        ),
        // Decorators.
        (
            "a.py",
            "@property\ndef f(a):\n    return a\n\n\nx = 1\n",
            "@staticmethod\ndef f(a):\n    return a\n\n\nx = 2\n",
            "@property",
            "@property\ndef f(a):\n    return a\n\n\nx = 2\n",
        ),
        // An arrow function, a chain of calls, a template string.
        (
            "a.js",
            "const f = (a) => {\n  return a\n    .map((x) => `${x}1`)\n    .join();\n};\ng();\n",
            "const f = (a) => {\n  return a\n    .map((x) => `${x}2`)\n    .join('');\n};\ng(1);\n",
            "`${x}2`",
            "const f = (a) => {\n  return a\n    .map((x) => `${x}1`)\n    .join('');\n};\ng(1);\n",
        ),
        (
            "a.ts",
            "const o: T = {\n  a: 1,\n  b() {\n    return 1;\n  },\n};\nf(o);\n",
            "const o: T = {\n  a: 2,\n};\nf(o, 1);\n",
            "b() {",
            "const o: T = {\n  a: 2,\n  b() {\n    return 1;\n  },\n};\nf(o, 1);\n",
        ),
        // Go: several values; the use of a variable that is removed again.
        (
            "a.go",
            "package p\n\nfunc f() (int, error) {\n\tn, err := g()\n\tif err != nil {\n\t\treturn 0, err\n\t}\n\treturn n, nil\n}\n",
            "package p\n\nfunc f() (int, error) {\n\tn, _ := g()\n\treturn n, nil\n}\n",
            "return 0, err",
            "package p\n\nfunc f() (int, error) {\n\tn, err := g()\n\tif err != nil {\n\t\treturn 0, err\n\t}\n\treturn n, nil\n}\n",
        ),
        // Rust: an arm of a match; `?`.
        (
            "a.rs",
            "fn f(a: A) -> u8 {\n    match a {\n        A::B => {\n            g();\n            1\n        }\n        _ => 2,\n    }\n}\nfn h() {}\n",
            "fn f(a: A) -> u8 {\n    match a {\n        _ => 2,\n    }\n}\nfn h() -> u8 { 1 }\n",
            "A::B",
            "fn f(a: A) -> u8 {\n    match a {\n        A::B => {\n            g();\n            1\n        }\n        _ => 2,\n    }\n}\nfn h() -> u8 { 1 }\n",
        ),
        (
            "a.rs",
            "fn f() -> Option<u8> {\n    let a = g()?;\n    let b = 1;\n    Some(a + b)\n}\n",
            "fn f() -> Option<u8> {\n    let a = g().unwrap_or(0);\n    let b = 2;\n    Some(a + b)\n}\n",
            "g()?",
            "fn f() -> Option<u8> {\n    let a = g()?;\n    let b = 2;\n    Some(a + b)\n}\n",
        ),
        (
            "A.java",
            "class A {\n  int f(int a) {\n    if (a > 1)\n      return 1;\n    for (int i = 0; i < a; i++) {\n      g(i);\n    }\n    return 2;\n  }\n}\n",
            "class A {\n  int f(int a) {\n    return 3;\n  }\n}\n",
            "g(i)",
            "class A {\n  int f(int a) {\n    if (a > 1)\n      return 1;\n    for (int i = 0; i < a; i++) {\n      g(i);\n    }\n    return 2;\n  }\n}\n",
        ),
        (
            "a.rb",
            "def f(a)\n  if a\n    b\n  else\n    c\n  end\n  x\n  1\nend\n",
            "def f(a)\n  b\n  x\n  2\nend\n",
            "else",
            "def f(a)\n  if a\n    b\n  else\n    c\n  end\n  x\n  2\nend\n",
        ),
        (
            "a.sh",
            "f() {\n  if [ -n \"$1\" ]; then\n    a\n  fi\n  x\n  b\n}\n",
            "f() {\n  x\n  b 1\n}\n",
            "  fi",
            "f() {\n  if [ -n \"$1\" ]; then\n    a\n  fi\n  x\n  b 1\n}\n",
        ),
        // Windows line ends, tabs, comments, blank lines.
        (
            "a.c",
            "void f(int x)\r\n{\r\n\tif (x)\r\n\t\tg();\r\n\r\n\th(1);\r\n}\r\n",
            "void f(int x)\r\n{\r\n\r\n\th(2);\r\n}\r\n",
            "if (x)",
            "void f(int x)\r\n{\r\n\tif (x)\r\n\t\tg();\r\n\r\n\th(2);\r\n}\r\n",
        ),
        (
            "a.c",
            "void f(int x)\n{\n    /* One. */\n    g(1);\n\n    // Two.\n    h(1);\n}\n",
            "void f(int x)\n{\n    /* Three. */\n    g(3);\n\n    // Two.\n    h(2);\n}\n",
            "g(3)",
            "void f(int x)\n{\n    /* Three. */\n    g(1);\n\n    // Two.\n    h(2);\n}\n",
        ),
    ];
    for (path, old, new, mark, expected) in cases {
        assert_eq!(
            statement(path, old, new, mark),
            *expected,
            "{path}: {mark:?}\n{:#?}",
            texts(path, old, new, mark)
        );
    }
}

#[test]
fn takes_names_along() {
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        // A helper that is gone.
        (
            "a.py",
            "def h():\n    return 5\n\n\ndef f():\n    return h()\n\n\nx = 1\n",
            "def f():\n    return 1\n\n\nx = 2\n",
            "return h()",
            "def h():\n    return 5\n\n\ndef f():\n    return h()\n\n\nx = 2\n",
        ),
        // A variable that another piece defines, and an import.
        (
            "a.py",
            "import os\n\n\ndef f(a):\n    n = os.x(a)\n    print(a)\n    return n\n\n\nx = 1\n",
            "def f(a):\n    print(a)\n    return 1\n\n\nx = 2\n",
            "return n",
            "import os\n\n\ndef f(a):\n    n = os.x(a)\n    print(a)\n    return n\n\n\nx = 2\n",
        ),
        // A parameter.
        (
            "a.js",
            "function f(a, b) {\n  g();\n  return a + b;\n}\nh(1);\n",
            "function f(a) {\n  g();\n  return a;\n}\nh(2);\n",
            "a + b",
            "function f(a, b) {\n  g();\n  return a + b;\n}\nh(2);\n",
        ),
        // The opposite case: the parameter is removed, and its use with it.
        (
            "a.py",
            "def f(a):\n    print(a)\n    return a\n\n\nx = 1\n",
            "def f(a, b):\n    print(a)\n    return a + b\n\n\nx = 2\n",
            "def f(a, b)",
            "def f(a):\n    print(a)\n    return a\n\n\nx = 2\n",
        ),
        (
            "a.c",
            "int f(int a)\n{\n    int n = a;\n    g();\n    return n;\n}\nint y = 1;\n",
            "int f(int a)\n{\n    g();\n    return a;\n}\nint y = 2;\n",
            "return n",
            "int f(int a)\n{\n    int n = a;\n    g();\n    return n;\n}\nint y = 2;\n",
        ),
    ];
    for (path, old, new, mark, expected) in cases {
        assert_eq!(
            statement(path, old, new, mark),
            *expected,
            "{path}: {mark:?}\n{:#?}",
            texts(path, old, new, mark)
        );
    }
}

#[test]
fn widens_to_block_unit_and_file() {
    let old = "x = 1\n\n\nclass A:\n    def f(self, a):\n        print(1)\n        if a:\n            print(2)\n            print(3)\n        return a\n\n    def g(self):\n        return 1\n";
    let new = old
        .replace("(1)", "(10)")
        .replace("(2)", "(20)")
        .replace("(3)", "(30)")
        .replace("return 1", "return 9");
    let new = new.replace("x = 1", "x = 7");
    let found = texts("a.py", old, &new, "print(20)");
    let levels: Vec<ChangeLevel> = found.iter().map(|(level, _)| *level).collect();
    use ChangeLevel::{Block, File, Statement, TopLevel, Unit};
    assert_eq!(levels, [Statement, Block, Unit, TopLevel, File], "{found:#?}");
    let back: Vec<usize> = found.iter().map(|(_, text)| text.matches('0').count()).collect();
    assert_eq!(back, [2, 1, 0, 0, 0]);
    assert_eq!(found.last().map(|(_, text)| text.as_str()), Some(old));
}

#[test]
fn takes_hunk_and_file_without_a_grammar() {
    let (old, new) = ("a\nb\nc\nd\n", "A\nB\nc\nD\n");
    let found: Vec<String> = texts("a.txt", old, new, "A").into_iter().map(|(_, text)| text).collect();
    assert_eq!(found, ["a\nb\nc\nD\n", old]);
    assert_eq!(whole_changes("a.txt", old, new, &line_hunks(old, new), &[]), []);
    assert_eq!(whole_changes("a.py", old, new, &line_hunks(old, new), &[7]), []);
}

#[test]
fn is_quick_on_large_files() {
    /// CPU time of this thread so far: other processes do not count.
    fn cpu_millis() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        stat.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0) / 1_000_000
    }
    let function = |n: usize| {
        format!(
            "def f{n}(a, b):\n    if a:\n        return b + {n}\n    for x in range(b):\n        print(x, a)\n    d = {{'k': a}}\n    d['v'] = b\n    return d\n\n\n"
        )
    };
    let old: String = (0..2_000).map(function).collect();
    let new = old.replace("return b + 1000\n", "return b\n").replace(
        "print(x, a)\n    d = {'k': a}\n    d['v'] = b\n    return d\n\n\ndef f1500",
        "print(x)\n    d = {'k': a}\n    d['v'] = b\n    return d\n\n\ndef f1500",
    );
    assert_eq!(old.lines().count(), 20_000);
    let hunks = line_hunks(&old, &new);
    assert_eq!(hunks.len(), 2);
    // The parsing time alone measures the machine's current speed.
    let start = cpu_millis();
    drop(SyntaxChange::parse("a.py", &old, &old, &[]));
    let limit = (cpu_millis() - start) * 4 + if cfg!(debug_assertions) { 6_000 } else { 300 };
    let start = cpu_millis();
    let sets = whole_changes("a.py", &old, &new, &hunks, &[0]);
    let middle = cpu_millis();
    assert!(check_candidate("a.py", &new, &old, None).is_ok());
    let end = cpu_millis();
    assert_eq!(sets.len(), 2);
    assert!(middle - start < limit && end - middle < limit, "{} ms and {} ms", middle - start, end - middle);
}
