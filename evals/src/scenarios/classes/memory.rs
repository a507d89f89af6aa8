/*!
Incidents with a memory: the same failure in other words, another failure that looks the same, several failures at a time,
and a memory with false or outdated entries. The true memories come from the agent's own earlier investigations.
*/

use super::absent::mend;
use super::{fault, make};
use crate::cases::{EvalCase, RememberedCase};
use crate::scenarios::faults::Fault;
use crate::scenarios::scenario_builder::{BeatContext, ScenarioBuilder, replay};
use crate::scenarios::{Class, Make, ScenarioError};

pub(super) fn of(class: Class) -> Vec<Make> {
    match class {
        Class::Stream => vec![
            stream("sh-tens", "sh-cuts", 0.3, 0.6, 0),
            stream("sh-skip", "sh-trim", 0.6, 0.35, 1),
            stream("py-float", "py-number", 0.5, 0.3, 2),
        ],
        Class::Recurrence => {
            vec![
                recurrence("sh-default", 3, true),
                recurrence("py-cut", 4, false),
                recurrence("sh-free", 5, false),
            ]
        }
        Class::LookAlike => vec![look_alike("sh-tens", "sh-largest", 6), look_alike("py-cut", "py-float", 7)],
        Class::Poisoned => {
            vec![poisoned(Poison::Confirmed, 0), poisoned(Poison::WrongFix, 1), poisoned(Poison::Claimed, 2)]
        }
        Class::Stale => {
            vec![
                look_alike_in(Class::Stale, "sh-cuts", "sh-cuts", 3),
                told_stale(4),
                told_of_then("sh-tens", 5),
            ]
        }
        _ => Vec::new(),
    }
}

/// Two faults in one program. The first was investigated before; the ticket is about the second.
fn stream(first: &'static str, second: &'static str, at_first: f64, at_second: f64, theme: usize) -> Make {
    make(move |id, folder| {
        let (other, asked) = (fault(first)?, fault(second)?);
        let plot = ScenarioBuilder::new(id, asked.lang, theme, 170)
            .fault(at_first, "other", other)
            .fault(at_second, "culprit", asked)
            .suspicion(asked);
        let played = plot.play()?;
        let (project, ticket) = (played.project, played.ticket(other));
        let (mut case, _) = played.finish(&plot, Class::Stream, asked, folder)?;
        case.remembered.push(RememberedCase::Investigated {
            ticket,
            bad: case.bad.clone(),
            good: case.good.clone(),
            replay: Some(replay(other.replay(&project))),
            tests: case.tests.clone(),
        });
        Ok(case)
    })
}

/// An earlier investigation of `fault` at the commit labelled `then`.
fn earlier(case: &EvalCase, ticket: String, then: Option<&String>, command: String) -> RememberedCase {
    RememberedCase::Investigated {
        ticket,
        bad: then.cloned().unwrap_or_else(|| case.bad.clone()),
        good: case.good.clone(),
        replay: Some(replay(command)),
        tests: case.tests.clone(),
    }
}

fn recurrence(name: &'static str, theme: usize, same_replay: bool) -> Make {
    make(move |id, folder| {
        let fault = fault(name)?;
        let plot = ScenarioBuilder::new(id, fault.lang, theme, 180)
            .fault(0.3, "culprit", fault)
            .labelled(0.5, "then")
            .suspicion(fault);
        let played = plot.play()?;
        let (told, again) = (played.ticket(fault), played.retold(fault));
        let command = fault.replay(&played.project);
        let (mut case, ids) = played.finish(&plot, Class::Recurrence, fault, folder)?;
        case.remembered.push(earlier(&case, told, ids.get("then"), command.clone()));
        case.ticket = again;
        if let (false, Some(replay)) = (same_replay, &mut case.replay) {
            replay.command = format!(": another desk; {command}");
        }
        Ok(case)
    })
}

fn look_alike(before: &'static str, now: &'static str, theme: usize) -> Make {
    look_alike_in(Class::LookAlike, before, now, theme)
}

/// A person correctly confirmed the commit that caused a fault. It was fixed, and another commit caused the fault again.
fn told_of_then(name: &'static str, theme: usize) -> Make {
    make(move |id, folder| {
        let fault = fault(name)?;
        let plot = ScenarioBuilder::new(id, fault.lang, theme, 180)
            .at(0.15, "other", |scene| settle(scene, fault))
            .labelled(0.3, "then")
            .at(0.4, "mended", |scene| mend(scene, fault))
            .fault(0.6, "culprit", fault)
            .suspicion(fault);
        let played = plot.play()?;
        let unit = played.project.path(fault.role);
        let (mut case, ids) = played.finish(&plot, Class::Stale, fault, folder)?;
        case.remembered.push(RememberedCase::Told {
            ticket: case.ticket.clone(),
            statement: "Settling it as agreed brought it in".into(),
            culprit: ids.get("other").cloned(),
            units: vec![unit],
            failing_revision: ids.get("then").cloned().unwrap_or_default(),
            fix_diff: String::new(),
            replay: case.replay.clone(),
            confirmed: true,
        });
        if let Some(harm) = &mut case.truth.harm {
            harm.commits.extend(ids.get("other").cloned());
        }
        Ok(case)
    })
}

/// Commits a fault alone, with a message that does not mention it.
fn settle(scene: &mut BeatContext<'_>, fault: &Fault) -> Result<(), ScenarioError> {
    let project = scene.background.project();
    let path = project.path(fault.role);
    scene.history.replace(&path, &project.words(fault.old), &project.words(fault.new))?;
    scene.history.commit("Settle it as agreed at the meeting", "");
    Ok(())
}

/// One fault was investigated and fixed. Another one occurs now, reported in the words of the first. Where both are the same
/// fault, another commit caused it again.
fn look_alike_in(class: Class, before: &'static str, now: &'static str, theme: usize) -> Make {
    make(move |id, folder| {
        let (first, asked) = (fault(before)?, fault(now)?);
        let plot = ScenarioBuilder::new(id, asked.lang, theme, 190)
            .at(0.15, "other", |scene| settle(scene, first))
            .labelled(0.3, "then")
            .at(0.4, "mended", |scene| mend(scene, first))
            .fault(0.55, "culprit", asked)
            .suspicion(asked);
        let played = plot.play()?;
        let mut told = played.ticket(asked);
        if first.id != asked.id {
            let title = played.project.words(first.title);
            told = format!("{title}\n\n{}", played.project.words(first.prose));
        }
        let command = first.replay(&played.project);
        let (mut case, ids) = played.finish(&plot, class, asked, folder)?;
        case.remembered.push(earlier(&case, told, ids.get("then"), command));
        if let Some(harm) = &mut case.truth.harm {
            harm.commits.extend(ids.get("other").cloned());
        }
        Ok(case)
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Poison {
    /// A person confirmed an innocent commit as the cause of this ticket.
    Confirmed,
    /// As `Confirmed`, with a fix that fixes nothing.
    WrongFix,
    /// An unproven and unconfirmed claim; nothing can be run.
    Claimed,
}

fn poisoned(poison: Poison, theme: usize) -> Make {
    make(move |id, folder| {
        let fault = fault(if poison == Poison::Claimed { "py-number" } else { "sh-cuts" })?;
        let plot =
            ScenarioBuilder::new(id, fault.lang, theme, 160).fault(0.5, "culprit", fault).suspicion(fault);
        let played = plot.play()?;
        let unit = played.project.path(fault.raised);
        let (mut case, ids) = played.finish(&plot, Class::Poisoned, fault, folder)?;
        let innocent = ids.get("latest").cloned();
        let fix = "diff --git a/docs/solved.md b/docs/solved.md\nnew file mode 100644\n--- /dev/null\n+++ b/docs/solved.md\n@@ -0,0 +1 @@\n+Solved.\n";
        case.remembered.push(RememberedCase::Told {
            ticket: case.ticket.clone(),
            statement: "The latest change of that file brought it in".into(),
            culprit: innocent,
            units: vec![unit],
            failing_revision: case.bad.clone(),
            fix_diff: if poison == Poison::WrongFix { fix.into() } else { String::new() },
            replay: if poison == Poison::Claimed { None } else { case.replay.clone() },
            confirmed: poison != Poison::Claimed,
        });
        if poison == Poison::Claimed {
            case.truth.replay = case.replay.take();
            case.truth.tests = case.tests.take();
        }
        Ok(case)
    })
}

/// A cause that was confirmed long ago, in code that was fixed since. Nothing proves it any more.
fn told_stale(theme: usize) -> Make {
    make(move |id, folder| {
        let asked: &'static Fault = fault("sh-default")?;
        let plot = ScenarioBuilder::new(id, asked.lang, theme, 170)
            .labelled(0.3, "then")
            .fault(0.6, "culprit", asked)
            .suspicion(asked);
        let played = plot.play()?;
        let unit = played.project.path(asked.role);
        let (mut case, ids) = played.finish(&plot, Class::Stale, asked, folder)?;
        let then = ids.get("then").cloned();
        case.remembered.push(RememberedCase::Told {
            ticket: case.ticket.clone(),
            statement: "Codes were left out when lines were read".into(),
            culprit: then.clone(),
            units: vec![unit],
            failing_revision: then.unwrap_or_default(),
            fix_diff: String::new(),
            replay: case.replay.clone(),
            confirmed: true,
        });
        if let Some(harm) = &mut case.truth.harm {
            harm.commits.extend(ids.get("then").cloned());
        }
        Ok(case)
    })
}
