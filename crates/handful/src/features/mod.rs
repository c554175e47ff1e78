//! Image to vector: gradients, principal components, dictionaries that K-Means has learned, and discriminants.
//!
//! ```text
//!  image ──► Gradients ──► Pca ──► Dictionary ──► Lda ──► 9 bytes in which classes lie apart
//!            cells x        80      similarity     closed
//!            directions     bytes   to centroids   form
//! ```
//!
//! Every step takes rows of bytes and gives rows of bytes: it is fitted with floats, and its weights are then rounded
//! to whole numbers with a known scale. So all the work of a step is the dot products that the searches use too, a
//! fitted model gives the same bytes on every machine, and whatever comes last can be searched exactly.

mod blocks;
mod cholesky;
mod dictionary;
mod discriminants;
mod error;
mod gradients;
mod lda;
mod linear;
mod moments;
mod outliers;
mod patches;
mod pca;
mod vectorizer;
mod views;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

pub use blocks::BlockParams;
pub use dictionary::{Activation, Dictionary, DictionaryParams};
pub use discriminants::{Discriminants, DiscriminantsParams, Emphasis};
pub use error::Error;
pub use gradients::Gradients;
pub use lda::Lda;
pub(crate) use outliers::OutlierScores;
pub use pca::Pca;
pub(crate) use vectorizer::check_features;
pub use vectorizer::{FeatureParams, Vectorizer};

use gradients::Framed as FramedGradients;

use crate::{
    distance::{Kernel, Level, with_kernel},
    progress::Cancelled,
};

/// Images that go through all steps together: enough for a kernel, and few enough for what lies between to stay in cache
/// and in one piece of memory, which need not be asked for again.
pub(crate) const BATCH: usize = 128;

/// Bytes in, bytes out, a row at a time.
pub(crate) trait Step: Sync {
    /// The length of a row that comes out.
    fn n_features_out(&self) -> usize;

    /// Transforms rows, which are contiguous, as those of `out` are; all that lies between is held in memory.
    fn run<K: Kernel>(&self, kernel: K, x: ArrayView2<u8>, out: ArrayViewMut2<u8>);
}

/// Transforms any number of rows, batch by batch on all threads.
pub(crate) fn transform(step: &impl Step, x: ArrayView2<u8>) -> Array2<u8> {
    transform_observed(step, x, |_| Ok(())).expect("nobody cancels")
}

/// [`transform`], calling `done` with the number of rows in each batch that is done.
pub(crate) fn transform_observed(
    step: &impl Step,
    x: ArrayView2<u8>,
    done: impl Fn(usize) -> Result<(), Cancelled> + Sync,
) -> Result<Array2<u8>, Cancelled> {
    let x = x.as_standard_layout();
    let mut out = Array2::zeros((x.nrows(), step.n_features_out()));
    let batches = out.axis_chunks_iter_mut(Axis(0), BATCH).into_par_iter();
    batches.zip(x.axis_chunks_iter(Axis(0), BATCH)).try_for_each(|(out, x)| {
        let n = x.nrows();
        with_kernel!(Level::detect(), |kernel| step.run(kernel, x, out));
        done(n)
    })?;
    Ok(out)
}

/// The mean squared distance of rows from their mean, in all directions together.
pub(crate) fn total_variance(rows: ArrayView2<u8>) -> f64 {
    let n = rows.nrows() as f64;
    // Whole numbers: the order of the sums is no matter.
    let (mut sums, mut squares) = (vec![0_u64; rows.ncols()], vec![0_u64; rows.ncols()]);
    for row in rows.outer_iter() {
        for ((sum, square), &x) in sums.iter_mut().zip(&mut squares).zip(row) {
            *sum += u64::from(x);
            *square += u64::from(x).pow(2);
        }
    }
    let of_column = |(sum, square): (u64, u64)| square as f64 / n - (sum as f64 / n).powi(2);
    sums.into_iter().zip(squares).map(of_column).sum()
}

/// A number of a recipe: finite, for JSON, which recipes are saved as, knows nothing else, and 0 to `most`.
pub(crate) fn check_number(what: &str, value: f64, most: Option<f64>) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 && most.is_none_or(|most| value <= most) {
        return Ok(());
    }
    let expected = most.map_or("a finite number of 0 or more".to_owned(), |most| format!("0 to {most}"));
    Err(format!("{what}: expected {expected}, found {value}"))
}

/// 2²³: floats from here to twice as much are whole, and their lowest bits are a whole number's own.
const WHOLE: f32 = 8_388_608.0;

/// To the nearest byte, the ends included. A cast would do the same, one value at a time.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
#[expect(clippy::cast_possible_truncation, reason = "the lowest byte is meant")]
#[expect(clippy::manual_clamp, reason = "NaN becomes 0")]
pub(crate) fn to_byte(value: f32) -> u8 {
    (value.max(0.0).min(255.0) + WHOLE).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::preprocess::{Deskew, FramedDeskew};

    #[test]
    fn rows_are_transformed_a_batch_at_a_time() {
        let framed = FramedDeskew { deskew: Deskew::new(), shape: [4, 4] };
        let x = Array2::from_shape_fn((2 * BATCH + 3, 16), |(i, j)| (i * j) as u8);
        let batches = Mutex::new(Vec::new());
        let found = transform_observed(&framed, x.view(), |n| {
            batches.lock().unwrap().push(n);
            Ok(())
        });
        assert_eq!(found, Ok(transform(&framed, x.view())));
        let mut batches = batches.into_inner().unwrap();
        batches.sort_unstable();
        assert_eq!(batches, [3, BATCH, BATCH]);
        assert_eq!(transform_observed(&framed, x.view(), |_| Err(Cancelled)), Err(Cancelled));
    }
}
