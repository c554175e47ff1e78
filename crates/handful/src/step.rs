//! Steps from bytes to bytes: they prepare images and compute features, one batch of rows at a time.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

use crate::progress::Cancelled;

/// Number of images that go through all steps together: enough for a kernel, and few enough for the intermediate values
/// to stay in cache and in one block of memory, which is reused.
pub(crate) const BATCH: usize = 128;

/// A transformation from bytes to bytes, row by row.
pub(crate) trait Step: Sync {
    /// Length of an output row.
    fn n_features_out(&self) -> usize;

    /// Transforms the rows of `x` into `out`; the rows of both are contiguous. All intermediate values are in memory.
    fn run(&self, x: ArrayView2<u8>, out: ArrayViewMut2<u8>);
}

/// Transforms any number of rows, batch by batch, on all threads.
pub(crate) fn transform(step: &dyn Step, x: ArrayView2<u8>) -> Array2<u8> {
    transform_observed(step, x, &|_| Ok(())).expect("nobody cancels")
}

/// [`transform`], which calls `done` with the number of rows in each finished batch.
pub(crate) fn transform_observed(
    step: &dyn Step,
    x: ArrayView2<u8>,
    done: &(dyn Fn(usize) -> Result<(), Cancelled> + Sync),
) -> Result<Array2<u8>, Cancelled> {
    let x = x.as_standard_layout();
    let mut out = Array2::zeros((x.nrows(), step.n_features_out()));
    let batches = out.axis_chunks_iter_mut(Axis(0), BATCH).into_par_iter();
    batches.zip(x.axis_chunks_iter(Axis(0), BATCH)).try_for_each(|(out, x)| {
        let n = x.nrows();
        step.run(x, out);
        done(n)
    })?;
    Ok(out)
}

/// Checks a number of a recipe: it must be finite, because recipes are saved as JSON, and from 0 to `most`.
pub(crate) fn check_number(what: &str, value: f64, most: Option<f64>) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 && most.is_none_or(|most| value <= most) {
        return Ok(());
    }
    let expected = most.map_or("a finite number of 0 or more".to_owned(), |most| format!("0 to {most}"));
    Err(format!("{what}: expected {expected}, found {value}"))
}

/// 2²³: floats from here to twice this value are whole, and their lowest bits are those of the whole number.
pub(crate) const WHOLE: f32 = 8_388_608.0;

/// Rounds to the nearest byte and saturates. A cast would do the same, but one value at a time.
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
        let found = transform_observed(&framed, x.view(), &|n| {
            batches.lock().unwrap().push(n);
            Ok(())
        });
        assert_eq!(found, Ok(transform(&framed, x.view())));
        let mut batches = batches.into_inner().unwrap();
        batches.sort_unstable();
        assert_eq!(batches, [3, BATCH, BATCH]);
        assert_eq!(transform_observed(&framed, x.view(), &|_| Err(Cancelled)), Err(Cancelled));
    }
}
