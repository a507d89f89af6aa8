/*!
Source code as syntax: symbols, definitions and references by tree-sitter, what a test imports and calls, and
whether a change affects code at all. Functions work on the text they receive; only [`CodeIndex`] reads the
repository.

Files are hostile input: their size and the parsing time are bounded, and every walk over a tree is a loop, never a
recursion. A file that cannot be parsed yields nothing, not an error. Each language has one file under
`languages/`; C++ has its own grammar, and `.h` files are read as C.
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
pub mod units;

pub use compare::is_formatting_or_comment_only;
pub use index::{CodeIndex, DefinitionsFound, ReferencesFound};
pub use languages::{ImportStatement, SourceLanguage, SymbolKind};
pub use references::{Call, Reference, ReferenceKind, calls, imports, references};
pub use symbols::{Symbol, enclosing, innermost, symbol_id, symbols};
pub use test_paths::judges;
