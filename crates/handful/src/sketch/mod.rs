//! A short sketch of every point, which rules out most points without a comparison.
//!
//! A sketch is the point's projection on a few [`Basis`] directions P, and its distance r from their span (through a
//! mean, times the spectral norm σ of P). These values are divided by a step t, clamped to the range of bytes, which
//! brings no two points farther apart, and rounded; the result is Y. For two points x and q with sketches Y and Z,
//! whose rounding errors have lengths a and b,
//!
//! ```text
//! (t |Y - Z| - a - b)² <= |P (x - q)|² + σ² (r - s)² <= σ² |x - q|²
//! ```
//!
//! because a difference of distances from the span is no larger than the distance of the points. So a point with t |Y -
//! Z| above σ D + a + b, where D is the distance of the k-th best so far, cannot be among the k nearest. The remaining
//! points are measured exactly, so the answer is always exact. The bound includes every rounding error.

mod basis;
#[cfg(feature = "training")]
mod principal;
mod stored;

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use rayon::prelude::*;

pub(crate) use basis::Basis;
use basis::project;

use crate::distance::{self, Kernel, LANES, Lanes, Panel, Rows, evenly, shifted_norms, vectorize};

/// Number of values of a sketch. On images of 784 pixels, more values, up to 80, are faster for batches, and slower for
/// single queries.
pub(crate) const VALUES: usize = 64;
/// Shorter or fewer vectors are searched as fast without a sketch.
pub(crate) const LEAST_FEATURES: usize = 192;
pub(crate) const LEAST_SAMPLES: usize = 4096;
/// Number of standard deviations up to which a projection is not clamped: 2.6 to 3.4 perform alike, more or less is
/// slower.
const REACH: f64 = 3.0;
/// Number of panels that are filled together, because the directions are packed each time.
pub(crate) const PANELS: usize = 32;

/// The mapping from a vector to its sketch.
#[derive(Debug)]
pub(crate) struct Projection {
    basis: Basis,
    /// The directions, followed by a mean of rows as signed bytes.
    directions: Array2<i8>,
    /// Subtracted from every value: the products of the mean and the directions, and a distance from their span.
    centre: Vec<f64>,
    mean_norm: i64,
    /// t.
    step: f32,
}

impl Projection {
    /// The projection on the principal components of these rows; `None` if they cannot be computed.
    pub(crate) fn new(kernel: Kernel, rows: ArrayView2<u8>) -> Option<Self> {
        Self::with_values(kernel, rows, VALUES)
    }

    /// [`new`](Self::new) with `n_values` values, of which the last is the distance from the span of the others'
    /// directions.
    pub(crate) fn with_values(kernel: Kernel, rows: ArrayView2<u8>, n_values: usize) -> Option<Self> {
        let (n, d) = rows.dim();
        let n_directions = n_values - 1;
        let sample = rows.select(Axis(0), &evenly(n, Basis::sample_size(n, d)));
        let basis = Basis::principal(sample.view(), n_directions)?;
        let sums = sample.mapv(u64::from).sum_axis(Axis(0));
        let mean = sums.mapv(|sum| u8::try_from(sum / sample.nrows() as u64).expect("a mean of bytes"));
        let mean = mean.insert_axis(Axis(0));
        let directions = concatenate![Axis(0), basis.directions, distance::signed(mean.view())];
        let mut centre = vec![0.0; n_values];
        project(kernel, Rows::new(directions.view()), Rows::new(mean.view()), |_, _, products| {
            centre.iter_mut().zip(products).for_each(|(centre, product)| *centre = product[0]);
        });
        centre[n_directions] = 0.0;
        let mean_norm = mean.iter().map(|&x| i64::from(x).pow(2)).sum();
        let mut projection = Self { basis, directions, centre, mean_norm, step: 1.0 };
        let (mut squares, mut beyond) = (0.0, 0.0);
        let rows = Rows::new(sample.view());
        projection.deviations(kernel, rows, &shifted_norms(rows.view()), |_, n, found| {
            let (within, [last]) = found.values.split_at(n_directions) else { return };
            squares += within.iter().flat_map(|x| &x[..n]).map(|&x| f64::from(x).powi(2)).sum::<f64>();
            beyond += last[..n].iter().map(|&x| f64::from(x)).sum::<f64>();
        });
        let variance = squares / (sample.nrows() * n_directions) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "any step will do")]
        {
            projection.step = (REACH * variance.sqrt() / 127.0).max(1.0) as f32;
        }
        projection.centre[n_directions] = beyond / sample.nrows() as f64;
        Some(projection)
    }

    /// Length of a sketch.
    pub(crate) fn n_values(&self) -> usize {
        self.centre.len()
    }

    /// Passes to `sink(first_row, n, deviations)` the deviations of `n` rows, at most 32, at a time. `terms` are those
    /// of the rows.
    #[expect(clippy::cast_possible_truncation, reason = "what f32 loses is in the sketch's bound")]
    fn deviations(
        &self,
        kernel: Kernel,
        x: Rows<u8>,
        terms: &[i64],
        mut sink: impl FnMut(usize, usize, &Deviations),
    ) {
        let (stretch, n_directions) = (self.basis.stretch as f32, self.n_values() - 1);
        let mut found = Deviations { values: vec![[0.0; LANES]; n_directions + 1], uncertain: [0.0; LANES] };
        project(kernel, Rows::new(self.directions.view()), x, |first, n, products| {
            found.uncertain = [0.0; LANES];
            found.values[n_directions] = [0.0; LANES];
            vectorize!(kernel, {
                let values = found.values.iter_mut().zip(products).zip(&self.centre[..n_directions]);
                for ((values, products), centre) in values {
                    for (value, product) in values.iter_mut().zip(products) {
                        *value = (product - centre) as f32;
                    }
                }
            });
            if let Some(within) = self.basis.squared_lengths(kernel, &found.values[..n_directions]) {
                let dots = &products[n_directions][..n];
                for (lane, (&term, dot)) in terms[first..].iter().zip(dots).enumerate() {
                    let all = ((term + self.mean_norm) as f64 - 2.0 * dot) as f32;
                    // The squared length within the span is known to one part in 10⁵.
                    let [least, most] =
                        [-2e-5, 2e-5].map(|share| (all - within[lane] + share * all).max(0.0).sqrt());
                    let beyond = stretch * least.midpoint(most);
                    found.values[n_directions][lane] = (f64::from(beyond) - self.centre[n_directions]) as f32;
                    found.uncertain[lane] = stretch * (most - least) + beyond * 1e-6;
                }
            }
            sink(first, n, &found);
        });
    }

    /// Passes to `sink(first_row, sketches)` the sketches of up to 32 rows at a time. `terms` are those of the rows.
    fn sketch(&self, kernel: Kernel, x: Rows<u8>, terms: &[i64], mut sink: impl FnMut(usize, &Sketches)) {
        self.deviations(kernel, x, terms, |first, _, deviations| {
            sink(first, &vectorize!(kernel, Sketches::round(deviations, self.step)));
        });
    }
}

/// The differences of the values of up to 32 vectors from those of the centre.
struct Deviations {
    values: Vec<[f32; LANES]>,
    /// Upper bounds of their errors.
    uncertain: [f32; LANES],
}

/// Sketches of up to 32 vectors.
struct Sketches {
    /// Y.
    values: Vec<[i8; LANES]>,
    /// |Y|² and ΣY.
    squares: Lanes,
    sums: Lanes,
    /// The lengths of the rounding errors, or slightly more.
    lost: [f32; LANES],
}

impl Sketches {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    fn round(deviations: &Deviations, step: f32) -> Self {
        let (squares, sums, lost) = ([0; LANES], [0; LANES], [0.0; LANES]);
        let mut all = Self { values: vec![[0; LANES]; deviations.values.len()], squares, sums, lost };
        for (values, deviations) in all.values.iter_mut().zip(&deviations.values) {
            for lane in 0..LANES {
                let steps = (deviations[lane] / step).clamp(-127.0, 127.0);
                let rounded = steps.round_ties_even();
                #[expect(clippy::cast_possible_truncation, reason = "clamped")]
                let value = rounded as i32;
                all.lost[lane] += (steps - rounded).powi(2);
                all.squares[lane] += value * value;
                all.sums[lane] += value;
                #[expect(clippy::cast_possible_truncation, reason = "clamped")]
                {
                    values[lane] = value as i8;
                }
            }
        }
        for (lost, uncertain) in all.lost.iter_mut().zip(deviations.uncertain) {
            // 10⁻³ steps are more than the rounding error of f32 for values of up to 127.
            *lost = (step * (lost.sqrt() + 1e-3) + uncertain) * (1.0 + 1e-6);
        }
        all
    }

    /// Every vector's Y in the format of a kernel's points.
    fn bytes(&self) -> Array2<u8> {
        Array2::from_shape_fn((LANES, self.values.len()), |(lane, i)| {
            self.values[i][lane].cast_unsigned() ^ 0x80
        })
    }

    /// One vector's Y.
    fn values(&self, lane: usize) -> impl Iterator<Item = i8> {
        self.values.iter().map(move |values| values[lane])
    }
}

/// Sketches of points.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    projection: Arc<Projection>,
    /// The largest a.
    error: f64,
    n_samples: usize,
    panels: Vec<SketchPanel>,
}

/// Sketches of up to 32 points.
#[derive(Clone, Debug)]
pub(crate) struct SketchPanel {
    pub(crate) values: Panel,
    /// |Y|², the base of the keys.
    pub(crate) squares: Lanes,
}

impl Sketch {
    /// O(n · `n_features`) on all threads; 77 bytes per point.
    pub(crate) fn new(kernel: Kernel, rows: ArrayView2<u8>, projection: &Arc<Projection>) -> Self {
        Self::of_some(kernel, rows, projection, 1)
    }

    /// [`new`](Self::new), but for only one panel in `every`; the others stay empty.
    pub(crate) fn of_some(
        kernel: Kernel,
        rows: ArrayView2<u8>,
        projection: &Arc<Projection>,
        every: usize,
    ) -> Self {
        let n = rows.dim().0;
        // Number of panels of a task, and number of them that are filled.
        let (panels_each, filled) = if every == 1 { (PANELS, PANELS) } else { (every, 1) };
        let empty = SketchPanel { values: Panel::default(), squares: [0; LANES] };
        let mut panels = vec![empty; n.div_ceil(LANES)];
        let fill = |(chunk, panels): (usize, &mut [SketchPanel])| {
            let (start, mut error) = (chunk * panels_each * LANES, 0.0_f32);
            let range = start..n.min(start + filled * LANES);
            let bytes = Rows::new(rows.slice(s![range, ..]));
            projection.sketch(kernel, bytes, &shifted_norms(bytes.view()), |first, sketches| {
                let n = LANES.min(bytes.nrows() - first);
                let panel = &mut panels[first / LANES];
                panel.values.pack(sketches.bytes().slice(s![..n, ..]), kernel.block());
                panel.squares[..n].copy_from_slice(&sketches.squares[..n]);
                error = sketches.lost[..n].iter().fold(error, |error, &lost| error.max(lost));
            });
            error
        };
        let error = panels.par_chunks_mut(panels_each).enumerate().map(fill).reduce(|| 0.0, f32::max);
        Self { projection: Arc::clone(projection), error: error.into(), n_samples: n, panels }
    }

    /// The largest length of a point's rounding error, or slightly more.
    pub(crate) fn error(&self) -> f64 {
        self.error
    }

    pub(crate) fn projection(&self) -> &Arc<Projection> {
        &self.projection
    }

    pub(crate) fn panels(&self) -> &[SketchPanel] {
        &self.panels
    }

    pub(crate) fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// The largest |Y - Z|² of two vectors that are no farther apart than `distance`, where `lost` is the length of the
    /// second vector's rounding error.
    #[inline]
    pub(crate) fn most(&self, distance: f64, lost: f32) -> i64 {
        let length = self.projection.basis.stretch * distance + self.error + f64::from(lost);
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and squares of bytes are whole")]
        {
            ((length / f64::from(self.projection.step)).powi(2) * (1.0 + 1e-9)) as i64
        }
    }
}

/// Weight of a sum of values in |Y - Z|² for values minus 128, as kernels multiply them.
const SHIFT: i32 = 256;

/// Queries as sketches.
pub(crate) struct SketchedQueries {
    pub(crate) values: Array2<i8>,
    /// Each one's b.
    pub(crate) lost: Vec<f32>,
    /// |Z|² + 256 ΣZ: what |Y - Z|² has beside the kernel's key.
    pub(crate) rest: Vec<i32>,
}

impl SketchedQueries {
    pub(crate) fn new(kernel: Kernel, projection: &Projection, queries: Rows<u8>) -> Self {
        let m = queries.nrows();
        let mut found = Self {
            values: Array2::zeros((m, projection.n_values())),
            lost: Vec::with_capacity(m),
            rest: Vec::with_capacity(m),
        };
        projection.sketch(kernel, queries, &shifted_norms(queries.view()), |first, sketches| {
            for lane in 0..LANES.min(m - first) {
                let mut values = found.values.row_mut(first + lane);
                values.iter_mut().zip(sketches.values(lane)).for_each(|(to, value)| *to = value);
                found.lost.push(sketches.lost[lane]);
                found.rest.push(sketches.squares[lane] + SHIFT * sketches.sums[lane]);
            }
        });
        found
    }

    /// Some of the queries.
    pub(crate) fn select(&self, queries: &[usize]) -> Self {
        Self {
            values: self.values.select(Axis(0), queries),
            lost: queries.iter().map(|&query| self.lost[query]).collect(),
            rest: queries.iter().map(|&query| self.rest[query]).collect(),
        }
    }
}
