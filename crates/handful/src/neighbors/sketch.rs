//! A short sketch of every point, with which most points are ruled out without being looked at.
//!
//! A sketch is the point's projection on a few [`Basis`] directions P, divided by a step t and rounded to
//! bytes: Y. Of two points x and q with sketches Y and Z, whose rounding took away lengths a and b,
//!
//! ```text
//! t |Y - Z| <= |P (x - q)| + a + b <= σ |x - q| + a + b
//! ```
//!
//! where σ is the spectral norm of P. So a point with t |Y - Z| above σ D + a + b, where D is the distance
//! of the k-th best so far, cannot be among the k nearest. What is left is measured exactly: the answer is
//! always the exact one. Projections are whole numbers, and every rounding is in the bound.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::{Points, basis::Basis, scan::NARROW, top_k::TopK};
use crate::distance::{self, Kernel, LANES, Lanes, OFFSET, Packed, Panel, Scratch};

/// Directions: measured best between 48 and 96 on images of 784 pixels.
const DIRECTIONS: usize = 64;
/// Vectors shorter than this, or fewer, are as fast without a sketch.
const LEAST_FEATURES: usize = 192;
const LEAST_SAMPLES: usize = 4096;
/// Rows that the step is chosen for.
const SAMPLE: usize = 1024;
/// Rows from which a query gets its first threshold, at least; and for each neighbour.
const SEED_ROWS: usize = 2048;
const SEED_ROWS_PER_NEIGHBOR: usize = 8;
/// How many candidates ahead a point is fetched.
const PREFETCH: usize = 4;
/// Panels between two updates of the thresholds.
const PANELS: usize = 32;
/// Points that the sketch represents badly are always looked at; with more than this share of them it is none.
const MOST_OUTLIERS: f64 = 0.01;
/// Looking at one point exactly costs as much as so many in a dense scan.
const CANDIDATE_COST: f64 = 12.0;
/// Queries with which a sketch is tried out, and their neighbours.
const TRIALS: usize = 32;
const TRIAL_NEIGHBORS: usize = 5;

/// Sketches of all points.
#[derive(Debug)]
pub(super) struct Sketch {
    basis: Basis,
    /// Taken from every projection.
    centre: Vec<i64>,
    /// t.
    step: f64,
    /// The largest a, but for outliers.
    error: f64,
    panels: Vec<(Panel, Lanes)>,
}

impl Sketch {
    /// The sketch of points for which one pays: where tried, it rules out enough of them.
    pub(super) fn new<K: Kernel>(kernel: K, points: Points) -> Option<Self> {
        let (n, d) = points.rows.dim();
        if n < LEAST_SAMPLES || !(LEAST_FEATURES..=NARROW).contains(&d) {
            return None;
        }
        let sketch = Self::build(kernel, points.rows)?;
        let trials: Vec<usize> = (0..TRIALS).map(|i| i * n / TRIALS).collect();
        let trials = points.rows.select(Axis(0), &trials);
        let candidates = sketch.search(kernel, points, trials.view(), TRIAL_NEIGHBORS).1;
        let cost = DIRECTIONS as f64 + CANDIDATE_COST * d as f64 * candidates as f64 / (TRIALS * n) as f64;
        (cost < 0.8 * d as f64).then_some(sketch)
    }

    fn build<K: Kernel>(kernel: K, rows: ArrayView2<u8>) -> Option<Self> {
        let basis = Basis::principal(rows, DIRECTIONS)?;
        let sampled: Vec<usize> = (0..SAMPLE).map(|i| i * rows.nrows() / SAMPLE).collect();
        let mut products = Array2::zeros((sampled.len(), DIRECTIONS));
        basis.project(kernel, rows.select(Axis(0), &sampled).view(), |first, part| {
            for (column, row) in part.columns().into_iter().zip(first..) {
                products.row_mut(row).assign(&column);
            }
        });
        let centre: Vec<i64> = products.mean_axis(Axis(0)).expect("a sample").to_vec();
        let largest = products.outer_iter().flat_map(|row| deviations(row, &centre)).map(i64::abs).max()?;
        let step = (largest as f64 * 1.05 / 127.0).max(1.0);
        let sketch = Self { basis, centre, step, error: 0.0, panels: Vec::new() };
        let error = products.outer_iter().map(|row| sketch.round(row).1).fold(0.0, f64::max) * 1.1;

        let chunks: Vec<(Panel, Lanes, usize)> = rows
            .axis_chunks_iter(Axis(0), PANELS * LANES)
            .into_par_iter()
            .map(|rows| sketch.panels_of(kernel, rows, error))
            .collect::<Vec<_>>()
            .concat();
        let outliers: usize = chunks.iter().map(|(_, _, outliers)| outliers).sum();
        let panels = chunks.into_iter().map(|(panel, base, _)| (panel, base)).collect();
        (outliers as f64 <= MOST_OUTLIERS * rows.nrows() as f64).then_some(Self { error, panels, ..sketch })
    }

    /// Panels of the rows' sketches with the base of their keys, |Y|², and the number of outliers.
    fn panels_of<K: Kernel>(
        &self,
        kernel: K,
        rows: ArrayView2<u8>,
        error: f64,
    ) -> Vec<(Panel, Lanes, usize)> {
        let mut panels = Vec::with_capacity(PANELS);
        self.basis.project(kernel, rows, |_, products| {
            let mut bytes = Array2::zeros((products.ncols(), DIRECTIONS));
            let (mut base, mut outliers) = ([i32::MAX; LANES], 0);
            for (lane, column) in products.columns().into_iter().enumerate() {
                let (rounded, lost) = self.round(column);
                base[lane] = rounded.iter().map(|&y| i32::from(y).pow(2)).sum();
                if lost > error {
                    // Below every threshold.
                    base[lane] = i32::MIN / 2;
                    outliers += 1;
                }
                bytes
                    .row_mut(lane)
                    .iter_mut()
                    .zip(rounded)
                    .for_each(|(byte, y)| *byte = y.cast_unsigned() ^ 0x80);
            }
            let mut panel = Panel::default();
            panel.pack(bytes.view(), K::BLOCK);
            panels.push((panel, base, outliers));
        });
        assert_eq!(panels.len(), rows.nrows().div_ceil(LANES), "a search counts on full panels");
        panels
    }

    /// The sketch of a projection, and the length of what rounding took away (a little more, for the floats).
    fn round(&self, projection: ArrayView1<i64>) -> ([i8; DIRECTIONS], f64) {
        let (mut rounded, mut lost) = ([0; DIRECTIONS], 0.0);
        for (byte, deviation) in rounded.iter_mut().zip(deviations(projection, &self.centre)) {
            let steps = (deviation as f64 / self.step).round().clamp(-127.0, 127.0);
            #[expect(clippy::cast_possible_truncation, reason = "clamped")]
            {
                *byte = steps as i8;
            }
            lost += (deviation as f64 - steps * self.step).powi(2);
        }
        (rounded, lost.sqrt() * (1.0 + 1e-9) + 1e-6)
    }

    /// The `k` nearest points of each query, and how many points were looked at.
    pub(super) fn search<K: Kernel>(
        &self,
        kernel: K,
        points: Points,
        queries: ArrayView2<u8>,
        k: usize,
    ) -> (Vec<TopK>, usize) {
        let m = queries.nrows();
        let norms = distance::squared_norms(queries);
        let signed = distance::signed(queries);
        let point = |row: usize| points.rows.row(row).to_slice().expect("rows are contiguous");
        let distance_to = |query: usize, row: usize| {
            let dot = kernel.dot(point(row), signed.row(query).to_slice().expect("rows are contiguous"));
            (points.terms[row] + norms[query].cast_signed() - 2 * i64::from(dot)).cast_unsigned()
        };
        let queries = SketchedQueries::new(self, kernel, queries);
        let packed = Packed::new(kernel, queries.bytes.view());
        let (mut scratch, mut thresholds) = (Scratch::default(), vec![i32::MAX; m]);

        // The k smallest bounds among the first rows give each query a distance to beat.
        let mut seeds: Vec<TopK> = (0..m).map(|_| TopK::new(k)).collect();
        let seed_panels = SEED_ROWS.max(SEED_ROWS_PER_NEIGHBOR * k).div_ceil(LANES);
        for (number, (panel, base)) in self.panels.iter().take(seed_panels).enumerate() {
            let there = LANES.min(points.rows.nrows() - number * LANES);
            packed.multiply(panel, &mut scratch, base, &mut thresholds, |query, mask, dots| {
                let seeds = &mut seeds[query];
                for lane in lanes(mask).take_while(|&lane| lane < there) {
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
            let distances = seeds.into_sorted().into_iter().map(|(_, row)| distance_to(query, row));
            let worst = distances.max().expect("k is at least 1");
            thresholds[query] = queries.threshold(self, query, worst);
        }

        let mut best: Vec<TopK> = (0..m).map(|_| TopK::new(k)).collect();
        let (mut candidates, mut looked_at) = (Vec::new(), 0);
        for (chunk, panels) in self.panels.chunks(PANELS).enumerate() {
            for (number, (panel, base)) in panels.iter().enumerate() {
                let first = (chunk * PANELS + number) * LANES;
                packed.multiply(panel, &mut scratch, base, &mut thresholds, |query, mask, _| {
                    candidates.extend(lanes(mask).map(|lane| (query, first + lane)));
                    None
                });
            }
            looked_at += candidates.len();
            for (i, &(query, row)) in candidates.iter().enumerate().filter(|(_, c)| c.1 < points.rows.nrows())
            {
                if let Some(&(_, soon)) = candidates.get(i + PREFETCH)
                    && soon < points.rows.nrows()
                {
                    kernel.prefetch(point(soon));
                }
                let before = best[query].threshold();
                best[query].offer(distance_to(query, row), row);
                let after = best[query].threshold();
                if after < before {
                    thresholds[query] = thresholds[query].min(queries.threshold(self, query, after));
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
    fn threshold(&self, sketch: &Sketch, query: usize, squared_distance: u64) -> i32 {
        let length =
            sketch.basis.stretch * (squared_distance as f64).sqrt() + sketch.error + self.lost[query];
        let bound = (length / sketch.step).powi(2) * (1.0 + 1e-9) + 1.0;
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and is clamped")]
        let key = (bound as i64).saturating_sub(self.rest[query]);
        i32::try_from(key).unwrap_or(if key < 0 { i32::MIN / 4 } else { i32::MAX })
    }
}

fn deviations<'a>(projection: ArrayView1<'a, i64>, centre: &'a [i64]) -> impl Iterator<Item = i64> + use<'a> {
    projection.into_iter().zip(centre).map(|(product, centre)| product - centre)
}

/// The lanes whose bit is set.
fn lanes(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (mask != 0).then(|| mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        lane
    })
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;
    use crate::{
        distance::{Level, with_kernel},
        neighbors::scan,
    };

    const N: usize = 5000;
    const D: usize = 200;

    /// The sketch of every level finds what the scan of all points finds, also where a sketch is no use.
    fn check(rows: &Array2<u8>, k: usize) {
        let n = rows.nrows();
        let terms = scan::point_terms(rows.view());
        let points = Points { rows: rows.view(), terms: &terms };
        let every = (0..n).step_by(n / 200).chain(n - 9..n).collect::<Vec<_>>();
        let queries = rows.select(Axis(0), &every).mapv(|x| x.saturating_add(x % 3));
        let sorted = |best: Vec<TopK>| best.into_iter().map(TopK::into_sorted).collect::<Vec<_>>();
        for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
            with_kernel!(level, |kernel| {
                let sketch = Sketch::build(kernel, rows.view()).expect("few outliers");
                let (found, looked_at) = sketch.search(kernel, points, queries.view(), k);
                let expected = scan::scan(kernel, points, queries.view(), k);
                assert_eq!(sorted(found), sorted(expected), "{level}");
                assert!(looked_at >= k);
            });
        }
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
            let terms = scan::point_terms(rows.view());
            Sketch::new(crate::distance::Scalar, Points { rows: rows.view(), terms: &terms }).is_some()
        };
        assert!(chosen(&mixtures(4, 784)), "four directions say it all");
        assert!(!chosen(&Array2::from_shape_fn((N, D), random(5))), "a flat spectrum");
        assert!(!chosen(&Array2::zeros((N, D))), "all points equal");
        assert!(!chosen(&Array2::from_shape_fn((N, 32), random(6))), "short vectors");
    }
}
