/*!
Syntax as the checks of a change need it: a table of nodes, and what their kinds mean.
*/

pub(crate) mod kinds;
pub(crate) mod table;

pub(crate) use table::{Row, SyntaxTable};
