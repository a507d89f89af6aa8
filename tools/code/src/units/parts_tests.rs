use super::*;
use crate::languages::SourceLanguage::{self, Java, JavaScript, Python};

fn parts(lang: SourceLanguage, old: &str, new: &str, key: &str) -> Vec<&'static str> {
    let version = |text: &str| FileVersion::new(text.to_owned(), lang, None);
    let (old, new) = (version(old), version(new));
    let place = |version: &FileVersion| version.outline.units.iter().position(|unit| unit.key == key);
    if key.is_empty() {
        return changed_parts((&old, None), (&new, None)).names();
    }
    changed_parts((&old, Some(place(&old).unwrap())), (&new, Some(place(&new).unwrap()))).names()
}

#[test]
fn says_which_part_differs() {
    let check = |lang, old: &str, new: &str, key: &str, expected: &[&str]| {
        assert_eq!(parts(lang, old, new, key), expected, "{old:?} → {new:?}");
        assert_eq!(parts(lang, new, old, key), expected, "{new:?} → {old:?}");
    };
    check(Python, "def f(a):\n    return a\n", "def f(a):\n    return b\n", "f", &["body"]);
    check(Python, "def f(a):\n    return a\n", "def f(a, b):\n    return a\n", "f", &["signature"]);
    check(Python, "def f(a):\n    return a\n", "@x\ndef f(a):\n    return a\n", "f", &["signature"]);
    check(
        Python,
        "def f():\n    'One.'\n    g()\n",
        "def f():\n    'Two.'\n    g()\n",
        "f",
        &["documentation"],
    );
    check(Python, "def f():\n    g()  # a\n", "def f():\n    g()  # b\n", "f", &["comments"]);
    check(Python, "# a\ndef f():\n    g()\n", "# b\ndef f():\n    g()\n", "f", &["documentation"]);
    check(Python, "def f():\n    g( 'x' )\n", "def f():\n    g(\n        \"x\",\n    )\n", "f", &[]);
    check(
        Python,
        "def f():\n  if a:\n    g()\n    h()\n",
        "def f():\n  if a:\n    g()\n  h()\n",
        "f",
        &["body"],
    );
    check(
        Python,
        "class A:\n    x = 1\n    def m(self): pass\n",
        "class A:\n    x = 1\n    def m(self): f()\n",
        "A",
        &[],
    );
    check(
        Python,
        "class A:\n    x = 1\n    def m(self): pass\n",
        "class A:\n    x = 2\n    def m(self): pass\n",
        "A",
        &["body"],
    );
    check(Python, "class A(B):\n    x = 1\n", "class A(C):\n    x = 1\n", "A", &["base types"]);
    check(Python, "import a\ndef f(): pass\n", "import b\ndef f(): pass\n", "", &["body"]);
    check(Python, "import a\ndef f(): pass\n", "import a\ndef f(): g()\n", "", &[]);
    check(Java, "class A extends B {}", "class A extends B implements C {}", "A", &["base types"]);
    check(Java, "class A extends B {}", "final class A extends B {}", "A", &["signature"]);
    check(
        Java,
        "class A { void m() { f(\"a\"); } }",
        "class A {\n void m()\n {\n f( \"a\" );\n }\n}",
        "A.m()",
        &[],
    );
    check(
        Java,
        "class A { /** a */ void m() {} }",
        "class A { /** b */ void m() {} }",
        "A.m()",
        &["documentation"],
    );
    check(JavaScript, "const f = (a) => g(a)", "const f = (a) => g(b)", "f", &["body"]);
}

/// Where the walk finds no difference in the rough, it looks at quotes and commas.
#[test]
fn quotes_and_commas_that_mean_something_count() {
    assert_eq!(parts(Python, "def f():\n    return (a)\n", "def f():\n    return (a,)\n", "f"), ["body"]);
    assert_eq!(parts(Python, "def f():\n    return 'a'\n", "def f():\n    return b'a'\n", "f"), ["body"]);
}

#[test]
fn only_some_parts_are_code() {
    assert!(ChangedParts::BASES.is_code() && ChangedParts::HEAD.is_code());
    assert!(!ChangedParts::DOCUMENTATION.is_code() && ChangedParts::NONE.is_empty());
}

#[test]
fn the_own_name_is_no_part() {
    let hashes = |text: &str| {
        let version = FileVersion::new(text.to_owned(), Python, None);
        PartHashes::of((&version, Some(0)))
    };
    let old = hashes("def total(cart):\n    return cart\n");
    assert!(old.differing(&hashes("def gross(cart):\n    return cart\n")).is_empty());
    assert_eq!(old.differing(&hashes("def gross(cart, total):\n    return cart\n")).names(), ["signature"]);
    assert_eq!(
        old.differing(&hashes("# why\ndef gross(cart):\n    return cart\n")).names(),
        ["documentation"]
    );
}
