//! From images to vectors: gradients, principal components, dictionaries learned by K-Means, and discriminants.
//!
//! ```text
//!  image ──► Gradients ──► Pca ──► Dictionary ──► Lda ──► 9 bytes in which classes lie apart
//!            cells x        80      similarity     closed
//!            directions     bytes   to centroids   form
//! ```
//!
//! Every step maps rows of bytes to rows of bytes. It is fitted with floats, and its weights are then rounded to whole
//! numbers with a known scale. All the work of a step is therefore the same dot products as in the searches, a fitted
//! model gives the same bytes on every machine, and its output can be searched exactly.

mod activation;
mod blocks;
#[cfg(feature = "training")]
mod cholesky;
mod dictionary;
mod discriminants;
mod error;
mod gradients;
mod histogram;
mod lda;
mod linear;
mod moments;
mod outliers;
mod patches;
mod pca;
mod vectorizer;
mod views;

use ndarray::ArrayView2;

pub use gradients::Gradients;
pub(crate) use outliers::OutlierScores;
pub use vectorizer::FeatureParams;
pub(crate) use vectorizer::{Vectorizer, check_features};

// Presets are made of the parameters; programs of their own change a preset, and see the error as a message. A recipe does
// not name the others: only the command, the Python package and tests do.
#[doc(hidden)]
pub use {
    activation::Activation,
    blocks::BlockParams,
    dictionary::{Dictionary, DictionaryParams},
    discriminants::{DiscriminantsParams, Emphasis},
    error::Error,
    lda::Lda,
    pca::Pca,
};

pub(crate) use gradients::Framed as FramedGradients;

/// The mean squared distance of rows from their mean, summed over all directions.
pub(crate) fn total_variance(rows: ArrayView2<u8>) -> f64 {
    let n = rows.nrows() as f64;
    // Whole numbers, so the order of summation does not matter.
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
