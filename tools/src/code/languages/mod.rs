/*!
The languages read as syntax. A language is one file that says, in terms of its grammar's node kinds, what
defines a name, what calls, what imports and what is a comment; everything else is shared.
*/

mod bash;
mod c;
mod go;
mod java;
mod javascript;
mod python;
mod ruby;
mod rust;

use serde::{Deserialize, Serialize};
use tree_sitter::{Language, Node};

use super::SymbolKind;
use super::references::Import;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lang {
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Rust,
    Go,
    Java,
    C,
    Cpp,
    Ruby,
    Bash,
}

impl Lang {
    /// By file extension; `None` for everything else.
    pub fn from_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "py" | "pyi" | "pyw" => Lang::Python,
            "js" | "jsx" | "mjs" | "cjs" => Lang::JavaScript,
            "ts" | "mts" | "cts" => Lang::TypeScript,
            "tsx" => Lang::Tsx,
            "rs" => Lang::Rust,
            "go" => Lang::Go,
            "java" => Lang::Java,
            "c" | "h" => Lang::C,
            "rb" | "rake" | "gemspec" => Lang::Ruby,
            "sh" | "bash" => Lang::Bash,
            "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "ipp" | "inl" => Lang::Cpp,
            _ => return None,
        })
    }

    /// Whether names of one are visible in the other without further ado.
    pub fn is_kin(self, other: Lang) -> bool {
        let family = |lang| match lang {
            Lang::JavaScript | Lang::TypeScript | Lang::Tsx => Lang::JavaScript,
            Lang::C | Lang::Cpp => Lang::C,
            lang => lang,
        };
        family(self) == family(other)
    }

    pub(crate) fn grammar(self) -> &'static Grammar {
        match self {
            Lang::Python => &python::GRAMMAR,
            Lang::JavaScript => &javascript::JAVASCRIPT,
            Lang::TypeScript => &javascript::TYPESCRIPT,
            Lang::Tsx => &javascript::TSX,
            Lang::Rust => &rust::GRAMMAR,
            Lang::Go => &go::GRAMMAR,
            Lang::Java => &java::GRAMMAR,
            Lang::C => &c::C,
            Lang::Cpp => &c::CPP,
            Lang::Ruby => &ruby::GRAMMAR,
            Lang::Bash => &bash::GRAMMAR,
        }
    }
}

/// What the shared code asks of a language.
pub(crate) struct Grammar {
    pub(crate) language: fn() -> Language,
    /// Whether this node defines a name, given the scope it stands in.
    pub(crate) define: fn(Node<'_>, &str, Scope) -> Option<Definition>,
    /// Nodes around a definition that belong to it (decorators, `export`).
    pub(crate) wrappers: &'static [&'static str],
    pub(crate) comments: &'static [&'static str],
    /// Call nodes: their kind, the field with what is called, and the field with what it is called on.
    pub(crate) calls: &'static [(&'static str, &'static str, Option<&'static str>)],
    pub(crate) import_nodes: &'static [&'static str],
    pub(crate) import: fn(Node<'_>, &str) -> Vec<Import>,
}

/// What surrounds a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    File,
    /// Module or namespace.
    Module,
    /// Class, struct, trait, implementation: functions in it are methods.
    Type,
    Function,
}

pub(crate) struct Definition {
    pub(crate) name: String,
    /// What the definition itself says it belongs to: the receiver of a Go method, `Foo::` in C++.
    pub(crate) qualifier: Option<String>,
    /// `None` for what only opens a scope (an `impl` block).
    pub(crate) kind: Option<SymbolKind>,
    pub(crate) opens: Option<Scope>,
}

impl Definition {
    /// A definition of the usual kind, opening the scope its kind implies.
    fn new(name: &str, kind: SymbolKind) -> Option<Self> {
        use SymbolKind::{
            Class, Constant, Enum, Field, Function, Interface, Macro, Method, Module, Struct, Trait, Type,
        };
        let opens = match kind {
            Function | Method => Some(Scope::Function),
            Class | Struct | Enum | Interface | Trait => Some(Scope::Type),
            Module => Some(Scope::Module),
            Type | Macro | Constant | Field => None,
        };
        let name = name.trim();
        (!name.is_empty()).then(|| Self { name: name.to_owned(), qualifier: None, kind: Some(kind), opens })
    }
}

fn field_text<'s>(node: Node<'_>, field: &str, source: &'s str) -> Option<&'s str> {
    Some(super::parse::text(node.child_by_field_name(field)?, source))
}
