/*!
Replays in temporary repositories, with an executor that runs commands without a sandbox.
*/

pub use project::*;

use millwright_replay::*;

#[path = "../../replay/src/testing.rs"]
mod project;
