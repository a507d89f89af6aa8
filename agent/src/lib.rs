/*!
Who decides: the run (a state machine without IO), planners, the driver that performs steps, verification, findings,
the citation check and the report. This crate knows no HTTP server, no Slack and no SQL.
*/

pub mod citations;
pub mod report;
