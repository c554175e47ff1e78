//! The assignment step for many centroids: a sketch rules out most of them.
//!
//! The distance of a row from its previous nearest centroid is an upper bound of the new smallest distance, usually a
//! tight one. With this bound, the [`sketch`](crate::sketch) of the row shows which centroids
//! may be as near, a few in a thousand, and only these are measured.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ndarray::{Array2, ArrayView1, ArrayViewMut1, ArrayViewMut2, Axis};
use rayon::prelude::*;

use crate::{
    distance::{Kernel, LANES, Lanes, Packed, Rows, Scratch, lanes, vectorize},
    kmeans::{
        assignment::resolve_ties::{CentroidDistances, Measured, NOWHERE, around},
        centroids::rounded::Rounded,
        samples::PANELS,
        vectors::Vectors,
    },
    sketch::{Projection, Sketch, SketchPanel, SketchedQueries, VALUES},
};

/// A sketch of the rows, and what is known of them since the last step.
pub(in crate::kmeans) struct Sketched {
    sketch: Arc<Sketch>,
    /// The sketch covers one panel in this many.
    every: usize,
    /// Squared distances between the rows and their nearest centroids, both rounded, shape (sets, n).
    distances: Array2<i64>,
    /// The centroids that have not moved since, shape (sets, k).
    still: Array2<bool>,
}

impl Sketched {
    /// For `n_sets` sets of `n_clusters` centroids each, with a sketch of one panel in `every`.
    pub(in crate::kmeans) fn new(
        sketch: Arc<Sketch>,
        every: usize,
        n_samples: usize,
        (n_sets, n_clusters): (usize, usize),
    ) -> Self {
        Self {
            sketch,
            every,
            distances: Array2::zeros((n_sets, n_samples)),
            still: Array2::from_elem((n_sets, n_clusters), false),
        }
    }

    /// Records how far the centroids of a set moved.
    pub(in crate::kmeans) fn moved(&mut self, set: usize, distances: &[f64]) {
        self.still.row_mut(set).iter_mut().zip(distances).for_each(|(still, &moved)| *still = moved == 0.0);
    }

    /// Updates `nearest`, shape (all sets, n), for some of the sets. Returns whether this was faster than without a
    /// sketch.
    pub(in crate::kmeans) fn assign<V: Vectors>(
        &mut self,
        kernel: Kernel,
        sets: &[(usize, CentroidDistances<V>)],
        mut nearest: ArrayViewMut2<u32>,
    ) -> bool {
        let (sketch, every, still) = (&self.sketch, self.every, &self.still);
        let centroids: Vec<CentroidSketches> = sets
            .iter()
            .map(|(_, pairs)| CentroidSketches::new(kernel, sketch.projection(), pairs.rounded))
            .collect();
        let sets: Vec<(usize, Set<V>)> = sets
            .iter()
            .zip(&centroids)
            .map(|((set, pairs), centroids)| (*set, Set { pairs, centroids, still: still.row(*set) }))
            .collect();
        let (n, d) = (nearest.ncols() / every, sets[0].1.pairs.rounded.upper.ncols());
        let measured = AtomicUsize::new(0);
        let blocks = nearest
            .axis_chunks_iter_mut(Axis(1), PANELS * LANES)
            .into_par_iter()
            .zip(self.distances.axis_chunks_iter_mut(Axis(1), PANELS * LANES))
            .enumerate();
        blocks.for_each_init(Workspace::default, |workspace, (block, (mut nearest, mut distances))| {
            let rows = nearest.axis_chunks_iter_mut(Axis(1), LANES);
            let rows = rows.zip(distances.axis_chunks_iter_mut(Axis(1), LANES));
            let panels = (block * PANELS..).zip(rows).filter(|(number, _)| number.is_multiple_of(every));
            for (number, (mut nearest, mut distances)) in panels {
                for (set_number, set) in &sets {
                    let nearest = nearest.row_mut(*set_number);
                    let distances = distances.row_mut(*set_number);
                    let n = set.assign_panel(sketch, number, workspace, nearest, distances);
                    measured.fetch_add(n, Ordering::Relaxed);
                }
            }
        });
        let products = n * centroids.iter().map(|centroids| centroids.packed.len()).sum::<usize>();
        pays(kernel, products, measured.into_inner(), d)
    }
}

/// Whether comparing `pairs` pairs of row and centroid by sketches, and measuring `measured` of them, is faster than
/// measuring all of them. The vectors have `d` bytes.
pub(in crate::kmeans) fn pays(kernel: Kernel, pairs: usize, measured: usize, d: usize) -> bool {
    let costs = kernel.costs();
    let (pairs, measured) = (pairs as f64, measured as f64 * costs.dots * d as f64);
    pairs * (VALUES as f64 + costs.batch[0]) + measured < 0.8 * pairs * d as f64
}

/// Memory that a thread reuses.
#[derive(Default)]
pub(in crate::kmeans) struct Workspace {
    scratch: Scratch,
    dots: Vec<Lanes>,
    thresholds: Vec<i32>,
    /// Centroids, and the mask of the rows to which they may be nearest.
    near: Vec<(usize, u32)>,
    /// Rows, and centroids that they were compared with.
    measured: Vec<(usize, Measured)>,
}

/// The sketches of centroids, for comparison with those of rows.
pub(in crate::kmeans) struct CentroidSketches {
    packed: Packed,
    /// The largest key of a row whose sketch is within the row's bound of the centroid's sketch.
    thresholds: Vec<i32>,
    most_lost: f32,
}

impl CentroidSketches {
    pub(in crate::kmeans) fn new(kernel: Kernel, projection: &Projection, rounded: &Rounded) -> Self {
        let bytes = rounded.upper.mapv(|x| x.cast_unsigned() ^ 0x80);
        let queries = SketchedQueries::new(kernel, projection, Rows::new(bytes.view()));
        Self {
            packed: Packed::new(kernel, queries.values.view()),
            thresholds: queries.rest.iter().map(|rest| -rest).collect(),
            most_lost: queries.lost.into_iter().fold(0.0, f32::max),
        }
    }
}

/// Rows, and the centroids to compare them with.
pub(in crate::kmeans) struct Set<'a, 'b, V: Vectors> {
    pub(in crate::kmeans) pairs: &'a CentroidDistances<'b, V>,
    pub(in crate::kmeans) centroids: &'a CentroidSketches,
    /// The centroids that have not moved since the rows were examined.
    pub(in crate::kmeans) still: ArrayView1<'a, bool>,
}

impl<V: Vectors> Set<'_, '_, V> {
    /// Finds the nearest centroids of the rows of panel `number` of the sketch, and returns how many had to be
    /// measured. `nearest` and `distances` hold those of the previous pass, if there was one.
    pub(in crate::kmeans) fn assign_panel(
        &self,
        sketch: &Sketch,
        number: usize,
        workspace: &mut Workspace,
        mut nearest: ArrayViewMut1<u32>,
        mut distances: ArrayViewMut1<i64>,
    ) -> usize {
        let Self { pairs, still, .. } = self;
        let packed = &self.centroids.packed;
        let Workspace { scratch, dots, thresholds, near, measured } = workspace;
        let (panel, first, n) = (&sketch.panels()[number], number * LANES, nearest.len());
        let known = nearest.iter().all(|&j| j != NOWHERE);
        if !known {
            dots.resize(packed.len(), [0; LANES]);
            packed.multiply_all(&panel.values, scratch, dots);
            self.guess(dots, nearest.view_mut());
        }
        measured.clear();
        let (mut before, mut best, mut least) = ([0; LANES], [0; LANES], [0; LANES]);
        // For a row whose centroid stands still, others that stand still are no nearer than before.
        let mut unmoved = 0_u32;
        for (lane, (&j, &distance)) in nearest.iter().zip(&distances).enumerate() {
            before[lane] = j as usize;
            if known && still[before[lane]] {
                unmoved |= 1 << lane;
                least[lane] = distance;
            } else {
                let own = pairs.measure(first + lane, before[lane]);
                least[lane] = own.distance;
                measured.push((lane, own));
            }
            best[lane] = before[lane];
        }
        let margins = std::array::from_fn(|lane| 2.0 * pairs.moved(first + lane.min(n - 1)));
        let bases = self.bases(sketch, panel, &least, &margins);
        // A key is at most a centroid's threshold if |Y - Z|² is at most the row's bound.
        let there = u32::MAX >> (LANES - n);
        thresholds.clone_from(&self.centroids.thresholds);
        near.clear();
        packed.multiply(&panel.values, scratch, &bases, thresholds, |j, mask, _| {
            near.push((j, if still[j] { mask & there & !unmoved } else { mask & there }));
            None
        });
        let mut second = [i64::MAX; LANES];
        for &(j, mask) in near.iter() {
            for lane in lanes(mask).filter(|&lane| before[lane] != j) {
                let other = pairs.measure(first + lane, j);
                second[lane] = second[lane].min(other.distance.max(least[lane]));
                if other.distance < least[lane] {
                    (best[lane], least[lane]) = (j, other.distance);
                }
                measured.push((lane, other));
            }
        }
        for lane in 0..n {
            let limit = around(least[lane], margins[lane]);
            if second[lane] as f64 <= limit {
                let own = (unmoved >> lane & 1 == 1).then(|| pairs.measure(first + lane, before[lane]));
                let others = measured.iter().filter(|(of, _)| *of == lane).map(|(_, found)| *found);
                let open = own.into_iter().chain(others).filter(|found| found.distance as f64 <= limit);
                let mut open: Vec<Measured> = open.collect();
                open.sort_unstable_by_key(|found| found.j);
                let uppers = open.iter().map(|found| (found.j, found.upper));
                best[lane] = pairs.resolve_ties(first + lane, uppers).nearest as usize;
                let found = open.iter().find(|found| found.j == best[lane]);
                least[lane] = found.expect("it is one of them").distance;
            }
            nearest[lane] = u32::try_from(best[lane]).expect("fewer than 2^32 clusters");
            distances[lane] = least[lane];
        }
        measured.len()
    }

    /// |Y|² minus the largest |Y - Z|² of a centroid that is as near as the nearest so far.
    fn bases(
        &self,
        sketch: &Sketch,
        panel: &SketchPanel,
        least: &[i64; LANES],
        margins: &[f64; LANES],
    ) -> Lanes {
        vectorize!(self.pairs.kernel, {
            let mut bases = panel.squares;
            for lane in 0..LANES {
                let bound = sketch.most(around(least[lane], margins[lane]).sqrt(), self.centroids.most_lost);
                #[expect(clippy::cast_possible_truncation, reason = "clamped")]
                {
                    bases[lane] -= bound.min(MOST_BOUND) as i32;
                }
            }
            bases
        })
    }

    /// The centroids whose sketches are nearest.
    fn guess(&self, dots: &[Lanes], mut nearest: ArrayViewMut1<u32>) {
        let (mut least, mut index) = ([i32::MAX; LANES], [0; LANES]);
        vectorize!(self.pairs.kernel, {
            for (j, (dots, threshold)) in (0..).zip(dots.iter().zip(&self.centroids.thresholds)) {
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

/// Larger than any |Y - Z|².
const MOST_BOUND: i64 = 256 * 256 * VALUES.cast_signed() as i64;

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;
    use crate::{
        distance::Level,
        kmeans::{Centroids, bytes::Bytes},
        sketch::Projection,
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

    /// Checks every level, first without labels and then from those of the previous step; also where a sketch is not
    /// worthwhile.
    fn check(x: &Array2<u8>) {
        let every = |offset: usize| (0..K).map(move |j| (j * N / K + offset) % N).collect::<Vec<_>>();
        let means = |offset| {
            // Means of three rows each, so that they are not bytes.
            let rows = |i: usize| x.select(Axis(0), &every(offset + 31 * i)).mapv(u64::from);
            Centroids { sums: rows(0) + rows(1) + rows(2), counts: vec![3; K] }
        };
        // All centroids move, then none, then every other one.
        let mut sets = [0, 7, 7].map(|offset| [means(offset), means(offset + 2)]).to_vec();
        let mut last = [means(7), means(9)];
        for (centroids, moved) in last.iter_mut().zip([means(15), means(16)]) {
            let places = centroids.sums.rows_mut().into_iter().zip(moved.sums.rows());
            places.step_by(2).for_each(|(mut to, sums)| to.assign(&sums));
        }
        sets.push(last);
        let bytes = Bytes::new(x.view());
        for level in Level::ALL.iter().copied().filter(|level| level.is_available()) {
            let kernel = Kernel::new(level);
            let projection = Arc::new(Projection::new(kernel, x.view()).expect("eigenvalues converge"));
            let sketch = Sketch::new(kernel, x.view(), &projection);
            let mut sketched = Sketched::new(Arc::new(sketch), 1, N, (2, K));
            let mut nearest = Array2::from_elem((2, N), NOWHERE);
            for (step, centroids) in sets.iter().enumerate() {
                if step > 0 {
                    for set in 0..2 {
                        let squares = bytes.movement(&sets[step - 1][set], &centroids[set]);
                        sketched.moved(set, &squares);
                    }
                }
                let rounded = [0, 1].map(|set| bytes.round(&centroids[set]));
                let pair =
                    |set: usize| CentroidDistances::new(kernel, &bytes, &centroids[set], &rounded[set]);
                let pairs = [0, 1].map(|set| (set, pair(set)));
                sketched.assign(kernel, &pairs, nearest.view_mut());
                for (nearest, centroids) in nearest.outer_iter().zip(centroids) {
                    assert_eq!(nearest.to_vec(), naive(x, centroids), "{level}, step {step}");
                }
            }
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
        // Each row differs from the next by one unit in one value.
        check(&Array2::from_shape_fn((N, D), |(i, j)| few[[0, j]] / 2 + u8::from(i % D == j)));
        check(&Array2::from_elem((N, D), 255));
        check(&Array2::from_shape_fn((N, D), |(i, _)| if i % 3 == 0 { 0 } else { 255 }));
    }
}
