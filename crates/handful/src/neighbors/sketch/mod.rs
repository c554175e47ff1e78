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

mod search;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::{basis::Basis, engine::Rows, evenly};
use crate::distance::{Kernel, LANES, Lanes, OFFSET, Panel};
pub(super) use search::{Search, Tried, trials};

/// Directions: on images of 784 pixels more are faster for batches, up to 80, and slower for single queries.
pub(crate) const DIRECTIONS: usize = 64;
/// Vectors shorter than this, or fewer, are as fast without a sketch.
pub(crate) const LEAST_FEATURES: usize = 192;
pub(crate) const LEAST_SAMPLES: usize = 4096;
/// Standard deviations up to which a projection is not clamped: 2.6 to 3.4 are alike, more or less is slower.
const REACH: f64 = 3.0;
/// Panels that are filled together.
const PANELS: usize = 32;

/// How a vector becomes a sketch.
#[derive(Debug)]
pub(crate) struct Projection {
    basis: Basis,
    /// Taken from every product.
    centre: Vec<i64>,
    /// t.
    step: f64,
}

impl Projection {
    /// On the principal components of these rows; None if there is no telling them.
    pub(crate) fn new<K: Kernel>(kernel: K, rows: &impl Rows) -> Option<Self> {
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
        Some(Self { basis, centre, step })
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

/// Sketches of points.
#[derive(Debug)]
pub(crate) struct Sketch {
    projection: Arc<Projection>,
    /// The largest a.
    error: f64,
    n_samples: usize,
    panels: Vec<Panel>,
    /// |Y|², the base of the keys.
    bases: Vec<Lanes>,
}

impl Sketch {
    /// O(n · `n_features`) on all threads; 77 bytes a point.
    pub(crate) fn new<K: Kernel>(kernel: K, rows: &impl Rows, projection: &Arc<Projection>) -> Self {
        let n = rows.dim().0;
        let (mut panels, mut bases) =
            (vec![Panel::default(); n.div_ceil(LANES)], vec![[0; LANES]; n.div_ceil(LANES)]);
        let error = panels
            .par_chunks_mut(PANELS)
            .zip(bases.par_chunks_mut(PANELS))
            .enumerate()
            .map(|(chunk, (panels, bases))| {
                projection.fill(kernel, rows, chunk * PANELS * LANES, panels, bases)
            })
            .reduce(|| 0.0, f64::max);
        Self { projection: Arc::clone(projection), error, n_samples: n, panels, bases }
    }

    /// The sketches of 32 points, and |Y|² of each.
    pub(crate) fn panel(&self, number: usize) -> (&Panel, &Lanes) {
        (&self.panels[number], &self.bases[number])
    }

    /// The largest |Y - Z|² of two vectors that are no farther apart than this, the second of which lost so much.
    pub(crate) fn most(&self, distance: f64, lost: f64) -> i64 {
        let length = self.projection.basis.stretch * distance + self.error + lost;
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and squares of bytes are whole")]
        {
            ((length / self.projection.step).powi(2) * (1.0 + 1e-9)) as i64
        }
    }
}

/// Queries as sketches.
pub(crate) struct SketchedQueries {
    pub(crate) bytes: Array2<i8>,
    /// Each one's b.
    pub(crate) lost: Vec<f64>,
    /// |Z|² + 256 ΣZ: what |Y - Z|² has beside the kernel's key.
    pub(crate) rest: Vec<i64>,
}

impl SketchedQueries {
    pub(crate) fn new<K: Kernel>(kernel: K, sketch: &Sketch, queries: ArrayView2<u8>) -> Self {
        let projection = &sketch.projection;
        let mut bytes = Array2::zeros((queries.nrows(), DIRECTIONS));
        let (mut lost, mut rest) = (Vec::new(), Vec::new());
        projection.basis.project(kernel, queries, |first, products| {
            for (column, query) in products.columns().into_iter().zip(first..) {
                let (rounded, error) = projection.round(column);
                bytes.row_mut(query).assign(&ArrayView1::from(&rounded));
                lost.push(error);
                rest.push(rounded.iter().map(|&z| i64::from(z).pow(2) + 2 * OFFSET * i64::from(z)).sum());
            }
        });
        Self { bytes, lost, rest }
    }
}

fn deviations<'a>(projection: ArrayView1<'a, i64>, centre: &'a [i64]) -> impl Iterator<Item = i64> + use<'a> {
    projection.into_iter().zip(centre).map(|(product, centre)| product - centre)
}
