//! Rows of floats, and their rounding to bytes.

use ndarray::{Array2, ArrayView2};

use crate::{
    distance::{Float, Rows, Scale, largest},
    kmeans::{Error, floats::grid::Grid, samples::Samples, vectors::whole},
};

/// Rows of floats, perhaps with weights.
pub(in crate::kmeans) struct Floats<'a, T> {
    pub(in crate::kmeans) rows: Rows<'a, T>,
    pub(in crate::kmeans) scale: &'a Scale,
    pub(in crate::kmeans) samples: Samples<'a>,
    /// The weights as given, and as whole numbers for seeding.
    pub(in crate::kmeans) weights: Option<(&'a [f64], Vec<u64>)>,
    /// The grid for sums, if it holds all values.
    pub(in crate::kmeans) grid: Option<Grid>,
}

/// The rows rounded to bytes, and the distance of each row from its rounding, in steps.
pub(in crate::kmeans) fn quantise<T: Float>(rows: Rows<T>, scale: &Scale) -> (Array2<u8>, Vec<f32>) {
    let (bytes, lost) = scale.quantise(rows);
    #[expect(clippy::cast_possible_truncation, reason = "rounded up by the factor")]
    let lost = lost.into_iter().map(|lost| lost as f32 * (1.0 + 1e-6)).collect();
    (bytes, lost)
}

/// The largest absolute value. Values whose squares cannot be summed are errors.
pub(in crate::kmeans) fn check<T: Float>(values: Rows<T>) -> Result<f64, Error> {
    largest(values).map_err(|(row, column, value)| Error::Value { row, column, value })
}

impl<'a, T: Float> Floats<'a, T> {
    /// `bytes` and `lost` come from [`quantise`].
    pub(in crate::kmeans) fn new(
        rows: Rows<'a, T>,
        scale: &'a Scale,
        bytes: ArrayView2<'a, u8>,
        lost: Vec<f32>,
        weights: Option<&'a [f64]>,
    ) -> Self {
        // Closer rows count as the same: their squared distance may underflow to zero.
        let least = f64::MIN_POSITIVE.sqrt() / scale.step();
        #[expect(clippy::cast_possible_truncation, reason = "the factor rounds up")]
        let lost = lost.into_iter().map(|lost| lost + (least * (1.0 + 1e-6)) as f32).collect();
        Self {
            rows,
            scale,
            samples: Samples::new(bytes).inexact(lost),
            weights: weights.map(|weights| (weights, whole(weights).0)),
            grid: None,
        }
    }

    pub(in crate::kmeans) fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |(weights, _)| weights[row])
    }
}
