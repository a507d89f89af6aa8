/*!
Incidents that the playbook alone cannot settle, each with a small repository and a model dialogue **written by
hand**. They test that the protocol and the citation check work for every kind of answer: a cause in configuration, in
a dependency, in data, or outside; two causes; none. They do not show how often a model finds such causes, so do not
derive an accuracy from them.

Each dialogue is replayed twice: as written, and with its quotes forged. The report must not believe the forged one.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

mod causes;
mod negatives;
mod play;
mod reproduction;

#[path = "../scene/mod.rs"]
mod scene;

millwright_sandbox::sandbox_stage_before_main!();
