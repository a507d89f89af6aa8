/*!
The signals, one file per family. Each returns columns: a number for every candidate, between 0 and 1 unless its file
says otherwise, and a sentence for the report.
*/

mod blame;
mod change;
mod cochange;
mod enclosing;
mod execution;
mod frames;
mod later;
mod literal;
mod memory;
mod named;
mod test_source;
mod text;

use super::context::SignalContext;

pub(super) struct SignalColumn<'c> {
    pub(super) name: &'static str,
    pub(super) values: Vec<f64>,
    pub(super) explain: Box<dyn Fn(usize) -> String + 'c>,
}

pub(super) fn all<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let mut columns = text::columns(context);
    columns.extend(frames::columns(context));
    columns.extend(blame::columns(context));
    columns.extend(named::columns(context));
    columns.extend(cochange::columns(context));
    columns.extend(test_source::columns(context));
    columns.extend(literal::columns(context));
    columns.extend(change::columns(context));
    columns.extend(execution::columns(context));
    columns.extend(memory::columns(context));
    columns.extend(later::columns(context));
    let scores = context.request.weights.scores(&columns, context.candidates.len());
    columns.push(enclosing::column(context, &scores));
    columns
}

impl<'c> SignalColumn<'c> {
    /// Values divided by the greatest value, so that weights mean the same in every range.
    fn relative(name: &'static str, mut values: Vec<f64>, explain: impl Fn(usize) -> String + 'c) -> Self {
        let top = values.iter().copied().fold(0.0, f64::max);
        if top > 0.0 {
            values.iter_mut().for_each(|value| *value /= top);
        }
        Self { name, values, explain: Box::new(explain) }
    }

    fn plain(name: &'static str, values: Vec<f64>, explain: impl Fn(usize) -> String + 'c) -> Self {
        Self { name, values, explain: Box::new(explain) }
    }
}

/// The first few of `items`, and how many more there are.
fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    let shown = items.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    match items.len() {
        0..=5 => shown,
        more => format!("{shown} and {} more", more - 5),
    }
}
