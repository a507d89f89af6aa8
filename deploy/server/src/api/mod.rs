/*!
The handlers of the API routes, one file per kind of resource. Handlers translate between HTTP and the store; work that
takes longer than a moment becomes a job.
*/

pub(crate) mod approvals;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod incidents;
pub(crate) mod messages;
pub(crate) mod records;
