/*!
Incidents that the playbook alone cannot settle, each a small repository and a model dialogue **written by hand** and
replayed. They prove that the protocol and the grounding hold on every kind of answer: a cause in configuration, in a
dependency, in data, outside; two causes; none. They say nothing of how often a model finds such causes, and no figure
of accuracy is to be made of them.

Each dialogue is replayed twice: as written, and with its quotes forged. The forged one must not be believed.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

mod causes;
mod negatives;
mod play;
mod reproduction;

#[path = "../scene/mod.rs"]
mod scene;
#[path = "../scripted_server/mod.rs"]
mod scripted_server;

millwright_sandbox::sandbox_stage_before_main!();
