/*!
The messages between the caller and the sandbox stage over one socket: the specification once, a byte to stop, the
report at the end. A closed socket is also a message: the other side has died.
*/

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::sandboxed::{ExitStatus, LimitHit, NetworkAccess, SandboxLimits};

/// Marks the process as a stage; a user would not type it.
pub(super) const STAGE_ARGUMENT: &str = "--as-sandbox-stage";

/// Sent by the caller while the command runs.
pub(super) const STOP_CANCELLED: u8 = b'c';
pub(super) const STOP_OUTPUT: u8 = b'o';

/// A report of many opened files is the longest message.
const MAX_MESSAGE_BYTES: u32 = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum WantedLevel {
    Full,
    Reduced,
    /// Limits, plus any protection that is available.
    Unsandboxed,
}

/// All paths are absolute and free of symbolic links.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StageSpec {
    pub(super) wanted: WantedLevel,
    pub(super) landlock: u8,
    pub(super) script: String,
    pub(super) cwd: PathBuf,
    pub(super) env: BTreeMap<String, String>,
    pub(super) read: Vec<PathBuf>,
    pub(super) write: Vec<PathBuf>,
    /// Alternative names of declared paths: (symbolic link, its target).
    pub(super) aliases: Vec<(PathBuf, PathBuf)>,
    pub(super) temp: PathBuf,
    pub(super) network: NetworkAccess,
    pub(super) limits: SandboxLimits,
    pub(super) record_opened_under: Option<PathBuf>,
    /// Control groups that only this run uses.
    pub(super) groups: Vec<PathBuf>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum StageReport {
    /// The kernel or the machine's policy prevents this sandbox from being built.
    Refused {
        why: String,
    },
    /// The command itself cannot run.
    Invalid {
        why: String,
    },
    Ended(StageEnding),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StageEnding {
    pub(super) exit: ExitStatus,
    pub(super) limit: Option<LimitHit>,
    pub(super) cancelled: bool,
    pub(super) duration_us: u64,
    pub(super) denied: Vec<String>,
    pub(super) opened: Vec<PathBuf>,
}

pub(super) fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MAX_MESSAGE_BYTES);
    let length = length.ok_or(io::ErrorKind::InvalidInput)?;
    let mut whole = length.to_le_bytes().to_vec();
    whole.extend(body);
    to.write_all(&whole)
}

pub(super) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_MESSAGE_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    from.take(length.into()).read_to_end(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}
