/*!
Incidents without a guilty commit: nothing is wrong, or the cause is outside the code. The right answer names nothing. A
replay, if there is one, passes at both ends of the range or fails at both.
*/

use std::path::Path;

use super::{fault, make};
use crate::cases::{EvalCase, TruthKind};
use crate::scenarios::faults::Fault;
use crate::scenarios::scenario_builder::{ScenarioBuilder, replay};
use crate::scenarios::{Class, Make, ScenarioError};

pub(super) fn of(class: Class) -> Vec<Make> {
    match class {
        Class::Healthy => vec![right_all_along(), mended_already(), a_question(), resolved_by_itself()],
        Class::Environment => {
            vec![feed_missing("sh-tens", 0), feed_missing("py-float", 1), feed_missing("js-sort", 2)]
        }
        Class::NoCodeCause => vec![
            bad_input("7;Ada;1;12,50;2024-03-02;std", "not an amount: '12,50'", 3),
            bad_input(
                "7;Ada;1;60.00;2024-03-02;std\n7;Ada;1;60.00;2024-03-02;std",
                "@rec@ 7 stands there twice",
                4,
            ),
            outside("The gateway of the bank answers 503", GATEWAY, TruthKind::External, 5),
            outside("Disk of the report host is full", DISK, TruthKind::Infrastructure, 6),
        ],
        _ => Vec::new(),
    }
}

const GATEWAY: &str = "Since 06:12 every transfer is turned down by the bank's side:\n\n    2025-06-27T06:12:03Z WARN transfer 118 refused: upstream 503 Service Unavailable\n    2025-06-27T06:12:09Z WARN transfer 119 refused: upstream 503 Service Unavailable\n\nTheir status page speaks of an outage. Nothing was deployed here this week.";
const DISK: &str = "Alert: filesystem / on report-2 is 100 percent used.\n\n    2025-06-27T03:00:01Z ERROR write: No space left on device\n    2025-06-27T03:00:02Z ERROR write: No space left on device\n\nThe nightly export of another team filled it.";

/// Changes a case so that no commit is to blame.
fn innocent(mut case: EvalCase, kind: TruthKind) -> EvalCase {
    case.truth.kind = kind;
    case.truth.commit = None;
    case.truth.files.clear();
    case.truth.symbols.clear();
    case.truth.lines.clear();
    case.truth.revert_fixes = None;
    case
}

/// A history with the innocent changes around a fault but without the fault.
fn without(
    id: &str,
    fault: &'static Fault,
    class: Class,
    theme: usize,
    kind: TruthKind,
    folder: &Path,
) -> Result<EvalCase, ScenarioError> {
    let plot = ScenarioBuilder::new(id, fault.lang, theme, 160).labelled(0.5, "culprit").suspicion(fault);
    Ok(innocent(plot.play()?.finish(&plot, class, fault, folder)?.0, kind))
}

/// The report is wrong: the program works.
fn right_all_along() -> Make {
    make(|id, folder| without(id, fault("sh-largest")?, Class::Healthy, 0, TruthKind::NotABug, folder))
}

/// The program was wrong for a while and was fixed before the failing revision.
fn mended_already() -> Make {
    make(|id, folder| {
        let fault = fault("py-float")?;
        let plot = ScenarioBuilder::new(id, fault.lang, 3, 170)
            .fault(0.35, "culprit", fault)
            .at(0.6, "mended", |scene| mend(scene, fault))
            .suspicion(fault);
        Ok(innocent(plot.play()?.finish(&plot, Class::Healthy, fault, folder)?.0, TruthKind::NotABug))
    })
}

/// Reverts the guilty lines and keeps the rest of the commit.
pub(super) fn mend(
    scene: &mut crate::scenarios::scenario_builder::BeatContext<'_>,
    fault: &Fault,
) -> Result<(), ScenarioError> {
    let project = scene.background.project();
    let path = project.path(fault.role);
    scene.history.replace(&path, &project.words(fault.new), &project.words(fault.old))?;
    scene.history.commit(&format!("Mend: {}", project.words(fault.title)), "");
    Ok(())
}

fn a_question() -> Make {
    make(|id, folder| {
        let mut case = without(id, fault("sh-free")?, Class::Healthy, 5, TruthKind::NotABug, folder)?;
        case.replay = None;
        case.ticket = "How is handling charged?\n\nA new colleague asks from which amount on handling is free, and whether \
                       that can be set per season. Everything works, we would just like to write it into the handbook.\n"
            .into();
        Ok(case)
    })
}

fn resolved_by_itself() -> Make {
    make(|id, folder| {
        let mut case = without(id, fault("sh-slow")?, Class::Healthy, 6, TruthKind::NotABug, folder)?;
        case.replay = None;
        case.ticket = r#"{"version":"4","status":"resolved","receiver":"desk","groupLabels":{"alertname":"Latency"},"commonLabels":{"alertname":"Latency","severity":"info"},"commonAnnotations":{"summary":"Answers took longer than usual for a minute while a backup ran"},"alerts":[{"status":"resolved","labels":{"alertname":"Latency","severity":"info"},"annotations":{"summary":"Answers took longer than usual for a minute while a backup ran"},"startsAt":"2025-06-27T02:00:00Z","endsAt":"2025-06-27T02:01:00Z"}]}"#.into();
        Ok(case)
    })
}

/// The feed named by the environment is missing at every revision.
fn feed_missing(name: &'static str, theme: usize) -> Make {
    make(move |id, folder| {
        let fault = fault(name)?;
        let mut case = without(id, fault, Class::Environment, theme, TruthKind::Infrastructure, folder)?;
        let project = ScenarioBuilder::new(id, fault.lang, theme, 0).project;
        let feed = "/srv/feed/today.csv";
        let mut replay =
            replay(format!("printf '%s\\n' '7;Ada;1;60.00;2024-03-02;std' | {}", project.run("total")));
        replay.env.insert(project.words("@APP@_FEED"), feed.into());
        case.replay = Some(replay);
        case.ticket = project.words(&format!(
            "@app@: error: the feed {feed} cannot be read\n\nSince the move to the new host nothing is added up:\n\n    \
             $ @app@ total\n    @app@: error: the feed {feed} cannot be read\n      at main ({})\n\nOn the old host it runs.\n",
            project.path(crate::scenarios::project::ProgramPart::Main)
        ));
        Ok(case)
    })
}

/// The user's input is wrong, and every release refuses it.
fn bad_input(input: &'static str, error: &'static str, theme: usize) -> Make {
    make(move |id, folder| {
        let plain = fault("sh-date")?;
        let mut case = without(id, plain, Class::NoCodeCause, theme, TruthKind::Data, folder)?;
        let project = ScenarioBuilder::new(id, plain.lang, theme, 0).project;
        let fault = Fault { input, ..*plain };
        case.replay = Some(replay(fault.replay(&project)));
        let error = project.words(error);
        case.ticket = project.words(&format!(
            "{error}\n\nA @party@ sent a file that is not accepted:\n\n    $ @app@ total\n    @app@: error: {error}\n\nTheir \
             file is attached to the mail, I did not look into it.\n"
        ));
        Ok(case)
    })
}

fn outside(title: &'static str, text: &'static str, kind: TruthKind, theme: usize) -> Make {
    make(move |id, folder| {
        let mut case = without(id, fault("sh-round")?, Class::NoCodeCause, theme, kind, folder)?;
        case.replay = None;
        case.ticket = format!("{title}\n\n{text}\n");
        Ok(case)
    })
}
