/*!
A proxy to a server that tests can cut and restore, like a server that goes down and comes back, or make hang, like a
network that drops everything.
*/

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const OPEN: u8 = 0;
const CUT: u8 = 1;
const HANGS: u8 = 2;

pub struct FaultyProxy {
    at: SocketAddr,
    server: String,
    /// `user@` of the server's URL, and the part after its port.
    url: (String, String),
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    is: AtomicU8,
    open: Mutex<Vec<TcpStream>>,
}

impl FaultyProxy {
    /// A proxy to the server in a URL.
    pub fn to(url: &str) -> Self {
        let (head, rest) = url.split_once('@').unwrap();
        let (server, tail) = rest.split_once('/').unwrap_or((rest, ""));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let link = Self {
            at: listener.local_addr().unwrap(),
            server: server.to_owned(),
            url: (head.to_owned(), tail.to_owned()),
            shared: Arc::default(),
        };
        link.serve(listener);
        link
    }

    /// The same URL through this proxy.
    pub fn url(&self) -> String {
        format!("{}@{}/{}", self.url.0, self.at, self.url.1)
    }

    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// Ends every connection, and accepts no further one.
    pub fn cut(&self) {
        self.shared.is.store(CUT, Ordering::SeqCst);
        // Wakes the listener so that it ends.
        let _ = TcpStream::connect(self.at);
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Drops everything that is sent in either direction.
    pub fn hang(&self) {
        self.shared.is.store(HANGS, Ordering::SeqCst);
    }

    pub fn mend(&self) {
        let was = self.shared.is.swap(OPEN, Ordering::SeqCst);
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if was == CUT {
            let bound = std::iter::repeat_with(|| {
                std::thread::sleep(Duration::from_millis(10));
                TcpListener::bind(self.at)
            });
            self.serve(bound.take(500).find_map(Result::ok).unwrap());
        }
    }

    fn serve(&self, listener: TcpListener) {
        let (shared, server) = (self.shared.clone(), self.server.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.is.load(Ordering::SeqCst) == CUT {
                    return;
                }
                let Ok(other) = TcpStream::connect(&server) else { continue };
                let mut open = shared.open.lock().unwrap();
                for (from, to) in [(&stream, &other), (&other, &stream)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    open.push(from.try_clone().unwrap());
                    let shared = shared.clone();
                    std::thread::spawn(move || {
                        let mut bytes = [0; 16 << 10];
                        while let Ok(count @ 1..) = from.read(&mut bytes) {
                            let swallowed = shared.is.load(Ordering::SeqCst) == HANGS;
                            if !swallowed && to.write_all(&bytes[..count]).is_err() {
                                break;
                            }
                        }
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
    }
}
