use super::ProblemKind::{DuplicateDefinition, DuplicateKey, DuplicateParameter, UndefinedName};
use super::tests::check;

#[test]
fn refuses_what_is_there_twice() {
    check(&[
        (
            "a.py",
            "d = {\n    'a': 1,\n}\n",
            "d = {\n    'a': 1,\n    \"a\": 2,\n}\n",
            Some((DuplicateKey, 3)),
        ),
        ("a.py", "d = {f(): 1}\n", "d = {f(): 1, f(): 2}\n", None),
        ("a.py", "print(1, end='')\n", "print(1, end='', end='x')\n", Some((DuplicateKey, 1))),
        (
            "a.js",
            "const a = {\n  b: 1,\n};\n",
            "const a = {\n  b: 1,\n  'b': 2,\n};\n",
            Some((DuplicateKey, 3)),
        ),
        ("a.js", "const a = { b: 1 };\n", "const a = { get b() {}, set b(x) {} };\n", None),
        (
            "a.ts",
            "const b = 1;\nconst a = {\n  b,\n};\n",
            "const b = 1;\nconst a = {\n  b,\n  b: 2,\n};\n",
            Some((DuplicateKey, 4)),
        ),
        (
            "a.go",
            "package p\nvar x = T{\n\tA: 1,\n}\n",
            "package p\nvar x = T{\n\tA: 1,\n\tA: 2,\n}\n",
            Some((DuplicateKey, 4)),
        ),
        (
            "a.rs",
            "fn f() -> S { S { a: 1 } }\n",
            "fn f() -> S { S { a: 1, a: 2 } }\n",
            Some((DuplicateKey, 1)),
        ),
        ("a.c", "struct s x = { .a = 1 };\n", "struct s x = { .a = 1, .a = 2 };\n", Some((DuplicateKey, 1))),
        ("a.rb", "h = { a: 1 }\n", "h = { a: 1, :a => 2 }\n", Some((DuplicateKey, 1))),
        ("a.py", "def f(a):\n    pass\n", "def f(a, a=1):\n    pass\n", Some((DuplicateParameter, 1))),
        ("a.js", "function f(a) {}\n", "function f(a, a) {}\n", Some((DuplicateParameter, 1))),
        (
            "a.go",
            "package p\nfunc f(a int) {}\n",
            "package p\nfunc f(a int, a int) {}\n",
            Some((DuplicateParameter, 2)),
        ),
        ("a.rs", "fn f(a: u8) {}\n", "fn f(a: u8, a: u8) {}\n", Some((DuplicateParameter, 1))),
        (
            "A.java",
            "class A { void f(int a) {} }\n",
            "class A { void f(int a, int a) {} }\n",
            Some((DuplicateParameter, 1)),
        ),
        ("a.c", "void f(int a) {}\n", "void f(int a, int *a) {}\n", Some((DuplicateParameter, 1))),
        (
            "a.py",
            "def f():\n    pass\n",
            "def f():\n    pass\n\ndef f():\n    return 1\n",
            Some((DuplicateDefinition, 4)),
        ),
        ("a.py", "x = 1\n", "@overload\ndef f(): ...\n@overload\ndef f(a): ...\n", Some((UndefinedName, 1))),
        ("a.js", "function f() {}\n", "function f() {}\nfunction f() {}\n", Some((DuplicateDefinition, 2))),
        ("a.js", "let a = 1;\n", "let a = 1;\nconst a = 2;\n", Some((DuplicateDefinition, 2))),
        (
            "a.c",
            "int f(void) { return 1; }\n",
            "int f(void) { return 1; }\nint f(void) { return 2; }\n",
            Some((DuplicateDefinition, 2)),
        ),
        ("a.c", "int f(void);\n", "int f(void);\nint f(void) { return 2; }\n", None),
        (
            "a.c",
            "void f(void) {\n  int a = 1;\n}\n",
            "void f(void) {\n  int a = 1;\n  int a = 2;\n}\n",
            Some((DuplicateDefinition, 3)),
        ),
        (
            "a.c",
            "int f(void) { return 1; }\n",
            "#if A\nint f(void) { return 1; }\n#else\nint f(void) { return 2; }\n#endif\n",
            None,
        ),
        (
            "a.go",
            "package p\nfunc f() {}\n",
            "package p\nfunc f() {}\nfunc f() {}\n",
            Some((DuplicateDefinition, 3)),
        ),
        ("a.go", "package p\nfunc (a A) f() {}\n", "package p\nfunc (a A) f() {}\nfunc (b B) f() {}\n", None),
        (
            "A.java",
            "class A { void f() {} }\n",
            "class A { void f() {}\nvoid f() {} }\n",
            Some((DuplicateDefinition, 2)),
        ),
        ("A.java", "class A { void f() {} }\n", "class A { void f() {} void f(int a) {} }\n", None),
        ("a.rs", "fn f() {}\n", "fn f() {}\nfn f() {}\n", Some((DuplicateDefinition, 2))),
        ("a.rs", "fn f() {}\n", "#[cfg(a)]\nfn f() {}\n#[cfg(b)]\nfn f() {}\n", None),
        ("a.rb", "def f\nend\n", "def f\nend\ndef f\nend\n", Some((DuplicateDefinition, 3))),
    ]);
}

#[test]
fn refuses_undefined_names() {
    check(&[
        ("a.py", "def f(a):\n    return a\n", "def f(a):\n    return a + limit\n", Some((UndefinedName, 2))),
        ("a.py", "import os\nos.x()\n", "os.x()\n", Some((UndefinedName, 1))),
        ("a.py", "x = 1\n", "from m import *\ny = limit\n", None),
        ("a.py", "x = 1\n", "y = [a for a in range(3)]\nz = lambda q: q\n", None),
        ("a.py", "x = 1\n", "try:\n    pass\nexcept OSError as e:\n    print(e, __name__)\n", None),
        (
            "a.py",
            "x = 1\n",
            "def f(*args, k=1, **rest):\n    with open('a') as g, k as (h, i):\n        return args, rest, g, h, i\n",
            None,
        ),
        (
            "a.py",
            "x = 1\n",
            "x = 1\nmatch x:\n    case [a, *b] if a:\n        print(b)\n    case {'k': c, **d}:\n        print(c, d)\n    case int(q=e) as f:\n        print(e, f)\n",
            None,
        ),
        (
            "a.py",
            "x = 1\n",
            "x = 1\nif (n := x) > 1:\n    print(n)\nfor i, (j, k) in x:\n    print(i, j, k)\n",
            None,
        ),
        (
            "a.py",
            "x = 1\n",
            "class A:\n    y = 1\n    z = y\n\n    def f(self):\n        return self.y, A.z\n",
            None,
        ),
        (
            "a.js",
            "const a = require('a');\na();\n",
            "const a = require('a');\nb(a);\n",
            Some((UndefinedName, 2)),
        ),
        (
            "a.js",
            "const a = require('a');\n",
            "const a = require('a');\nconst { b, c: [d], ...e } = a;\nexports.f = ({ g = d }) => b + e + g;\n",
            None,
        ),
        (
            "a.js",
            "const a = require('a');\n",
            "import x, { y as z } from 'y';\nclass A extends x { m() { return new A(z, this.q, `${z}`); } }\n",
            None,
        ),
        ("a.js", "x();\n", "y();\n", None),
        (
            "a.js",
            "function f(a) {\n  const b = a;\n  return b;\n}\n",
            "function f(a) {\n  return b;\n}\n",
            Some((UndefinedName, 2)),
        ),
        (
            "a.ts",
            "export function f(a: T) { return a; }\n",
            "export function f(a: T) { return b; }\n",
            Some((UndefinedName, 1)),
        ),
        (
            "a.ts",
            "import { T } from 't';\n",
            "import { T } from 't';\nexport const f = <K,>(a: T, b?: K): a is T => Boolean(a) && !b;\n",
            None,
        ),
        (
            "a.tsx",
            "import A from 'a';\n",
            "import A from 'a';\nexport default () => <A b={<div/>}>{window.x}</A>;\n",
            None,
        ),
        // Only names that were declared before: any other may come from a header or another file.
        (
            "a.c",
            "int f(int a) {\n  int n = a;\n  return n;\n}\n",
            "int f(int a) {\n  return n;\n}\n",
            Some((UndefinedName, 2)),
        ),
        ("a.c", "int f(int a) {\n  return a;\n}\n", "int f(int a) {\n  return n;\n}\n", None),
        (
            "a.go",
            "package p\nfunc f() int {\n\tn, err := g()\n\treturn n + err\n}\n",
            "package p\nfunc f() int {\n\t_, err := g()\n\treturn n + err\n}\n",
            Some((UndefinedName, 4)),
        ),
        (
            "A.java",
            "class A {\n  int f() {\n    int n = 1;\n    return n;\n  }\n}\n",
            "class A {\n  int f() {\n    return n;\n  }\n}\n",
            Some((UndefinedName, 3)),
        ),
        (
            "a.rs",
            "fn f() -> u8 {\n    let n = 1;\n    n\n}\n",
            "fn f() -> u8 {\n    n\n}\n",
            Some((UndefinedName, 2)),
        ),
        (
            "a.rs",
            "fn f() -> u8 { 1 }\n",
            "fn f(a: Option<u8>) -> Option<u8> {\n    let Some(b) = a else { return None };\n    Some(b.max(a?))\n}\n",
            None,
        ),
    ]);
}
