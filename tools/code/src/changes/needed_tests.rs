use super::*;
use crate::pieces::line_hunks;

fn closure(files: &[(&str, &str, &str)], taken: &[(usize, usize)]) -> (Vec<(usize, usize)>, Vec<String>) {
    let hunks: Vec<Vec<LineHunk>> = files.iter().map(|(_, old, new)| line_hunks(old, new)).collect();
    let changes: Vec<CulpritFile<'_>> = files
        .iter()
        .zip(&hunks)
        .map(|((path, old, new), hunks)| CulpritFile { path, old, new, hunks })
        .collect();
    let taken: Vec<PieceId> =
        taken.iter().map(|(file, piece)| PieceId { file: *file, piece: *piece }).collect();
    let found = needed_by_names(&changes, &taken);
    (found.extra.iter().map(|id| (id.file, id.piece)).collect(), found.missing)
}

#[test]
fn follows_names_through_the_files_of_a_commit() {
    let none: Vec<String> = Vec::new();
    // A helper that the culprit removed from the same file.
    let python =
        ("a.py", "def h():\n    return 1\n\n\ndef f():\n    return h()\n", "def f():\n    return 1\n");
    assert_eq!(closure(&[python], &[(0, 1)]), (vec![(0, 0)], none.clone()));
    // … and from another one, by import.
    let (user, helper) = (
        ("m/a.py", "from m.b import h\n\n\ndef f():\n    return h()\n", "\n\ndef f():\n    return 1\n"),
        ("m/b.py", "x = 1\n\n\ndef h():\n    return 1\n", "x = 1\n"),
    );
    assert_eq!(closure(&[user, helper], &[(0, 1)]), (vec![(0, 0), (1, 0)], none.clone()));
    // A function that was renamed: its new name is used elsewhere.
    let (definer, caller) = (
        (
            "a.js",
            "function old() {}\nmodule.exports = { old };\n",
            "function fresh() {}\nmodule.exports = { fresh };\n",
        ),
        (
            "b.js",
            "const { old } = require('./a');\n\nold();\n",
            "const { fresh } = require('./a');\n\nfresh();\n",
        ),
    );
    assert_eq!(closure(&[definer, caller], &[(0, 0)]), (vec![(1, 0), (1, 1)], none.clone()));
    // C: a macro and a field.
    let (header, source) = (
        ("a.h", "struct s {\n  int a;\n  int b;\n};\n", "struct s {\n  int a;\n};\n"),
        ("a.c", "int f(struct s *x) {\n  return x->b;\n}\n", "int f(struct s *x) {\n  return x->a;\n}\n"),
    );
    assert_eq!(closure(&[header, source], &[(1, 0)]), (vec![(0, 0)], none.clone()));
    // Go: a method in another file; a whole file that the commit removed.
    let (go, gone) = (
        (
            "a.go",
            "package p\n\nfunc f(s S) int {\n\treturn s.g()\n}\n",
            "package p\n\nfunc f(s S) int {\n\treturn 1\n}\n",
        ),
        ("b.go", "package p\n\nfunc (s S) g() int {\n\treturn 1\n}\n", ""),
    );
    assert_eq!(closure(&[go, gone], &[(0, 0)]), (vec![(1, 0)], none.clone()));
    // Other lines of the culprit use a parameter that the culprit added.
    let added =
        ("a.py", "def f(a):\n    x = a\n    return x\n", "def f(a, b):\n    x = a\n    return x + b\n");
    assert_eq!(closure(&[added], &[(0, 0)]), (vec![(0, 1)], none));
    // A local variable defined by another piece.
    let local = (
        "a.rs",
        "fn f() -> u8 {\n    let n = g();\n    h();\n    n + 1\n}\n",
        "fn f() -> u8 {\n    h();\n    1\n}\n",
    );
    assert_eq!(closure(&[local], &[(0, 1)]).0, [(0, 0)]);
    assert_eq!(closure(&[local], &[(7, 1), (0, 9)]).0, []);
}

#[test]
fn a_changed_signature_goes_with_its_calls() {
    let check = |path: &str, definer: (&str, &str), caller: (&str, &str), expected: &[(usize, usize)]| {
        let found = closure(&[(path, definer.0, definer.1), (path, caller.0, caller.1)], &[(0, 0)]);
        assert_eq!(found.0, expected, "{path}: {}", definer.0);
    };
    let c = (
        "static void process(subject *s, delimiter *b) {\n}\n",
        "static void process(subject *s, size b) {\n}\n",
    );
    let calls = (
        "void f(void) {\n  process(subj, opener->previous);\n}\n",
        "void f(void) {\n  process(subj, opener->position);\n}\n",
    );
    check("a.c", c, calls, &[(1, 0)]);
    check(
        "a.py",
        ("def process(a, b):\n    pass\n", "def process(a):\n    pass\n"),
        ("x = process(1, 2)\n", "x = process(1)\n"),
        &[(1, 0)],
    );
    check(
        "a.go",
        ("package p\n\nfunc (s *S) process(a int) {\n}\n", "package p\n\nfunc (s *S) process(b int) {\n}\n"),
        (
            "package p\n\nfunc f(s *S) {\n\ts.process(1)\n}\n",
            "package p\n\nfunc f(s *S) {\n\ts.process(2)\n}\n",
        ),
        &[(1, 0)],
    );
    check(
        "a.js",
        ("class S {\n  process(a, b) {\n  }\n}\n", "class S {\n  process(a) {\n  }\n}\n"),
        ("s.process(1, 2);\n", "s.process(1);\n"),
        &[(1, 0)],
    );
    // Unchanged parameters, another function, an added call, and a missing definition.
    let same = ("static void process(int a) {\n}\n", "extern void process(int a) {\n}\n");
    check("a.c", same, calls, &[]);
    check(
        "a.c",
        c,
        ("void f(void) {\n  other(subj, 1);\n}\n", "void f(void) {\n  other(subj, 2);\n}\n"),
        &[],
    );
    check("a.c", c, ("void f(void) {\n}\n", "void f(void) {\n  process(subj, 1);\n}\n"), &[]);
    let used =
        ("void g(void) {\n  if (process(a)) {\n  }\n}\n", "void g(void) {\n  if (process(b)) {\n  }\n}\n");
    check("a.c", used, calls, &[]);
}

/// A restored member is read, so the code that assigns it must be restored as well.
#[test]
fn a_member_that_is_gone_goes_with_where_it_is_set() {
    let old = "struct s {\n  int a;\n  int b;\n};\n\nvoid set(struct s *x) {\n  x->b = 1;\n}\n\nint get(struct s *x) {\n  return x->b;\n}\n";
    let new = "struct s {\n  int a;\n};\n\nvoid set(struct s *x) {\n}\n\nint get(struct s *x) {\n  return x->a;\n}\n";
    assert_eq!(closure(&[("a.c", old, new)], &[(0, 2)]), (vec![(0, 0), (0, 1)], Vec::new()));
    let old = "package p\n\ntype s struct {\n\ta, b int\n}\n\nfunc set(x *s) {\n\tx.b, x.a = 1, 2\n}\n\nfunc get(x *s) int {\n\treturn x.b\n}\n";
    let new = "package p\n\ntype s struct {\n\ta int\n}\n\nfunc set(x *s) {\n\tx.a = 2\n}\n\nfunc get(x *s) int {\n\treturn x.a\n}\n";
    assert_eq!(closure(&[("a.go", old, new)], &[(0, 2)]).0, [(0, 0), (0, 1)]);
}
