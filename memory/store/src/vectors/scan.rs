/*!
The exact search of the embedded engine: it reads every vector, one byte per dimension.

A hundred thousand vectors of 512 dimensions are 51 MB, which one pass reads in a few milliseconds. No index on disk
is faster at this size, and the result is exact. The bytes only select candidates; the caller scores the selected few
again from their stored floats, so rounding decides nothing.
*/

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Fewer rows than this are not worth a thread.
const ROWS_A_THREAD: usize = 16_384;
const MOST_THREADS: usize = 4;

/// Quantised vectors of one space, and what a search filters by.
#[derive(Debug, Default)]
pub(crate) struct VectorScan {
    dimension: usize,
    bytes: Vec<i8>,
    rows: Vec<Row>,
    /// The position of a document's row.
    places: HashMap<i64, usize>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    doc: i64,
    /// `None` for an incident without a repository, which every search includes.
    scope: Option<i64>,
    /// The value of one step of a byte.
    scale: f32,
}

impl VectorScan {
    pub(crate) fn new(dimension: usize) -> Self {
        Self { dimension, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds or replaces a document. A vector of another dimension is left out; the caller has checked it.
    pub(crate) fn put(&mut self, doc: i64, scope: Option<i64>, vector: &[f32]) {
        if vector.len() != self.dimension {
            return;
        }
        let (scale, bytes) = quantise(vector);
        let row = Row { doc, scope, scale };
        match self.places.get(&doc) {
            Some(&place) => {
                if let Some(old) = self.rows.get_mut(place) {
                    *old = row;
                }
                let start = place * self.dimension;
                if let Some(old) = self.bytes.get_mut(start..start + self.dimension) {
                    old.copy_from_slice(&bytes);
                }
            }
            None => {
                self.places.insert(doc, self.rows.len());
                self.rows.push(row);
                self.bytes.extend_from_slice(&bytes);
            }
        }
    }

    /// Removes the documents that `keeps` rejects. The bytes are copied together, so nothing of the removed ones is
    /// left.
    pub(crate) fn retain(&mut self, keeps: impl Fn(i64) -> bool) {
        let mut kept = VectorScan::new(self.dimension);
        for (row, bytes) in self.rows.iter().zip(self.bytes.chunks_exact(self.dimension.max(1))) {
            if keeps(row.doc) {
                kept.places.insert(row.doc, kept.rows.len());
                kept.rows.push(*row);
                kept.bytes.extend_from_slice(bytes);
            }
        }
        *self = kept;
    }

    /// The `limit` nearest documents by the rounded vectors, best first. Only vectors with a positive score.
    pub(crate) fn nearest(&self, query: &[f32], scope: Option<i64>, limit: usize) -> Vec<(i64, f32)> {
        if query.len() != self.dimension || limit == 0 {
            return Vec::new();
        }
        let (query_scale, query) = quantise(query);
        let wide: Vec<i16> = query.iter().map(|x| i16::from(*x)).collect();
        let asked = ScanQuery { wide: &wide, scale: query_scale, scope, limit };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let share = self.rows.len().div_ceil(threads).max(ROWS_A_THREAD);
        let dimension = self.dimension.max(1);
        let parts = self.rows.chunks(share).zip(self.bytes.chunks(share * dimension));
        let mut found: Vec<(Score, i64)> = std::thread::scope(|threads| {
            let asked = &asked;
            let mut parts = parts;
            // This thread scans the first part itself.
            let own = parts.next();
            let others: Vec<_> = parts
                .map(|(rows, bytes)| threads.spawn(move || asked.best(rows, bytes, dimension)))
                .collect();
            let mut found = own.map(|(rows, bytes)| asked.best(rows, bytes, dimension)).unwrap_or_default();
            for other in others {
                found.extend(other.join().unwrap_or_default());
            }
            found
        });
        found.sort_by(|a, b| b.cmp(a));
        found.truncate(limit);
        found.into_iter().map(|(score, doc)| (doc, score.0)).collect()
    }
}

/// The query in the form that the loop uses.
struct ScanQuery<'q> {
    wide: &'q [i16],
    scale: f32,
    scope: Option<i64>,
    limit: usize,
}

impl ScanQuery<'_> {
    /// The nearest of some rows, unordered.
    fn best(&self, rows: &[Row], bytes: &[i8], dimension: usize) -> Vec<(Score, i64)> {
        let mut best: BinaryHeap<Reverse<(Score, i64)>> = BinaryHeap::with_capacity(self.limit + 1);
        for (row, bytes) in rows.iter().zip(bytes.chunks_exact(dimension)) {
            if self.scope.is_some() && row.scope.is_some() && row.scope != self.scope {
                continue;
            }
            let score = Score(dot(self.wide, bytes) as f32 * row.scale * self.scale);
            let full = best.len() == self.limit;
            if score.0 <= 0.0 || (full && best.peek().is_some_and(|Reverse((least, _))| score <= *least)) {
                continue;
            }
            best.push(Reverse((score, row.doc)));
            if best.len() > self.limit {
                best.pop();
            }
        }
        best.into_iter().map(|Reverse(hit)| hit).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Score(f32);

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Maps each dimension to one of 255 steps between the largest magnitude and its negative.
fn quantise(vector: &[f32]) -> (f32, Vec<i8>) {
    let largest = vector.iter().fold(0f32, |most, x| most.max(x.abs()));
    if largest == 0.0 {
        return (0.0, vec![0; vector.len()]);
    }
    let scale = largest / 127.0;
    (scale, vector.iter().map(|x| (x / scale).round() as i8).collect())
}

/// Simple enough for the compiler to use the machine's widest multiply-and-add.
fn dot(a: &[i16], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(i16::from(*y))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(x: f32, y: f32) -> [f32; 2] {
        let length = (x * x + y * y).sqrt();
        [x / length, y / length]
    }

    #[test]
    fn finds_the_nearest_within_scope() {
        let mut scan = VectorScan::new(2);
        scan.put(1, Some(7), &unit(1.0, 0.0));
        scan.put(2, Some(8), &unit(1.0, 0.1));
        scan.put(3, None, &unit(1.0, 1.0));
        scan.put(4, Some(7), &unit(-1.0, 0.0));
        scan.put(5, Some(7), &[1.0]);
        let docs = |scope, limit| -> Vec<i64> {
            scan.nearest(&[1.0, 0.0], scope, limit).into_iter().map(|(doc, _)| doc).collect()
        };
        assert_eq!(docs(None, 10), [1, 2, 3]);
        assert_eq!(docs(Some(7), 10), [1, 3]);
        assert_eq!(docs(None, 1), [1]);
        assert!(docs(None, 0).is_empty());
        assert!((scan.nearest(&[1.0, 0.0], None, 3)[2].1 - 0.707).abs() < 0.01);
    }

    #[test]
    fn replaces_and_drops() {
        let mut scan = VectorScan::new(2);
        for doc in 0..10 {
            scan.put(doc, None, &unit(1.0, doc as f32));
        }
        scan.put(9, None, &unit(1.0, -0.01));
        scan.retain(|doc| doc != 0);
        let found = scan.nearest(&[1.0, 0.0], None, 2);
        assert_eq!((scan.len(), found[0].0, found[1].0), (9, 9, 1));
        assert_eq!(scan.bytes.len(), 18);
    }

    proptest::proptest! {
        #[test]
        fn rounding_moves_a_cosine_by_little(pairs in proptest::collection::vec((-1f32..1.0, -1f32..1.0), 64)) {
            let (mut a, mut b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            crate::embed::normalise(&mut a);
            crate::embed::normalise(&mut b);
            let exact: f32 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            let mut scan = VectorScan::new(64);
            scan.put(1, None, &b);
            let found = scan.nearest(&a, None, 1).first().map_or(0.0, |hit| hit.1);
            proptest::prop_assert!((found - exact.max(0.0)).abs() < 0.02, "{found} {exact}");
        }
    }
}
