/*!
The holder of a lease on a job or on a run: one process in one of its lives. One rule decides whether a holder is dead
before its lease has expired.
*/

use std::path::Path;
use std::sync::LazyLock;

use crate::host_id;

static THIS_PROCESS: LazyLock<LeaseHolder> = LazyLock::new(|| {
    let life: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
    LeaseHolder::new(host_id::name(), std::process::id(), &life)
});

/// A process as leases name it: `machine/process number/life`. The life distinguishes two processes with the same
/// number, as in containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseHolder {
    machine: String,
    process: u32,
    text: String,
}

impl LeaseHolder {
    fn new(machine: String, process: u32, life: &str) -> Self {
        Self { text: format!("{machine}/{process}/{life}"), machine, process }
    }

    pub fn of_this_process() -> &'static Self {
        &THIS_PROCESS
    }

    /// The form that the store keeps.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether another holder is certainly dead: a process of this machine that has ended, or an earlier life of this
    /// process. For all others only the lease counts.
    pub fn knows_dead(&self, other: &str) -> bool {
        let Some((machine, process)) = place_of(other) else { return false };
        // A holder without a machine was written by an earlier version, on this machine.
        let is_here = machine.is_none_or(|machine| machine == self.machine);
        if other == self.text || !is_here || !Path::new("/proc/self").exists() {
            return false;
        }
        process == self.process || !Path::new("/proc").join(process.to_string()).exists()
    }
}

/// Machine and process number. Runs of earlier versions are held by `pid-7@machine` or `pid-7`.
fn place_of(holder: &str) -> Option<(Option<&str>, u32)> {
    if let Some(earlier) = holder.strip_prefix("pid-") {
        return match earlier.split_once('@') {
            Some((process, machine)) => Some((Some(machine), process.parse().ok()?)),
            None => Some((None, earlier.parse().ok()?)),
        };
    }
    let mut parts = holder.split('/');
    match (parts.next(), parts.next()) {
        (Some(machine), Some(process)) => Some((Some(machine), process.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_are_told_from_the_living() {
        let me = LeaseHolder::of_this_process();
        let (machine, process) = (&me.machine, me.process);
        assert!(!me.knows_dead(me.as_str()));
        assert!(me.knows_dead(&format!("{machine}/{process}/00000000")), "an earlier life");
        assert!(!me.knows_dead(&format!("{machine}/1/00000000")), "it lives");
        assert!(me.knows_dead(&format!("{machine}/4294967295/00000000")));
        assert!(!me.knows_dead("another/4294967295/00000000"), "only its lease can tell");
        for nonsense in ["nonsense", "", "/", "pid-x", "a/b/c"] {
            assert!(!me.knows_dead(nonsense), "{nonsense}");
        }
    }

    #[test]
    fn what_earlier_versions_wrote_is_judged_by_the_same_rule() {
        let me = LeaseHolder::of_this_process();
        let (machine, process) = (&me.machine, me.process);
        for dead in
            ["pid-4294967295".to_owned(), format!("pid-4294967295@{machine}"), format!("pid-{process}")]
        {
            assert!(me.knows_dead(&dead), "{dead}");
        }
        for alive in [format!("pid-1@{machine}"), "pid-1".into(), "pid-4294967295@another".into()] {
            assert!(!me.knows_dead(&alive), "{alive}");
        }
    }
}
