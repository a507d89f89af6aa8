/*!
What routes do, one file per kind of thing. Handlers translate between HTTP and the store; what takes longer than a
moment is a job.
*/

pub(crate) mod approvals;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod incidents;
pub(crate) mod messages;
pub(crate) mod records;
