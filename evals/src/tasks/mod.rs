/*!
One file a task: what a case is given, how the answer is judged, which figures come of it.
*/

pub mod investigate;
pub mod log_templates;
pub mod rank;
pub mod redaction;
pub mod retrieval;
