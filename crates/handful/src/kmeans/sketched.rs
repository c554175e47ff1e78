//! The assignment step for many centroids: a sketch rules most of them out.
//!
//! A row's distance from the centroid that was its nearest before is a bound for the nearest now, mostly a close
//! one. With it the sketch of the row ([`neighbors::sketch`](crate::neighbors)) tells which centroids may be as
//! near, some in a thousand, and these are measured.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ndarray::{Array2, ArrayViewMut1, ArrayViewMut2, Axis};
use rayon::prelude::*;

use super::{
    samples::{NARROW, PANELS},
    settle::{NOWHERE, Pairs},
    vectors::Vectors,
};
use crate::{
    distance::{Kernel, LANES, Lanes, Packed, Scratch},
    neighbors::{
        lanes,
        sketch::{LEAST_FEATURES, LEAST_SAMPLES, Projection, Sketch, SketchedQueries, VALUES},
    },
};

/// Fewer centroids are as fast without a sketch.
const LEAST_CLUSTERS: usize = 48;
/// So many products with all rows, each centroid's in each step, pay for sketching them.
const LEAST_PRODUCTS: usize = 512;
/// Panels of rows that a sketch is tried out with.
const TRIALS: usize = 32;

/// Whether rows are so many, and so long, that a sketch may pay for `passes` steps.
pub(super) fn may_pay((n, d): (usize, usize), n_clusters: usize, passes: usize) -> bool {
    let worth = n_clusters >= LEAST_CLUSTERS && n_clusters.saturating_mul(passes) >= LEAST_PRODUCTS;
    worth && n >= LEAST_SAMPLES && (LEAST_FEATURES..=NARROW).contains(&d)
}

/// A sketch of the rows.
pub(super) struct Sketched {
    sketch: Sketch,
    /// It is of one panel in so many.
    every: usize,
}

impl Sketched {
    /// None if, tried out on some rows, it does not rule out enough of the centroids.
    pub(super) fn new<K: Kernel, V: Vectors>(
        kernel: K,
        vectors: &V,
        projection: &Arc<Projection>,
        centroids: &V::Centroids,
    ) -> Option<Self> {
        let rows = vectors.samples().rows();
        let every = (rows.nrows() / LANES / TRIALS).max(1);
        let tried = Self { sketch: Sketch::of_some(kernel, &rows, projection, every), every };
        let mut nearest = Array2::from_elem((1, rows.nrows()), NOWHERE);
        let pays = tried.assign(kernel, &[(0, Pairs::new(kernel, vectors, centroids))], nearest.view_mut());
        pays.then(|| Self { sketch: Sketch::new(kernel, &rows, projection), every: 1 })
    }

    /// Brings `nearest`, shape (all sets, n), up to date for some of the sets. Whether it was faster so than
    /// without a sketch.
    pub(super) fn assign<K: Kernel, V: Vectors>(
        &self,
        kernel: K,
        sets: &[(usize, Pairs<K, V>)],
        mut nearest: ArrayViewMut2<u32>,
    ) -> bool {
        let sets: Vec<(usize, Set<K, V>)> =
            sets.iter().map(|(set, pairs)| (*set, Set::new(kernel, &self.sketch, pairs))).collect();
        let measured = AtomicUsize::new(0);
        let blocks = nearest.axis_chunks_iter_mut(Axis(1), PANELS * LANES).into_par_iter().enumerate();
        blocks.for_each_init(Workspace::default, |workspace, (block, mut nearest)| {
            let panels = (block * PANELS..).zip(nearest.axis_chunks_iter_mut(Axis(1), LANES));
            for (number, mut nearest) in panels.filter(|(number, _)| number.is_multiple_of(self.every)) {
                for (set, with) in &sets {
                    let nearest = nearest.row_mut(*set);
                    let n = with.assign_panel(&self.sketch, number, workspace, nearest);
                    measured.fetch_add(n, Ordering::Relaxed);
                }
            }
        });
        let (n, d) = (nearest.ncols() / self.every, sets[0].1.pairs.rounded.upper.ncols());
        let products = (n * sets.iter().map(|(_, set)| set.packed.len()).sum::<usize>()) as f64;
        let [tile, _] = K::BATCH_COSTS;
        let measured = measured.into_inner() as f64 * K::DOTS_COST * d as f64;
        products * (VALUES as f64 + tile) + measured < 0.8 * products * d as f64
    }
}

/// Memory that a thread uses over and over.
#[derive(Default)]
struct Workspace {
    scratch: Scratch,
    dots: Vec<Lanes>,
    thresholds: Vec<i32>,
    candidates: Vec<Candidate>,
}

/// A centroid that may be the nearest of a panel's row.
struct Candidate {
    lane: usize,
    j: usize,
    upper: i64,
    distance: i64,
}

/// Centroids, and their sketches.
struct Set<'a, 'b, K: Kernel, V: Vectors> {
    pairs: &'a Pairs<'b, K, V>,
    packed: Packed<K>,
    /// The largest keys that the sketch of a row as far as that of the centroid can have.
    thresholds: Vec<i32>,
    most_lost: f32,
}

impl<'a, 'b, K: Kernel, V: Vectors> Set<'a, 'b, K, V> {
    fn new(kernel: K, sketch: &Sketch, pairs: &'a Pairs<'b, K, V>) -> Self {
        let bytes = pairs.rounded.upper.mapv(|x| x.cast_unsigned() ^ 0x80);
        let queries = SketchedQueries::new(kernel, sketch, bytes.view());
        Self {
            pairs,
            packed: Packed::new(kernel, queries.values.view()),
            thresholds: queries.rest.iter().map(|rest| -rest).collect(),
            most_lost: queries.lost.into_iter().fold(0.0, f32::max),
        }
    }

    /// The nearest centroids of a panel's rows, and how many had to be measured.
    fn assign_panel(
        &self,
        sketch: &Sketch,
        number: usize,
        workspace: &mut Workspace,
        mut nearest: ArrayViewMut1<u32>,
    ) -> usize {
        let Self { pairs, packed, .. } = self;
        let Workspace { scratch, dots, thresholds, candidates } = workspace;
        let panel = sketch.panel(number);
        if nearest.iter().any(|&j| j == NOWHERE) {
            dots.resize(packed.len(), [0; LANES]);
            packed.multiply_all(&panel.values, scratch, dots);
            self.guess(dots, nearest.view_mut());
        }
        candidates.clear();
        let mut measure = |lane: usize, j: usize| {
            let row = number * LANES + lane;
            let upper = pairs.upper(row, j);
            let distance = pairs.distance(row, j, upper);
            candidates.push(Candidate { lane, j, upper, distance });
            distance
        };
        // A key is at most a centroid's threshold if |Y - Z|² is at most the row's bound.
        let (mut bases, mut least, mut before) = ([i32::MAX; LANES], [i64::MAX; LANES], [0; LANES]);
        for (lane, &j) in nearest.iter().enumerate() {
            before[lane] = j as usize;
            least[lane] = measure(lane, before[lane]);
            let reach = pairs.limit(number * LANES + lane, least[lane]).sqrt();
            let bound = sketch.most(reach, self.most_lost).min(MOST_BOUND);
            bases[lane] = panel.squares[lane] - i32::try_from(bound).expect("clamped");
        }
        thresholds.clone_from(&self.thresholds);
        let there = u32::MAX >> (LANES - nearest.len());
        packed.multiply(&panel.values, scratch, &bases, thresholds, |j, mask, _| {
            for lane in lanes(mask & there).filter(|&lane| before[lane] != j) {
                least[lane] = least[lane].min(measure(lane, j));
            }
            None
        });
        let measured = candidates.len();
        let limits: [f64; LANES] =
            std::array::from_fn(|lane| pairs.limit(number * LANES + lane, least[lane]));
        candidates.retain(|candidate| candidate.distance as f64 <= limits[candidate.lane]);
        candidates.sort_unstable_by_key(|candidate| (candidate.lane, candidate.j));
        for near in candidates.chunk_by(|a, b| a.lane == b.lane) {
            let lane = near[0].lane;
            nearest[lane] = if let [only] = near {
                u32::try_from(only.j).expect("fewer than 2^32 clusters")
            } else {
                let contenders = near.iter().map(|candidate| (candidate.j, candidate.upper));
                pairs.settle(number * LANES + lane, contenders).nearest
            };
        }
        measured
    }

    /// The centroids whose sketches are nearest.
    fn guess(&self, dots: &[Lanes], mut nearest: ArrayViewMut1<u32>) {
        let (mut least, mut index) = ([i32::MAX; LANES], [0; LANES]);
        self.pairs.kernel.run(|| {
            for (j, (dots, threshold)) in (0..).zip(dots.iter().zip(&self.thresholds)) {
                for (lane, dot) in dots.iter().enumerate() {
                    let key = -threshold - 2 * dot;
                    index[lane] = if key < least[lane] { j } else { index[lane] };
                    least[lane] = key.min(least[lane]);
                }
            }
        });
        nearest.iter_mut().zip(index).for_each(|(nearest, j)| *nearest = j);
    }
}

/// A larger |Y - Z|² than any.
const MOST_BOUND: i64 = 256 * 256 * VALUES.cast_signed() as i64;

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;
    use crate::{
        distance::{Level, with_kernel},
        kmeans::{Centroids, bytes::Bytes},
    };

    const N: usize = 1500;
    const D: usize = 200;
    const K: usize = 60;

    fn random(seed: u64) -> impl FnMut((usize, usize)) -> u8 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        move |_| rng.random()
    }

    fn naive(x: &Array2<u8>, centroids: &Centroids) -> Vec<u32> {
        let nearest = |row: ndarray::ArrayView1<u8>| {
            let distance = |j: u32| centroids.squared_distance(row, j as usize);
            (0..K as u32).min_by(|&a, &b| distance(a).compare(distance(b))).expect("at least one")
        };
        x.outer_iter().map(nearest).collect()
    }

    /// At every level, from no labels and then from those of other centroids; also where it does not pay.
    fn check(x: &Array2<u8>) {
        let every = |offset: usize| (0..K).map(move |j| (j * N / K + offset) % N).collect::<Vec<_>>();
        let means = |offset| {
            // Of three rows each, so that they are no bytes.
            let rows = |i: usize| x.select(Axis(0), &every(offset + 31 * i)).mapv(u64::from);
            Centroids { sums: rows(0) + rows(1) + rows(2), counts: vec![3; K] }
        };
        let steps = [0, 7].map(|offset| {
            let sets = [means(offset), means(offset + 2)];
            let expected = sets.each_ref().map(|centroids| naive(x, centroids));
            (sets, expected)
        });
        let bytes = Bytes::new(x.view());
        for level in Level::ALL.iter().copied().filter(|level| level.is_available()) {
            with_kernel!(level, |kernel| {
                let projection = Projection::new(kernel, &x.view()).expect("eigenvalues converge");
                let sketch = Sketch::new(kernel, &x.view(), &Arc::new(projection));
                let sketched = Sketched { sketch, every: 1 };
                let mut nearest = Array2::from_elem((2, N), NOWHERE);
                for (sets, expected) in &steps {
                    let pairs = [0, 1].map(|set| (set, Pairs::new(kernel, &bytes, &sets[set])));
                    sketched.assign(kernel, &pairs, nearest.view_mut());
                    for (nearest, expected) in nearest.outer_iter().zip(expected) {
                        assert_eq!(nearest.to_vec(), *expected, "{level}");
                    }
                }
            });
        }
    }

    #[test]
    fn exact_whatever_the_rows_are_like() {
        let shares = Array2::from_shape_fn((N, 9), random(1)).mapv(u32::from);
        let pure = Array2::from_shape_fn((9, D), random(2)).mapv(u32::from);
        check(&shares.dot(&pure).mapv(|sum| (sum / (9 * 256)) as u8));
        check(&Array2::from_shape_fn((N, D), random(3)));
        let few = Array2::from_shape_fn((20, D), random(4));
        check(&Array2::from_shape_fn((N, D), |(i, j)| few[[i % 20, j]]));
        // Each row differs from the next by one unit in one place.
        check(&Array2::from_shape_fn((N, D), |(i, j)| few[[0, j]] / 2 + u8::from(i % D == j)));
        check(&Array2::from_elem((N, D), 255));
        check(&Array2::from_shape_fn((N, D), |(i, _)| if i % 3 == 0 { 0 } else { 255 }));
    }
}
