/*!
Which connections are open, and which of them are closed when room gets short: first those without any request yet, then
those idle between two requests, then those whose body has stalled, the longest first. So a client that opens connections
and sends nothing cannot displace others, and a client that sends a request is served at once.

A connection for which there is still no room goes into a small reserve, where only the requests of monitoring systems are
answered (liveness, readiness, metrics); every other request is told to retry later.
*/

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Connections beyond `server.connections`.
pub(crate) const RESERVED: usize = 32;
/// A connection younger than this probably sends its request soon.
const YOUNG: Duration = Duration::from_millis(200);
/// A body that did not grow for this long will probably not end soon.
const STALLED: Duration = Duration::from_secs(1);

/// What happens on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No request arrived yet.
    Silent,
    /// Between two requests.
    Idle,
    /// A body arrives.
    Reading,
    /// A request is handled, or its response is sent.
    Answering,
}

#[derive(Debug)]
struct ConnectionEntry {
    address: IpAddr,
    reserved: bool,
    phase: Phase,
    since: Instant,
    evicted: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: HashMap<u64, ConnectionEntry>,
}

/// All connections of the server.
#[derive(Debug)]
pub(crate) struct ConnectionTable {
    most: usize,
    per_address: usize,
    table: Mutex<Table>,
}

/// An admitted connection; its slot is free again on drop.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    all: Arc<ConnectionTable>,
    id: u64,
    is_reserved: bool,
    evicted: Arc<Notify>,
}

/// A request on a connection; the connection becomes idle when the response is sent.
#[derive(Debug)]
pub(crate) struct RequestGuard(Arc<ConnectionSlot>);

impl ConnectionTable {
    pub(crate) fn new(most: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self { most, per_address: per_address.min(most), table: Mutex::default() })
    }

    /// A slot for a connection from this address; `None` when even the reserve is full.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionSlot> {
        let address = network(address);
        let now = Instant::now();
        let mut table = self.lock();
        let of_address = |entry: &ConnectionEntry| !entry.reserved && entry.address == address;
        let is_usual = |entry: &ConnectionEntry| !entry.reserved;
        let has_room = (table.count(of_address) < self.per_address || table.evict(now, of_address))
            && (table.count(is_usual) < self.most || table.evict(now, is_usual));
        let is_reserved = !has_room;
        let in_reserve = |entry: &ConnectionEntry| entry.reserved;
        if is_reserved && table.count(in_reserve) >= RESERVED && !table.evict(now, in_reserve) {
            return None;
        }
        let id = table.next;
        table.next += 1;
        let evicted = Arc::new(Notify::new());
        let entry = ConnectionEntry {
            address,
            reserved: is_reserved,
            phase: Phase::Silent,
            since: now,
            evicted: evicted.clone(),
        };
        table.open.insert(id, entry);
        drop(table);
        Some(ConnectionSlot { all: self.clone(), id, is_reserved, evicted })
    }

    /// Closes one silent, idle or stalled connection, from any address, because the process has run out of file descriptors.
    pub(crate) fn spare_one(&self) {
        self.lock().evict(Instant::now(), |_| true);
    }

    fn enter(&self, id: u64, phase: Phase) {
        if let Some(entry) = self.lock().open.get_mut(&id) {
            (entry.phase, entry.since) = (phase, Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn count(&self, among: impl Fn(&ConnectionEntry) -> bool) -> usize {
        self.open.values().filter(|entry| among(entry)).count()
    }

    /// Closes one of these connections, if one is silent, idle or stalled.
    fn evict(&mut self, now: Instant, among: impl Fn(&ConnectionEntry) -> bool) -> bool {
        let worth = |entry: &ConnectionEntry| {
            let age = now.saturating_duration_since(entry.since);
            match entry.phase {
                Phase::Silent if age >= YOUNG => Some(0),
                Phase::Idle => Some(1),
                Phase::Reading if age >= STALLED => Some(2),
                _ => None,
            }
        };
        let spared = self.open.iter().filter(|(_, entry)| among(entry));
        let spared = spared.filter_map(|(id, entry)| Some(((worth(entry)?, entry.since), *id))).min();
        let Some((_, id)) = spared else { return false };
        if let Some(entry) = self.open.remove(&id) {
            entry.evicted.notify_one();
        }
        true
    }
}

impl ConnectionSlot {
    /// Whether the connection is in the reserve, where only requests of monitoring systems are answered.
    pub(crate) fn is_reserved(&self) -> bool {
        self.is_reserved
    }

    /// Returns when this connection has to close.
    pub(crate) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Marks the connection as busy with a request.
    pub(crate) fn begin(self: &Arc<Self>) -> RequestGuard {
        self.all.enter(self.id, Phase::Answering);
        RequestGuard(self.clone())
    }

    /// More of the request's body arrived.
    pub(crate) fn body_grows(&self) {
        self.all.enter(self.id, Phase::Reading);
    }

    pub(crate) fn body_is_whole(&self) {
        self.all.enter(self.id, Phase::Answering);
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.all.lock().open.remove(&self.id);
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.all.enter(self.0.id, Phase::Idle);
    }
}

/// What counts as one address: for IPv6, the network that one customer gets.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Makes every connection look as if it had been in its phase for `time` longer.
    fn age(all: &ConnectionTable, time: Duration) {
        for entry in all.lock().open.values_mut() {
            entry.since -= time;
        }
    }

    fn is_open(connection: &ConnectionSlot) -> bool {
        connection.all.lock().open.contains_key(&connection.id)
    }

    #[test]
    fn the_young_and_the_busy_do_not_give_way() {
        let all = ConnectionTable::new(2, 2);
        let place = |last| Arc::new(all.admit(address(last)).unwrap());
        let (young, busy) = (place(1), place(2));
        let turn = busy.begin();
        assert!(place(3).is_reserved() && is_open(&young) && is_open(&busy));
        age(&all, Duration::from_secs(5));
        assert!(!place(3).is_reserved() && !is_open(&young) && is_open(&busy));
        drop(turn);
    }

    #[test]
    fn the_silent_give_way_first_then_the_idle_then_the_stalled() {
        let all = ConnectionTable::new(3, 3);
        let place = |last| Arc::new(all.admit(address(last)).unwrap());
        let (stalled, idle, silent) = (place(1), place(2), place(3));
        let turn = stalled.begin();
        stalled.body_grows();
        drop(idle.begin());
        age(&all, Duration::from_secs(5));
        let mut later = Vec::new();
        for gone in [&silent, &idle, &stalled] {
            assert!(is_open(gone));
            let next = place(4);
            assert!(!next.is_reserved() && !is_open(gone));
            std::mem::forget(next.begin());
            later.push(next);
        }
        let refused = place(5);
        assert!(refused.is_reserved(), "all that is left is worked on");
        drop(turn);
        assert!(later.iter().all(|one| is_open(one)));
    }

    #[test]
    fn one_address_gets_its_share_and_the_reserve_is_bounded() {
        let all = ConnectionTable::new(10, 4);
        let turns: Vec<_> = (0..4).map(|_| Arc::new(all.admit(address(1)).unwrap()).begin()).collect();
        assert!(all.admit(address(1)).unwrap().is_reserved());
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert!(all.admit(mapped).unwrap().is_reserved(), "the same address in another form");
        assert!(!all.admit(address(2)).unwrap().is_reserved());
        let reserve: Vec<_> = (0..RESERVED).map(|_| all.admit(address(1)).unwrap()).collect();
        assert!(all.admit(address(1)).is_none());
        age(&all, Duration::from_secs(5));
        assert!(all.admit(address(1)).is_some(), "the silent give way in the reserve as well");
        drop((turns, reserve));
        assert!(all.lock().open.is_empty());
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let net = |text: &str| network(text.parse().unwrap());
        assert_eq!(net("2001:db8::1"), net("2001:db8::ffff:1"));
        assert_ne!(net("2001:db8::1"), net("2001:db8:0:1::1"));
        assert_ne!(net("192.0.2.1"), net("192.0.2.2"));
    }
}
