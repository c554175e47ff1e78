//! The training set of a model.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Error, Params};
use crate::{
    Dataset,
    dataset::{self, RowSource},
    progress::{Observer, Stage, Tally},
    step::check_number,
    tensor_file::hex,
};

/// The training set of a model, and its validation error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The preset's name, if its values were not changed.
    pub preset: Option<String>,
    /// Number of training images.
    pub n_samples: usize,
    /// The SHA-256 of their pixels, row by row, and then of their labels as little-endian 32-bit numbers.
    pub sha256: String,
    /// Error in percent on images held out of the training set, if it was measured.
    pub validation_error: Option<f64>,
    /// Number of images that the model was [taught](super::Model::taught) after it was trained.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_taught: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Provenance {
    /// The provenance of a training set.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "rows in memory can be read")]
    pub fn of(images: &Dataset) -> Self {
        Self::of_rows(&images.images().view(), images.labels()).expect("rows in memory")
    }

    /// The provenance of a training set, wherever it is stored.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn of_rows(rows: &impl RowSource, labels: &[u32]) -> Result<Self, dataset::Error> {
        Self::of_rows_observed(rows, labels, |_| Ok(()))
    }

    /// [`of_rows`](Self::of_rows), which calls `done` with the number of rows in each finished part.
    pub(crate) fn of_rows_observed<E: From<dataset::Error>>(
        rows: &impl RowSource,
        labels: &[u32],
        done: impl Fn(usize) -> Result<(), E>,
    ) -> Result<Self, E> {
        const TOGETHER: usize = 1 << 21;
        let ((n_samples, d), mut hash, mut buffer) = (rows.shape(), Sha256::new(), Vec::new());
        let most = (TOGETHER / d.max(1)).max(1);
        for first in (0..n_samples).step_by(most) {
            let some = rows.rows(first..n_samples.min(first + most), &mut buffer)?;
            hash.update(some.as_slice().expect("rows are contiguous"));
            done(some.nrows())?;
        }
        for label in labels {
            hash.update(label.to_le_bytes());
        }
        Ok(Self { n_samples, sha256: hex(&hash.finalize()), ..Self::default() })
    }

    /// Checks that the provenance can belong to a model of these parameters with these medoids, which are indices into
    /// the training set.
    pub(crate) fn check(&self, params: &Params, medoids: &[u32]) -> Result<(), String> {
        let n = params.n_training_images(self.n_samples).saturating_add(self.n_taught);
        if let Some(medoid) = medoids.iter().find(|&&medoid| medoid as usize >= n) {
            return Err(format!(
                "expected medoids below {n} (the number of training images), found {medoid}"
            ));
        }
        self.validation_error.map_or(Ok(()), |percent| check_number("validation error", percent, Some(100.0)))
    }
}

/// The provenance of images, which takes some time if there are many.
pub(super) fn provenance(
    rows: &impl RowSource,
    labels: &[u32],
    observer: &Observer,
) -> Result<Provenance, Error> {
    let tally = Tally::new(observer, Stage::Pass, rows.shape().0);
    Provenance::of_rows_observed(rows, labels, |n| Ok(tally.add(n)?))
}
