/*!
Bounds the memory in socket buffers, which belongs to no process. The kernel reports how many sockets of each kind
a network namespace has, and a filter keeps their buffers at the default size, so their number bounds the memory.
Counting descriptors is not enough: a socket that was sent over another one and then closed still exists, but no
process has a descriptor for it.

In the full sandbox the namespace belongs to the command, and every socket counts. In the reduced one it is the
machine's, where other programs open sockets at the same time. The command can neither connect nor name a socket;
it only has connected pairs of UNIX sockets, both ends without a name. Connections of other programs have one end
that carries the name of its listener. So the number of ends without a name, minus the number of ends with one, is
the number of pair ends.

The count is not exact. Pairs of other programs are charged to the run, but it takes thousands of them to reach the
usual limit. Sockets that other programs close meanwhile hide the same number of the command's, and so does a named
end that outlives the other end of its connection; the command can cause neither. Pipes in flight are not counted;
the kernel allows a user as many descriptors in flight as a process may have open. Without any sandbox a command
can name its sockets, which hides them.
*/

use std::fs;

use super::namespaces;

/// The kernel's default, unless an administrator changed it.
const DEFAULT_BYTES: u64 = 212_992;

pub(super) struct SocketBuffers {
    /// Bytes per socket that is not a TCP socket.
    each: u64,
    /// Bytes per TCP connection.
    each_of_tcp: u64,
    scope: SocketScope,
    before: SocketCounts,
    /// `None` if the kernel does not list its UNIX sockets.
    pair_ends_before: Option<i64>,
}

/// Whose sockets the network namespace holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SocketScope {
    /// Only the command's.
    Run,
    /// Those of every program on the machine.
    Machine,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct SocketCounts {
    tcp: u64,
    unix: u64,
    others: u64,
}

impl SocketBuffers {
    /// Call this in the machine's network namespace: on older kernels only that one shows the defaults.
    pub(super) fn default_sizes() -> Self {
        let size = |name: &str| {
            let text = fs::read_to_string(format!("/proc/sys/net/core/{name}")).unwrap_or_default();
            text.trim().parse().unwrap_or(DEFAULT_BYTES)
        };
        let each = size("wmem_default").max(size("rmem_default"));
        let before = SocketCounts::default();
        Self { each, each_of_tcp: 0, scope: SocketScope::Run, before, pair_ends_before: None }
    }

    /// Call this in the command's namespace, before the command starts.
    pub(super) fn counted_from_now(self, scope: SocketScope) -> Self {
        let each_of_tcp = namespaces::tcp_buffer_bytes();
        let pair_ends_before = if scope == SocketScope::Machine { pair_ends_now() } else { None };
        Self { each_of_tcp, scope, before: open_now(), pair_ends_before, ..self }
    }

    /// The most that sockets opened since the start can hold, including those of other programs. Costs one short
    /// read.
    pub(super) fn bytes_at_most(&self) -> u64 {
        bytes_grown(self.scope, self.before, open_now(), self.each, self.each_of_tcp)
    }

    /// As [`Self::bytes_at_most`], without the sockets of other programs, as far as they can be distinguished.
    /// Costs a list of all UNIX sockets.
    pub(super) fn bytes(&self) -> u64 {
        let pair_ends = match self.scope {
            SocketScope::Run => None,
            SocketScope::Machine => self.pair_ends_before.zip(pair_ends_now()),
        };
        match pair_ends {
            Some((before, now)) => {
                u64::try_from(now.saturating_sub(before)).unwrap_or(0).saturating_mul(self.each)
            }
            None => self.bytes_at_most(),
        }
    }
}

fn bytes_grown(
    scope: SocketScope,
    before: SocketCounts,
    now: SocketCounts,
    each: u64,
    each_of_tcp: u64,
) -> u64 {
    let unix = now.unix.saturating_sub(before.unix).saturating_mul(each);
    match scope {
        // A filter refuses every other kind.
        SocketScope::Machine => unix,
        SocketScope::Run => {
            let tcp = now.tcp.saturating_sub(before.tcp).saturating_mul(each_of_tcp);
            let others = now.others.saturating_sub(before.others).saturating_mul(each);
            unix.saturating_add(tcp).saturating_add(others)
        }
    }
}

fn open_now() -> SocketCounts {
    parse_protocols(&fs::read_to_string("/proc/self/net/protocols").unwrap_or_default())
}

/// Lines of `name size sockets …`.
fn parse_protocols(text: &str) -> SocketCounts {
    let mut sockets = SocketCounts::default();
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (name, number) = (fields.next().unwrap_or_default(), fields.nth(1));
        let number = number.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
        match name {
            // An MPTCP connection has its own buffers, in addition to those of its TCP connections.
            "TCP" | "TCPv6" | "MPTCP" | "MPTCPv6" => sockets.tcp += number,
            "UNIX" | "UNIX-STREAM" => sockets.unix += number,
            _ => sockets.others += number,
        }
    }
    sockets
}

fn pair_ends_now() -> Option<i64> {
    fs::read("/proc/self/net/unix").ok().map(|text| count_pair_ends(&String::from_utf8_lossy(&text)))
}

/// Number of connected ends without a name minus those with one, from lines of `number: references protocol flags
/// type state inode name`. Skips datagram sockets, which a filter refuses.
fn count_pair_ends(text: &str) -> i64 {
    let mut ends = 0;
    for line in text.lines() {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        // State 2 is the end of a connection that the listener has not accepted yet.
        if let Some(["0001" | "0005", "02" | "03", _inode, name @ ..]) = fields.get(4..) {
            ends += if name.is_empty() { 1 } else { -1 };
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn sockets_are_counted_by_kind() {
        let text = "protocol  size sockets  memory\nTCPv6 2432 2 171\nUNIX-STREAM 1152 12 -1 NI\nUNIX 1152 2 -1\n\
                    MPTCP 1936 4 171\nTCP 2304 1 171\nUDP 1344 5 0\nUDP-Lite 1344 3 0\nNETLINK 1096 9 -1\n";
        let expected = SocketCounts { tcp: 7, unix: 14, others: 17 };
        assert_eq!(parse_protocols(text), expected);
        assert_eq!(parse_protocols("rubbish"), SocketCounts::default());
        let grown = |scope| bytes_grown(scope, SocketCounts::default(), expected, 10, 1000);
        assert_eq!(grown(SocketScope::Run), 7310);
        assert_eq!(grown(SocketScope::Machine), 140);
        assert_eq!(bytes_grown(SocketScope::Run, expected, SocketCounts::default(), 10, 1000), 0);
    }

    #[test]
    fn pairs_are_told_from_connections() {
        let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
                    00000000e571d9fd: 00000003 00000000 00000000 0001 03  1598\n\
                    0000000040f24b28: 00000003 00000000 00000000 0005 03 1599\n\
                    000000009a1781df: 00000003 00000000 00000000 0001 03 1600\n\
                    00000000e1d04e01: 00000003 00000000 00000000 0001 03 1601 /run/a name\n\
                    00000000e1d04e02: 00000003 00000000 00000000 0001 03 1602\n\
                    00000000e1d04e03: 00000003 00000000 00000000 0001 02 0 @not accepted\n\
                    00000000e1d04e04: 00000003 00000000 00010000 0001 01 1603 /run/a name\n\
                    00000000e1d04e05: 00000003 00000000 00000000 0002 01 1604\n\
                    rubbish\n";
        assert_eq!(count_pair_ends(text), 2);
    }

    /// Other tests of this process may open and close a few sockets meanwhile.
    #[test]
    fn pairs_of_this_machine_are_counted_and_connections_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let before = pair_ends_now().unwrap();
        let connect =
            |_| (UnixStream::connect(folder.path().join("socket")).unwrap(), listener.accept().unwrap());
        let connections: Vec<_> = (0..100).map(connect).collect();
        let connected = pair_ends_now().unwrap() - before;
        assert!((-60..60).contains(&connected), "{connected}");
        let pairs: Vec<_> = (0..100).map(|_| UnixStream::pair().unwrap()).collect();
        let paired = pair_ends_now().unwrap() - before;
        assert!((140..260).contains(&paired), "{paired}");
        drop((connections, pairs));
    }
}
