/*!
The processes inside the sandbox: the init of the namespace, and the command, which confines itself and becomes the
shell. Each sends the supervisor one message per event.
*/

use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::SIGKILL;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::wait::{WaitStatus, waitpid};
use serde::{Deserialize, Serialize};

use super::super::sandboxed::ExitStatus;
use super::super::sys;
use super::super::wire::{StageSpec, WantedLevel};
use super::group::JoinedControlGroups;
use super::{Failure, confine, refused, view};

/// Messages from the init and the command to the supervisor. Some carry a descriptor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum StageMessage {
    /// From the init: its `/proc`. The init waits for a byte before it continues.
    Proc,
    /// From the command: the descriptor on which its system calls arrive.
    Listener,
    /// From the command: it is about to become the shell.
    Starting,
    Refused(String),
    Invalid(String),
    /// From the init: the command has ended.
    Ended(ExitStatus),
}

/// Process 1 of the namespace: starts the command, reaps orphans, and ends all other processes when it exits.
pub(super) fn be_init(spec: &StageSpec, supervisor: &OwnedFd, groups: &JoinedControlGroups) -> i32 {
    groups.join();
    let prepared = || {
        nix::sys::prctl::set_pdeathsig(SIGKILL).map_err(refused("tying the sandbox to its supervisor"))?;
        confine::volunteer_for_the_oom_killer().map_err(refused("setting the order of memory"))?;
        view::move_into()?;
        nix::unistd::sethostname("millwright").map_err(refused("naming the sandbox"))?;
        std::fs::File::open("/proc").map_err(refused("opening /proc"))
    };
    let proc = match prepared() {
        Ok(proc) => proc,
        Err(failure) => return tell_failure(supervisor, failure),
    };
    tell(supervisor, &StageMessage::Proc, Some(proc.as_fd().as_raw_fd()));
    // A supervisor that died before the parent-death signal was set does not answer.
    let mut go = [0];
    if nix::sys::socket::recv(supervisor.as_raw_fd(), &mut go, MsgFlags::empty()) != Ok(1) {
        return 1;
    }
    drop(proc);
    let command = match sys::fork() {
        Ok(Some(command)) => command,
        Ok(None) => return be_command(spec, supervisor, None),
        Err(error) => return tell_failure(supervisor, refused("starting a process")(error)),
    };
    silence_output();
    loop {
        match waitpid(None, None) {
            Ok(status) if status.pid() == Some(command) => {
                if let Some(exit) = exit_of(status) {
                    tell(supervisor, &StageMessage::Ended(exit), None);
                    return 0;
                }
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return 1,
        }
    }
}

/// The process that becomes the shell. Returns only if that fails.
pub(super) fn be_command(
    spec: &StageSpec,
    supervisor: &OwnedFd,
    groups: Option<&JoinedControlGroups>,
) -> i32 {
    let confined = || {
        let _ = nix::unistd::setsid();
        if spec.wanted != WantedLevel::Full {
            nix::sys::prctl::set_pdeathsig(SIGKILL)
                .map_err(refused("tying the command to its supervisor"))?;
            confine::volunteer_for_the_oom_killer().map_err(refused("setting the order of memory"))?;
        }
        if let Some(groups) = groups {
            groups.join();
        }
        take_standard_streams().map_err(refused("taking the output"))?;
        confine::confine(spec)
    };
    match confined() {
        Ok(listener) => {
            if let Some(listener) = listener {
                tell(supervisor, &StageMessage::Listener, Some(listener.as_raw_fd()));
            }
            tell(supervisor, &StageMessage::Starting, None);
            tell_failure(supervisor, confine::become_shell(spec))
        }
        Err(failure) => tell_failure(supervisor, failure),
    }
}

/// Standard input is empty; output and errors go to the caller's pipe.
fn take_standard_streams() -> std::io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stderr(std::io::stdout())?;
    Ok(())
}

pub(super) fn silence_output() {
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdout(&null);
    }
}

fn tell(supervisor: &OwnedFd, message: &StageMessage, descriptor: Option<i32>) {
    let body = serde_json::to_vec(message).unwrap_or_default();
    let descriptors: Vec<i32> = descriptor.into_iter().collect();
    let with = if descriptors.is_empty() { vec![] } else { vec![ControlMessage::ScmRights(&descriptors)] };
    // If the supervisor is gone, nobody needs the message; the kernel ends this process too.
    let _ =
        sendmsg::<()>(supervisor.as_raw_fd(), &[IoSlice::new(&body)], &with, MsgFlags::MSG_NOSIGNAL, None);
}

fn tell_failure(supervisor: &OwnedFd, failure: Failure) -> i32 {
    let message = match failure {
        Failure::Refused(why) => StageMessage::Refused(why),
        Failure::Invalid(why) => StageMessage::Invalid(why),
    };
    tell(supervisor, &message, None);
    127
}

pub(super) fn exit_of(status: WaitStatus) -> Option<ExitStatus> {
    match status {
        WaitStatus::Exited(_, code) => Some(ExitStatus::Code(code)),
        WaitStatus::Signaled(_, signal, _) => Some(ExitStatus::Signal(signal as i32)),
        _ => None,
    }
}
