/*!
Decides how an investigation proceeds: the run (a state machine without IO), planners, the driver that performs steps,
verification, findings, the citation check and the report. This crate does not know HTTP servers, Slack or SQL.
*/

pub mod citations;
pub mod context;
pub mod conversation;
pub mod driver;
pub mod facts;
pub mod findings;
pub mod hand_over;
pub mod host_id;
pub mod inbox;
pub mod investigation;
pub mod journal;
pub mod lease_holder;
mod masking;
mod narrow_diff;
mod opener;
pub mod planner;
pub mod report;
mod report_context;
mod reporting;
pub mod run;
pub mod run_folder;
pub mod sink;
mod telemetry;
pub mod verification;
