/*!
The weight of each signal: one table for all repositories, languages and kinds of ticket.

`learn` learned the weights from the culprits of 96 regressions of Django (each described in three ways) and 34 faults
of two Java libraries; they are rounded. A zero stands for a signal that gave no information beyond the others there;
it is kept so that verified outcomes elsewhere can give it a weight.

Some signals of a change speak against it: a change that came with documentation, or with tests in the failing test's
own file, shares many words with the ticket, but its author paid attention to that behaviour. Changes without either
break behaviour unnoticed.
*/

use std::collections::BTreeMap;

use super::signals::SignalColumn;

/// Weight by signal name. A signal without a weight does not count in the score.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalWeights {
    table: BTreeMap<&'static str, f64>,
}

const DEFAULT: &[(&str, f64)] = &[
    ("ticket_text", 1.0),
    ("test_name_text", 1.6),
    ("test_name_message", 0.6),
    ("test_name_added", 0.45),
    ("test_class_text", 0.0),
    ("test_module_text", 1.2),
    ("test_code_text", 1.2),
    ("symptom_text", 3.1),
    ("word_forms_text", 1.2),
    ("context_text", 0.6),
    ("message_text", 0.5),
    ("frame_functions_text", 0.0),
    ("paths_text", 1.5),
    ("touched_functions_text", 1.1),
    ("added_code_text", 1.4),
    ("commit_message_text", 1.3),
    ("frame_function", 1.0),
    ("frame_file", 0.5),
    ("frame_blame", 1.7),
    ("function_blame", 0.1),
    ("function_under_test", 1.0),
    ("named_function", 0.0),
    ("removed_code_text", 0.0),
    ("added_tests_text", -0.3),
    ("test_source_text", 0.0),
    ("test_function_text", 0.0),
    ("imported_by_test", 0.0),
    ("touches_test", -0.7),
    ("owns_class_under_test", 1.9),
    ("code_lines", 0.5),
    ("names_another_commit", 0.0),
    ("test_cochange", 1.1),
    ("test_folder_cochange", 0.0),
    ("class_under_test", 1.5),
    ("literal", 1.2),
    ("touches_source", 1.0),
    ("trivial_subject", -0.7),
    ("size", -0.6),
    ("with_docs", -0.6),
    ("tests_only", -0.7),
    // Learned as -1.1 from sets where hardly any comment-only change shares the ticket's words. Where some do, a
    // change without code must not be named for them; on the learning sets the larger weight moves no figure by .001.
    ("no_effect", -3.5),
    ("merge", -0.3),
    ("executed_function", 1.0),
    ("executed_lines", 1.0),
    ("executed_file", 0.5),
    ("memory_commit", 2.0),
    ("memory_unit", 1.0),
    // Off by default: a commit that names the culprit shows that somebody has found it already.
    ("named_by_later_commit", 0.0),
];

impl Default for SignalWeights {
    fn default() -> Self {
        Self { table: DEFAULT.iter().copied().collect() }
    }
}

impl SignalWeights {
    /// The weight of a signal; 0 for one that is not in the table.
    pub fn of(&self, signal: &str) -> f64 {
        self.table.get(signal).copied().unwrap_or(0.0)
    }

    /// Replaces one weight; unknown names are ignored and answered with false.
    pub fn set(&mut self, signal: &str, weight: f64) -> bool {
        self.table.get_mut(signal).map(|old| *old = weight).is_some()
    }

    /// Whether verified outcomes may change the weight. A commit that names the culprit shows that somebody has found
    /// it already, and the weight of memory is limited by hand: it must not grow with every case in which memory was
    /// right.
    pub(super) fn is_learned(&self, signal: &str) -> bool {
        signal != "named_by_later_commit" && !signal.starts_with("memory_")
    }

    /// The same table without the signals of memory.
    pub(super) fn without_memory(&self) -> Self {
        let table = self.table.iter().filter(|(name, _)| !name.starts_with("memory_"));
        Self { table: table.map(|(name, weight)| (*name, *weight)).collect() }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.table.iter().map(|(name, weight)| (*name, *weight))
    }

    pub(super) fn scores(&self, columns: &[SignalColumn<'_>], candidates: usize) -> Vec<f64> {
        let mut scores = vec![0.0; candidates];
        for column in columns {
            let weight = self.of(column.name);
            for (score, value) in scores.iter_mut().zip(&column.values) {
                *score += weight * value;
            }
        }
        scores
    }
}
