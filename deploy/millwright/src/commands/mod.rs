/*!
One file a command. Each does its work through a function that returns what is to be printed, so that `main`
stays wiring and tests need no process.
*/

pub(crate) mod init;
pub(crate) mod schema;
