/*!
Mines templates out of a stream of messages in two steps. First, each message is reduced to its shape (`mask`) and
counted under that shape: one pass and one hash look-up per line. Second, from time to time and at the end, shapes
that differ only in a variable word are merged (`merge`). The number of shapes kept is bounded for any input, and
the result depends only on the order of the input.

The second step uses the idea behind IPLoM and Brain (columns of equal-length messages distinguish constants from
variables by their number of values), but applies it to shapes instead of lines, which makes it fast.
*/

use std::collections::HashMap;

use super::mask::{WILDCARD, shape};
use super::merge;

/// Shapes held before they are merged to make room.
const MAX_SHAPES: usize = 20_000;
/// Clusters kept after a merge that had to make room.
const KEPT: usize = 10_000;

/// Data kept per template, combined when templates are merged.
pub trait TemplateTally: Default {
    /// Adds the data of `later`. Not all of its messages came later.
    fn absorb(&mut self, later: Self);
}

impl TemplateTally for () {
    fn absorb(&mut self, (): Self) {}
}

/// A mined template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinedTemplate<T> {
    /// Constant words with `<*>` for each variable part.
    pub template: String,
    pub count: u64,
    pub tally: T,
}

pub(crate) struct TemplateCluster<T> {
    pub(crate) template: String,
    pub(crate) count: u64,
    pub(crate) tally: T,
    /// Whether one of its wildcards comes from a merge, so that the template may match further words.
    pub(crate) merged: bool,
}

/// A streaming miner with bounded memory.
pub struct TemplateMiner<T> {
    shapes: HashMap<Box<str>, usize>,
    clusters: Vec<TemplateCluster<T>>,
    buffer: String,
    lines: u64,
    dropped: u64,
}

impl<T: TemplateTally> Default for TemplateMiner<T> {
    fn default() -> Self {
        Self { shapes: HashMap::new(), clusters: Vec::new(), buffer: String::new(), lines: 0, dropped: 0 }
    }
}

impl<T: TemplateTally> TemplateMiner<T> {
    /// Counts a message (its first line) and returns the data kept for its template.
    pub fn add(&mut self, message: &str) -> &mut T {
        self.lines += 1;
        let first = message.split('\n').next().unwrap_or_default();
        let mut buffer = std::mem::take(&mut self.buffer);
        shape(first, &mut buffer);
        let index = match self.shapes.get(buffer.as_str()) {
            Some(index) => *index,
            None => {
                if self.clusters.len() >= MAX_SHAPES {
                    self.make_room();
                }
                let template = buffer.clone();
                self.shapes.insert(template.clone().into_boxed_str(), self.clusters.len());
                self.clusters.push(TemplateCluster {
                    template,
                    count: 0,
                    tally: T::default(),
                    merged: false,
                });
                self.clusters.len() - 1
            }
        };
        self.buffer = buffer;
        let cluster = &mut self.clusters[index];
        cluster.count += 1;
        &mut cluster.tally
    }

    /// Number of messages added so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Templates in order of first appearance, and the number of messages in rare shapes that were dropped.
    pub fn finish(self) -> (Vec<MinedTemplate<T>>, u64) {
        let dropped = self.dropped;
        let mined = merge::merge(self.clusters).into_iter().map(|cluster| MinedTemplate {
            template: if cluster.template.is_empty() { WILDCARD.to_owned() } else { cluster.template },
            count: cluster.count,
            tally: cluster.tally,
        });
        (mined.collect(), dropped)
    }

    fn make_room(&mut self) {
        let mut clusters = merge::merge(std::mem::take(&mut self.clusters));
        if clusters.len() > KEPT {
            // Drops the rarest ones. Among equals, drops those that appeared first, because they had the most time
            // to reappear.
            let mut order: Vec<usize> = (0..clusters.len()).collect();
            order.sort_by_key(|index| (clusters[*index].count, *index));
            let mut keep = vec![true; clusters.len()];
            for index in order.iter().take(clusters.len() - KEPT) {
                keep[*index] = false;
            }
            let mut keep = keep.into_iter();
            let dropped = &mut self.dropped;
            clusters.retain(|cluster| {
                let kept = keep.next().unwrap_or(true);
                *dropped += if kept { 0 } else { cluster.count };
                kept
            });
        }
        self.shapes = clusters
            .iter()
            .enumerate()
            .map(|(index, cluster)| (cluster.template.clone().into_boxed_str(), index))
            .collect();
        self.clusters = clusters;
    }
}
