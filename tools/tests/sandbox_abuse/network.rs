/*!
Sockets of the machine and beyond, which it must not reach, and the loopback that is its own.
*/

use std::fs;
use std::net::TcpListener;

use millwright_tools::process::{CancelFlag, Ceiling, Network, SandboxError, run_at};

use crate::ground::{Ground, everywhere, levels, python, says};

#[test]
fn network_to_loopback_and_beyond() {
    everywhere("network::network_to_loopback_and_beyond", |ground| {
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
    });
}

#[test]
fn sockets_of_the_machine() {
    everywhere("network::sockets_of_the_machine", |ground| {
        let Some(python) = python() else { return };
        let path = ground.outside().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let name = format!("millwright-abuse-{}", std::process::id());
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
    });
}

#[test]
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
    command.network = Network::Loopback;
    let execution = ground.run_command(&command);
    assert!(execution.output.starts_with("b'x'"), "{}", execution.output);
    assert!(!execution.output.contains("REACHED"), "{}", execution.output);
    assert!(listener.accept().is_err());
    let refused = run_at(Ceiling::reduced(), &command, &CancelFlag::default());
    assert!(matches!(refused, Err(SandboxError::LoopbackNeedsNamespaces { .. })));
}
