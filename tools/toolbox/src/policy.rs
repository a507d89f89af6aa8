/*!
The effects of tool calls, and the policy that allows or denies them.

A decision depends on the effect alone, never on a list of tool names, so that every new tool is covered. A policy is
fixed before a run starts; no text of a ticket, a repository or a model changes it.
*/

use std::fmt;

use serde::{Deserialize, Serialize};

/// The worst thing a call of a tool can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Reads objects of the investigated repository.
    ReadRepository,
    /// Reads files that came with the incident (logs, attachments).
    ReadFiles,
    /// Reads memory of other incidents.
    ReadMemory,
    /// Runs the repository's code inside the sandbox.
    Execute,
    /// Changes memory.
    WriteMemory,
    /// Writes outside of the data folder on this machine.
    WriteLocal,
    /// Changes something in another system.
    WriteExternal,
}

impl Effect {
    const ALL: [Effect; 7] = [
        Effect::ReadRepository,
        Effect::ReadFiles,
        Effect::ReadMemory,
        Effect::Execute,
        Effect::WriteMemory,
        Effect::WriteLocal,
        Effect::WriteExternal,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Effect::ReadRepository => "read_repository",
            Effect::ReadFiles => "read_files",
            Effect::ReadMemory => "read_memory",
            Effect::Execute => "execute",
            Effect::WriteMemory => "write_memory",
            Effect::WriteLocal => "write_local",
            Effect::WriteExternal => "write_external",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Allowed,
    /// A person must approve exactly this call first.
    NeedsApproval,
    Denied,
}

/// Which effects are allowed. Every other effect is denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    granted: Vec<(Effect, Decision)>,
}

impl Policy {
    /// Nothing is allowed.
    fn deny_all() -> Self {
        Self { granted: Vec::new() }
    }

    /// Reads only.
    pub fn read_only() -> Self {
        [Effect::ReadRepository, Effect::ReadFiles, Effect::ReadMemory]
            .into_iter()
            .fold(Self::deny_all(), |policy, effect| policy.with(effect, Decision::Allowed))
    }

    /// The default for investigations: reads, sandboxed runs and writing to memory are allowed; writes outside of the
    /// data folder need approval.
    pub fn investigate() -> Self {
        Self::read_only()
            .with(Effect::Execute, Decision::Allowed)
            .with(Effect::WriteMemory, Decision::Allowed)
            .with(Effect::WriteLocal, Decision::NeedsApproval)
            .with(Effect::WriteExternal, Decision::NeedsApproval)
    }

    /// The same policy for unattended runs: an effect that needs approval is denied.
    pub fn unattended(mut self) -> Self {
        for (_, decision) in &mut self.granted {
            if *decision == Decision::NeedsApproval {
                *decision = Decision::Denied;
            }
        }
        self
    }

    #[must_use]
    pub fn with(mut self, effect: Effect, decision: Decision) -> Self {
        self.granted.retain(|(known, _)| *known != effect);
        self.granted.push((effect, decision));
        self
    }

    pub fn decide(&self, effect: Effect) -> Decision {
        self.granted
            .iter()
            .find(|(known, _)| *known == effect)
            .map_or(Decision::Denied, |(_, decision)| *decision)
    }

    /// The effects that may happen without asking, for messages.
    pub(crate) fn allowed(&self) -> impl Iterator<Item = Effect> {
        Effect::ALL.into_iter().filter(|effect| self.decide(*effect) == Decision::Allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decides_by_effect_and_fails_closed() {
        let check = |policy: &Policy, expected: &str| {
            let decided: Vec<_> = Effect::ALL
                .iter()
                .map(|effect| match policy.decide(*effect) {
                    Decision::Allowed => 'a',
                    Decision::NeedsApproval => '?',
                    Decision::Denied => '-',
                })
                .collect();
            assert_eq!(decided.into_iter().collect::<String>(), expected, "{policy:?}");
        };
        check(&Policy::deny_all(), "-------");
        check(&Policy::read_only(), "aaa----");
        check(&Policy::investigate(), "aaaaa??");
        check(&Policy::investigate().unattended(), "aaaaa--");
        check(&Policy::investigate().with(Effect::Execute, Decision::Denied), "aaa-a??");
    }

    #[test]
    fn lists_what_is_allowed() {
        let names: Vec<_> = Policy::read_only().allowed().map(Effect::as_str).collect();
        assert_eq!(names, ["read_repository", "read_files", "read_memory"]);
    }
}
