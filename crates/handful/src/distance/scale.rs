//! Conversion of floats to bytes.

use ndarray::{Array2, ArrayViewMut1, Axis};
use rayon::prelude::*;

use super::{CONTIGUOUS, Element, Kernel, Rows, evenly, vectorize};

/// Number of rows from which the scale is chosen; one in `CLAMPED` of them may be clamped.
const SAMPLE: usize = 1024;
const CLAMPED: usize = 512;
/// A number so large that adjacent floats differ by one.
const WHOLE: f64 = (1_u64 << 52) as f64;
/// The smallest step, which is large enough that nothing underflows.
const LEAST_STEP: f64 = 1e-290;
/// Larger values might overflow when squared differences are summed.
pub(crate) const LARGEST: f64 = 1e150;

/// The mapping from floats to bytes.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    lowest: f64,
    step: f64,
}

impl Scale {
    pub(crate) fn new<T: Float>(points: Rows<T>) -> Self {
        let sampled = evenly(points.nrows(), points.nrows().min(SAMPLE));
        let of_rows = |extreme: fn(f64, f64) -> f64, start| {
            let of_row = |&row: &usize| points.row(row).iter().map(|&x| x.into()).fold(start, extreme);
            let mut extremes: Vec<f64> = sampled.iter().map(of_row).collect();
            extremes.sort_by(f64::total_cmp);
            extremes
        };
        let (lowest, highest) = (of_rows(f64::min, f64::MAX), of_rows(f64::max, f64::MIN));
        let clamped = sampled.len() / CLAMPED;
        let (Some(&lowest), Some(&highest)) = (lowest.get(clamped), highest.iter().rev().nth(clamped)) else {
            return Self { lowest: 0.0, step: 1.0 };
        };
        // Each end is divided separately, so that the widest range does not overflow.
        Self { lowest, step: (highest / 255.0 - lowest / 255.0).max(LEAST_STEP) }
    }

    pub(crate) fn step(&self) -> f64 {
        self.step
    }

    /// The rows in bytes, and an upper bound of the distance of each row from its bytes, in steps. Uses all threads.
    pub(crate) fn quantise<T: Float>(&self, rows: Rows<T>) -> (Array2<u8>, Vec<f64>) {
        let mut bytes = Array2::zeros(rows.dim());
        let kernel = Kernel::detect();
        let pairs = bytes.axis_iter_mut(Axis(0)).into_par_iter().zip(rows.par_iter());
        let quantise = |(mut bytes, row): (ArrayViewMut1<u8>, &[T])| {
            vectorize!(kernel, self.quantise_row(row, bytes.as_slice_mut().expect(CONTIGUOUS)))
        };
        let lost = pairs.map(quantise).collect();
        (bytes, lost)
    }

    #[inline(always)]
    fn quantise_row<T: Float>(&self, row: &[T], bytes: &mut [u8]) -> f64 {
        const SUMS: usize = 16;
        let (mut squares, per_step) = ([0.0; SUMS], 1.0 / self.step);
        let mut quantise = |bytes: &mut [u8], values: &[T]| {
            for ((byte, &value), squares) in bytes.iter_mut().zip(values).zip(&mut squares) {
                let steps = (value.into() - self.lowest) * per_step;
                // The sum has no bits for a fraction, so it is rounded, and the result is in its lowest byte.
                let whole = steps.clamp(0.0, 255.0) + WHOLE;
                #[expect(clippy::cast_possible_truncation, reason = "the last byte is meant")]
                {
                    *byte = whole.to_bits() as u8;
                }
                *squares += (steps - (whole - WHOLE)).powi(2);
            }
        };
        let ((bytes, bytes_rest), (values, values_rest)) =
            (bytes.as_chunks_mut::<SUMS>(), row.as_chunks::<SUMS>());
        bytes.iter_mut().zip(values).for_each(|(bytes, values)| quantise(bytes, values));
        quantise(bytes_rest, values_rest);
        // The slack covers the rounding errors of `steps` and of the sum.
        squares.iter().sum::<f64>().sqrt() * (1.0 + 1e-9) + 1e-9 * (row.len() as f64).sqrt()
    }
}

/// `f32` or `f64`.
pub(crate) trait Float: Element + Into<f64> {}
impl Float for f32 {}
impl Float for f64 {}

/// The largest absolute value; or row, column and value of the first value whose square cannot be summed: NaN, or more
/// than [`LARGEST`] in size.
pub(crate) fn largest<T: Float>(values: Rows<T>) -> Result<f64, (usize, usize, f64)> {
    // Bit patterns of absolute values have the same order as the values, with NaN above all, and their maximum can be
    // vectorised.
    let bits = |x: T| x.into().abs().to_bits();
    let kernel = Kernel::detect();
    let of_row = |row: &[T]| vectorize!(kernel, row.iter().fold(0, |largest, &x| bits(x).max(largest)));
    let largest = values.par_iter().map(of_row).max().unwrap_or_default();
    let largest = f64::from_bits(largest);
    if largest <= LARGEST {
        return Ok(largest);
    }
    let fits = |x: T| (-LARGEST..=LARGEST).contains(&x.into());
    let wrong = values.iter().flatten().position(|&x| !fits(x)).expect("one is too large");
    let (row, column) = (wrong / values.ncols(), wrong % values.ncols());
    Err((row, column, values.row(row)[column].into()))
}
