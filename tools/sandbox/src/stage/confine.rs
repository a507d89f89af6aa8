/*!
How the command confines itself before it becomes a shell: limits that the kernel enforces per process, Landlock
rules for the paths it may use, no capabilities and no way to gain any, and the system call filters of
[`syscalls`].
*/

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::super::groups::TASKS_SLACK;
use super::super::launch::environment;
use super::super::paths::{DEVICES, PROC_FACTS, SYSTEM_FOLDERS, etc_entries};
use super::super::sandboxed::{NetworkAccess, SandboxLimits};
use super::super::sys;
use super::super::wire::{StageSpec, WantedLevel};
use super::{Failure, refused};
use super::{syscalls, tree};

/// Slack for processes that the user starts meanwhile, where the kernel counts all of the user's processes.
const USER_SLACK: u64 = 1024;
const MAX_OPEN_FILES: u64 = 16_384;

/// The Landlock version to use: the lowest of what was requested, what the kernel supports, and what was tested.
pub(super) fn landlock_version(spec: &StageSpec) -> u8 {
    u8::try_from(sys::landlock_version()).unwrap_or(u8::MAX).min(spec.landlock).min(6)
}

/// Confines this process. Returns the descriptor, if any, on which system calls arrive that need a decision.
pub(super) fn confine(spec: &StageSpec) -> Result<Option<OwnedFd>, Failure> {
    limit(&spec.limits, spec.wanted).map_err(refused("setting limits"))?;
    nix::unistd::chdir(&spec.cwd)
        .map_err(|error| Failure::Invalid(format!("starting in {}: {error}", spec.cwd.display())))?;
    nix::sys::prctl::set_no_new_privs().map_err(refused("giving up new privileges"))?;
    drop_capabilities().map_err(refused("dropping capabilities"))?;
    if spec.wanted == WantedLevel::Unsandboxed {
        return Ok(None);
    }
    restrict_paths(spec)?;
    syscalls::install(spec.wanted, spec.network, landlock_version(spec))
}

/// Becomes the shell. Returns only if that fails.
pub(super) fn become_shell(spec: &StageSpec) -> Failure {
    let temp = if spec.wanted == WantedLevel::Full { Path::new("/tmp") } else { &spec.temp };
    let env =
        environment(&spec.env, temp).into_iter().map(|(key, value)| CString::new(format!("{key}={value}")));
    let (Ok(env), Ok(script)) = (env.collect::<Result<Vec<_>, _>>(), CString::new(spec.script.as_str()))
    else {
        return Failure::Invalid("its script or environment contains a NUL byte".into());
    };
    sys::reset_signals();
    let Err(error) = nix::unistd::execve(c"/bin/sh", &[c"sh", c"-c", script.as_c_str()], &env);
    Failure::Invalid(format!("starting /bin/sh: {error}"))
}

fn limit(limits: &SandboxLimits, wanted: WantedLevel) -> nix::Result<()> {
    let lower = |resource, to: u64| {
        let (_, hard) = getrlimit(resource)?;
        let to = to.min(hard);
        setrlimit(resource, to, to)
    };
    lower(Resource::RLIMIT_CORE, 0)?;
    lower(Resource::RLIMIT_FSIZE, limits.file_size_bytes)?;
    lower(Resource::RLIMIT_NOFILE, MAX_OPEN_FILES)?;
    // The account may be allowed to use real-time priorities.
    lower(Resource::RLIMIT_RTPRIO, 0)?;
    lower(Resource::RLIMIT_NICE, 0)?;
    // The supervisor sums over processes; this limit ends a single process even if the supervisor is delayed.
    lower(Resource::RLIMIT_CPU, limits.cpu.as_secs().saturating_add(2))?;
    let allowed = match wanted {
        // Counted within the user namespace, so per run.
        WantedLevel::Full => u64::from(limits.processes) + TASKS_SLACK,
        // Counted over all processes of the user, who must still be able to start others.
        WantedLevel::Reduced | WantedLevel::Unsandboxed => {
            tree::tasks_of_user() + u64::from(limits.processes) + USER_SLACK
        }
    };
    lower(Resource::RLIMIT_NPROC, allowed)
}

pub(super) fn drop_capabilities() -> rustix::io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    for capability in CapabilitySet::all().iter() {
        // This call needs a capability itself; without one, an exec cannot restore any capability either.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )
}

fn restrict_paths(spec: &StageSpec) -> Result<(), Failure> {
    let abi = match landlock_version(spec) {
        0 => return Err(Failure::Refused("Landlock is missing or switched off in this kernel".into())),
        1 => ABI::V1,
        2 => ABI::V2,
        3 => ABI::V3,
        4 => ABI::V4,
        5 => ABI::V5,
        _ => ABI::V6,
    };
    let all = AccessFs::from_all(abi);
    let read = AccessFs::from_read(abi);
    let look = AccessFs::ReadFile | AccessFs::ReadDir;
    let device =
        (AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::from_all(abi) & AccessFs::IoctlDev) & all;
    let rules = || -> Result<_, landlock::RulesetError> {
        let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
        // Within its own network namespace the command may use the loopback it was given.
        if abi >= ABI::V4 && (spec.wanted != WantedLevel::Full || spec.network == NetworkAccess::None) {
            ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
        }
        if abi >= ABI::V6 {
            ruleset = ruleset.scope(Scope::from_all(abi))?;
        }
        let mut rules = ruleset.create()?;
        rules = rules.add_rules(path_beneath_rules(SYSTEM_FOLDERS, read))?;
        rules = rules.add_rules(path_beneath_rules(&spec.read, read))?;
        rules = rules.add_rules(path_beneath_rules(&spec.write, all))?;
        if spec.wanted == WantedLevel::Full {
            rules = rules.add_rules(path_beneath_rules(["/etc", "/proc"], look))?;
            rules = rules.add_rules(path_beneath_rules(["/etc/alternatives"], read))?;
            rules = rules.add_rules(path_beneath_rules(["/tmp", "/dev/shm", "/dev/pts"], all))?;
            rules = rules.add_rules(path_beneath_rules(["/dev"], device | look))?;
            if let Ok(root) = PathFd::new("/") {
                rules = rules.add_rule(PathBeneath::new(root, AccessFs::ReadDir))?;
            }
        } else {
            rules = rules.add_rules(path_beneath_rules(etc_entries(), read))?;
            rules = rules.add_rules(path_beneath_rules([&spec.temp], all))?;
            let devices = DEVICES.iter().map(|name| Path::new("/dev").join(name));
            rules = rules.add_rules(path_beneath_rules(devices, device))?;
            rules = rules.add_rules(path_beneath_rules(proc_paths(), look))?;
        }
        rules.restrict_self()
    };
    let status = rules().map_err(refused("restricting paths with Landlock"))?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(Failure::Refused("Landlock did not take effect".into()));
    }
    Ok(())
}

/// Facts about the machine, and the first process's own entry. Landlock cannot name future processes, so later
/// processes see no entry, not even their own.
fn proc_paths() -> Vec<PathBuf> {
    let facts = PROC_FACTS.iter().map(|fact| Path::new("/proc").join(fact));
    facts.chain(fs::canonicalize("/proc/self")).collect()
}

/// Makes the out-of-memory killer choose the command before any other process of the machine.
pub(super) fn volunteer_for_the_oom_killer() -> io::Result<()> {
    fs::write("/proc/self/oom_score_adj", "500")
}
