/*!
Replays on throw-away repositories, by an executor that runs commands as they are.
*/

pub use project::*;

use millwright_replay::*;

#[path = "../../replay/src/testing.rs"]
mod project;
