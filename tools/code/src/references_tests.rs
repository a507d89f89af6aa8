use super::*;
use crate::symbols;

fn imported(source: &str, lang: SourceLanguage) -> String {
    let line = |import: &ImportStatement| format!("{}: {} {:?}", import.line, import.module, import.names);
    imports(source, lang).iter().map(line).collect::<Vec<_>>().join("\n")
}

fn called(source: &str, lang: SourceLanguage) -> String {
    let line = |call: &Call| format!("{}: {} ({})", call.line, call.name, call.path);
    calls(source, lang, None).iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn reads_imports() {
    let python = "import a.b as c, d\nfrom .x import y, z as w\nfrom .. import q\nfrom m import *\nfrom __future__ import annotations\n";
    insta::assert_snapshot!(imported(python, SourceLanguage::Python), @r#"
    1: a.b []
    1: d []
    2: .x ["y", "z"]
    3: .. ["q"]
    4: m ["*"]
    5: annotations []
    "#);
    let js = "import def, { a, b as c } from './x';\nimport * as ns from \"y\";\nimport 'side';\nconst z = require('z');\nexport { k } from './k';\nexport const n = 1;\nconst l = import('./lazy');\n";
    insta::assert_snapshot!(imported(js, SourceLanguage::JavaScript), @r#"
    1: ./x ["def", "a", "b"]
    2: y ["*"]
    3: side []
    4: z []
    5: ./k ["k"]
    7: ./lazy []
    "#);
    let rust = "use std::fs;\nuse crate::a::{b as z, c::{d, e}};\nuse x as y;\nmod inner;\nmod here { use super::*; }\n";
    insta::assert_snapshot!(imported(rust, SourceLanguage::Rust), @r#"
    1: std ["fs"]
    2: crate::a ["b", "c", "d", "e"]
    3: x []
    4: inner []
    5: super ["*"]
    "#);
    let go = "package p\nimport \"fmt\"\nimport (\n\tx \"a/b\"\n\t_ `c`\n)\n";
    insta::assert_snapshot!(imported(go, SourceLanguage::Go), @r"
    2: fmt []
    4: a/b []
    5: c []
    ");
    let java = "package p;\nimport org.joda.time.DateTime;\nimport static org.junit.Assert.*;\n";
    insta::assert_snapshot!(imported(java, SourceLanguage::Java), @r#"
    2: org.joda.time ["DateTime"]
    3: org.junit.Assert ["*"]
    "#);
    let c = "#include <stdio.h>\n#include \"a/b.h\"\n";
    insta::assert_snapshot!(imported(c, SourceLanguage::C), @r"
    1: stdio.h []
    2: a/b.h []
    ");
}

#[test]
fn reads_calls() {
    let python = "def t(self):\n    Model.objects.filter(x=f(1)).order_by('a')\n    self.client.get(url)\n    a[0](1)\n";
    insta::assert_snapshot!(called(python, SourceLanguage::Python), @r"
    2: order_by (order_by)
    2: filter (Model.objects.filter)
    2: f (f)
    3: get (self.client.get)
    ");
    let span = LineSpan { start: 3, end: 3 };
    let names: Vec<_> =
        calls(python, SourceLanguage::Python, Some(span)).into_iter().map(|call| call.name).collect();
    assert_eq!(names, ["get"]);
    insta::assert_snapshot!(called("new Foo(a.b?.c());\nexpect(x).toBe(1)\n", SourceLanguage::JavaScript), @r"
    1: Foo (Foo)
    1: c (c)
    2: toBe (toBe)
    2: expect (expect)
    ");
    insta::assert_snapshot!(called("fn f() { a::b::<u8>(x.y(), vec![1]); Self::z() }", SourceLanguage::Rust), @r"
    1: b (a::b)
    1: y (x.y)
    1: vec (vec)
    1: z (Self::z)
    ");
    insta::assert_snapshot!(called("package p\nfunc f() { fmt.Println(len(x)); s.a.Run() }", SourceLanguage::Go), @r"
    2: Println (fmt.Println)
    2: len (len)
    2: Run (s.a.Run)
    ");
    insta::assert_snapshot!(called("class A { void f() { a.b.c(1); new List<String>(); g(); } }", SourceLanguage::Java), @r"
    1: c (a.b.c)
    1: List (List)
    1: g (g)
    ");
    insta::assert_snapshot!(called("void f() { a->b(1); g(h()); }", SourceLanguage::C), @r"
    1: b (b)
    1: g (g)
    1: h (h)
    ");
}

#[test]
fn tells_kinds_of_references_and_passes_over_comments_and_strings() {
    let check = |lang: SourceLanguage, source: &str, expected: &[(u32, ReferenceKind)]| {
        let found = references(source, lang, "run", &symbols(source, lang));
        let kinds: Vec<_> = found.iter().map(|reference| (reference.line, reference.kind)).collect();
        assert_eq!(kinds, expected, "{lang:?} {source}");
    };
    use ReferenceKind::{Call, Definition, Import, Use};
    check(
        SourceLanguage::Python,
        "from m import run\n# run\ndef run(x):\n    'run'\n    return run\nrun(1)\na.run(2)\na.run.b()\nrun = 3\ny = run\n",
        &[(1, Import), (3, Definition), (5, Use), (6, Call), (7, Call), (8, Use), (9, Definition), (10, Use)],
    );
    check(
        SourceLanguage::JavaScript,
        "import { run } from './m';\nconst run = () => 1;\nx.run();\nnew run();\nf(run);\nclass A { run() {} }\n",
        &[(1, Import), (2, Definition), (3, Call), (4, Call), (5, Use), (6, Definition)],
    );
    check(
        SourceLanguage::Rust,
        "use a::run;\nfn run() {}\nfn g() { run(); x.run(); a::run::<u8>(); run!(); let f = run; }\n",
        &[(1, Import), (2, Definition), (3, Call)],
    );
    check(
        SourceLanguage::Go,
        "package p\nfunc (s *S) run() {}\nfunc g() { s.run(); f(run) }\n",
        &[(2, Definition), (3, Call)],
    );
    check(
        SourceLanguage::Java,
        "import a.run;\nclass A {\n @Override\n public void run() { }\n void g() { run(); b.run(); }\n}\n",
        &[(1, Import), (4, Definition), (5, Call)],
    );
    check(
        SourceLanguage::C,
        "static int\n*run(void) { return 0; }\nint g(void) { return *run(); }\n",
        &[(2, Definition), (3, Call)],
    );
}
