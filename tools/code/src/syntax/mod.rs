/*!
Syntax for the checks of a change: a table of nodes, and the meaning of their kinds.
*/

pub(crate) mod kinds;
pub(crate) mod table;

pub(crate) use table::{Row, SyntaxTable};
