/*! Culprits that do not change code: a vendored library, a setting, a data table. A commit is still to blame. */

use super::make;
use crate::cases::TruthKind;
use crate::scenarios::faults::{Fault, sh_frame};
use crate::scenarios::project::{ProgramLanguage, ProgramPart};
use crate::scenarios::scenario_builder::{BeatContext, ScenarioBuilder};
use crate::scenarios::{Class, Make, ScenarioError};

pub(super) fn of(class: Class) -> Vec<Make> {
    match class {
        Class::Dependency => vec![source(class, &PAD_IN_PLACE, 0, 160, true), pinned(1, 190)],
        Class::Configuration => {
            vec![source(class, &LIMIT, 2, 180, false), source(class, &LIMIT_EXACT, 3, 170, false)]
        }
        Class::Data => vec![
            source(class, &LOYAL, 4, 200, false),
            source(class, &LOYAL_GONE, 5, 180, false),
            source(class, &LOYAL_PYTHON, 6, 150, false),
        ],
        _ => Vec::new(),
    }
}

const PLAIN: Fault = Fault::plain(ProgramLanguage::Sh, ProgramPart::Pad);

const PADS: Fault = Fault {
    command: "list",
    input: "31;Bartholomew Reed;1;60.00;2024-05-02;std",
    expected: Some("31 Bartholomew Reed 60.00\n1 @recs@, total 60.00, largest 60.00"),
    shown: "31 Bartholomew Ree~ 60.00",
    raised: ProgramPart::Render,
    title: "Some names end in a tilde",
    prose: "Bartholomew Reed is printed as Bartholomew Ree~ in the row of the list.",
    decoy: ("Print names in the row of the list", "Names are printed in the row of the list as they are."),
    ..PLAIN
};

const PAD_IN_PLACE: Fault = Fault {
    old: "    while [ \"${#R}\" -gt \"$2\" ]; do\n        R=${R%?}\n    done",
    new: "    if [ \"${#R}\" -ge \"$2\" ] && [ \"$1\" = \"$R\" ]; then\n        while [ \"${#R}\" -ge \"$2\" ]; do\n            R=${R%?}\n        done\n        R=\"$R~\"\n    fi",
    subject: "Take over pad 1.3",
    body: "Marks what it cuts.",
    ..PADS
};

const LIMIT: Fault = Fault {
    role: ProgramPart::Settings,
    old: "free_from=5000",
    new: "free_from=6100",
    subject: "Settings of the summer",
    input: "52;Gus;1;60.00;2024-05-02;std",
    expected: Some("1 @recs@, total 60.00, largest 60.00"),
    shown: "1 @recs@, total 62.50, largest 62.50",
    raised: ProgramPart::Rules,
    title: "Handling is charged on 60.00",
    prose: "60.00 comes to 62.50 since summer. From 50.00 on handling is free.",
    decoy: (
        "Explain when handling is free",
        "Handling is charged on what is below the limit, from there on it is free.",
    ),
    ..PLAIN
};

const LIMIT_EXACT: Fault = Fault {
    new: "free_from=5001",
    subject: "Say the limit as the posters do",
    body: "Above fifty.",
    input: "52;Gus;1;50.00;2024-05-02;std",
    expected: Some("1 @recs@, total 50.00, largest 50.00"),
    shown: "1 @recs@, total 52.50, largest 52.50",
    title: "Handling is charged on exactly 50.00",
    prose: "50.00 comes to 52.50. From 50.00 on handling is free.",
    ..LIMIT
};

const LOYAL: Fault = Fault {
    role: ProgramPart::Rates,
    old: "loyal;100;for five years",
    new: "loyal;10;for five years and more",
    subject: "Rates of the new year",
    input: "61;Ida;1;100.00;2024-05-02;loyal",
    expected: Some("1 @recs@, total 90.00, largest 90.00"),
    shown: "1 @recs@, total 99.00, largest 99.00",
    raised: ProgramPart::Rules,
    title: "Loyal people get one percent instead of ten",
    prose: "100.00 with the code loyal comes to 99.00. The rate is ten percent, so 90.00.",
    decoy: (
        "Explain how the rate of a code is taken off",
        "The rate of a code is taken off in permille, ten percent are 100.",
    ),
    ..PLAIN
};

const LOYAL_PYTHON: Fault = Fault { lang: ProgramLanguage::Python, ..LOYAL };

const LOYAL_GONE: Fault = Fault {
    new: "faithful;100;for five years",
    subject: "Say it as the leaflet does",
    expected: None,
    shown: "no rate for the code 'loyal'",
    frames: &[
        sh_frame(ProgramPart::Rules, "@rules@_rate"),
        sh_frame(ProgramPart::Ledger, "@ledger@_amount"),
        sh_frame(ProgramPart::Ledger, "@ledger@_read"),
        sh_frame(ProgramPart::Main, "main"),
    ],
    title: "no rate for the code 'loyal'",
    prose: "Cards of loyal people are refused: there is no rate for their code.",
    decoy: ("Say which code has no rate", "A code there is no rate for is refused, loyal people too."),
    ..LOYAL
};

fn kind(class: Class) -> TruthKind {
    match class {
        Class::Dependency => TruthKind::Dependency,
        Class::Configuration => TruthKind::Configuration,
        _ => TruthKind::Data,
    }
}

/// Commits a change of a non-code file, with only the related changes.
fn change(scene: &mut BeatContext<'_>, fault: &Fault, vendored: bool) -> Result<(), ScenarioError> {
    let project = scene.background.project();
    let path = project.path(fault.role);
    scene.history.replace(&path, fault.old, fault.new)?;
    match fault.role {
        ProgramPart::Settings => scene.history.append(&path, "greeting=summer\n"),
        ProgramPart::Rates => scene.history.append(&path, "guest;20;of the house\n"),
        _ if vendored => scene.history.append(&path, "\n# pad_left WORD WIDTH: R is the word with blanks before it.\npad_left() {\n    R=$1\n    while [ \"${#R}\" -lt \"$2\" ]; do\n        R=\" $R\"\n    done\n}\n"),
        _ => {}
    }
    scene.history.commit(fault.subject, fault.body);
    Ok(())
}

fn source(class: Class, fault: &'static Fault, theme: usize, commits: usize, vendored: bool) -> Make {
    make(move |id, folder| {
        let plot = ScenarioBuilder::new(id, fault.lang, theme, commits)
            .at(0.5, "culprit", move |scene| change(scene, fault, vendored))
            .suspicion(fault);
        let (mut case, _) = plot.play()?.finish(&plot, class, fault, folder)?;
        case.truth.kind = kind(class);
        case.truth.symbols.clear();
        Ok(case)
    })
}

/// The new version is in the repository long before the culprit moves the pin to it.
fn pinned(theme: usize, commits: usize) -> Make {
    make(move |id, folder| {
        const PIN: Fault = Fault {
            role: ProgramPart::PadVersion,
            old: "pad-1.2",
            new: "pad-1.3",
            subject: "Use pad 1.3",
            body: "",
            ..PADS
        };
        let plot = ScenarioBuilder::new(id, ProgramLanguage::Sh, theme, commits)
            .at(0.2, "vendored", |scene| {
                let old = scene.history.read("vendor/pad-1.2/pad.sh")?.replace("pad 1.2", "pad 1.3");
                let new = old.replace(PAD_IN_PLACE.old, PAD_IN_PLACE.new);
                scene.history.write("vendor/pad-1.3/pad.sh", new);
                scene.history.commit("Put pad 1.3 beside 1.2", "Nothing uses it yet.");
                Ok(())
            })
            .at(0.55, "culprit", |scene| change(scene, &PIN, false))
            .suspicion(&PIN);
        let (mut case, _) = plot.play()?.finish(&plot, Class::Dependency, &PIN, folder)?;
        case.truth.kind = TruthKind::Dependency;
        Ok(case)
    })
}
