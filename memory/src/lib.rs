/*!
What Millwright knows: incidents, evidence, fingerprints, parsed traces, resolutions and their proof.

This crate is the bottom of the workspace. It holds the types every other crate speaks, all SQL, recall and
redaction. It knows no tool, no planner, no chat model and no HTTP server.
*/

pub mod embed;
pub mod recall;
pub mod redaction;
pub mod store;
pub mod types;
pub mod vectors;

mod memory;

pub use memory::Memory;
