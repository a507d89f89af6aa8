use super::*;

/// Path, before, after, and the kind with the line of the first problem, if there is one.
type Case<'a> = (&'a str, &'a str, &'a str, Option<(ProblemKind, u32)>);

pub(super) fn check(cases: &[Case<'_>]) {
    for (path, before, after, expected) in cases {
        let found = check_candidate(path, before, after, None);
        let told = found.as_ref().err().map(|problem| (problem.kind, problem.line));
        assert_eq!(told, *expected, "{path}: {before:?} → {after:?}: {found:?}");
        // A problem that already existed is not the fix's.
        assert_eq!(check_candidate(path, after, after, None), Ok(Vec::new()), "{path}: {after:?}");
        // What the parent had is accepted.
        assert!(
            check_candidate(path, before, after, Some(after)).is_ok(),
            "{path}: {after:?} with its parent"
        );
    }
}

use ProblemKind::{
    DuplicateCase, EmptyBlock, HalfConstruct, Indentation, RepeatedCondition, SyntaxError, UndefinedName,
    Unreachable,
};

#[test]
fn refuses_what_does_not_parse() {
    check(&[
        ("a.py", "x = 1\n", "x = (1\n", Some((SyntaxError, 1))),
        ("a.js", "f();\n", "f(;\n", Some((SyntaxError, 1))),
        ("a.c", "int f(void) {\n  return 1;\n}\n", "int f(void) {\n  return 1;\n", Some((SyntaxError, 2))),
        ("a.rs", "fn f() {}\n", "fn f() {\n", Some((SyntaxError, 1))),
        ("a.rb", "def f\n  1\nend\n", "def f\n  1\n", Some((SyntaxError, 1))),
        ("a.sh", "if a; then\n  b\nfi\n", "if a; then\n  b\n", Some((SyntaxError, 3))),
        ("a.ts", "const a: number = 1;\n", "const a: = 1;\n", Some((SyntaxError, 1))),
        ("a.go", "package p\n\nfunc f() {\n}\n", "package p\n\nfunc f() {\n", Some((SyntaxError, 3))),
        ("A.java", "class A {\n}\n", "class A {\n", Some((SyntaxError, 1))),
        ("a.php", "<?php\nf();\n", "<?php\nf(;\n", Some((SyntaxError, 2))),
        (
            "a.php",
            "<?php\nfunction f($a) { return $a; }\n",
            "<?php\nfunction f($a) {\n  switch ($a) {\n    case 1:\n      return g($b);\n    default:\n      \
             $c = fn($x) => $x + $y;\n  }\n  if ($a): ?>\n<b>x</b>\n<?php endif;\n  return $c;\n}\n",
            None,
        ),
        ("a.py", "x = (1\n", "x = 1\n", None),
        ("a.txt", "if", "for", None),
        ("a.py", "if a:\n    b()\nc()\n", "if a:\nc()\n", Some((EmptyBlock, 1))),
        ("a.py", "if a:\n    b()\n    c()\n", "if a:\n    b()\n  c()\n", Some((Indentation, 3))),
        ("a.py", "try:\n    a()\nexcept E:\n    b()\n", "try:\n    a()\n", Some((SyntaxError, 1))),
        ("a.py", "a()\nb()\n", "a()\nexcept E:\n    c()\nb()\n", Some((SyntaxError, 2))),
        ("a.py", "class A:\n    x = 1\n\n    def f(self):\n        pass\n", "class A:\n    x = 1\n\n", None),
        ("a.py", "@d\ndef f():\n    pass\n", "@d\n", Some((SyntaxError, 1))),
    ]);
}

#[test]
fn refuses_half_a_construct() {
    let c = |body: &str| format!("void f(int x) {{\n{body}}}\n");
    // A case from practice: the header of a removed `if` without its body.
    let removed = c("    bar();\n    baz();\n");
    check(&[
        ("a.c", &removed, &c("    if(x)\n    bar();\n    baz();\n"), Some((HalfConstruct, 3))),
        ("a.c", &removed, &c("    if(x)\n        foo();\n    bar();\n    baz();\n"), None),
        (
            "a.c",
            &c("    if(x)\n        foo();\n    bar();\n"),
            &c("    if(x)\n    bar();\n"),
            Some((HalfConstruct, 3)),
        ),
        // The header is removed, and its body stays.
        (
            "a.c",
            &c("    if(x)\n        foo();\n    bar();\n"),
            &c("        foo();\n    bar();\n"),
            Some((HalfConstruct, 2)),
        ),
        ("a.c", &c("    for(;;)\n        foo();\n"), &c("    while(x)\n        foo();\n"), None),
        ("a.c", &c("    if(x)\n        foo();\n"), &c("    if(x) {\n        foo();\n    }\n"), None),
        // The `else` now belongs to another `if`.
        (
            "a.c",
            &c("    if(a)\n        foo();\n    if(b)\n        bar();\n    else\n        baz();\n"),
            &c("    if(a)\n        foo();\n    else\n        baz();\n"),
            Some((HalfConstruct, 4)),
        ),
        (
            "A.java",
            "class A {\n  void f() {\n    b();\n  }\n}\n",
            "class A {\n  void f() {\n    if (x)\n    b();\n  }\n}\n",
            Some((HalfConstruct, 4)),
        ),
        (
            "a.js",
            "function f() {\n  b();\n}\n",
            "function f() {\n  for (const a of c)\n  b();\n}\n",
            Some((HalfConstruct, 3)),
        ),
        ("a.ts", "function f() {\n  b();\n}\n", "function f() {\n  if (x) return;\n  b();\n}\n", None),
        ("a.js", "if (a)\n  b();\nc();\n", "if (a)\n  b();\nelse\nc();\n", Some((HalfConstruct, 4))),
        (
            "a.cpp",
            "void f() {\n\tb();\n}\n",
            "void f() {\n\twhile (x)\n\tb();\n}\n",
            Some((HalfConstruct, 3)),
        ),
        // A branch takes over statements of the branch before it.
        (
            "a.py",
            "def f(a, b):\n    if a:\n        x()\n        y()\n",
            "def f(a, b):\n    if a:\n        x()\n    elif b:\n        y()\n",
            Some((HalfConstruct, 5)),
        ),
        (
            "a.py",
            "def f(a, b):\n    if a:\n        x()\n    else:\n        y()\n",
            "def f(a, b):\n    if a:\n        x()\n        y()\n",
            Some((HalfConstruct, 4)),
        ),
        (
            "a.js",
            "if (a) {\n  x();\n  y();\n}\n",
            "if (a) {\n  x();\n} else if (b) {\n  y();\n}\n",
            Some((HalfConstruct, 4)),
        ),
        ("a.py", "if id:\n    print()\n", "if map:\n    print()\n", None),
        ("a.py", "with id:\n    print()\n", "try:\n    print()\nfinally:\n    id()\n", None),
        ("a.py", "print()\n", "if id:\n    print()\n", None),
    ]);
}

#[test]
fn refuses_code_that_cannot_run() {
    check(&[
        ("a.py", "def f():\n    x()\n", "def f():\n    return 1\n    x()\n", Some((Unreachable, 3))),
        (
            "a.py",
            "def f():\n    x()\n",
            "def f():\n    if a:\n        return 1\n    x()\n",
            Some((UndefinedName, 2)),
        ),
        ("a.py", "def f():\n    x()\n", "def f():\n    raise E\n    x()\n", Some((UndefinedName, 2))),
        ("a.py", "for a in b:\n    x()\n", "for a in b:\n    continue\n    x()\n", Some((Unreachable, 3))),
        (
            "a.js",
            "function f() {\n  a();\n}\n",
            "function f() {\n  return 1;\n  a();\n}\n",
            Some((Unreachable, 3)),
        ),
        (
            "a.js",
            "function f() {\n  g();\n}\n",
            "function f() {\n  return g();\n  function g() {}\n}\n",
            None,
        ),
        (
            "a.c",
            "void f(void) {\n  g();\n}\n",
            "void f(void) {\n  exit(1);\n  g();\n}\n",
            Some((Unreachable, 3)),
        ),
        ("a.c", "void f(void) {\n  g();\n}\n", "void f(void) {\n  goto end;\n  end:\n  g();\n}\n", None),
        (
            "a.c",
            "void f(int a) {\n  switch(a) { case 1: g(); break; }\n}\n",
            "void f(int a) {\n  switch(a) { case 1: g(); break; case 2: h(); }\n}\n",
            None,
        ),
        (
            "a.go",
            "package p\nfunc f() {\n\ta()\n}\n",
            "package p\nfunc f() {\n\treturn\n\ta()\n}\n",
            Some((Unreachable, 4)),
        ),
        ("a.rs", "fn f() {\n    a();\n}\n", "fn f() {\n    return;\n    a();\n}\n", Some((Unreachable, 3))),
        (
            "A.java",
            "class A { void f() {\n  a();\n} }\n",
            "class A { void f() {\n  throw x;\n  a();\n} }\n",
            Some((Unreachable, 3)),
        ),
        ("a.rb", "def f\n  a\nend\n", "def f\n  raise E\n  a\nend\n", Some((Unreachable, 3))),
        ("a.rb", "def f\n  a\nend\n", "def f\n  return 1 if b\n  a\nend\n", None),
        ("a.sh", "f() {\n  a\n}\n", "f() {\n  exit 1\n  a\n}\n", Some((Unreachable, 3))),
        ("a.sh", "f() {\n  a\n}\n", "f() {\n  b || exit 1\n  a\n}\n", None),
        ("a.js", "if (a) b();\n", "if (a) b();\nelse if (a) c();\n", Some((RepeatedCondition, 2))),
        (
            "a.py",
            "if 1:\n    x = 1\n",
            "if 1:\n    x = 1\nelif 1:\n    x = 2\n",
            Some((RepeatedCondition, 3)),
        ),
        ("a.py", "if f():\n    x = 1\n", "if f():\n    x = 1\nelif f():\n    x = 2\n", None),
        (
            "a.rs",
            "fn f() { if a { b() } }\n",
            "fn f() { if a { b() } else if a { c() } }\n",
            Some((RepeatedCondition, 1)),
        ),
        (
            "a.go",
            "package p\nfunc f() {\n\tif a {\n\t}\n}\n",
            "package p\nfunc f() {\n\tif a {\n\t} else if a {\n\t}\n}\n",
            Some((RepeatedCondition, 4)),
        ),
        (
            "a.c",
            "void f(int a) { switch(a) { case 1: g(); } }\n",
            "void f(int a) { switch(a) { case 1: g(); break;\ncase 1: h(); } }\n",
            Some((DuplicateCase, 2)),
        ),
        (
            "a.js",
            "switch (a) { case 'x': b() }\n",
            "switch (a) { case 'x': b(); break;\ncase 'x': c() }\n",
            Some((DuplicateCase, 2)),
        ),
        (
            "a.rs",
            "fn f() { match a { A => 1, _ => 2 } }\n",
            "fn f() { match a { A => 1,\nA => 3, _ => 2 } }\n",
            Some((DuplicateCase, 2)),
        ),
        (
            "a.rs",
            "fn f() { match a { A => 1, _ => 2 } }\n",
            "fn f() { match a { A if b => 1, A if c => 3, _ => 2 } }\n",
            None,
        ),
        (
            "a.go",
            "package p\nfunc f() {\n\tswitch a {\n\tcase 1:\n\t}\n}\n",
            "package p\nfunc f() {\n\tswitch a {\n\tcase 1:\n\tcase 1:\n\t}\n}\n",
            Some((DuplicateCase, 5)),
        ),
        (
            "A.java",
            "class A { void f() { switch (a) { case 1: b(); } } }\n",
            "class A { void f() { switch (a) { case 1: b(); break;\ncase 1: c(); } } }\n",
            Some((DuplicateCase, 2)),
        ),
        (
            "a.rb",
            "case a\nwhen 1 then b\nend\n",
            "case a\nwhen 1 then b\nwhen 1 then c\nend\n",
            Some((DuplicateCase, 3)),
        ),
        (
            "a.sh",
            "case $a in\nx) b ;;\nesac\n",
            "case $a in\nx) b ;;\nx) c ;;\nesac\n",
            Some((DuplicateCase, 3)),
        ),
    ]);
}

#[test]
fn suspects_what_has_lost_its_use() {
    let suspects = |path: &str, before: &str, after: &str| -> Vec<u32> {
        let found = check_candidate(path, before, after, None);
        found.unwrap_or_else(|problem| panic!("{problem}")).iter().map(|suspicion| suspicion.line).collect()
    };
    assert_eq!(suspects("a.py", "def f(a, b=1):\n    return a + b\n", "def f(a, b=1):\n    return a\n"), [1]);
    assert_eq!(
        suspects("a.py", "def f(a, b=1):\n    return a\n", "def f(a, b=1):\n    return a + 1\n"),
        [0; 0]
    );
    let class = |body: &str| {
        format!("class A:\n    def f(self, a):\n        self.a = a\n\n    def g(self):\n        {body}\n")
    };
    assert_eq!(suspects("a.py", &class("return self.a"), &class("return 1")), [3]);
    assert_eq!(
        suspects(
            "a.js",
            "function f(o) {\n  const x = o;\n  g(x);\n}\n",
            "function f(o) {\n  const x = o;\n  g();\n}\n"
        ),
        [2]
    );
    assert_eq!(
        suspects(
            "a.go",
            "package p\nfunc f(a int) int {\n\treturn a\n}\n",
            "package p\nfunc f(a int) int {\n\treturn 1\n}\n"
        ),
        [2]
    );
}

#[test]
fn maps_lines() {
    let map = LineMap::new("a\nb\nc\nd\n", "a\nx\ny\nc\n");
    let across = |side: ChangeSide| (1..=5).map(|line| map.across(line, side)).collect::<Vec<_>>();
    assert_eq!(across(ChangeSide::Old), [Some(1), None, Some(4), None, Some(5)]);
    assert_eq!(across(ChangeSide::New), [Some(1), None, None, Some(3), Some(5)]);
    let map = LineMap::new("a\nb\n", "x\na\nb\n");
    assert_eq!(
        (map.across(1, ChangeSide::Old), map.across(1, ChangeSide::New), map.across(3, ChangeSide::New)),
        (Some(2), None, Some(2))
    );
}

#[test]
fn never_panics_on_random_bytes() {
    let mut chance = fastrand::Rng::with_seed(7);
    let mut random = move |below: u64| chance.u64(..below);
    let words = [
        "if ", "(", ")", "{", "}", "\n", "\r\n", "    ", "\t", "def f", ":", "else", "return ", "x", "=",
        "'", "\"", "#", "/*", "é", "\0", "case 1", "end", ";;", "<a", "=>", ",", "`${",
    ];
    for round in 0..400 {
        let mut text = |most: u64| -> String {
            (0..random(most))
                .filter_map(|_| words.get(random(words.len() as u64) as usize).copied())
                .collect()
        };
        let (before, after, parent) = (text(60), text(60), text(60));
        let paths = [
            "a.py", "a.js", "a.ts", "a.tsx", "a.c", "a.cpp", "a.go", "A.java", "a.rs", "a.rb", "a.sh",
            "a.xyz",
        ];
        let path = paths[round % paths.len()];
        CandidateCheck::run(path, &before, &after, Some(&parent));
        let hunks = line_hunks(&before, &after);
        for guilty in 0..hunks.len() {
            crate::changes::whole_changes(path, &before, &after, &hunks, &[guilty, 99]);
        }
        // Hunks that do not match the texts.
        let wild: Vec<LineHunk> = (0..5u32)
            .map(|n| LineHunk {
                old_start: n * 7,
                old_lines: n,
                new_start: u32::MAX - n,
                new_lines: u32::MAX,
            })
            .collect();
        crate::changes::whole_changes(path, &before, &after, &wild, &[0, 1, 2, 3, 4]);
    }
}
