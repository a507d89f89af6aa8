/*!
Sockets of the machine and beyond, which the command must not reach, and its own loopback interface.
*/

use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use millwright_sandbox::{CancelFlag, NetworkAccess, SandboxCeiling, SandboxError, run_at};

use crate::checks::ContainmentCheck;
use crate::ground::{Ground, levels, python, says};

pub(crate) const CHECKS: &[ContainmentCheck] = &[
    ContainmentCheck::contains(
        "network::beyond",
        "connections to loopback and beyond, of every family",
        network_to_loopback_and_beyond,
    ),
    ContainmentCheck::contains(
        "network::sockets",
        "connections to sockets of the machine, by path and by abstract name",
        sockets_of_the_machine,
    ),
    ContainmentCheck::contains(
        "network::datagrams",
        "datagrams to sockets of the machine, by every type of socket",
        datagrams_to_the_machine,
    ),
    ContainmentCheck::contains(
        "network::names",
        "an abstract name that programs of the machine would connect to",
        names_of_the_machine,
    ),
    ContainmentCheck::works("network::pairs", "pairs of connected sockets", pairs_of_sockets),
    ContainmentCheck::contains_once(
        "network::loopback",
        "the machine and beyond from a loopback of its own",
        loopback_of_its_own,
    ),
];

fn network_to_loopback_and_beyond(ground: &Ground) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && echo REACHED'; bash -c 'exec 3<>/dev/udp/127.0.0.1/53 && echo REACHED'; exit 1"
    );
    let execution = ground.run(&script);
    assert!(!execution.output.contains("REACHED"), "{}", execution.output);
    assert!(listener.accept().is_err());
    says(&execution, &["IPv4 socket"]);
    if let Some(python) = python() {
        let execution = ground.run(&format!(
                "{python} -c \"
import socket, os
for family, kind, address in [(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', {port})), (socket.AF_INET, socket.SOCK_DGRAM, ('8.8.8.8', 53)),
        (socket.AF_INET6, socket.SOCK_STREAM, ('::1', {port})), (socket.AF_PACKET, socket.SOCK_RAW, ('lo', 0)),
        (socket.AF_UNIX, socket.SOCK_STREAM, '/run/docker.sock'), (socket.AF_UNIX, socket.SOCK_STREAM, '/run/dbus/system_bus_socket')]:
    try:
        s = socket.socket(family, kind); s.connect(address); print('REACHED', address)
    except OSError as error: print(error)
\"; exit 1"
            ));
        assert!(!execution.output.contains("REACHED"), "{}", execution.output);
        assert!(listener.accept().is_err());
    }
}

fn sockets_of_the_machine(ground: &Ground) {
    let Some(python) = python() else { return };
    let path = ground.outside().join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    let name = unique_name();
    let address =
        <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name)
            .unwrap();
    let hidden = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    hidden.set_nonblocking(true).unwrap();
    let execution = ground.run(&format!(
        "{python} -c \"
import socket
for address in ['OUTSIDE/socket', chr(0) + '{name}']:
    try:
        socket.socket(socket.AF_UNIX).connect(address); print('REACHED', address)
    except OSError as error: print(error)
a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'; print('paired')
\""
    ));
    assert!(!execution.output.contains("REACHED"), "{}", execution.output);
    assert!(execution.output.contains("paired"), "{}", execution.output);
    assert!(listener.accept().is_err() && hidden.accept().is_err());
    drop(listener);
    fs::remove_file(path).unwrap();
    ground.is_untouched();
}

fn loopback_of_its_own() {
    let ground = Ground::new(levels()[0]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let Some(python) = python() else { return };
    let mut command = ground.command(&format!(
        "{python} -c \"
import socket
server = socket.create_server(('127.0.0.1', 0)); client = socket.create_connection(server.getsockname(), 5)
client.send(b'x'); print(server.accept()[0].recv(1))
for address in [('127.0.0.1', {port}), ('192.0.2.1', 80)]:
    try: socket.create_connection(address, 1); print('REACHED')
    except OSError as error: print(error)
\""
    ));
    command.network = NetworkAccess::Loopback;
    let execution = ground.run_command(&command);
    assert!(execution.output.starts_with("b'x'"), "{}", execution.output);
    assert!(!execution.output.contains("REACHED"), "{}", execution.output);
    assert!(listener.accept().is_err());
    let refused = run_at(SandboxCeiling::reduced(), &command, &CancelFlag::default());
    assert!(matches!(refused, Err(SandboxError::LoopbackNeedsNamespaces { .. })));
}

/// For abstract sockets, whose names all checks share.
fn unique_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("millwright-abuse-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Every current and former socket type, with and without the flags that share its argument: some become datagram
/// sockets.
fn datagrams_to_the_machine(ground: &Ground) {
    let Some(python) = python() else { return };
    let path = ground.outside().join("socket");
    let by_path = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let name = unique_name();
    let address =
        <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name)
            .unwrap();
    let by_name = std::os::unix::net::UnixDatagram::bind_addr(&address).unwrap();
    let execution = ground.run(&format!(
        "{python} -c \"
import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
for flags in (0, 0x800, 0x80000, 0x80800):
    for kind in range(16):
        made = []
        s = libc.socket(1, kind | flags, 0)
        if s >= 0: made.append(s)
        pair = (ctypes.c_int * 2)()
        if libc.socketpair(1, kind | flags, 0, pair) == 0: made += [pair[0], pair[1]]
        for s in made:
            for address in ('OUTSIDE/socket', chr(0) + '{name}'):
                with socket.socket(fileno=libc.dup(s)) as open_one:
                    try: open_one.sendto(b'x', address)
                    except OSError: pass
                    try: open_one.connect(address); open_one.send(b'x')
                    except OSError: pass
print('finished')
\""
    ));
    assert!(execution.output.contains("finished"), "{}", execution.output);
    for socket in [&by_path, &by_name] {
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut [0]).is_err(), "{}: {}", ground.level.name, execution.output);
    }
    fs::remove_file(path).unwrap();
    ground.is_untouched();
}

/// A process that takes a name that others connect to receives messages meant for another one.
fn names_of_the_machine(ground: &Ground) {
    let Some(python) = python() else { return };
    let name = unique_name();
    let address =
        <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name)
            .unwrap();
    let command = ground.command(&format!(
        "{python} -c \"
import socket, time
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    s = socket.socket(socket.AF_UNIX, kind)
    try: s.bind(chr(0) + '{name}'); s.listen()
    except OSError as error: print(error)
    else: break
open('tried', 'w').close(); time.sleep(20)
\""
    ));
    let cancel = CancelFlag::default();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| run_at(ground.level.ceiling, &command, &cancel));
        crate::ground::wait_for(&ground.checkout().join("tried"));
        let reached = std::os::unix::net::UnixStream::connect_addr(&address);
        cancel.cancel();
        let _ = run.join().unwrap();
        assert!(reached.is_err(), "{}", ground.level.name);
    });
}

fn pairs_of_sockets(ground: &Ground) {
    let Some(python) = python() else { return };
    let execution = ground.run(&format!(
        "{python} -c \"
import asyncio, socket, subprocess
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    a.send(b'x'); assert b.recv(1) == b'x'
async def shell():
    made = await asyncio.create_subprocess_shell('echo from a child', stdout=subprocess.PIPE)
    print((await made.communicate())[0].decode().strip())
asyncio.run(shell())
\""
    ));
    assert_eq!(execution.output, "from a child\n");
}
