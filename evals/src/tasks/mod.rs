/*!
The tasks, one file each: the input of a case, how its answer is judged, and the figures.
*/

pub mod investigate;
pub mod lineage;
pub mod log_templates;
pub mod rank;
pub mod redaction;
pub mod retrieval;
pub mod trace;
