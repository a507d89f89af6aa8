/*!
Code that the failing run executed, as a weight and never as a filter: in a tenth of the cases the culprit touches no
executed function (it removed one, or changed what code is *not* reached any more).
*/

use std::collections::BTreeMap;

use millwright_git::history::names;

use super::super::context::SignalContext;
use super::SignalColumn;

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let Some(trace) = context.request.executed else { return Vec::new() };
    let candidates = &context.candidates;
    let mut in_file = vec![0.0f64; candidates.len()];
    let mut in_function = vec![0.0f64; candidates.len()];
    let mut lines_owned = vec![0.0f64; candidates.len()];
    for (path, executed) in &trace.files {
        let touching = candidates.touching(path);
        let rarity = candidates.idf(touching.len() as u32);
        for at in touching {
            let value = &mut in_file[*at as usize];
            *value = value.max(rarity);
            let mut found = 0u32;
            for file in candidates.list[*at as usize].files.iter().filter(|file| file.path == *path) {
                let names = file.headers.iter().filter_map(|header| names::name_of_header(header));
                let names = names.chain(file.defines.iter().map(String::as_str));
                found += names.filter(|name| is_executed(executed, name)).count() as u32;
            }
            in_function[*at as usize] += f64::from(found.min(4)).sqrt();
        }
        if executed.lines.is_empty() || touching.is_empty() {
            continue;
        }
        let last = executed.lines.last().copied().unwrap_or(0);
        let history = super::super::lines::follow(candidates, path, last);
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for owned in &history.owned {
            let lines = executed.lines.range(owned.start..owned.start.saturating_add(owned.len)).count();
            *counts.entry(owned.candidate).or_default() += lines as u32;
        }
        for (candidate, count) in counts {
            lines_owned[candidate as usize] += f64::from(count).sqrt();
        }
    }
    vec![
        SignalColumn::relative("executed_file", in_file, |_| {
            "changes a file the failing run executed".into()
        }),
        SignalColumn::relative("executed_function", in_function, |_| {
            "changes a function the failing run executed".into()
        }),
        SignalColumn::relative("executed_lines", lines_owned, |_| {
            "owns lines the failing run executed".into()
        }),
    ]
}

fn is_executed(file: &millwright_replay::exec_trace::ExecutedFile, name: &str) -> bool {
    file.functions.iter().any(|function| function.rsplit(['.', ':', '$']).next() == Some(name))
}
