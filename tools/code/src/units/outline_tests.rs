use super::*;
use crate::symbols;

fn listed(lang: SourceLanguage, source: &str) -> Vec<String> {
    let units = outline(source, lang).units;
    units.iter().map(|u| format!("{} {}-{}-{}", u.key, u.doc_line, u.start_line, u.end_line)).collect()
}

#[test]
fn lists_units_with_their_comments() {
    let python = "import os\n\n# About f.\n@cache\ndef f(a):\n    def g():\n        pass\n    return g\n\n\
                  class A(B):\n    x = 1\n\n    # Not about m.\n\n    def m(self):\n        if x:\n            pass\n";
    assert_eq!(
        listed(SourceLanguage::Python, python),
        ["f 3-4-8", "f.g 6-6-7", "A 10-10-17", "A.m 15-15-17"]
    );
    let java = "package a.b;\nclass A {\n  int x = f(1);\n  /** Doc. */\n  @Override void m(int a, List<String> b) { new R() { void run() {} }; }\n\
                  \x20 void m(String... a) {}\n  A(byte[] b[]) {}\n}\n";
    assert_eq!(
        listed(SourceLanguage::Java, java),
        [
            "A 2-2-8",
            "A.m(int,List<String>) 4-5-5",
            "A.m.run() 5-5-5",
            "A.m(String...) 6-6-6",
            "A.A(byte[][]) 7-7-7"
        ]
    );
    assert_eq!(outline(java, SourceLanguage::Java).namespace.as_deref(), Some("packagea.b;"));
    let script = "// About f.\nexport const f = () => {\n  1;\n};\nfoo.bar = function () {};\nconst x = 1;\n";
    assert_eq!(listed(SourceLanguage::JavaScript, script), ["f 1-2-4", "foo.bar 5-5-5"]);
    let cpp = "namespace n {\nint f(int a, const char *b) { return 1; }\nint f(long a) { return 2; }\n}\n\
               void A::m() {}\ntypedef struct s { int a; } s_t;\n";
    assert_eq!(
        listed(SourceLanguage::Cpp, cpp),
        ["n 1-1-4", "n.f(int,char) 2-2-2", "n.f(long) 3-3-3", "A.m() 5-5-5", "s 6-6-6"]
    );
    let twice = "class A:\n    @property\n    def x(self): pass\n    @x.setter\n    def x(self, v): pass\n";
    assert_eq!(listed(SourceLanguage::Python, twice), ["A 1-1-5", "A.x 2-2-3", "A.x#2 4-4-5"]);
}

/// A report names symbols, and a person asks for the history of what a report names.
#[test]
fn a_function_has_the_name_that_a_report_gives_it() {
    let sources = [
        (
            SourceLanguage::Python,
            "def f():\n    if a:\n        def g(): pass\nclass A:\n    async def m(self): pass\n",
        ),
        (
            SourceLanguage::Java,
            "class A { class B { void m() {} } enum E { X; int v() { return 1; } } interface I { void i(); } }",
        ),
        (
            SourceLanguage::TypeScript,
            "class A { m() {} p = () => 1 }\nfunction f() { function g() {} }\nconst o = { k: function () {} };\n",
        ),
        (SourceLanguage::Go, "package p\ntype S struct{}\nfunc (s *S) m() {}\nfunc f() {}\n"),
        (SourceLanguage::Rust, "struct S;\nimpl S { fn m(&self) { fn inner() {} } }\nmod n { fn f() {} }\n"),
        (
            SourceLanguage::C,
            "#ifdef X\nint f(void) { return 1; }\n#else\nstatic int *g(int a) { return 0; }\n#endif\n",
        ),
        (SourceLanguage::Ruby, "module M\n  class A\n    def m; end\n    def self.s; end\n  end\nend\n"),
        (SourceLanguage::Bash, "f() { echo; }\n"),
        (
            SourceLanguage::Php,
            "<?php\nclass A { const C = 1; private $p; function m() {} }\ninterface I { function i(); }\nfunction f() {}\n",
        ),
    ];
    for (lang, source) in sources {
        let outline = outline(source, lang);
        let names: Vec<(&str, u32)> =
            outline.units.iter().map(|unit| (unit.name(), unit.start_line)).collect();
        let found = symbols(source, lang).into_iter().filter(|symbol| is_unit(symbol.kind));
        let symbols: Vec<(String, u32)> = found.map(|symbol| (symbol.qualified, symbol.start_line)).collect();
        assert!(!symbols.is_empty(), "{lang:?}");
        assert_eq!(
            names,
            symbols.iter().map(|(name, line)| (name.as_str(), *line)).collect::<Vec<_>>(),
            "{lang:?}"
        );
    }
}

#[test]
fn units_are_found_by_name_and_by_line() {
    let source = "class A { void m(int a) {}\n void m(long a) {}\n class B { void n() {} } }\n";
    let outline = outline(source, SourceLanguage::Java);
    let keys = |name: &str| outline.named(name).iter().map(|unit| unit.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys("A.m"), ["A.m(int)", "A.m(long)"]);
    assert_eq!(keys("m(long)"), ["A.m(long)"]);
    assert_eq!(keys("n"), ["A.B.n()"]);
    assert_eq!(keys("x"), Vec::<String>::new());
    assert_eq!(outline.innermost(3).unwrap().key, "A.B.n()");
    assert_eq!(outline.innermost(9), None);
}

#[test]
fn what_belongs_to_no_unit_within() {
    let source = "import a\n\nclass A:\n    x = 1\n    # About m.\n    def m(self):\n        pass\n    y = 2\n\nz = 3\n";
    let outline = outline(source, SourceLanguage::Python);
    let text = |unit| -> Vec<&str> {
        outline.own(unit, source.len()).into_iter().map(|range| source[range].trim()).collect()
    };
    assert_eq!(text(None), ["import a", "z = 3"]);
    assert_eq!(text(Some(0)), ["class A:\n    x = 1", "y = 2"]);
    assert_eq!(text(Some(1)), ["def m(self):\n        pass"]);
}

proptest::proptest! {
    #[test]
    fn any_text_is_fine(text in "[ -~\n]{0,400}") {
        for lang in [SourceLanguage::Python, SourceLanguage::Java, SourceLanguage::Cpp, SourceLanguage::Ruby] {
            let outline = outline(&text, lang);
            for at in 0..outline.units.len() {
                for range in outline.own(Some(at), text.len()) {
                    proptest::prop_assert!(range.start <= range.end && range.end <= text.len());
                }
            }
        }
    }
}

/// A definition stands on the lines of the function that makes it, and runs on those of its body.
#[test]
fn a_line_is_executed_by_the_function_whose_body_has_it() {
    let text = "def outer(x):\n    def inner(y):\n        return y\n\n    return [inner, lambda: 1]\n\n\ndef one(): return 1\n";
    let outline = outline(text, SourceLanguage::Python);
    let at = |line| outline.executed_at(line).map(|unit| unit.name());
    assert_eq!([1, 2, 3, 5, 8].map(at), [None, Some("outer"), Some("outer.inner"), Some("outer"), None]);
    assert_eq!(outline.within_line(8).map(CodeUnit::name).collect::<Vec<_>>(), ["one"]);
    assert_eq!(outline.within_line(2).count(), 0);
    // Decorators and parameters on lines of their own belong to the head.
    let head = super::outline(
        "@cached\ndef f(): return 1\n\n\ndef g(a,\n      b): return 2\n",
        SourceLanguage::Python,
    );
    assert!((1..=6).all(|line| head.executed_at(line).is_none()), "{:?}", head.units);
    let within: Vec<bool> = outline.units.iter().map(|unit| outline.is_within_function(unit)).collect();
    assert_eq!(within, [false, true, false]);
}

#[test]
fn a_module_that_is_a_function_has_its_name() {
    let outline =
        outline("module.exports = function tokenize(a) {\n  return a\n}\n", SourceLanguage::JavaScript);
    assert_eq!(outline.units.iter().map(CodeUnit::name).collect::<Vec<_>>(), ["tokenize"]);
}

#[test]
fn a_name_can_be_asked_for_as_it_is_written() {
    let text =
        "exports.set = function () {};\nView.prototype.find = function () {};\nwindow = function () {};\n";
    let outline = outline(text, SourceLanguage::JavaScript);
    let named = |name: &str| outline.named(name).into_iter().map(CodeUnit::name).collect::<Vec<_>>();
    assert_eq!(named("exports.set"), ["set"]);
    assert_eq!(named("View.prototype.find"), ["View.find"]);
    assert_eq!(named("exports"), Vec::<&str>::new());
    assert_eq!(named("prototype.find"), ["View.find"]);
}

#[test]
fn a_documenting_comment_may_be_followed_by_a_blank_line() {
    let text = "/**\n * Sets it.\n */\n\nres.set = function () {};\n\n// About the file.\n\nfunction f() {}\n\n/** Old. */\n\n\nfunction g() {}\n";
    let outline = outline(text, SourceLanguage::JavaScript);
    let lines: Vec<(u32, u32)> = outline.units.iter().map(|unit| (unit.doc_line, unit.start_line)).collect();
    assert_eq!(lines, [(1, 5), (9, 9), (14, 14)]);
}

#[test]
fn a_comment_behind_code_is_not_about_what_follows() {
    let text = "LIMIT = 9  # the most\ndef f():\n    return LIMIT  # all\n\n\n# Own.\ndef g():\n    pass\n";
    let outline = outline(text, SourceLanguage::Python);
    let lines: Vec<(u32, u32)> = outline.units.iter().map(|unit| (unit.doc_line, unit.start_line)).collect();
    assert_eq!(lines, [(2, 2), (6, 7)]);
}
