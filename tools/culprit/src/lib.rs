/*!
From a failure that is shown to the commit, the lines and a fix: who is suspected, which revision to test next, the
smallest change that flips the replay, and what a fix must pass. Nothing here knows a planner or a model.
*/

pub mod bisect;
pub mod fixes;
mod four_way;
pub mod minimise;
pub mod suspects;
