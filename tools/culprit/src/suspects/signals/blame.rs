/*!
Owners of the lines in the trace: candidates that last changed the exact line of a frame, and candidates that own a
share of the function around it.
*/

use super::super::context::SignalContext;
use super::super::outline::enclosing;
use super::SignalColumn;

pub(super) fn columns<'c>(context: &'c SignalContext<'_>) -> Vec<SignalColumn<'c>> {
    let mut of_line = vec![0.0; context.candidates.len()];
    let mut of_function = vec![0.0; context.candidates.len()];
    for frame in context.product_frames() {
        let (Some(line), Some(history)) = (frame.line, context.line_history.get(&frame.path)) else {
            continue;
        };
        let near = 1.0 / (1.0 + frame.distance as f64);
        for owned in &history.owned {
            if owned.start <= line && line - owned.start < owned.len {
                of_line[owned.candidate as usize] += near;
            }
        }
        let source = context.sources.get(&frame.path);
        let Some(function) = source.and_then(|source| enclosing(&source.definitions, line)) else { continue };
        let size = f64::from(function.end - function.start + 1);
        let mut shares: std::collections::BTreeMap<u32, f64> = Default::default();
        for owned in &history.owned {
            let end = owned.start.saturating_add(owned.len).min(function.end + 1);
            let lines = end.saturating_sub(owned.start.max(function.start));
            if lines > 0 {
                *shares.entry(owned.candidate).or_default() += f64::from(lines);
            }
        }
        for (candidate, line) in &history.beside {
            if (function.start..=function.end).contains(line) {
                *shares.entry(*candidate).or_default() += 0.5;
            }
        }
        for (candidate, lines) in shares {
            of_function[candidate as usize] += near * (lines / size).min(1.0).sqrt();
        }
    }
    vec![
        SignalColumn::relative("frame_blame", of_line, |_| "last changed a line of the trace".into()),
        SignalColumn::relative("function_blame", of_function, |_| {
            "owns part of a function the trace passes".into()
        }),
    ]
}
