/*!
The caller's side of the sandbox: starts the stage, sends it the specification, collects its output, and stops it
on request. Uses the strongest sandbox that the machine supports.
*/
#![expect(clippy::disallowed_methods, reason = "this is one of the two entries that start processes")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use millwright_model::SandboxLevel;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::cancel::CancelFlag;
use super::groups::RunControlGroups;
use super::hints;
use super::output::BoundedOutput;
use super::paths::DEFAULT_PATH;
use super::sandboxed::{
    Execution, ExitStatus, LimitHit, NetworkAccess, NoSandboxPolicy, SandboxCeiling, SandboxError,
    SandboxLimits, SandboxedCommand,
};
use super::wire::{self, StageEnding, StageReport, StageSpec, WantedLevel};

/// How often the cancel flag is checked.
const CANCEL_POLL_MS: u16 = 50;
/// How long the stage may take to end what it started; after that the stage itself is killed.
const STAGE_GRACE: Duration = Duration::from_secs(20);
const MAX_FILES_LOOKED_AT: u32 = 100_000;
const TEMP_PREFIX: &str = "millwright-run-";

static FULL_REFUSED: OnceLock<String> = OnceLock::new();

/// Runs a command in the strongest sandbox available and waits for it. Blocks: call on a blocking thread.
/// Everything the command started is gone when this returns, and also soon after this process dies for any reason.
pub fn run(command: &SandboxedCommand, cancel: &CancelFlag) -> Result<Execution, SandboxError> {
    run_at(SandboxCeiling::default(), command, cancel)
}

/// As [`run`]; `observer` receives every byte of the output as it arrives, including bytes that are not kept.
pub fn run_observed(
    command: &SandboxedCommand,
    cancel: &CancelFlag,
    observer: &mut dyn FnMut(&[u8]),
) -> Result<Execution, SandboxError> {
    run_with(SandboxCeiling::default(), command, cancel, observer)
}

/// As [`run`], in a sandbox no stronger than `ceiling`.
pub fn run_at(
    ceiling: SandboxCeiling,
    command: &SandboxedCommand,
    cancel: &CancelFlag,
) -> Result<Execution, SandboxError> {
    run_with(ceiling, command, cancel, &mut |_| {})
}

fn run_with(
    ceiling: SandboxCeiling,
    command: &SandboxedCommand,
    cancel: &CancelFlag,
    observer: &mut dyn FnMut(&[u8]),
) -> Result<Execution, SandboxError> {
    let temp = Temp::new()?;
    let mut spec = specification(command, ceiling, temp.path())?;
    // Dropped after the stage was waited for, so that the groups are empty.
    let groups = RunControlGroups::new(&command.limits);
    groups.folders().clone_into(&mut spec.groups);
    let mut refused = |wanted: WantedLevel| {
        spec.wanted = wanted;
        match attempt(&spec, cancel, observer)? {
            Attempt::Refused(why) => Ok(Err(why)),
            Attempt::Ran(execution) => Ok(Ok(*execution)),
        }
    };
    let mut full = "not asked for".to_owned();
    if ceiling.level == SandboxLevel::Full {
        // Tried again each time: an earlier refusal may have been a temporary lack of memory or namespaces.
        match refused(WantedLevel::Full)? {
            Ok(execution) => return Ok(execution),
            Err(why) => full = why,
        }
        FULL_REFUSED.get_or_init(|| {
            tracing::warn!(sandbox.refused = %full, "no sandbox with namespaces; trying without them");
            full.clone()
        });
    }
    if command.network == NetworkAccess::Loopback && command.weaker == NoSandboxPolicy::Refuse {
        return Err(SandboxError::LoopbackNeedsNamespaces { why: full });
    }
    let mut reduced = "not asked for".to_owned();
    if ceiling.level != SandboxLevel::None && command.network == NetworkAccess::None {
        match refused(WantedLevel::Reduced)? {
            Ok(execution) => return Ok(execution),
            Err(why) => reduced = why,
        }
    }
    if command.weaker == NoSandboxPolicy::Refuse {
        return Err(SandboxError::Unavailable { full, reduced });
    }
    match refused(WantedLevel::Unsandboxed)? {
        Ok(execution) => Ok(execution),
        Err(why) => Err(SandboxError::Stage { why }),
    }
}

/// Why this machine refused a sandbox with namespaces, if one was tried.
pub(super) fn full_refused() -> Option<&'static str> {
    FULL_REFUSED.get().map(String::as_str)
}

fn specification(
    command: &SandboxedCommand,
    ceiling: SandboxCeiling,
    temp: &Path,
) -> Result<StageSpec, SandboxError> {
    let mut aliases = Vec::new();
    let mut real = |path: &Path| {
        let wrong = |why: String| SandboxError::Path { path: path.to_owned(), why };
        let given = std::path::absolute(path).map_err(|error| wrong(error.to_string()))?;
        let real = fs::canonicalize(&given).map_err(|error| wrong(error.to_string()))?;
        if given.to_str().is_none() || real.to_str().is_none() {
            return Err(wrong("its name is not valid UTF-8; rename it".into()));
        }
        if ["/", "/proc", "/sys", "/dev", "/etc", "/tmp"].iter().any(|whole| real == Path::new(whole)) {
            return Err(wrong(
                "it contains too much that is not for the command; name the needed paths below it".into(),
            ));
        }
        if given != real {
            aliases.push((given, real.clone()));
        }
        Ok(real)
    };
    let read = command.read.iter().map(|path| real(path)).collect::<Result<Vec<_>, _>>()?;
    let write = command.write.iter().map(|path| real(path)).collect::<Result<Vec<_>, _>>()?;
    let cwd = real(&command.cwd)?;
    let record_opened_under = command.record_opened_under.as_deref().map(real).transpose()?;
    aliases.dedup();
    let wrong = |path: &PathBuf, why: &str| Err(SandboxError::Path { path: path.clone(), why: why.into() });
    if let Some(file) = write.iter().find(|path| !path.is_dir()) {
        return wrong(file, "only folders can be made writable");
    }
    if !cwd.is_dir() {
        return wrong(&cwd, "it is not a folder");
    }
    if !read.iter().chain(&write).any(|declared| cwd.starts_with(declared)) {
        return wrong(
            &cwd,
            "the command starts there, but it is not below a path declared as readable or writable",
        );
    }
    if command.script.contains('\0') || command.env.iter().any(|(key, value)| !is_variable(key, value)) {
        return Err(SandboxError::Command {
            why: "its script or environment contains a NUL byte or an invalid name".into(),
        });
    }
    Ok(StageSpec {
        wanted: WantedLevel::Full,
        landlock: ceiling.landlock,
        script: command.script.clone(),
        cwd,
        env: command.env.clone(),
        read,
        write,
        aliases,
        temp: temp.to_owned(),
        network: command.network,
        limits: command.limits.clone(),
        record_opened_under,
        groups: Vec::new(),
    })
}

fn is_variable(key: &str, value: &str) -> bool {
    !key.is_empty() && !key.contains(['=', '\0']) && !value.contains('\0')
}

/// The complete environment of a command whose temporary folder is `temp`.
pub(super) fn environment(declared: &BTreeMap<String, String>, temp: &Path) -> BTreeMap<String, String> {
    let temp = temp.to_string_lossy();
    let mut env: BTreeMap<String, String> = [
        ("PATH", DEFAULT_PATH),
        ("HOME", &temp),
        ("TMPDIR", &temp),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    env.extend(declared.clone());
    env
}

enum Attempt {
    Refused(String),
    Ran(Box<Execution>),
}

fn attempt(
    spec: &StageSpec,
    cancel: &CancelFlag,
    observer: &mut dyn FnMut(&[u8]),
) -> Result<Attempt, SandboxError> {
    if cancel.is_cancelled() {
        return Err(SandboxError::Cancelled);
    }
    let unexpected = |why: String| SandboxError::Stage { why };
    let (mut stage, mut socket, mut printed) = start()?;
    if let Err(error) = wire::send(&mut socket, spec) {
        return Err(unexpected(format!(
            "it did not take its specification ({error}){}",
            last_words(&mut stage)
        )));
    }
    let output = attend(&mut stage, &mut socket, &mut printed, &spec.limits, cancel, observer)?;
    let report = wire::receive(&mut socket);
    // Every process that could hold the pipe is gone. A stage that died without a report is killed and reaped
    // here.
    drop(socket);
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            let _ = stage.kill();
            return Err(unexpected(format!("{error}{}", last_words(&mut stage))));
        }
    };
    let _ = stage.wait();
    match report {
        StageReport::Refused { why } => Ok(Attempt::Refused(why)),
        StageReport::Invalid { why } => Err(SandboxError::Command { why }),
        StageReport::Ended(StageEnding { cancelled: true, .. }) => Err(SandboxError::Cancelled),
        StageReport::Ended(ended) => {
            let (output, truncated) = output.finish();
            let mut denied = ended.denied;
            if denied.is_empty() && ended.exit != ExitStatus::Code(0) {
                denied = hints::refusals_in(&output);
                let declared = || spec.read.iter().chain(&spec.write);
                denied.extend(hints::hidden_in(&output, |path| {
                    declared().any(|shown| path.starts_with(shown))
                }));
            }
            let level = match spec.wanted {
                WantedLevel::Full => SandboxLevel::Full,
                WantedLevel::Reduced => SandboxLevel::Reduced,
                WantedLevel::Unsandboxed => SandboxLevel::None,
            };
            let duration = Duration::from_micros(ended.duration_us);
            let (exit, opened) = (ended.exit, ended.opened);
            let told = hints::TOO_LARGE.iter().any(|words| output.contains(words));
            let limit = ended.limit.or_else(|| (told && filled_a_file(spec)).then_some(LimitHit::FileSize));
            let ran = Execution { exit, output, truncated, duration, limit, level, denied, opened };
            Ok(Attempt::Ran(Box::new(ran)))
        }
    }
}

/// Whether any file has exactly the maximum size: a program that survives the signal only gets an error.
fn filled_a_file(spec: &StageSpec) -> bool {
    let mut left = MAX_FILES_LOOKED_AT;
    let mut folders: Vec<PathBuf> = spec.write.clone();
    folders.push(spec.temp.clone());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            left -= 1;
            match entry.metadata() {
                _ if left == 0 => return false,
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) if meta.is_file() && meta.len() == spec.limits.file_size_bytes => return true,
                _ => {}
            }
        }
    }
    false
}

/// Starts the stage with a socket as its standard input and a pipe as its standard output.
fn start() -> Result<(Child, UnixStream, std::io::PipeReader), SandboxError> {
    let executable = PathBuf::from("/proc/self/exe");
    let failed = |source| SandboxError::Start { executable: executable.clone(), source };
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    let mut command = Command::new(&executable);
    command.arg0("millwright-sandbox").arg(wire::STAGE_ARGUMENT).env_clear().current_dir("/");
    command.stdin(OwnedFd::from(theirs)).stdout(writer).stderr(Stdio::piped());
    let stage = command.spawn().map_err(failed)?;
    // Drop the command to close our copies of the stage's ends.
    Ok((stage, ours, reader))
}

/// Collects output until the stage reports, and passes on requests to stop.
fn attend(
    stage: &mut Child,
    socket: &mut UnixStream,
    printed: &mut std::io::PipeReader,
    limits: &SandboxLimits,
    cancel: &CancelFlag,
    observer: &mut dyn FnMut(&[u8]),
) -> Result<BoundedOutput, SandboxError> {
    let mut output = BoundedOutput::new(limits.kept_output_bytes);
    let mut buffer = vec![0; 64 * 1024];
    let mut asked_to_stop = false;
    let mut printed_to_the_end = false;
    let mut give_up_at = Instant::now() + limits.wall + STAGE_GRACE;
    loop {
        let mut fds = vec![PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        if !printed_to_the_end {
            fds.push(PollFd::new(printed.as_fd(), PollFlags::POLLIN));
        }
        let _ = poll(&mut fds, PollTimeout::from(CANCEL_POLL_MS));
        let ready = |at: usize| fds.get(at).is_some_and(|fd| fd.any().unwrap_or(false));
        let (reported, may_read) = (ready(0), ready(1));
        if may_read {
            match printed.read(&mut buffer) {
                Ok(0) => printed_to_the_end = true,
                Ok(n) => {
                    let read = buffer.get(..n).unwrap_or_default();
                    output.push(read);
                    observer(read);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => printed_to_the_end = true,
            }
        } else if reported {
            return Ok(output);
        }
        let reason = if cancel.is_cancelled() {
            Some(wire::STOP_CANCELLED)
        } else if output.seen_bytes() > limits.output_bytes {
            Some(wire::STOP_OUTPUT)
        } else {
            None
        };
        if let Some(reason) = reason
            && !asked_to_stop
        {
            asked_to_stop = true;
            let _ = socket.write_all(&[reason]);
            give_up_at = Instant::now() + STAGE_GRACE;
        }
        if Instant::now() > give_up_at {
            let _ = stage.kill();
            let _ = stage.wait();
            return Err(SandboxError::Stage { why: "it did not end in time and was killed".into() });
        }
    }
}

/// The error output of a failed stage, bounded.
fn last_words(stage: &mut Child) -> String {
    let _ = stage.wait();
    let mut text = Vec::new();
    if let Some(pipe) = stage.stderr.take() {
        let _ = pipe.take(2000).read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(&text);
    if text.trim().is_empty() { String::new() } else { format!(": {}", text.trim()) }
}

/// The temporary folder of one run. It is removed regardless of what the command did to it.
struct Temp(Option<tempfile::TempDir>);

impl Temp {
    fn new() -> Result<Self, SandboxError> {
        let parent = std::env::temp_dir();
        static SWEEP: Once = Once::new();
        SWEEP.call_once(|| sweep(&parent));
        let failed = |source| SandboxError::Temp { path: parent.clone(), source };
        let parent = fs::canonicalize(&parent).map_err(failed)?;
        let prefix = format!("{TEMP_PREFIX}{}-", std::process::id());
        let dir = tempfile::Builder::new().prefix(&prefix).tempdir_in(&parent).map_err(failed)?;
        Ok(Self(Some(dir)))
    }

    fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new("/nonexistent"), tempfile::TempDir::path)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if let Some(dir) = self.0.take() {
            remove_tree(&dir.keep());
        }
    }
}

/// Removes the folders that runs of killed processes left behind.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(TEMP_PREFIX)?.split('-').next());
        let Some(owner) = owner.filter(|pid| pid.parse::<u32>().is_ok()) else { continue };
        if !Path::new("/proc").join(owner).exists() {
            remove_tree(&entry.path());
        }
    }
}

/// Removes a folder even if the command removed its own permissions on it.
fn remove_tree(path: &Path) {
    if fs::remove_dir_all(path).is_ok() {
        return;
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        folders.extend(entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()));
    }
    if let Err(error) = fs::remove_dir_all(path) {
        tracing::warn!(path = %path.display(), %error, "a temporary folder could not be removed");
    }
}
