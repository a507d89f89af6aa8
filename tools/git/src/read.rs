/*!
Reads the output of a trusted git, bounded in size and cancellable. A history can be larger than memory, a pattern
can match everywhere, and a call that timed out must not leave git running.
*/

use std::io::Read;

use millwright_sandbox::CancelFlag;
use millwright_sandbox::trusted::{GitCommand, GitError};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::RepoError;

/// Output of git, cut at a size.
#[derive(Debug)]
pub(super) struct BoundedOutput {
    pub(super) bytes: Vec<u8>,
    /// Whether git had more output.
    pub(super) truncated: bool,
}

/// Runs `command` and returns at most `max_bytes` of its standard output.
pub(super) fn output(
    command: GitCommand,
    max_bytes: usize,
    cancel: &CancelFlag,
) -> Result<BoundedOutput, RepoError> {
    let mut stream = command.stream()?;
    let mut bytes = Vec::new();
    let mut chunk = vec![0_u8; 64 * 1024];
    loop {
        if cancel.is_cancelled() {
            return Err(RepoError::Cancelled);
        }
        let mut ready = [PollFd::new(std::os::fd::AsFd::as_fd(&stream), PollFlags::POLLIN)];
        match poll(&mut ready, PollTimeout::from(100_u8)) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => continue,
            Ok(_) | Err(_) => {} // the read reports any error
        }
        let read =
            stream.read(&mut chunk).map_err(|source| GitError::Read { command: "output".into(), source })?;
        if read == 0 {
            stream.finish()?;
            return Ok(BoundedOutput { bytes, truncated: false });
        }
        let room = max_bytes - bytes.len();
        bytes.extend_from_slice(chunk.get(..read.min(room)).unwrap_or_default());
        if read > room {
            return Ok(BoundedOutput { bytes, truncated: true });
        }
    }
}

/// NUL-separated fields of an output, as text. Git ends each field with a NUL.
pub(super) fn fields(bytes: &[u8]) -> Vec<String> {
    let mut fields: Vec<String> =
        bytes.split(|byte| *byte == 0).map(|field| String::from_utf8_lossy(field).into_owned()).collect();
    fields.pop(); // the part after the last NUL
    fields
}

/// Turns a path into a pathspec: a literal file or folder, or a glob (`*.py` matches anywhere).
pub(super) fn pathspec(path: &str) -> String {
    let path = path.trim_start_matches("./");
    if !path.contains(['*', '?', '[']) {
        return format!(":(literal,top){}", path.trim_end_matches('/'));
    }
    let anywhere = if path.contains('/') { "" } else { "**/" };
    format!(":(glob,top){anywhere}{path}")
}
