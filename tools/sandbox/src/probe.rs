/*!
Tries the sandbox on this machine, for `doctor`: which level is available, and what prevents a stronger one.
*/

use std::fs;
use std::time::Duration;

use millwright_model::SandboxLevel;

use super::cancel::CancelFlag;
use super::groups::RunControlGroups;
use super::sandboxed::{SandboxCeiling, SandboxError, SandboxLimits, SandboxedCommand};
use super::{run_at, sys};

#[derive(Debug, Clone)]
pub struct SandboxProbe {
    /// The strongest sandbox available; `None` when commands would be refused.
    pub level: Option<SandboxLevel>,
    pub mechanisms: Vec<Mechanism>,
}

/// One mechanism that the sandbox uses.
#[derive(Debug, Clone)]
pub struct Mechanism {
    pub name: &'static str,
    pub works: bool,
    /// The sandbox is equally strong without this mechanism: nothing needs to be fixed where it is missing.
    pub is_extra: bool,
    /// What was observed, or why the mechanism does not work and how to fix it.
    pub detail: String,
}

/// Runs a trivial command in each sandbox. Blocks for some milliseconds.
pub fn probe() -> SandboxProbe {
    let full = trial(SandboxCeiling::default());
    let (full, reduced) = match full {
        Ok(SandboxLevel::Full) => (Ok(()), trial(SandboxCeiling::reduced()).map(drop)),
        Ok(_) => (Err(why_not_full()), Ok(())),
        Err(SandboxError::Unavailable { full, reduced }) => {
            (Err(full), Err(SandboxError::Unavailable { full: String::new(), reduced }))
        }
        Err(error) => (Err(error.to_string()), Err(error)),
    };
    let landlock = sys::landlock_version();
    let mechanisms = vec![
        Mechanism {
            name: "namespaces",
            works: full.is_ok(),
            is_extra: false,
            detail: match &full {
                Ok(()) => "user, PID, mount, network, IPC and UTS namespaces can be created".into(),
                Err(why) => format!("{why}. {}", namespace_advice()),
            },
        },
        Mechanism {
            name: "landlock",
            works: landlock > 0,
            is_extra: false,
            detail: match landlock {
                0 => "missing: it needs Linux 5.13 or newer with `landlock` among the kernel's `lsm=`".into(),
                1..=5 => format!(
                    "version {landlock}; from version 6 (Linux 6.12) on the kernel itself also blocks \
                     signals to processes outside"
                ),
                _ => format!("version {landlock}"),
            },
        },
        Mechanism {
            name: "seccomp",
            works: reduced.is_ok(),
            is_extra: false,
            detail: match &reduced {
                Ok(()) => "filters can be installed and answered".into(),
                Err(SandboxError::Unavailable { reduced, .. }) => reduced.clone(),
                Err(error) => error.to_string(),
            },
        },
        control_groups(),
    ];
    let level = match (&full, &reduced) {
        (Ok(()), _) => Some(SandboxLevel::Full),
        (Err(_), Ok(())) => Some(SandboxLevel::Reduced),
        (Err(_), Err(_)) => None,
    };
    SandboxProbe { level, mechanisms }
}

fn control_groups() -> Mechanism {
    let enforced = RunControlGroups::new(&SandboxLimits::default()).enforced();
    let works = enforced.memory && enforced.tasks;
    let without = "without it both are sampled, with the buffers of sockets and pipes counted at their \
                   maximum size";
    let detail = match (enforced.memory, enforced.tasks) {
        (true, true) => "the kernel bounds memory and processes of each run".into(),
        (true, false) => {
            format!("the kernel bounds the memory of each run, but not its processes; {without}")
        }
        (false, true) => {
            format!("the kernel bounds the processes of each run, but not its memory; {without}")
        }
        (false, false) => format!("none can be created below our own; {without}. {DELEGATION}"),
    };
    Mechanism { name: "control groups", works, is_extra: true, detail }
}

const DELEGATION: &str =
    "A systemd service has them with Delegate=memory pids and DelegateSubgroup=main in its unit";

fn trial(ceiling: SandboxCeiling) -> Result<SandboxLevel, SandboxError> {
    let folder = std::env::temp_dir();
    let folder =
        tempfile::tempdir_in(&folder).map_err(|source| SandboxError::Temp { path: folder, source })?;
    let command = SandboxedCommand {
        script: "exit 0".into(),
        cwd: folder.path().to_owned(),
        write: vec![folder.path().to_owned()],
        limits: SandboxLimits { wall: Duration::from_secs(10), ..SandboxLimits::default() },
        ..SandboxedCommand::default()
    };
    run_at(ceiling, &command, &CancelFlag::default()).map(|execution| execution.level)
}

fn why_not_full() -> String {
    super::launch::full_refused().unwrap_or("refused").to_owned()
}

/// The usual system settings, chosen by which ones this machine has.
fn namespace_advice() -> &'static str {
    let is = |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor denies user namespaces to ordinary programs: set \
         kernel.apparmor_restrict_unprivileged_userns=0 or give millwright a profile with `userns`"
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "set kernel.unprivileged_userns_clone=1"
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "set user.max_user_namespaces above 0"
    } else {
        "in a container, allow them with a seccomp profile that permits unshare and mount, \
         and an unmasked /proc (Docker: --security-opt seccomp=… --security-opt systempaths=unconfined)"
    }
}
