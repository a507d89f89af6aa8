/*!
Turns the replay into a command that shows behaviour: it prints the computed values instead of judging them. Rewriting
may break a script, so there is always a weaker mode to fall back to; [`super::FourWayDriver`] takes the first mode
whose own run distinguishes the parent from the culprit, as the replay itself does.
*/

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::observe_program::program_edits;
use super::observe_shell::shell_edits;
use super::region::{RegionRoot, apply_edits, regions};
use super::token::TokenLanguage;
use super::types::{InputChange, InputSource, InputVariant};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ObservationMode {
    /// Assertions of shell and programs print the values that they check.
    Printed,
    /// Only the programs' assertions.
    ProgramPrinted,
    /// Only the shell's tests and filters.
    ShellPrinted,
    /// The replay as it is: status and output.
    AsIs,
}

impl ObservationMode {
    pub(crate) const ALL: [Self; 4] = [Self::Printed, Self::ProgramPrinted, Self::ShellPrinted, Self::AsIs];
}

/// A replay ready to be observed and varied.
#[derive(Debug, Clone)]
pub(super) struct ObservableReplay {
    pub(super) source: InputSource,
    /// Stretches that rewriting inserted; they are not inputs.
    pub(super) inserted: BTreeMap<RegionRoot, Vec<Range<usize>>>,
}

pub(super) fn observable(source: &InputSource, mode: ObservationMode) -> ObservableReplay {
    let mut edits = Vec::new();
    for region in regions(source) {
        let shell = region.language == TokenLanguage::Shell;
        match mode {
            ObservationMode::AsIs => {}
            ObservationMode::ShellPrinted if !shell => {}
            ObservationMode::ProgramPrinted if shell => {}
            _ if shell => edits.extend(shell_edits(&region)),
            _ => edits.extend(program_edits(&region)),
        }
    }
    let (source, inserted) = apply_edits(source, edits);
    ObservableReplay { source, inserted }
}

/// The replay's own input in this mode; `None` if rewriting changes nothing, so that the mode is [`ObservationMode::AsIs`].
pub(crate) fn observe(source: &InputSource, mode: ObservationMode) -> Option<InputVariant> {
    let observable = observable(source, mode);
    let unchanged = observable.source.command == source.command && observable.source.files == source.files;
    if unchanged && mode != ObservationMode::AsIs {
        return None;
    }
    Some(original(source, &observable))
}

pub(super) fn original(source: &InputSource, observable: &ObservableReplay) -> InputVariant {
    InputVariant {
        command: observable.source.command.clone(),
        env: observable.source.env.clone(),
        files: laid_files(source, &observable.source),
        change: InputChange::Original,
        site: None,
        description: "the replay's own input".to_owned(),
        singular: false,
        replaced: None,
    }
}

/// Files to write over a checkout: those that the replay provides, and those of the checkout that are tests or data,
/// so that every side runs the same text.
pub(super) fn laid_files(source: &InputSource, varied: &InputSource) -> BTreeMap<String, String> {
    let mut laid = BTreeMap::new();
    for (path, file) in &varied.files {
        let own = source.files.get(path);
        let is_input = file.origin == super::types::FileOrigin::Laid || super::region::is_input_name(path);
        if is_input || own.is_none_or(|own| own.text != file.text) {
            laid.insert(path.clone(), file.text.clone());
        }
    }
    laid
}
