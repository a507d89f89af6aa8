/*!
The four-way check uses history as an oracle that test suites lack.

The history shows the behaviour just before the culprit and just after it. For inputs around the replay's own, four
sides run: the culprit's parent, the culprit, the failing revision and the fixed code. Where the culprit changed
nothing, the fix must change nothing; where it changed a behaviour that still holds at the failing revision, the fix
must restore the parent's behaviour (see [`rules`]). The check needs no model, no grammar and no tests of the project.

It has three parts without IO: [`variants`] makes the inputs ([`observe`] first rewrites the replay so that it prints
what the program computes instead of judging it), [`FourWayDriver`] decides what runs next through a [`SideRunner`],
and [`rules`] interprets the four observations. The text of replays, files and outputs is hostile: everything is
bounded, nothing panics, and text that cannot be parsed stays as it is.
*/

mod compared;
mod decode;
mod dictionary;
mod driver;
mod literal;
mod mutate;
mod normalise;
mod observe;
mod observe_assertions;
mod observe_program;
mod observe_shell;
mod operands;
mod program_sites;
mod region;
mod rules;
mod shell;
mod sites;
mod statement;
mod token;
mod types;
mod variants;

pub(crate) use driver::{FourWayDriver, FourWayOptions, ObservationCache, SideRunner};
pub(crate) use region::input_files_of;
pub(crate) use rules::InputRule;
pub(crate) use types::{
    CheckedFixKind, ExecutionEnding, FileOrigin, FourWayExample, FourWayObservation, FourWaySide, InputFile,
    InputSource, InputVariant,
};

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
