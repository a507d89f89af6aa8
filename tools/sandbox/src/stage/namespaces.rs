/*!
The namespaces of the full sandbox, and the command's identity inside and outside of them.

For an ordinary user, the command keeps that user's identity outside. Real root is not kept: the command gets an
account that owns nothing on the machine, so that limits on processes and file permissions apply. The folders it
may change are mounted with the owner translated (idmapped mounts), so nothing has to be chowned, and files it
creates belong to their folder's owner. If a file system cannot translate owners, root stays root outside, without
any capability; then only the mount view and the supervisor confine it.
*/

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};
use nix::unistd::{Gid, Pid, Uid, getegid, geteuid, setgroups, setresgid, setresuid};
use rustix::thread::CapabilitySet;

use super::super::sys;
use super::{Failure, refused};

/// The command's user and group id, as the command sees them.
pub(super) const INSIDE_ID: u32 = 1000;
/// No distribution assigns ids from here on. Using one per process keeps the per-user limits of runs separate.
const FIRST_FREE_ID: u32 = 2_000_000_000;
/// Buffer size for each direction of a connection.
const TCP_BUFFER_BYTES: u32 = 256 << 10;

/// Creates owner-translating mounts. Only real root can.
pub(super) struct OwnerTranslation {
    outside: u32,
    by_owner: HashMap<(u32, u32), Option<OwnedFd>>,
}

impl OwnerTranslation {
    /// `None` unless this process may act as other accounts.
    pub(super) fn available() -> Option<Self> {
        let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::SETUID | CapabilitySet::SETGID;
        let capable = rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(needed));
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let outside = free_id(&read("uid_map")).filter(|id| Some(*id) == free_id(&read("gid_map")))?;
        (capable && geteuid().is_root()).then(|| Self { outside, by_owner: HashMap::new() })
    }

    /// A user namespace in which this owner's files belong to the command.
    pub(super) fn for_owner(&mut self, uid: u32, gid: u32) -> Option<BorrowedFd<'_>> {
        let outside = self.outside;
        let made =
            self.by_owner.entry((uid, gid)).or_insert_with(|| mapped_namespace((uid, gid), outside).ok());
        made.as_ref().map(AsFd::as_fd)
    }
}

/// An id of this user namespace that no account uses, taken from the namespace's own map.
fn free_id(map: &str) -> Option<u32> {
    let extents = map.lines().filter_map(|line| {
        let mut numbers = line.split_ascii_whitespace().map(str::parse::<u64>);
        let (first, _, count) = (numbers.next()?.ok()?, numbers.next()?, numbers.next()?.ok()?);
        Some((first, first + count))
    });
    let wanted = u64::from(FIRST_FREE_ID + std::process::id() % (1 << 22));
    let extents: Vec<_> = extents.collect();
    let within = |id: u64| extents.iter().any(|(first, end)| (*first..*end).contains(&id));
    if within(wanted) {
        return u32::try_from(wanted).ok();
    }
    // A container's map usually ends at 65536; its last ids are free, except 65534 (`nobody`).
    (65_000..65_534).rev().find(|id| within(*id)).and_then(|id| u32::try_from(id).ok())
}

/// Creates a user namespace with one account in it, without entering it.
fn mapped_namespace(inside: (u32, u32), outside: u32) -> io::Result<OwnedFd> {
    let (mut ready, tell_ready) = io::pipe()?;
    let (hold, release) = io::pipe()?;
    let Some(holder) = sys::fork()? else {
        drop((ready, release));
        let (mut tell_ready, mut hold) = (tell_ready, hold);
        let entered = unshare(CloneFlags::CLONE_NEWUSER).is_ok();
        let _ = tell_ready.write_all(&[u8::from(entered)]);
        let _ = hold.read(&mut [0]);
        std::process::exit(0);
    };
    drop((tell_ready, hold));
    let mut entered = [0];
    let made = ready.read_exact(&mut entered).and_then(|()| {
        if entered == [0] {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        fs::write(format!("/proc/{holder}/uid_map"), format!("{} {outside} 1", inside.0))?;
        fs::write(format!("/proc/{holder}/gid_map"), format!("{} {outside} 1", inside.1))?;
        fs::File::open(format!("/proc/{holder}/ns/user")).map(OwnedFd::from)
    });
    drop(release);
    let _ = nix::sys::wait::waitpid(holder, None);
    made
}

/// Enters all namespaces, as the account of `translation` or with the current identity. The process itself stays
/// in its PID namespace; its children are in the new one.
pub(super) fn enter(translation: Option<&OwnerTranslation>) -> Result<(), Failure> {
    match translation {
        Some(translation) => {
            let namespace = mapped_namespace((INSIDE_ID, INSIDE_ID), translation.outside);
            let namespace = namespace.map_err(refused("making a user namespace"))?;
            setns(namespace, CloneFlags::CLONE_NEWUSER).map_err(refused("entering a user namespace"))?;
            setgroups(&[]).map_err(refused("leaving all groups"))?;
        }
        None => {
            let (uid, gid) = (geteuid(), getegid());
            unshare(CloneFlags::CLONE_NEWUSER).map_err(refused("making a user namespace"))?;
            // An unprivileged process must give up the right to change its groups before it may map its own.
            let _ = fs::write("/proc/self/setgroups", "deny");
            fs::write("/proc/self/uid_map", format!("{INSIDE_ID} {uid} 1"))
                .map_err(refused("mapping the user"))?;
            fs::write("/proc/self/gid_map", format!("{INSIDE_ID} {gid} 1"))
                .map_err(refused("mapping the group"))?;
        }
    }
    let (uid, gid) = (Uid::from_raw(INSIDE_ID), Gid::from_raw(INSIDE_ID));
    setresgid(gid, gid, gid).map_err(refused("taking the group inside"))?;
    setresuid(uid, uid, uid).map_err(refused("taking the user inside"))?;
    for (what, flag) in [
        ("mount", CloneFlags::CLONE_NEWNS),
        ("PID", CloneFlags::CLONE_NEWPID),
        ("network", CloneFlags::CLONE_NEWNET),
        ("IPC", CloneFlags::CLONE_NEWIPC),
        ("UTS", CloneFlags::CLONE_NEWUTS),
    ] {
        unshare(flag).map_err(refused(&format!("making a {what} namespace")))?;
    }
    // After a change of identity a process can no longer read its own `/proc` entry, and the supervisor reads its
    // children there.
    nix::sys::prctl::set_dumpable(true).map_err(refused("staying readable"))?;
    Ok(())
}

/// Brings up the loopback interface of the network namespace this process is in.
pub(super) fn raise_loopback() -> nix::Result<()> {
    let netlink =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    // struct nlmsghdr (length, type, flags, sequence, port), then struct ifinfomsg (family, device type, index,
    // flags, change mask); the loopback interface is always the first interface of a namespace.
    let mut message = Vec::new();
    message.extend(32u32.to_ne_bytes());
    message.extend(libc::RTM_NEWLINK.to_ne_bytes());
    message.extend(((libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16).to_ne_bytes());
    message.extend([0; 8]);
    message.extend([0; 4]);
    message.extend(1i32.to_ne_bytes());
    message.extend((libc::IFF_UP as u32).to_ne_bytes());
    message.extend((libc::IFF_UP as u32).to_ne_bytes());
    let kernel = NetlinkAddr::new(0, 0);
    sendto(std::os::fd::AsRawFd::as_raw_fd(&netlink), &message, &kernel, MsgFlags::empty())?;
    let mut reply = [0; 256];
    let got = recv(std::os::fd::AsRawFd::as_raw_fd(&netlink), &mut reply, MsgFlags::empty())?;
    // The acknowledgement is a header of 16 bytes and an error number, 0 for success.
    let error = reply.get(16..20).filter(|_| got >= 20).and_then(|bytes| bytes.try_into().ok());
    match error.map(i32::from_ne_bytes) {
        Some(0) => {
            bound_tcp_buffers();
            Ok(())
        }
        Some(error) => Err(nix::Error::from_raw(-error)),
        None => Err(nix::Error::EPROTO),
    }
}

/// Keeps the buffers of TCP as small as those of other sockets; by default each connection's buffers grow to
/// several MB.
fn bound_tcp_buffers() {
    for name in ["tcp_rmem", "tcp_wmem"] {
        // If this fails, each connection is counted at its maximum size.
        let _ = fs::write(format!("/proc/sys/net/ipv4/{name}"), format!("4096 65536 {TCP_BUFFER_BYTES}"));
    }
}

/// The largest buffer of a TCP connection in the network namespace that this process is in.
pub(super) fn tcp_buffer_bytes() -> u64 {
    let largest = |name: &str| {
        let text = fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap_or_default();
        text.split_ascii_whitespace().last().and_then(|last| last.parse().ok()).unwrap_or(8 << 20)
    };
    largest("tcp_rmem") + largest("tcp_wmem")
}

/// Kills the process. If it is the init of a PID namespace, everything in the namespace dies too.
pub(super) fn kill(process: Pid) {
    let _ = nix::sys::signal::kill(process, nix::sys::signal::SIGKILL);
}

/// Kills every process of a group at once. A process that is just being started in the group dies too, so nothing
/// in the group can escape.
pub(super) fn kill_group(group: Pid) {
    let _ = nix::sys::signal::killpg(group, nix::sys::signal::SIGKILL);
}

#[cfg(test)]
mod tests {
    use super::free_id;

    #[test]
    fn a_free_id_lies_in_the_map() {
        assert!(free_id("         0          0 4294967295\n").is_some_and(|id| id >= 2_000_000_000));
        assert_eq!(free_id("0 100000 65536\n"), Some(65_533));
        assert_eq!(free_id("0 1000 1\n"), None);
        assert_eq!(free_id("0 1000 1\n1 100000 65536\n"), Some(65_533));
        assert_eq!(free_id("rubbish"), None);
    }
}
