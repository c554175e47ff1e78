//! Estimates the accuracy of a recipe from the training set alone.

use std::ops::Range;

use ndarray::{Array2, Axis, concatenate};

use crate::{
    Dataset,
    classifier::{
        Error, Model,
        confidence::{Calibration, Evidence},
        voting::Votes,
    },
};

/// Number of parts into which the rows are divided.
const PARTS: usize = 6;

/// The share of images of known classes that is rejected.
const REFUSED: f64 = 0.007;

/// Predictions for images that the models had not seen.
#[derive(Clone, Debug)]
pub struct Validation {
    /// The true labels of the images.
    pub truth: Vec<u32>,
    /// The predicted labels.
    pub predicted: Vec<u32>,
    /// How unlike the training set the images are: see [`Model::outlier_scores`].
    pub outlier_scores: Vec<f64>,
    evidence: Evidence,
}

/// The last `n` of six contiguous parts of the rows. Neighbouring images of MNIST come from one writer, who should not
/// be in both the training and the validation set.
#[must_use]
pub fn folds(n_samples: usize, n: usize) -> Vec<Range<usize>> {
    let bound = |part: usize| part * n_samples / PARTS;
    (PARTS - n.min(PARTS)..PARTS)
        .map(|part| bound(part)..bound(part + 1))
        .filter(|fold| !fold.is_empty())
        .collect()
}

/// The images outside a fold, to learn from, and the images in it.
///
/// # Panics
/// If either part is empty.
#[must_use]
pub fn hold_out(images: &Dataset, fold: &Range<usize>) -> (Dataset, Dataset) {
    let (unseen, rest): (Vec<usize>, Vec<usize>) =
        (0..images.n_samples()).partition(|row| fold.contains(row));
    (images.select(&rest), images.select(&unseen))
}

impl Validation {
    /// Predicts images on which the model was not fitted.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn new(model: &Model, unseen: &Dataset) -> Result<Self, Error> {
        let n_neighbors = model.n_neighbors();
        let examined = model.examine(unseen.images().view(), n_neighbors)?;
        let (_, Votes { labels, evidence, .. }, outlier_scores) = examined;
        Ok(Self { truth: unseen.labels().to_vec(), predicted: labels, evidence, outlier_scores })
    }

    /// Concatenates the predictions of several validations.
    ///
    /// # Panics
    /// If there are none, or their classes differ in number.
    #[must_use]
    pub fn join(parts: Vec<Self>) -> Self {
        let stack = |of: fn(&Evidence) -> &Array2<f64>| {
            let parts: Vec<_> = parts.iter().map(|part| of(&part.evidence).view()).collect();
            concatenate(Axis(0), &parts).expect("at least one, of as many classes")
        };
        let evidence =
            Evidence { votes: stack(|part| &part.votes), distances: stack(|part| &part.distances) };
        let truth = parts.iter().flat_map(|part| &part.truth).copied().collect();
        let predicted = parts.iter().flat_map(|part| &part.predicted).copied().collect();
        let outlier_scores = parts.iter().flat_map(|part| &part.outlier_scores).copied().collect();
        Self { truth, predicted, outlier_scores, evidence }
    }

    /// Error in percent.
    #[must_use]
    pub fn error_percent(&self) -> f64 {
        let wrong =
            self.truth.iter().zip(&self.predicted).filter(|(truth, predicted)| truth != predicted).count();
        100.0 * wrong as f64 / self.truth.len() as f64
    }

    /// The calibration that maximises the likelihood of these labels, and rejects seven images in a thousand as novel.
    #[must_use]
    pub fn calibration(&self) -> Calibration {
        // Blank images are rejected whatever the threshold.
        let mut scores: Vec<f64> = self.outlier_scores.iter().copied().filter(|x| x.is_finite()).collect();
        scores.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the images")]
        let refused = (REFUSED * scores.len() as f64) as usize;
        let novel = scores.iter().rev().nth(refused).copied().unwrap_or(0.0);
        Calibration { novel, ..Calibration::fit(&self.evidence, &self.truth) }
    }

    /// Probabilities of the classes, shape (n, classes): the result of [`Model::predict_proba`] with this calibration,
    /// or without any.
    #[must_use]
    pub fn probabilities(&self, calibration: Option<Calibration>) -> Array2<f64> {
        calibration.unwrap_or_default().probabilities(&self.evidence, &self.predicted)
    }
}
