/*!
A budget of memory for request bodies that are arriving. Only bytes that have arrived count, never an announced length: a
body that sends nothing holds nothing. The first bytes of every body are free, so small reports pass beside any number of
large ones.

Authenticated senders (by a token, a session, or a secret in a header) have a budget of their own. A signature is proven
only by the last byte of its body, so signing senders share the other budget, of which one address and one route get at
most half each. When the budget is short, stalled bodies are evicted, first those of senders that never proved a
signature; then the bodies of the sender that holds most.
*/

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::connections::network;

/// Bodies of the largest size that may be held at once, in each of the two budgets.
const BODIES_AT_ONCE: usize = 8;
/// Bytes of each body that do not count.
const FREE: usize = 32 << 10;
/// A body that grew by fewer bytes than this counts as stalled.
pub(crate) const STEP: usize = 16 << 10;
/// A body that did not grow for this long may be evicted.
const STALLED: Duration = Duration::from_millis(500);
/// How long a body waits before the sender that holds most is evicted for it.
const GENTLE: Duration = Duration::from_millis(300);
/// How long a body waits for room before it is refused.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Senders remembered because their signature was valid recently.
const MAX_PROVEN: usize = 1_024;

/// Who sends a body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum BodySender {
    /// A principal, by its key, or a hook that its headers prove, by its name.
    Known(Arc<str>),
    /// Any sender at this address, until its signature is valid.
    Unproven(IpAddr),
}

/// There was no room for the body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

#[derive(Debug)]
struct Body {
    sender: BodySender,
    route: &'static str,
    /// Whether its sender had a valid signature on this route before.
    is_proven: bool,
    bytes: usize,
    /// Bytes held beyond the free ones.
    held: usize,
    moved: Instant,
    moved_at: usize,
    waits: bool,
    evicted: Arc<Notify>,
}

#[derive(Debug, Default)]
struct BudgetState {
    next: u64,
    bodies: HashMap<u64, Body>,
    /// Senders with a valid signature, and how many they had, so that the least frequent one is forgotten first.
    proven: HashMap<(IpAddr, &'static str), u64>,
}

#[derive(Debug)]
pub(crate) struct BodyBudget {
    most: usize,
    state: Mutex<BudgetState>,
    freed: Notify,
}

/// The share of the budget that a body holds; returned on drop.
#[derive(Debug)]
pub(crate) struct BodyReservation<'r> {
    room: &'r BodyBudget,
    id: u64,
    evicted: Arc<Notify>,
}

impl BodyBudget {
    pub(crate) fn new(largest: usize) -> Self {
        Self { most: BODIES_AT_ONCE * largest, state: Mutex::default(), freed: Notify::new() }
    }

    /// Registers a body that begins to arrive.
    pub(crate) fn enter(&self, sender: BodySender, route: &'static str) -> BodyReservation<'_> {
        let sender = match sender {
            BodySender::Unproven(address) => BodySender::Unproven(network(address)),
            known @ BodySender::Known(_) => known,
        };
        let mut state = self.lock();
        let is_proven = match &sender {
            BodySender::Known(_) => true,
            BodySender::Unproven(address) => state.proven.contains_key(&(*address, route)),
        };
        let id = state.next;
        state.next += 1;
        let evicted = Arc::new(Notify::new());
        let body = Body {
            sender,
            route,
            is_proven,
            bytes: 0,
            held: 0,
            moved: Instant::now(),
            moved_at: 0,
            waits: false,
            evicted: evicted.clone(),
        };
        state.bodies.insert(id, body);
        BodyReservation { room: self, id, evicted }
    }

    /// Records that the signature of this sender was valid: from now on others are evicted before it.
    pub(crate) fn proves(&self, address: IpAddr, route: &'static str) {
        let mut state = self.lock();
        let key = (network(address), route);
        if state.proven.len() >= MAX_PROVEN && !state.proven.contains_key(&key) {
            let least = state.proven.iter().min_by_key(|(_, often)| **often).map(|(key, _)| *key);
            if let Some(least) = least {
                state.proven.remove(&least);
            }
        }
        *state.proven.entry(key).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, BudgetState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BudgetState {
    /// Reserves the bytes if they fit; otherwise evicts another body if one can be evicted. `None`: neither is possible.
    fn take(&mut self, id: u64, bytes: usize, most: usize, waited: Duration, now: Instant) -> Option<bool> {
        let Some(body) = self.bodies.get(&id) else { return Some(false) };
        let total = body.bytes + bytes;
        let more = total.saturating_sub(FREE) - body.held;
        if let Some(among) = self.exceeded(body, more, most) {
            let victim = self.spared(id, among, waited, now)?;
            self.evict(victim);
            return None;
        }
        let body = self.bodies.get_mut(&id)?;
        (body.bytes, body.held, body.waits) = (total, body.held + more, false);
        if total - body.moved_at >= STEP {
            (body.moved, body.moved_at) = (now, total);
        }
        Some(true)
    }

    /// The first budget that the body exceeds, narrowest first.
    fn exceeded(&self, body: &Body, more: usize, most: usize) -> Option<Among> {
        if more == 0 {
            return None;
        }
        let (sender, route) = (body.sender.clone(), body.route);
        let known = matches!(sender, BodySender::Known(_));
        let mut budgets = vec![(Among::Sender(sender), most / 2)];
        if !known {
            budgets.push((Among::Route(route), most / 2));
        }
        budgets.push((Among::All { known }, most));
        let held = |among: &Among| -> usize {
            self.bodies.values().filter(|body| among.holds(body)).map(|body| body.held).sum()
        };
        budgets.into_iter().find(|(among, budget)| held(among) + more > *budget).map(|(among, _)| among)
    }

    fn spared(&self, id: u64, among: Among, waited: Duration, now: Instant) -> Option<u64> {
        let own = self.bodies.get(&id)?;
        let others =
            || self.bodies.iter().filter(|(other, body)| **other != id && among.holds(body) && body.held > 0);
        let stalled = others()
            .filter(|(_, body)| !body.waits && now.saturating_duration_since(body.moved) >= STALLED)
            .min_by_key(|(_, body)| (body.is_proven, body.moved));
        if let Some((id, _)) = stalled {
            return Some(*id);
        }
        if waited < GENTLE {
            return None;
        }
        let of = |sender: &BodySender| -> usize {
            self.bodies.values().filter(|body| body.sender == *sender).map(|body| body.held).sum()
        };
        let mine = of(&own.sender);
        others()
            .filter(|(_, body)| own.is_proven || !body.is_proven)
            .filter(|(_, body)| (own.is_proven && !body.is_proven) || of(&body.sender) > mine + FREE)
            .min_by_key(|(_, body)| (body.is_proven, std::cmp::Reverse(of(&body.sender)), body.moved))
            .map(|(id, _)| *id)
    }

    fn evict(&mut self, id: u64) {
        if let Some(body) = self.bodies.remove(&id) {
            body.evicted.notify_one();
        }
    }
}

/// Bodies that share a budget.
#[derive(Debug)]
enum Among {
    Sender(BodySender),
    /// Signed bodies of one route.
    Route(&'static str),
    All {
        known: bool,
    },
}

impl Among {
    fn holds(&self, body: &Body) -> bool {
        let is_known = matches!(body.sender, BodySender::Known(_));
        match self {
            Self::Sender(sender) => body.sender == *sender,
            Self::Route(route) => !is_known && body.route == *route,
            Self::All { known } => is_known == *known,
        }
    }
}

impl BodyReservation<'_> {
    /// Waits for room for these bytes, up to `PATIENCE`.
    pub(crate) async fn take(&self, bytes: usize) -> Result<(), NoRoom> {
        let begun = Instant::now();
        loop {
            let freed = self.room.freed.notified();
            let now = Instant::now();
            let waited = now - begun;
            {
                let mut state = self.room.lock();
                let before = state.bodies.len();
                match state.take(self.id, bytes, self.room.most, waited, now) {
                    Some(true) => return Ok(()),
                    Some(false) => return Err(NoRoom),
                    // A body was evicted: there may be enough room now.
                    None if state.bodies.len() < before => continue,
                    None => {}
                }
                if waited >= PATIENCE {
                    return Err(NoRoom);
                }
                if let Some(body) = state.bodies.get_mut(&self.id) {
                    // A body that waits for room has not stalled.
                    (body.waits, body.moved) = (true, now);
                }
            }
            let _ = tokio::time::timeout(LOOK_EVERY, freed).await;
        }
    }

    /// Returns when this body is evicted.
    pub(crate) async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for BodyReservation<'_> {
    fn drop(&mut self) {
        self.room.lock().bodies.remove(&self.id);
        self.room.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: usize = 1 << 20;

    fn unproven(last: u8) -> BodySender {
        BodySender::Unproven(IpAddr::from([192, 0, 2, last]))
    }

    fn known(name: &str) -> BodySender {
        BodySender::Known(name.into())
    }

    fn is_held(body: &BodyReservation<'_>) -> bool {
        body.room.lock().bodies.contains_key(&body.id)
    }

    async fn half_sent<'r>(
        room: &'r BodyBudget,
        sender: BodySender,
        route: &'static str,
    ) -> Option<BodyReservation<'r>> {
        let body = room.enter(sender, route);
        body.take(LARGEST - 1).await.ok().map(|()| body)
    }

    fn rest(room: &BodyBudget, time: Duration) {
        for body in room.lock().bodies.values_mut() {
            body.moved -= time;
        }
    }

    #[tokio::test]
    async fn what_is_small_needs_no_room_and_what_is_silent_holds_none() {
        let room = BodyBudget::new(LARGEST);
        let silent: Vec<_> = (0..100).map(|n| room.enter(unproven(n), "/a")).collect();
        let mut full = Vec::new();
        for n in 0..8 {
            let route = ["/a", "/b"][usize::from(n) % 2];
            full.push(half_sent(&room, unproven(n), route).await.unwrap());
        }
        let small = room.enter(unproven(1), "/a");
        assert_eq!(small.take(FREE).await, Ok(()));
        assert!(full.iter().chain(&silent).all(is_held));
    }

    #[tokio::test]
    async fn one_address_and_one_route_get_half() {
        let room = BodyBudget::new(LARGEST);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(half_sent(&room, unproven(1), "/a").await.unwrap());
        }
        for (sender, route, fits) in
            [(unproven(1), "/b", false), (unproven(2), "/a", false), (unproven(2), "/b", true)]
        {
            let body = room.enter(sender, route);
            let fitted = room.lock().take(body.id, LARGEST, room.most, Duration::ZERO, Instant::now());
            assert_eq!(fitted, fits.then_some(true), "{route}");
        }
        assert!(held.iter().all(is_held), "nobody had to give way");
    }

    #[tokio::test]
    async fn who_is_known_has_room_of_their_own() {
        let room = BodyBudget::new(LARGEST);
        let mut held = Vec::new();
        for n in 0..8 {
            held.push(half_sent(&room, unproven(n), if n < 4 { "/a" } else { "/b" }).await.unwrap());
        }
        assert!(half_sent(&room, known("token"), "/v1/incidents").await.is_some());
        assert!(held.iter().all(is_held));
    }

    #[tokio::test]
    async fn the_stalled_give_way_and_the_proven_last() {
        let room = BodyBudget::new(LARGEST);
        room.proves(IpAddr::from([192, 0, 2, 1]), "/a");
        let mut held = Vec::new();
        for n in 1..5 {
            held.push(half_sent(&room, unproven(n), "/a").await.unwrap());
        }
        rest(&room, STALLED);
        for _ in 0..3 {
            held.push(half_sent(&room, unproven(9), "/a").await.unwrap());
        }
        assert!(is_held(&held[0]), "its sender proved something before");
        assert!(held[1..4].iter().all(|body| !is_held(body)));
        assert!(held[4..].iter().all(is_held));
        tokio::time::timeout(Duration::from_secs(1), held[1].evicted()).await.expect("it is told");
        assert_eq!(held[1].take(1).await, Err(NoRoom));
    }

    #[tokio::test]
    async fn whoever_holds_most_gives_way_to_whoever_waits() {
        let room = BodyBudget::new(LARGEST);
        let mut held = Vec::new();
        for route in ["/a", "/a", "/a", "/b"] {
            held.push(half_sent(&room, unproven(1), route).await.unwrap());
        }
        for route in ["/b", "/b", "/b"] {
            held.push(half_sent(&room, unproven(2), route).await.unwrap());
        }
        // The budget uses the real clock, so the bodies have to keep growing.
        let other = half_sent(&room, unproven(3), "/b");
        let moving = async {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                room.lock().bodies.values_mut().for_each(|body| body.moved = Instant::now());
            }
        };
        let other = tokio::select! { other = other => other, () = moving => None };
        assert!(other.is_some() && held.iter().filter(|body| !is_held(body)).count() == 1);
    }
}
