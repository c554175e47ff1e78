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

#[cfg(test)]
mod tests;

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::{
    Tick,
    basis::Basis,
    engine::{Pairs, Rows},
    evenly,
    scan::{NARROW, lanes, narrow},
    top_k::TopK,
};
use crate::{
    distance::{Kernel, LANES, Lanes, OFFSET, Packed, Panel, Scratch},
    progress::Cancelled,
};

/// Directions: on images of 784 pixels more are faster for batches, up to 80, and slower for single queries.
const DIRECTIONS: usize = 64;
/// Vectors shorter than this, or fewer, are as fast without a sketch.
const LEAST_FEATURES: usize = 192;
const LEAST_SAMPLES: usize = 4096;
/// Standard deviations up to which a projection is not clamped: 2.6 to 3.4 are alike, more or less is slower.
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
    evenly(n_samples, TRIALS.min(n_samples))
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
        let looked_at = Search::new(kernel, &sketch, pairs, TRIAL_NEIGHBORS)
            .stream(0..n, &|_| Ok(()))
            .expect("not cancelled")
            .1;
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
        let sample = rows.gather(&evenly(n, Basis::sample_size(n, d)));
        let basis = Basis::principal(sample.view(), DIRECTIONS)?;
        let mut products = Array2::zeros((sample.nrows(), DIRECTIONS));
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
    pub(super) fn stream(&self, range: Range<usize>, tick: Tick) -> Result<(Vec<TopK>, usize), Cancelled> {
        let Self { sketch, pairs, .. } = self;
        let mut best: Vec<TopK> = self.thresholds.iter().map(|_| TopK::new(self.k)).collect();
        let mut looked_at = 0;
        let (mut thresholds, mut scratch) = (self.thresholds.clone(), Scratch::default());
        let mut candidates: Vec<(usize, usize)> = Vec::new();
        let mut seen = range.start;
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
            if last {
                let end = range.end.min((number + 1) * LANES);
                tick(best.len() * (end - seen))?;
                seen = end;
            }
        }
        Ok((best, looked_at))
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
        narrow(key)
    }
}

fn deviations<'a>(projection: ArrayView1<'a, i64>, centre: &'a [i64]) -> impl Iterator<Item = i64> + use<'a> {
    projection.into_iter().zip(centre).map(|(product, centre)| product - centre)
}
