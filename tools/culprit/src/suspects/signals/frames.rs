/*!
Files and functions of the trace that a candidate changed. A frame near the raise counts more; a file that half of the
range touches counts little.
*/

use millwright_git::history::{PatchFile, names};

use super::super::context::{LocatedFrame, SignalContext};
use super::{SignalColumn, list};

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let candidates = &context.candidates;
    let mut in_file = vec![0.0; candidates.len()];
    let mut in_function = vec![0.0; candidates.len()];
    for frame in context.product_frames() {
        let near = 1.0 / (1.0 + frame.distance as f64);
        let touching = touching(context, frame);
        let rarity = candidates.idf(touching.len() as u32);
        for at in touching.iter().filter(|at| candidates.list[**at as usize].changes_code()) {
            in_file[*at as usize] += near * rarity;
            let files = &candidates.list[*at as usize].files;
            if files.iter().any(|file| file.path == frame.path && changes_function(file, frame)) {
                in_function[*at as usize] += near;
            }
        }
    }
    vec![
        SignalColumn::relative("frame_file", in_file, move |at| {
            let paths = context
                .product_frames()
                .filter(move |frame| touching(context, frame).contains(&(at as u32)))
                .map(|frame| frame.path.clone());
            format!("changes {}, which the trace passes", list(unique(paths)))
        }),
        SignalColumn::relative("frame_function", in_function, move |at| {
            let files = &candidates.list[at].files;
            let names = context
                .product_frames()
                .filter(|frame| {
                    files.iter().any(|file| file.path == frame.path && changes_function(file, frame))
                })
                .filter_map(|frame| frame.function.clone());
            format!("changes {}, which the trace passes", list(unique(names)))
        }),
    ]
}

fn touching<'c>(context: &'c SignalContext<'_>, frame: &LocatedFrame) -> &'c [u32] {
    match context.line_history.get(&frame.path) {
        Some(history) => &history.touched_by,
        None => context.candidates.touching(&frame.path),
    }
}

/// Whether a change is in, or defines, the function of a frame.
fn changes_function(file: &PatchFile, frame: &LocatedFrame) -> bool {
    let Some(function) = frame.function.as_deref() else { return false };
    file.defines.iter().any(|name| name == function)
        || file.headers.iter().any(|header| names::name_of_header(header) == Some(function))
}

fn unique(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}
