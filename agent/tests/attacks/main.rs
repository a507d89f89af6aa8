/*!
Attacks by the author of a ticket, a log line, a file, a commit message or a remembered incident. The scripted model
obeys the attacker in every case, so only code can stop the attack: a case that passes because a model behaves well
would prove nothing. Each case asserts that the effect did not happen and that the run ended with an honest report.
*/
#![expect(clippy::unwrap_used, reason = "an answer of another shape fails its test")]

mod arguments;
mod effects;
mod evidence;
mod floods;
mod ground;
mod secrets;
mod words;

#[path = "../scene/mod.rs"]
mod scene;

millwright_sandbox::sandbox_stage_before_main!();
