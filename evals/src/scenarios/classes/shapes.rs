/*!
Culprits that are difficult to revert: only a part of the commit is guilty and later work builds on the rest; the failure
needs two commits; or the guilty code was moved and renamed since.
*/

use super::{fault, make};
use crate::scenarios::faults::{Fault, sh_frame as frame};
use crate::scenarios::project::{ProgramLanguage, ProgramPart, ScenarioProject};
use crate::scenarios::scenario_builder::{BeatContext, ScenarioBuilder, build_on_helper};
use crate::scenarios::{Class, Make, ScenarioError};

pub(super) fn of(class: Class) -> Vec<Make> {
    match class {
        Class::PartialRevert => {
            [("sh-prefix", 1, 200), ("sh-round", 2, 180), ("py-float", 3, 170), ("js-code", 4, 160)]
                .map(|(name, theme, commits)| partial(name, theme, commits))
                .into()
        }
        Class::Interaction => vec![interaction(&CASES, 5, 200), interaction(&THOUSANDS, 6, 190)],
        Class::Refactored => {
            vec![renamed("sh-tens", 0, 200), renamed("py-float", 7, 180), renamed("js-sort", 2, 170)]
        }
        _ => Vec::new(),
    }
}

fn partial(name: &'static str, theme: usize, commits: usize) -> Make {
    make(move |id, folder| {
        let fault = fault(name)?;
        let plot = ScenarioBuilder::new(id, fault.lang, theme, commits)
            .fault(0.45, "culprit", fault)
            .at(0.6, "built-on", |scene| build_on_helper(scene, fault.role))
            .suspicion(fault);
        Ok(plot.play()?.finish(&plot, Class::PartialRevert, fault, folder)?.0)
    })
}

/// A change that is harmless until the fault is added.
#[derive(Debug, Clone, Copy)]
struct Accomplice {
    role: ProgramPart,
    old: &'static str,
    new: &'static str,
    subject: &'static str,
    fault: Fault,
}

const PLAIN: Fault =
    Fault { raised: ProgramPart::Rules, ..Fault::plain(ProgramLanguage::Sh, ProgramPart::Reader) };

/// The program converted codes to lower case twice, and two commits each remove one conversion.
const CASES: Accomplice = Accomplice {
    role: ProgramPart::Rules,
    old: "    case \"$wanted\" in\n        *[A-Z]*) wanted=$(printf '%s' \"$wanted\" | tr A-Z a-z) ;;\n    esac\n",
    new: "    # Small already.\n",
    subject: "Do not make codes small twice",
    fault: Fault {
        old: "    case \"$f_code\" in\n        *[A-Z]*) f_code=$(printf '%s' \"$f_code\" | tr A-Z a-z) ;;\n    esac",
        new: "    f_code=${f_code:-std} # as people wrote it",
        subject: "Keep what people wrote as they wrote it",
        input: "41;Emil;2;30.00;2024-05-02;STAFF",
        shown: "no rate for the code 'STAFF'",
        frames: &[
            frame(ProgramPart::Rules, "@rules@_rate"),
            frame(ProgramPart::Ledger, "@ledger@_amount"),
            frame(ProgramPart::Ledger, "@ledger@_read"),
            frame(ProgramPart::Main, "main"),
        ],
        title: "no rate for the code 'STAFF'",
        prose: "A code in capitals has no rate any more. Small ones go through.",
        decoy: (
            "Say which code has no rate",
            "A code that has no rate is told as it was given, capitals too.",
        ),
        ..PLAIN
    },
};

/// The program prints thousands in groups and reads its own output.
const THOUSANDS: Accomplice = Accomplice {
    role: ProgramPart::Units,
    old: "    R=$whole.$cents\n}",
    new: "    if [ \"$whole\" -ge 1000 ]; then\n        whole=$((whole / 1000)),$(printf '%03d' $((whole % 1000)))\n    fi\n    R=$whole.$cents\n}",
    subject: "Print thousands in groups",
    fault: Fault {
        role: ProgramPart::Render,
        old: "    @units@_format \"$largest\"\n    top=$R",
        new: "    @units@_format \"$largest\"\n    top=$R\n    @units@_parse \"$top\"\n    [ \"$R\" -eq \"$largest\" ] || die \"$top is not what was meant\"",
        subject: "Trust nothing that is printed",
        input: "41;Emil;20;100.00;2024-05-02;std",
        shown: "not an amount: '2,000.00'",
        frames: &[
            frame(ProgramPart::Units, "@units@_parse"),
            frame(ProgramPart::Render, "@render@_total"),
            frame(ProgramPart::Ledger, "@ledger@_close"),
            frame(ProgramPart::Main, "main"),
        ],
        raised: ProgramPart::Units,
        title: "not an amount: '2,000.00'",
        prose: "A large amount is refused as not an amount. Nobody typed a comma.",
        decoy: (
            "Name the amount that is refused",
            "What is not an amount is refused with the comma that nobody typed.",
        ),
        ..PLAIN
    },
};

fn interaction(accomplice: &'static Accomplice, theme: usize, commits: usize) -> Make {
    make(move |id, folder| {
        let fault = &accomplice.fault;
        let plot = ScenarioBuilder::new(id, fault.lang, theme, commits)
            .at(0.25, "accomplice", move |scene| {
                let project = scene.background.project();
                let path = project.path(accomplice.role);
                scene.history.replace(
                    &path,
                    &project.words(accomplice.old),
                    &project.words(accomplice.new),
                )?;
                scene.history.commit(accomplice.subject, "");
                Ok(())
            })
            .fault(0.5, "culprit", fault)
            .suspicion(fault);
        let (mut case, ids) = plot.play()?.finish(&plot, Class::Interaction, fault, folder)?;
        case.truth.accomplices = ids.get("accomplice").cloned().into_iter().collect();
        Ok(case)
    })
}

fn renamed(name: &'static str, theme: usize, commits: usize) -> Make {
    make(move |id, folder| {
        let fault = fault(name)?;
        let plot = ScenarioBuilder::new(id, fault.lang, theme, commits)
            .fault(0.3, "culprit", fault)
            .at(0.5, "moved", |scene| rename_part(scene, fault.role))
            .suspicion(fault);
        Ok(plot.play()?.finish(&plot, Class::Refactored, fault, folder)?.0)
    })
}

/// Renames the part everywhere: its file, and every name that begins with the part's name.
fn rename_part(scene: &mut BeatContext<'_>, role: ProgramPart) -> Result<(), ScenarioError> {
    let project = scene.background.project();
    let mut theme = project.theme;
    let (part, new) = match role {
        ProgramPart::Units => (&mut theme.units, "figures"),
        ProgramPart::Ledger => (&mut theme.ledger, "summary"),
        other => return Err(ScenarioError::Plot(format!("{other:?} is not renamed by any scenario"))),
    };
    let old = std::mem::replace(part, new);
    let (from, to) = (project.path(role), ScenarioProject { theme, ..project }.path(role));
    for path in scene.history.paths() {
        if path.starts_with("docs/") || path.ends_with(".md") {
            continue;
        }
        let text = scene.history.read(&path)?;
        let changed = replace_word(text, old, new);
        if changed != text {
            scene.history.write(&path, changed);
        }
    }
    let text = scene.history.read(&from)?.to_owned();
    scene.history.remove(&from);
    scene.history.write(&to, text);
    scene.background.rename(ScenarioProject { theme, ..project });
    scene.history.commit(&format!("Call the {old} {new}, as everybody does"), "No change of what it does.");
    Ok(())
}

/// Replaces `old` where it is a whole word or the first part of a name.
fn replace_word(text: &str, old: &str, new: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        let begins = !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let ends = !after.starts_with(|c: char| c.is_ascii_alphanumeric());
        out.push_str(before);
        out.push_str(if begins && ends { new } else { old });
        rest = after;
    }
    out.push_str(rest);
    out
}
