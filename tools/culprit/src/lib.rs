/*!
From a reproduced failure to the culprit commit, the guilty lines and a fix: ranks suspects, chooses the next revision
to test, finds the smallest change that flips the replay, and verifies fixes. Nothing here depends on a planner or a
model.
*/

pub mod bisect;
pub mod fixes;
mod four_way;
pub mod minimise;
pub mod suspects;
