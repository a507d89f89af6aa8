/*!
Runs git as a trusted process. The git directory passed in must be one that Millwright created (see `git::Repo`):
it borrows the investigated repository's objects and has its own configuration.

Every setting that could make git start another program is also disabled on the command line, which overrides every
configuration file. So even the wrong directory does not lead to the execution of a program.
*/
#![expect(clippy::disallowed_methods, reason = "this is one of the two entries that start processes")]

use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::CancelFlag;

const WATCH_EVERY_MS: u16 = 50;

/// Git could not be started, or failed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git could not be started: {0}; install git 2.35 or newer and make sure it is in PATH")]
    Start(std::io::Error),
    #[error("git {command} failed: {stderr}")]
    Failed { command: String, stderr: String },
    #[error("reading from git {command}: {source}")]
    Read { command: String, source: std::io::Error },
    #[error("git {command} was stopped: {why}")]
    Stopped { command: String, why: &'static str },
}

/// Settings that start programs, contact remotes or run maintenance in the background, each with a value that
/// disables it.
const OVERRIDES: &[&str] = &[
    "safe.directory=*", // our directory may belong to another account
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.editor=false",
    "core.askPass=false",
    "core.sshCommand=false",
    "core.gitProxy=false",
    "core.alternateRefsCommand=true", // by default git would run inside the borrowed repository
    "credential.helper=",
    "gpg.program=false",
    "log.showSignature=false",
    "interactive.diffFilter=cat",
    "protocol.allow=never",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "rerere.enabled=false",
    "core.quotePath=false",
];

/// Commands that can pass files to external diff programs and text converters, and must not.
const SHOWING_DIFFS: &[&str] =
    &["diff", "diff-files", "diff-index", "diff-tree", "format-patch", "log", "show", "whatchanged"];

/// Path of git, looked up once. A program started by its full path is spawned without copying this process's
/// memory map, and an investigation starts git dozens of times.
fn program() -> &'static Path {
    static FOUND: LazyLock<PathBuf> = LazyLock::new(|| {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&folders).map(|folder| folder.join("git")).find(|git| git.is_file());
        found.unwrap_or_else(|| PathBuf::from("git"))
    });
    &FOUND
}

/// A git command with everything outside of `git_dir` disabled.
pub fn git(git_dir: &Path) -> GitCommand {
    let mut command = Command::new(program());
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    for (key, value) in [
        ("LC_ALL", "C"),
        ("HOME", "/nonexistent"),
        ("XDG_CONFIG_HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS", "false"),
        ("GIT_PROTOCOL_FROM_USER", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_ADVICE", "0"),
        ("GIT_AUTHOR_NAME", "Millwright"),
        ("GIT_AUTHOR_EMAIL", "millwright@localhost"),
        ("GIT_COMMITTER_NAME", "Millwright"),
        ("GIT_COMMITTER_EMAIL", "millwright@localhost"),
    ] {
        command.env(key, value);
    }
    command.env("GIT_DIR", git_dir);
    command.args(OVERRIDES.iter().flat_map(|setting| ["-c", setting]));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    GitCommand { command, name: String::new(), deadline: None, cancel: None }
}

/// Git's version string; the oldest supported version is 2.35.
pub fn version() -> Result<String, GitError> {
    let said = git(Path::new("/nonexistent")).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

#[derive(Debug)]
pub struct GitCommand {
    command: Command,
    name: String,
    deadline: Option<Duration>,
    cancel: Option<CancelFlag>,
}

impl GitCommand {
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        if self.name.is_empty() {
            self.name = arg.as_ref().to_string_lossy().into_owned();
            self.command.arg(arg);
            if SHOWING_DIFFS.contains(&self.name.as_str()) {
                self.command.args(["--no-ext-diff", "--no-textconv"]);
            }
        } else {
            self.command.arg(arg);
        }
        self
    }

    pub fn args<S: AsRef<OsStr>>(self, args: impl IntoIterator<Item = S>) -> Self {
        args.into_iter().fold(self, |this, arg| this.arg(arg))
    }

    /// Overrides one of the settings above for this command; placed before the command's name.
    pub fn setting(mut self, setting: &str) -> Self {
        debug_assert!(self.name.is_empty(), "settings come before the command");
        self.command.args(["-c", setting]);
        self
    }

    /// Sets the work tree and the working directory, for commands that write files.
    pub fn work_tree(mut self, path: &Path) -> Self {
        self.command.env("GIT_WORK_TREE", path).current_dir(path);
        self
    }

    /// Sets one of git's own environment variables, such as `GIT_INDEX_FILE`.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Reads standard input from a pipe that another process writes to.
    pub fn input(mut self, from: std::io::PipeReader) -> Self {
        self.command.stdin(from);
        self
    }

    /// Ends git if it runs longer.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
    }

    /// Ends git soon after the flag is set.
    pub fn cancel(mut self, flag: &CancelFlag) -> Self {
        self.cancel = Some(flag.clone());
        self
    }

    /// Runs to the end and returns standard output.
    pub fn output(self) -> Result<Vec<u8>, GitError> {
        self.output_with_input(&[])
    }

    /// Runs to the end with `input` on standard input.
    pub fn output_with_input(mut self, input: &[u8]) -> Result<Vec<u8>, GitError> {
        if !input.is_empty() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.command.spawn().map_err(GitError::Start)?;
        let stdin = child.stdin.take();
        let watchdog = watchdog(&child, self.deadline, self.cancel);
        let (output, fed) = std::thread::scope(|scope| {
            let feeder =
                stdin.map(|mut pipe| scope.spawn(move || std::io::Write::write_all(&mut pipe, input)));
            (child.wait_with_output(), feeder.map(std::thread::ScopedJoinHandle::join))
        });
        drop(fed); // git may close its input early; its exit status says whether that was an error
        if let Some(why) = watchdog.and_then(|thread| thread.join().ok()).flatten() {
            return Err(GitError::Stopped { command: self.name, why });
        }
        let output = output.map_err(|source| GitError::Read { command: self.name.clone(), source })?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(GitError::Failed { command: self.name, stderr: last_words(&output.stderr) })
        }
    }

    /// Starts git and returns its standard output as a stream.
    pub fn stream(mut self) -> Result<GitStream, GitError> {
        let mut child = self.command.spawn().map_err(GitError::Start)?;
        let stdout = child.stdout.take().ok_or_else(|| GitError::Failed {
            command: self.name.clone(),
            stderr: "no standard output".into(),
        })?;
        // A thread drains standard error, so that git never blocks on a full pipe.
        let stderr = child.stderr.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = pipe.by_ref().take(64 * 1024).read_to_end(&mut text);
                let _ = std::io::copy(&mut pipe, &mut std::io::sink());
                text
            })
        });
        let watchdog = watchdog(&child, self.deadline, self.cancel);
        Ok(GitStream { child, stdout, stderr, watchdog, name: self.name })
    }
}

/// Standard output of a running git. After reading, call [`GitStream::finish`] to learn whether git succeeded.
#[derive(Debug)]
pub struct GitStream {
    child: Child,
    stdout: ChildStdout,
    stderr: Option<std::thread::JoinHandle<Vec<u8>>>,
    watchdog: Option<std::thread::JoinHandle<Option<&'static str>>>,
    name: String,
}

impl Read for GitStream {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.stdout.read(buf)
    }
}

impl std::os::fd::AsFd for GitStream {
    /// Lets callers wait until there is something to read.
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.stdout.as_fd()
    }
}

impl GitStream {
    /// Ends git, even if it has more output.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
    }

    pub fn finish(mut self) -> Result<(), GitError> {
        let status =
            self.child.wait().map_err(|source| GitError::Read { command: self.name.clone(), source })?;
        let stderr = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if let Some(why) = self.watchdog.take().and_then(|thread| thread.join().ok()).flatten() {
            return Err(GitError::Stopped { command: std::mem::take(&mut self.name), why });
        }
        if status.success() {
            Ok(())
        } else {
            Err(GitError::Failed { command: std::mem::take(&mut self.name), stderr: last_words(&stderr) })
        }
    }
}

impl Drop for GitStream {
    fn drop(&mut self) {
        // A reader that stops early must not leave git running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Watches a running git that has a deadline or a cancel flag, and says why git had to be ended, if it was.
fn watchdog(
    child: &Child,
    deadline: Option<Duration>,
    cancel: Option<CancelFlag>,
) -> Option<std::thread::JoinHandle<Option<&'static str>>> {
    if deadline.is_none() && cancel.is_none() {
        return None;
    }
    // A process descriptor always means the same process; a process id can be reused once the process was waited
    // for.
    let process = rustix::process::Pid::from_raw(child.id().cast_signed())?;
    let process = rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()).ok()?;
    let end = deadline.map(|after| Instant::now() + after);
    Some(std::thread::spawn(move || {
        loop {
            let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::from(WATCH_EVERY_MS)).is_ok_and(|ready| ready > 0) {
                return None;
            }
            let why = if cancel.as_ref().is_some_and(CancelFlag::is_cancelled) {
                "cancelled"
            } else if end.is_some_and(|end| Instant::now() > end) {
                "it took longer than allowed; use a smaller range or a later deadline"
            } else {
                continue;
            };
            let _ = rustix::process::pidfd_send_signal(&process, rustix::process::Signal::KILL);
            return Some(why);
        }
    }))
}

/// The end of an error output, bounded: git prints the important part last.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim();
    match text.char_indices().rev().nth(1999) {
        Some((at, _)) => format!("… {}", &text[at..]),
        None => text.to_owned(),
    }
}
