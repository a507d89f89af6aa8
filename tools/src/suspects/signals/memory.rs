/*!
What memory knows: commits and code units that verified incidents were traced to before. The caller weighs and
bounds these; here they are looked up only.
*/

use super::super::context::Context;
use super::Column;
use crate::history::names;

pub(super) fn columns<'c>(context: &'c Context<'_>) -> Vec<Column<'c>> {
    let request = context.request;
    let mut columns = Vec::new();
    if !request.commit_priors.is_empty() {
        let prior = |at| request.commit_priors.get(&context.commit(at).hex()).copied().unwrap_or(0.0);
        let values = (0..context.candidates.len()).map(|at| f64::clamp(prior(at), 0.0, 1.0)).collect();
        columns.push(Column::plain("memory_commit", values, |_| {
            "was found guilty of a similar incident before".into()
        }));
    }
    if !request.unit_priors.is_empty() {
        let values = context.candidates.list.iter().map(|candidate| {
            let files = candidate.files.iter().flat_map(|file| {
                let names = file.headers.iter().filter_map(|header| names::name_of_header(header));
                let names = names.chain(file.defines.iter().map(String::as_str));
                let names: Vec<&str> = names.collect();
                request.unit_priors.iter().filter_map(move |(unit, prior)| {
                    let (path, symbol) = unit.split_once("::").unwrap_or((unit, ""));
                    let name = symbol.rsplit('.').next().unwrap_or("");
                    // A file alone is a weaker hint than the function in it.
                    (path == file.path)
                        .then(|| if name.is_empty() || names.contains(&name) { *prior } else { prior / 3.0 })
                })
            });
            files.fold(0.0, f64::max).min(1.0)
        });
        columns.push(Column::plain("memory_unit", values.collect(), |_| {
            "changes code that verified incidents were traced to before".into()
        }));
    }
    columns
}
