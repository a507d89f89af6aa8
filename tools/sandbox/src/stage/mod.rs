/*!
The sandbox stage: our own binary, started again for one command. It builds the sandbox, starts the command in it,
supervises the complete process tree, and reports how the command ended.

Three processes take part. The *supervisor* is the stage itself; it stays outside, samples the tree and answers the
system calls that seccomp passes to it. In the full sandbox an *init* is process 1 of the namespace: it reaps
orphans, and when it dies, everything in the namespace dies. The *command* confines itself and becomes `/bin/sh`.
In the reduced sandbox there is no init, and the supervisor adopts orphans as a subreaper.

Everything here runs on the single thread of a fresh process, so it may fork.
*/

mod answer;
mod confine;
mod disk;
mod files;
mod group;
mod inside;
mod namespaces;
mod sockets;
mod supervise;
mod syscalls;
mod tree;
mod view;
mod watch;

use std::os::unix::net::UnixStream;

use super::sys;
use super::wire::{self, STAGE_ARGUMENT, StageReport, StageSpec};

/// If the process was started as the sandbox stage, runs the stage and never returns. Call this first in `main`,
/// before any thread is started.
pub fn intercept() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == STAGE_ARGUMENT) {
        std::process::exit(run());
    }
}

/// Why a sandbox could not be built.
#[derive(Debug)]
enum Failure {
    /// The kernel or a policy refuses the mechanism.
    Refused(String),
    /// What the command requests is not possible.
    Invalid(String),
}

/// Names the step that a refused system call belonged to.
fn refused<E: std::fmt::Display>(step: &str) -> impl FnOnce(E) -> Failure {
    let step = step.to_owned();
    move |error| Failure::Refused(format!("{step}: {error}"))
}

fn run() -> i32 {
    let _ = sys::close_from(3);
    let mut caller = UnixStream::from(sys::take_stdin());
    let spec: StageSpec = match wire::receive(&mut caller) {
        Ok(spec) => spec,
        Err(error) => {
            eprintln!("no specification: {error}");
            return 1;
        }
    };
    // A new session, so that Ctrl-C at the terminal reaches Millwright and not the command.
    let _ = nix::unistd::setsid();
    let report = match supervise::supervise(&spec, &caller) {
        Ok(ended) => StageReport::Ended(ended),
        Err(Failure::Refused(why)) => StageReport::Refused { why },
        Err(Failure::Invalid(why)) => StageReport::Invalid { why },
    };
    match wire::send(&mut caller, &report) {
        Ok(()) => 0,
        Err(_) => 1, // the caller has died; there is nobody to report to
    }
}
