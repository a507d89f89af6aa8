/*!
Decides whether two versions of a file are the same code. Compares their syntax trees without comments, docstrings,
white space and the tokens that formatters change (trailing commas, semicolons, quotes). Python's indentation
determines the shape of the tree, so it counts. In doubt the answer is "changed": the result is only used to lower
a suspect's rank.
*/

use tree_sitter::{Node, Tree};

use super::languages::SourceLanguage;
use super::node::text;
use super::parse::{self, WalkInto};

/// True when every difference between `old` and `new` is formatting, comments or docstrings.
pub fn is_formatting_or_comment_only(old: &str, new: &str, lang: SourceLanguage) -> bool {
    if old == new {
        return true;
    }
    let (Some(old_tree), Some(new_tree)) = (parse::parse(old, lang), parse::parse(new, lang)) else {
        return false;
    };
    // Trees with parse errors cannot be compared.
    if old_tree.root_node().has_error() || new_tree.root_node().has_error() {
        return false;
    }
    match (tokens(&old_tree, old, lang), tokens(&new_tree, new, lang)) {
        (Some(old), Some(new)) => old == new,
        _ => false,
    }
}

/// A node that counts: its depth, its kind, and for leaves its text.
#[derive(Debug, PartialEq, Eq)]
struct Token<'s> {
    depth: usize,
    /// The grammar's number of the kind; zero for quotes, which are all equivalent.
    kind: u16,
    text: &'s str,
}

/// `None` when the tree is too deep to be read completely.
fn tokens<'s>(tree: &Tree, source: &'s str, lang: SourceLanguage) -> Option<Vec<Token<'s>>> {
    let mut found = Vec::new();
    let complete = parse::walk(tree, |node, depth| match lexeme(node, source, lang) {
        Lexeme::Comment | Lexeme::Docstring | Lexeme::LooseMark => WalkInto::Skip,
        Lexeme::Nothing => WalkInto::Children,
        Lexeme::Token { kind, text } => {
            found.push(Token { depth, kind, text });
            WalkInto::Children
        }
    });
    complete.then_some(found)
}

/// What a node adds to the meaning of its file.
pub(crate) enum Lexeme<'s> {
    Comment,
    Docstring,
    /// A mark that formatters add and remove.
    LooseMark,
    Nothing,
    /// An inner node has no text.
    Token {
        kind: u16,
        text: &'s str,
    },
}

pub(crate) fn lexeme<'s>(node: Node<'_>, source: &'s str, lang: SourceLanguage) -> Lexeme<'s> {
    if lang.grammar().comments.contains(&node.kind()) {
        return Lexeme::Comment;
    } else if is_docstring(node, lang) {
        return Lexeme::Docstring;
    } else if is_loose_mark(node) {
        return Lexeme::LooseMark;
    }
    let leaf = node.child_count() == 0;
    let text = match (leaf, node.kind()) {
        (false, _) => "",
        (true, "string_start" | "string_end" | "\"" | "'") => without_quotes(text(node, source), node),
        (true, _) => text(node, source).trim(),
    };
    if leaf && text.is_empty() && node.kind().trim().is_empty() {
        return Lexeme::Nothing;
    }
    Lexeme::Token { kind: if is_quote(node.kind()) { 0 } else { node.kind_id() }, text }
}

/// A string that is a statement by itself.
fn is_docstring(node: Node<'_>, lang: SourceLanguage) -> bool {
    lang == SourceLanguage::Python
        && node.kind() == "expression_statement"
        && node.named_child_count() == 1
        && node.named_child(0).is_some_and(|only| only.kind() == "string")
}

/// A comma or semicolon that is followed only by a closing bracket.
fn is_loose_mark(node: Node<'_>) -> bool {
    matches!(node.kind(), "," | ";")
        && node
            .next_sibling()
            .is_none_or(|next| matches!(next.kind(), ")" | "]" | "}") && next.next_sibling().is_none())
}

fn is_quote(kind: &str) -> bool {
    matches!(kind, "\"" | "'")
}

/// The prefix of a string (`rb`) without its quotes, unless other quotes would change the content.
fn without_quotes<'s>(written: &'s str, node: Node<'_>) -> &'s str {
    let plain = node.parent().is_none_or(|string| {
        let mut cursor = string.walk();
        string.children(&mut cursor).all(|child| child.kind() != "escape_sequence")
    });
    if plain { written.trim_end_matches(['"', '\'']) } else { written }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_formatting_from_change() {
        let check = |lang: SourceLanguage, old: &str, new: &str, expected: bool| {
            assert_eq!(is_formatting_or_comment_only(old, new, lang), expected, "{old:?} → {new:?}");
            assert_eq!(is_formatting_or_comment_only(new, old, lang), expected, "{new:?} → {old:?}");
        };
        use SourceLanguage::{C, Go, Java, JavaScript, Python, Rust, Tsx, TypeScript};
        check(Python, "x = 1\n", "x = 1  # one\n", true);
        check(Python, "x = f(1, 2)\n", "x = f(\n    1,\n    2,\n)\n", true);
        check(Python, "x = 'a'\n", "x = \"a\"\n", true);
        check(Python, "x = 'a'\n", "x = b'a'\n", false);
        check(Python, "x = 'a'\n", "x = 'b'\n", false);
        check(Python, "x = (1)\n", "x = (1,)\n", false);
        check(Python, "def f():\n    return 1\n", "def f():\n    'Says one.'\n    return 1\n", true);
        check(
            Python,
            "def f():\n    'Says one.'\n    return 1\n",
            "def f():\n  'Says 1.'\n\n  return 1\n",
            true,
        );
        check(Python, "if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n", false);
        check(Python, "if a:\n    b()\nelse:\n    c()\n", "if a:\n    b()\nc()\n", false);
        check(Python, "x = 1\n", "x = 2\n", false);
        check(Python, "x = 'a  b'\n", "x = 'a b'\n", false);
        check(Python, "def f(:\n", "def f( :\n", false);
        check(JavaScript, "f(a, b)\n", "f(\n  a,\n  b,\n);\n", true);
        check(JavaScript, "let s = 'x'", "let s = \"x\"; // s", true);
        check(JavaScript, "let s = 'x'", "let s = 'y'", false);
        check(JavaScript, "[a,,b]", "[a,b]", false);
        check(JavaScript, "a = b", "a == b", false);
        check(TypeScript, "let a: number = 1", "let a:number=1;", true);
        check(Tsx, "const a = <b>x</b>", "const a = <b>\n  x\n</b>;", true);
        check(Rust, "fn f() { a(b) }", "/// Doc.\nfn f() {\n    a(b)\n}\n", true);
        check(Rust, "fn f() { a(b) }", "fn f() { a(b); }", false);
        check(Go, "package p\nfunc f() { a(1) }\n", "package p\n// c\nfunc f() {\n\ta( 1 )\n}\n", true);
        check(Go, "package p\nvar a = 1\n", "package p\nvar a = 2\n", false);
        check(Java, "class A { int a=1; }", "/** Doc. */ class A {\n  int a = 1;\n}", true);
        check(Java, "class A { int a=1; }", "class A { long a=1; }", false);
        check(
            C,
            "#define A 1\nint f(void){return A;}\n",
            "/* c */\n#define A  1\nint f(void) {\n  return A;\n}\n",
            true,
        );
        check(C, "#define A 1\n", "#define A 2\n", false);
    }
}
