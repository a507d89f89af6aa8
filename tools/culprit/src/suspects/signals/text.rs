/*!
Words that ticket and patch share: the ticket as a whole, each of its parts, and the whole ticket against single parts
of the patch. Commits that change no line of code score nothing, because they rarely break a program.
*/

use millwright_git::history::PatchField;

use super::super::bm25::{ALL_FIELDS, FieldWeights, contributions, mask, only, scores};
use super::super::context::SignalContext;
use super::super::query::QuerySection;
use super::{SignalColumn, list};

static PATHS: FieldWeights = only(&[PatchField::Paths]);
static FUNCTIONS: FieldWeights = only(&[PatchField::SourceHeaders]);
static ADDED: FieldWeights = only(&[PatchField::SourceAdded]);
static REMOVED: FieldWeights = only(&[PatchField::SourceRemoved]);
static TESTS: FieldWeights = only(&[PatchField::TestAdded, PatchField::TestHeaders]);
static MESSAGE: FieldWeights = only(&[PatchField::Subject, PatchField::Body]);

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let query = &context.query;
    let parts: [(&'static str, &QuerySection, &'static FieldWeights); 17] = [
        ("ticket_text", &query.whole, &ALL_FIELDS),
        ("test_name_text", &query.test_name, &ALL_FIELDS),
        ("test_class_text", &query.test_class, &ALL_FIELDS),
        ("test_module_text", &query.test_module, &ALL_FIELDS),
        ("test_code_text", &query.test_code, &ALL_FIELDS),
        ("symptom_text", &query.symptom, &ALL_FIELDS),
        ("word_forms_text", &query.word_forms, &ALL_FIELDS),
        ("message_text", &query.message, &ALL_FIELDS),
        ("frame_functions_text", &query.functions, &ALL_FIELDS),
        ("paths_text", &query.whole, &PATHS),
        ("touched_functions_text", &query.whole, &FUNCTIONS),
        ("added_code_text", &query.whole, &ADDED),
        ("removed_code_text", &query.whole, &REMOVED),
        ("added_tests_text", &query.whole, &TESTS),
        ("commit_message_text", &query.whole, &MESSAGE),
        ("test_name_message", &query.test_name, &MESSAGE),
        ("test_name_added", &query.test_name, &ADDED),
    ];
    parts.into_iter().map(|(name, section, weights)| column(context, name, section, weights)).collect()
}

fn column<'c>(
    context: &'c SignalContext<'_>,
    name: &'static str,
    section: &'c QuerySection,
    weights: &'static FieldWeights,
) -> SignalColumn<'c> {
    let candidates = &context.candidates;
    let mut values = scores(candidates, &section.tokens, weights);
    for (value, candidate) in values.iter_mut().zip(&candidates.list) {
        if !candidate.speaks() {
            *value = 0.0;
        }
    }
    SignalColumn::relative(name, values, move |at| {
        let wanted = mask(candidates, &section.tokens);
        let mut words: Vec<(u16, f64)> =
            contributions(candidates, &candidates.list[at], &wanted, weights).collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1));
        let telling = words.into_iter().filter(|(token, _)| !context.query.stop_words.contains(token));
        let telling: Vec<String> =
            telling.map(|(token, _)| context.query.vocabulary[usize::from(token)].clone()).collect();
        match telling.as_slice() {
            [] => "shares only common words".to_owned(),
            [one] => format!("shares the word {one}"),
            _ => format!("shares the words {}", list(telling)),
        }
    })
}
