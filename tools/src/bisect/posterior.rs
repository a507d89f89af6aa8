/*!
How much probability lies behind each commit: the sums that tell which test splits the mass best.

For a commit with one parent the mass of its ancestry is its parent's plus its own; only at merges is the
ancestry walked, so that what two branches share is counted once (as `git bisect` does with counts).
*/

use super::graph::CommitGraph;

/// Probability mass, per label, of each commit's ancestry (itself included) within `weights`.
///
/// `labels` splits the candidates into classes `0..classes`; row `x` of the answer holds one sum per class.
/// Rows of commits without weight are zero and must not be asked for.
pub(super) fn ancestry_mass(
    graph: &CommitGraph,
    weights: &[f64],
    labels: &[usize],
    classes: usize,
) -> Vec<f64> {
    let count = graph.len();
    let mut mass = vec![0.0; count * classes];
    let mut seen = vec![u32::MAX; count];
    let mut stack = Vec::new();
    let alive = |number: u32| weights.get(number as usize).is_some_and(|weight| *weight > 0.0);
    for number in 0..u32::try_from(count).unwrap_or(u32::MAX) {
        if !alive(number) {
            continue;
        }
        let row = number as usize * classes;
        // A parent without weight has none among its ancestors either: what is left lies above the passes.
        let parents: Vec<u32> = graph.inside_parents(number).filter(|parent| alive(*parent)).collect();
        match parents.as_slice() {
            [] => {}
            [parent] => {
                let from = *parent as usize * classes;
                mass.copy_within(from..from + classes, row);
            }
            several => {
                stack.extend_from_slice(several);
                while let Some(ancestor) = stack.pop() {
                    let Some(mark) = seen.get_mut(ancestor as usize) else { continue };
                    if std::mem::replace(mark, number) == number {
                        continue;
                    }
                    add(&mut mass, row, labels, weights, ancestor);
                    stack.extend(graph.inside_parents(ancestor).filter(|parent| alive(*parent)));
                }
            }
        }
        add(&mut mass, row, labels, weights, number);
    }
    mass
}

fn add(mass: &mut [f64], row: usize, labels: &[usize], weights: &[f64], number: u32) {
    let at = number as usize;
    if let (Some(label), Some(weight)) = (labels.get(at), weights.get(at))
        && let Some(cell) = mass.get_mut(row + label)
    {
        *cell += weight;
    }
}

/// Entropy of a yes-or-no question in bits.
pub(super) fn binary_entropy(p: f64) -> f64 {
    let term = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
    term(p) + term(1.0 - p)
}
