//! A short sketch of every point, with which most points are ruled out without being looked at.
//!
//! A sketch is the point's projection on a few [`Basis`] directions P, divided by a step t, clamped to the range
//! of bytes, which brings no two points farther apart, and rounded: Y. Of two points x and q with sketches Y and
//! Z, whose rounding took away lengths a and b,
//!
//! ```text
//! t |Y - Z| <= |P (x - q)| + a + b <= σ |x - q| + a + b
//! ```
//!
//! where σ is the spectral norm of P. So a point with t |Y - Z| above σ D + a + b, where D is the distance
//! of the k-th best so far, cannot be among the k nearest. What is left is measured exactly: the answer is
//! always the exact one. Projections are whole numbers, and every rounding is in the bound.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::{
    basis::Basis,
    engine::{Pairs, Rows},
    scan::{NARROW, lanes},
    top_k::TopK,
};
use crate::distance::{Kernel, LANES, Lanes, OFFSET, Packed, Panel, Scratch};

/// Directions: measured best between 48 and 96 on images of 784 pixels.
const DIRECTIONS: usize = 64;
/// Vectors shorter than this, or fewer, are as fast without a sketch.
const LEAST_FEATURES: usize = 192;
const LEAST_SAMPLES: usize = 4096;
/// Rows that the step is chosen for.
const SAMPLE: usize = 1024;
/// Standard deviations up to which a projection is not clamped: measured best between 2.5 and 4.5.
const REACH: f64 = 3.0;
/// Rows from which a query gets its first threshold, at least; and for each neighbour.
const SEED_ROWS: usize = 2048;
const SEED_ROWS_PER_NEIGHBOR: usize = 8;
/// Panels between two updates of the thresholds, if there are not too many candidates before.
const PANELS: usize = 32;
const MOST_CANDIDATES: usize = 1 << 15;
/// How many candidates ahead a point is fetched.
const PREFETCH: usize = 4;
/// Queries with which a sketch is tried out, and their neighbours.
const TRIALS: usize = 32;
const TRIAL_NEIGHBORS: usize = 5;
/// Fewer queries wait for memory rather than for products.
const FEW: usize = 4;

/// The points that a sketch is tried out with.
pub(super) fn trials(n_samples: usize) -> Vec<usize> {
    (0..TRIALS.min(n_samples)).map(|i| i * n_samples / TRIALS).collect()
}

/// Sketches of all points.
#[derive(Debug)]
pub(super) struct Sketch {
    basis: Basis,
    /// Taken from every projection.
    centre: Vec<i64>,
    /// t.
    step: f64,
    /// The largest a.
    error: f64,
    n_samples: usize,
    panels: Vec<Panel>,
    /// |Y|², the base of the keys.
    bases: Vec<Lanes>,
    /// The share of the points that trial queries had to be compared with.
    looked_at: f64,
}

impl Sketch {
    /// The sketch of points for which one pays: where tried, it rules out enough of them. `pairs` compares
    /// the [`trials`] with all points.
    pub(super) fn new<K: Kernel>(
        kernel: K,
        rows: &impl Rows,
        pairs: &impl Pairs,
        exact_cost: f64,
    ) -> Option<Self> {
        let (n, d) = rows.dim();
        if n < LEAST_SAMPLES || !(LEAST_FEATURES..=NARROW).contains(&d) {
            return None;
        }
        let mut sketch = Self::build(kernel, rows)?;
        let looked_at = Search::new(kernel, &sketch, pairs, TRIAL_NEIGHBORS).stream(0..n).1;
        sketch.looked_at = looked_at as f64 / (TRIALS * n) as f64;
        let pays = [1, usize::MAX].into_iter().any(|queries| sketch.pays(kernel, queries, exact_cost, d));
        pays.then_some(sketch)
    }

    /// Whether so many queries find their neighbours faster with the sketch than without. Costs are in
    /// products of a dense scan; an exact distance costs `exact_cost` times that between bytes.
    pub(super) fn pays<K: Kernel>(&self, _: K, queries: usize, exact_cost: f64, d: usize) -> bool {
        let [tile, exact] = if queries < FEW { K::SINGLE_COSTS } else { K::BATCH_COSTS };
        DIRECTIONS as f64 + tile + exact * exact_cost * self.looked_at * (d as f64) < 0.9 * d as f64
    }

    fn build<K: Kernel>(kernel: K, rows: &impl Rows) -> Option<Self> {
        let (n, d) = rows.dim();
        let evenly = |count: usize| (0..count).map(|i| i * n / count).collect::<Vec<_>>();
        let basis = Basis::principal(rows.gather(&evenly(Basis::sample_size(n, d))).view(), DIRECTIONS)?;
        let sample = rows.gather(&evenly(SAMPLE));
        let mut products = Array2::zeros((SAMPLE, DIRECTIONS));
        basis.project(kernel, sample.view(), |first, part| {
            for (column, row) in part.columns().into_iter().zip(first..) {
                products.row_mut(row).assign(&column);
            }
        });
        let centre: Vec<i64> = products.mean_axis(Axis(0)).expect("a sample").to_vec();
        let squares =
            products.outer_iter().flat_map(|row| deviations(row, &centre)).map(|x| (x as f64).powi(2));
        let standard_deviation = (squares.sum::<f64>() / products.len() as f64).sqrt();
        let step = (REACH * standard_deviation / 127.0).max(1.0);
        let (mut panels, mut bases) =
            (vec![Panel::default(); n.div_ceil(LANES)], vec![[0; LANES]; n.div_ceil(LANES)]);
        let sketch = Self {
            basis,
            centre,
            step,
            error: 0.0,
            n_samples: n,
            panels: Vec::new(),
            bases: Vec::new(),
            looked_at: 1.0,
        };
        let error = panels
            .par_chunks_mut(PANELS)
            .zip(bases.par_chunks_mut(PANELS))
            .enumerate()
            .map(|(chunk, (panels, bases))| sketch.fill(kernel, rows, chunk * PANELS * LANES, panels, bases))
            .reduce(|| 0.0, f64::max);
        Some(Self { error, panels, bases, ..sketch })
    }

    /// Fills panels with the sketches of the points from `start` on, and returns the largest a among them.
    fn fill<K: Kernel>(
        &self,
        kernel: K,
        rows: &impl Rows,
        start: usize,
        panels: &mut [Panel],
        bases: &mut [Lanes],
    ) -> f64 {
        let mut error: f64 = 0.0;
        let end = rows.dim().0.min(start + PANELS * LANES);
        self.basis.project(kernel, rows.bytes(start..end).view(), |first, products| {
            let mut bytes = Array2::zeros((products.ncols(), DIRECTIONS));
            let base = &mut bases[first / LANES];
            for (lane, column) in products.columns().into_iter().enumerate() {
                let (rounded, lost) = self.round(column);
                error = error.max(lost);
                base[lane] = rounded.iter().map(|&y| i32::from(y).pow(2)).sum();
                for (byte, y) in bytes.row_mut(lane).iter_mut().zip(rounded) {
                    *byte = y.cast_unsigned() ^ 0x80;
                }
            }
            panels[first / LANES].pack(bytes.view(), K::BLOCK);
        });
        error
    }

    /// The sketch of a projection, and the length of what rounding took away (a little more, for the floats).
    fn round(&self, projection: ArrayView1<i64>) -> ([i8; DIRECTIONS], f64) {
        let (mut rounded, mut lost) = ([0; DIRECTIONS], 0.0);
        for (byte, deviation) in rounded.iter_mut().zip(deviations(projection, &self.centre)) {
            let steps = (deviation as f64 / self.step).clamp(-127.0, 127.0);
            #[expect(clippy::cast_possible_truncation, reason = "clamped")]
            {
                *byte = steps.round() as i8;
            }
            lost += (steps - steps.round()).powi(2);
        }
        (rounded, self.step * (lost.sqrt() + 1e-9) * (1.0 + 1e-9))
    }
}

/// A search for the `k` nearest points of some queries.
pub(super) struct Search<'a, K: Kernel, P> {
    sketch: &'a Sketch,
    pairs: &'a P,
    k: usize,
    packed: Packed<K>,
    queries: SketchedQueries,
    /// Found before the stream begins.
    thresholds: Vec<i32>,
}

impl<'a, K: Kernel, P: Pairs> Search<'a, K, P> {
    /// Sketches the queries, and gives each a distance to beat: that of the points with the `k` smallest
    /// bounds among the first rows.
    pub(super) fn new(kernel: K, sketch: &'a Sketch, pairs: &'a P, k: usize) -> Self {
        let queries = SketchedQueries::new(sketch, kernel, pairs.queries());
        let packed = Packed::new(kernel, queries.bytes.view());
        let mut search = Self { sketch, pairs, k, thresholds: vec![i32::MAX; packed.len()], queries, packed };
        let mut seeds: Vec<TopK> = (0..search.thresholds.len()).map(|_| TopK::new(k)).collect();
        let seed_panels = SEED_ROWS.max(SEED_ROWS_PER_NEIGHBOR * k).div_ceil(LANES);
        let (mut scratch, mut thresholds) = (Scratch::default(), search.thresholds.clone());
        for (number, (panel, base)) in sketch.panels.iter().zip(&sketch.bases).take(seed_panels).enumerate() {
            search.packed.multiply(panel, &mut scratch, base, &mut thresholds, |query, mask, dots| {
                let seeds = &mut seeds[query];
                for lane in lanes(mask).take_while(|lane| number * LANES + lane < sketch.n_samples) {
                    let key = i64::from(base[lane]) - 2 * i64::from(dots[lane]) - i64::from(i32::MIN);
                    seeds.offer(key.cast_unsigned(), number * LANES + lane);
                }
                match seeds.threshold() {
                    u64::MAX => None,
                    worst => i32::try_from(worst.cast_signed() + i64::from(i32::MIN) - 1).ok(),
                }
            });
        }
        for (query, seeds) in seeds.into_iter().enumerate() {
            let distances = seeds.into_sorted().into_iter().map(|(_, row)| pairs.distance(query, row));
            let worst = distances.max().expect("k is at least 1");
            search.thresholds[query] = search.queries.threshold(sketch, pairs, query, worst);
        }
        search
    }

    /// The nearest among some points, from the first of a panel on, and how many were looked at.
    pub(super) fn stream(&self, range: Range<usize>) -> (Vec<TopK>, usize) {
        let Self { sketch, pairs, .. } = self;
        let mut best: Vec<TopK> = self.thresholds.iter().map(|_| TopK::new(self.k)).collect();
        let mut looked_at = 0;
        let (mut thresholds, mut scratch) = (self.thresholds.clone(), Scratch::default());
        let mut candidates: Vec<(usize, usize)> = Vec::new();
        let panels = range.start / LANES..range.end.div_ceil(LANES);
        for number in panels.clone() {
            let base = &sketch.bases[number];
            self.packed.multiply(
                &sketch.panels[number],
                &mut scratch,
                base,
                &mut thresholds,
                |query, mask, _| {
                    let there = lanes(mask).take_while(|lane| number * LANES + lane < range.end);
                    candidates.extend(there.map(|lane| (query, number * LANES + lane)));
                    None
                },
            );
            let last = number + 1 == panels.end || (number + 1).is_multiple_of(PANELS);
            if !last && candidates.len() < MOST_CANDIDATES {
                continue;
            }
            looked_at += candidates.len();
            for (i, &(query, row)) in candidates.iter().enumerate() {
                if let Some(&(_, soon)) = candidates.get(i + PREFETCH) {
                    pairs.prefetch(soon);
                }
                let before = best[query].threshold();
                best[query].offer(pairs.distance(query, row), row);
                let after = best[query].threshold();
                if after < before {
                    let threshold = self.queries.threshold(sketch, *pairs, query, after);
                    thresholds[query] = thresholds[query].min(threshold);
                }
            }
            candidates.clear();
        }
        (best, looked_at)
    }
}

/// Queries as sketches.
struct SketchedQueries {
    bytes: Array2<i8>,
    /// Each one's b.
    lost: Vec<f64>,
    /// |Z|² + 256 ΣZ: what |Y - Z|² has beside the kernel's key.
    rest: Vec<i64>,
}

impl SketchedQueries {
    fn new<K: Kernel>(sketch: &Sketch, kernel: K, queries: ArrayView2<u8>) -> Self {
        let mut bytes = Array2::zeros((queries.nrows(), DIRECTIONS));
        let (mut lost, mut rest) = (Vec::new(), Vec::new());
        sketch.basis.project(kernel, queries, |first, products| {
            for (column, query) in products.columns().into_iter().zip(first..) {
                let (rounded, error) = sketch.round(column);
                bytes.row_mut(query).assign(&ArrayView1::from(&rounded));
                lost.push(error);
                rest.push(rounded.iter().map(|&z| i64::from(z).pow(2) + 2 * OFFSET * i64::from(z)).sum());
            }
        });
        Self { bytes, lost, rest }
    }

    /// The largest key that a point within this squared distance can have.
    fn threshold(&self, sketch: &Sketch, pairs: &impl Pairs, query: usize, squared_distance: u64) -> i32 {
        let reach = pairs.reach(query, squared_distance);
        let length = sketch.basis.stretch * reach + sketch.error + self.lost[query];
        let bound = (length / sketch.step).powi(2) * (1.0 + 1e-9);
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and keys are whole")]
        let key = (bound as i64).saturating_sub(self.rest[query]);
        i32::try_from(key).unwrap_or(if key < 0 { i32::MIN / 4 } else { i32::MAX })
    }
}

fn deviations<'a>(projection: ArrayView1<'a, i64>, centre: &'a [i64]) -> impl Iterator<Item = i64> + use<'a> {
    projection.into_iter().zip(centre).map(|(product, centre)| product - centre)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;
    use crate::{
        distance::{Level, Scalar, with_kernel},
        neighbors::{
            engine::{Search as Vector, Terms},
            scan,
        },
    };

    const N: usize = 5000;
    const D: usize = 200;

    fn sorted(best: Vec<TopK>) -> Vec<Vec<(u64, usize)>> {
        best.into_iter().map(TopK::into_sorted).collect()
    }

    /// The nearest of all points, each of which is measured.
    fn naive(pairs: &impl Pairs, n: usize, k: usize) -> Vec<Vec<(u64, usize)>> {
        let of_query = |query| {
            let mut best = TopK::new(k);
            (0..n).for_each(|row| best.offer(pairs.distance(query, row), row));
            best.into_sorted()
        };
        (0..pairs.queries().nrows()).into_par_iter().map(of_query).collect()
    }

    /// Sketch and scan of every level find what is nearest, also where a sketch is no use.
    fn check_vectors<T: Vector>(rows: &Array2<T>, queries: &Array2<T>, k: usize) {
        let (n, scale) = (rows.nrows(), T::scale(rows.view()));
        let scaled = T::rows(rows.view(), &scale);
        let terms = Terms::of_all(&scaled);
        for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
            with_kernel!(level, |kernel| {
                let pairs = T::pairs(kernel, rows.view(), &terms, &scale, queries.view());
                let expected = naive(&pairs, n, k);
                assert_eq!(sorted(scan::scan(kernel, &scaled, &terms, &pairs, k, 0..n)), expected, "{level}");
                let sketch = Sketch::build(kernel, &scaled).expect("eigenvalues converge");
                let search = Search::new(kernel, &sketch, &pairs, k);
                let (found, looked_at) = search.stream(0..n);
                assert_eq!(sorted(found), expected, "{level}");
                assert!(looked_at >= k);
            });
        }
    }

    fn check(rows: &Array2<u8>, k: usize) {
        let n = rows.nrows();
        let every = (0..n).step_by(n / 200).chain(n - 9..n).collect::<Vec<_>>();
        check_vectors(rows, &rows.select(Axis(0), &every).mapv(|x| x.saturating_add(x % 3)), k);
    }

    fn random(seed: u64) -> impl FnMut((usize, usize)) -> u8 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        move |_| rng.random()
    }

    /// Rows that are mixtures of a few.
    fn mixtures(directions: usize, d: usize) -> Array2<u8> {
        let shares = Array2::from_shape_fn((N, directions), random(1)).mapv(u32::from);
        let pure = Array2::from_shape_fn((directions, d), random(2)).mapv(u32::from);
        let most = 256 * directions as u32;
        shares.dot(&pure).mapv(|sum| (sum / most) as u8)
    }

    #[test]
    fn exact_where_a_few_directions_say_most() {
        for directions in [3, 20, 60, 100] {
            check(&mixtures(directions, D), 10);
        }
    }

    /// Points on a plane, so near each other that rounding moves them as far.
    #[test]
    fn exact_where_rounding_matters_most() {
        let plane = Array2::from_shape_fn((N, 2), random(8));
        check(&Array2::from_shape_fn((N, D), |(i, j)| if j % 100 == 7 { plane[[i, j / 100]] } else { 9 }), 5);
    }

    #[test]
    fn exact_to_the_last_row() {
        let mixed = mixtures(20, D);
        for n in (4096..4107).chain([4127, 4128, 4129]) {
            check(&mixed.slice(ndarray::s![..n, ..]).to_owned(), 10);
        }
    }

    #[test]
    fn exact_where_no_direction_is_better_than_another() {
        check(&Array2::from_shape_fn((N, D), random(3)), 10);
    }

    #[test]
    fn exact_with_duplicates_and_near_ties() {
        let few = Array2::from_shape_fn((20, D), random(4));
        check(&Array2::from_shape_fn((N, D), |(i, j)| few[[i % 20, j]]), 7);
        // Each row differs from the next by one unit in one place.
        check(&Array2::from_shape_fn((N, D), |(i, j)| few[[0, j]] / 2 + u8::from(i % D == j)), 7);
    }

    #[test]
    fn exact_with_extremes() {
        check(&Array2::zeros((N, D)), 3);
        check(&Array2::from_elem((N, D), 255), 3);
        check(&Array2::from_shape_fn((N, D), |(i, _)| if i % 3 == 0 { 0 } else { 255 }), 3);
        check(&Array2::from_shape_fn((N, D), |(i, j)| if i % D == j { 255 } else { 0 }), 30);
    }

    #[test]
    fn chosen_where_it_pays_and_only_there() {
        let chosen = |rows: &Array2<u8>| {
            let (view, terms) = (rows.view(), Terms::of_all(&rows.view()));
            let queries = rows.select(Axis(0), &trials(rows.nrows()));
            let pairs = u8::pairs(Scalar, view, &terms, &(), queries.view());
            Sketch::new(Scalar, &view, &pairs, 1.0).is_some()
        };
        assert!(chosen(&mixtures(4, 784)), "four directions say it all");
        assert!(!chosen(&Array2::from_shape_fn((N, D), random(5))), "a flat spectrum");
        assert!(!chosen(&Array2::zeros((N, D))), "all points equal");
        assert!(!chosen(&Array2::from_shape_fn((N, 32), random(6))), "short vectors");
    }

    #[test]
    fn exact_between_floats_with_some_far_out() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut rows = mixtures(20, D).mapv(|x| f64::from(x) / 100.0 - 1.0);
        rows.mapv_inplace(|x| x + rng.random_range(-1e-3..1e-3));
        for (row, factor) in [(3, 1e3), (777, -1e12), (1500, 1e200), (4999, -1e308)] {
            rows.row_mut(row).mapv_inplace(|x| (x * factor).clamp(f64::MIN, f64::MAX));
        }
        let queries = rows.select(Axis(0), &[0, 3, 100, 777, 1500, 2500, 4998, 4999]).mapv(|x| x * 0.999);
        check_vectors(&rows, &queries, 10);
        let narrow = |x: &f64| x.clamp(f32::MIN.into(), f32::MAX.into()) as f32;
        check_vectors(&rows.map(narrow), &queries.map(narrow), 10);
        // All of it far from one, and so small that squares are no longer normal.
        check_vectors(
            &rows.mapv(|x| x.clamp(-1.0, 1.0) * 1e-160),
            &queries.mapv(|x| x.clamp(-1.0, 1.0) * 1e-160),
            10,
        );
    }
}
