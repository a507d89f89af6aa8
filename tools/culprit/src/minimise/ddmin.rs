/*!
ddmin (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002) over numbered units, with two
shortcuts for the case that one unit is much more suspected than the rest: test that unit alone, then the leading
ones.
*/

use std::collections::HashMap;

/// How many questions may still be asked. The same set is never asked about twice.
#[derive(Debug)]
pub struct QuestionBudget {
    left: u32,
    spent: u32,
}

impl QuestionBudget {
    pub fn new(max_runs: u32) -> Self {
        Self { left: max_runs, spent: 0 }
    }

    pub fn left(&self) -> u32 {
        self.left
    }

    pub fn spent(&self) -> u32 {
        self.spent
    }
}

/// Finds a set of units that answers yes and from which no single unit can be removed; when the budget ends first,
/// the smallest such set found so far. All units together are assumed to answer yes. `weights` has one weight per
/// unit, in descending order.
pub fn minimal<E>(
    weights: &[f64],
    budget: &mut QuestionBudget,
    mut yes: impl FnMut(&[usize]) -> Result<bool, E>,
) -> Result<Vec<usize>, E> {
    let mut known: HashMap<Vec<usize>, bool> = HashMap::new();
    let mut ask = |set: &[usize], budget: &mut QuestionBudget| -> Result<Option<bool>, E> {
        let mut key = set.to_vec();
        key.sort_unstable();
        if let Some(answer) = known.get(&key) {
            return Ok(Some(*answer));
        }
        if budget.left == 0 {
            return Ok(None);
        }
        budget.left -= 1;
        budget.spent += 1;
        let answer = yes(set)?;
        known.insert(key, answer);
        Ok(Some(answer))
    };
    let mut current: Vec<usize> = (0..weights.len()).collect();
    if current.len() <= 1 {
        return Ok(current);
    }
    for lead in leads(weights) {
        let set: Vec<usize> = (0..lead).collect();
        if ask(&set, budget)? == Some(true) {
            current = set;
            break;
        }
    }
    let mut parts = 2usize;
    while current.len() >= 2 {
        let size = current.len().div_ceil(parts);
        let chunks: Vec<Vec<usize>> = current.chunks(size).map(<[usize]>::to_vec).collect();
        let mut smaller = None;
        for chunk in &chunks {
            match ask(chunk, budget)? {
                Some(true) => {
                    smaller = Some((chunk.clone(), 2));
                    break;
                }
                Some(false) => {}
                None => return Ok(current),
            }
        }
        if smaller.is_none() && chunks.len() > 2 {
            // Try to remove the least suspected units first.
            for (at, _) in chunks.iter().enumerate().rev() {
                let rest: Vec<usize> = chunks
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != at)
                    .flat_map(|(_, c)| c.clone())
                    .collect();
                match ask(&rest, budget)? {
                    Some(true) => {
                        smaller = Some((rest, (parts - 1).max(2)));
                        break;
                    }
                    Some(false) => {}
                    None => return Ok(current),
                }
            }
        }
        match smaller {
            Some((set, next)) => {
                current = set;
                parts = next;
            }
            None if parts < current.len() => parts = (parts * 2).min(current.len()),
            None => break,
        }
    }
    Ok(current)
}

/// Leading sets to test first: the first unit when it stands out, and all units that are suspected at all.
fn leads(weights: &[f64]) -> Vec<usize> {
    /// A unit whose weight is below this share of the greatest weight (a test, a document) is hardly suspected.
    const NEGLIGIBLE: f64 = 0.2;
    let greatest = weights.first().copied().unwrap_or(0.0);
    let suspected = weights.iter().take_while(|weight| **weight > greatest * NEGLIGIBLE).count();
    let mut leads = Vec::new();
    if weights.get(1).is_none_or(|second| *second < greatest) {
        leads.push(1);
    }
    if suspected > 1 && suspected < weights.len() {
        leads.push(suspected);
    } else if suspected == 1 && leads.is_empty() {
        leads.push(1);
    }
    leads
}
