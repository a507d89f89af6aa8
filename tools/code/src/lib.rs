/*!
Source code as syntax: symbols, definitions and references by tree-sitter, what a test imports and calls, and
whether a change changed any code at all. Works on text handed in; only [`CodeIndex`] reads the repository.

Files are hostile: they are bounded in size and parsing in time, and every walk over a tree is a loop, never a
recursion. What cannot be parsed yields nothing, not an error. One file per language lies under `languages/`;
C++ has a grammar of its own, `.h` files are read as C.
*/

pub mod changes;
pub mod check;
mod compare;
mod index;
mod languages;
mod names;
mod node;
mod parse;
mod pieces;
mod references;
mod symbols;
pub(crate) mod syntax;
mod test_paths;

pub use compare::is_formatting_or_comment_only;
pub use index::{CodeIndex, DefinitionsFound, ReferencesFound};
pub use languages::{ImportStatement, SourceLanguage, SymbolKind};
pub use references::{Call, Reference, ReferenceKind, calls, imports, references};
pub use symbols::{Symbol, enclosing, innermost, symbol_id, symbols};
pub use test_paths::judges;
