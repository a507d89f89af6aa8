/*!
The supported languages. Each language is one file that says, in terms of its grammar's node kinds, what defines a
name, what is a call, an import or a comment; everything else is shared.
*/

mod bash;
mod c;
mod go;
mod java;
mod javascript;
mod php;
mod python;
mod ruby;
mod rust;

use serde::{Deserialize, Serialize};
use tree_sitter::{Language, Node};

use super::node;
pub(crate) use javascript::PLACE_WORDS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceLanguage {
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
    Php,
    Bash,
}

impl SourceLanguage {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::TypeScript | Self::Tsx => "TypeScript",
            Self::Rust => "Rust",
            Self::Go => "Go",
            Self::Java => "Java",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Ruby => "Ruby",
            Self::Php => "PHP",
            Self::Bash => "Bash",
        }
    }

    /// The language for a file extension; `None` for any other.
    pub fn from_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "py" | "pyi" | "pyw" => SourceLanguage::Python,
            "js" | "jsx" | "mjs" | "cjs" => SourceLanguage::JavaScript,
            "ts" | "mts" | "cts" => SourceLanguage::TypeScript,
            "tsx" => SourceLanguage::Tsx,
            "rs" => SourceLanguage::Rust,
            "go" => SourceLanguage::Go,
            "java" => SourceLanguage::Java,
            "c" | "h" => SourceLanguage::C,
            "rb" | "rake" | "gemspec" => SourceLanguage::Ruby,
            "php" | "phtml" | "inc" => SourceLanguage::Php,
            "sh" | "bash" => SourceLanguage::Bash,
            "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "ipp" | "inl" => SourceLanguage::Cpp,
            _ => return None,
        })
    }

    pub(crate) fn grammar(self) -> &'static Grammar {
        match self {
            SourceLanguage::Python => &python::GRAMMAR,
            SourceLanguage::JavaScript => &javascript::JAVASCRIPT,
            SourceLanguage::TypeScript => &javascript::TYPESCRIPT,
            SourceLanguage::Tsx => &javascript::TSX,
            SourceLanguage::Rust => &rust::GRAMMAR,
            SourceLanguage::Go => &go::GRAMMAR,
            SourceLanguage::Java => &java::GRAMMAR,
            SourceLanguage::C => &c::C,
            SourceLanguage::Cpp => &c::CPP,
            SourceLanguage::Ruby => &ruby::GRAMMAR,
            SourceLanguage::Php => &php::GRAMMAR,
            SourceLanguage::Bash => &bash::GRAMMAR,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SymbolKind {
    Function,
    Method,
    Class,
    Struct,
    Enum,
    Interface,
    Trait,
    Module,
    Type,
    Macro,
    Constant,
    Field,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportStatement {
    /// As written: `django.db.models`, `./util`, `std::fs`, `org.joda.time`, `stdio.h`.
    pub module: String,
    /// The imported names; empty when the module itself is imported, `*` for everything.
    pub names: Vec<String>,
    /// 1-based.
    pub line: u32,
}

/// What the shared code needs to know about a language.
pub(crate) struct Grammar {
    pub(crate) language: fn() -> Language,
    /// Whether this node defines a name, given the enclosing scope.
    pub(crate) define: fn(Node<'_>, &str, DefinitionScope) -> Option<SyntaxDefinition>,
    /// Nodes around a definition that belong to it (decorators, `export`).
    pub(crate) wrappers: &'static [&'static str],
    /// Nodes that can contain units without being definitions; all nodes when empty. An outline does not walk
    /// through any other node, which makes it several times faster where most of a file are expressions.
    pub(crate) unit_parents: &'static [&'static str],
    /// Nodes of a type's head that name the types it is based on.
    pub(crate) bases: &'static [&'static str],
    /// The node that names what the file's units belong to, such as a package; empty when there is none.
    pub(crate) namespace: &'static str,
    /// What tells functions of the same name apart, in languages that have overloads.
    pub(crate) overloads: Option<fn(Node<'_>, &str) -> String>,
    pub(crate) comments: &'static [&'static str],
    /// Call nodes: their kind, the field with the called name, and the field with the object of the call.
    pub(crate) calls: &'static [(&'static str, &'static str, Option<&'static str>)],
    pub(crate) import_nodes: &'static [&'static str],
    pub(crate) import: fn(Node<'_>, &str) -> Vec<ImportStatement>,
}

/// What surrounds a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DefinitionScope {
    File,
    /// Module or namespace.
    Module,
    /// Class, struct, trait, implementation: functions in it are methods.
    Type,
    Function,
}

pub(crate) struct SyntaxDefinition {
    pub(crate) name: String,
    /// The owner that the definition itself names: the receiver of a Go method, `Foo::` in C++.
    pub(crate) qualifier: Option<String>,
    /// `None` for a node that only opens a scope (an `impl` block).
    pub(crate) kind: Option<SymbolKind>,
    pub(crate) opens: Option<DefinitionScope>,
}

impl SyntaxDefinition {
    /// A definition of the usual kind, opening the scope its kind implies.
    fn new(name: &str, kind: SymbolKind) -> Option<Self> {
        use SymbolKind::{
            Class, Constant, Enum, Field, Function, Interface, Macro, Method, Module, Struct, Trait, Type,
        };
        let opens = match kind {
            Function | Method => Some(DefinitionScope::Function),
            Class | Struct | Enum | Interface | Trait => Some(DefinitionScope::Type),
            Module => Some(DefinitionScope::Module),
            Type | Macro | Constant | Field => None,
        };
        let name = name.trim();
        (!name.is_empty()).then(|| Self { name: name.to_owned(), qualifier: None, kind: Some(kind), opens })
    }
}

fn field_text<'s>(node: Node<'_>, field: &str, source: &'s str) -> Option<&'s str> {
    Some(node::text(node.child_by_field_name(field)?, source))
}
