//! How good a recipe is, from the training set alone.

use std::ops::Range;

use ndarray::{Array2, Axis, concatenate};

use super::{
    Error, Params,
    confidence::{Calibration, Evidence},
};
use crate::{Dataset, progress::Observer};

/// Parts that the rows are cut into.
const PARTS: usize = 6;

/// Predictions for images by models that have not seen them.
#[derive(Clone, Debug)]
pub struct Validation {
    /// The rows that were held out together, in the order of the predictions.
    pub folds: Vec<Range<usize>>,
    /// The labels of those rows.
    pub truth: Vec<u32>,
    /// What was predicted.
    pub predicted: Vec<u32>,
    evidence: Evidence,
}

/// The last `n` of six parts of the rows, as they stand: MNIST's neighbours come from one writer, who should not be on
/// both sides.
#[must_use]
pub fn folds(n_samples: usize, n: usize) -> Vec<Range<usize>> {
    let bound = |part: usize| part * n_samples / PARTS;
    (PARTS - n.min(PARTS)..PARTS)
        .map(|part| bound(part)..bound(part + 1))
        .filter(|fold| !fold.is_empty())
        .collect()
}

impl Params {
    /// Fits a model without each fold, and predicts the fold with it.
    ///
    /// # Errors
    /// As [`fit_observed`](Params::fit_observed).
    ///
    /// # Panics
    /// If there is no fold, or one is not inside the rows or leaves none.
    pub fn cross_validate(
        &self,
        images: &Dataset,
        folds: &[Range<usize>],
        observer: &Observer,
    ) -> Result<Validation, Error> {
        let (mut truth, mut predicted) = (Vec::new(), Vec::new());
        let mut evidence = Vec::new();
        for fold in folds {
            let rest: Vec<usize> = (0..images.n_samples()).filter(|row| !fold.contains(row)).collect();
            let model = self.fit_observed(&images.select(&rest), observer)?;
            let unseen = images.select(&fold.clone().collect::<Vec<_>>());
            let found = model.witnesses(unseen.images().view())?;
            truth.extend(unseen.labels());
            predicted.extend(found.labels);
            evidence.push(found.evidence);
        }
        let join = |of: fn(&Evidence) -> &Array2<f64>| {
            let parts: Vec<_> = evidence.iter().map(|evidence| of(evidence).view()).collect();
            concatenate(Axis(0), &parts).expect("a fold, and as many classes in each")
        };
        let evidence = Evidence { votes: join(|part| &part.votes), distances: join(|part| &part.distances) };
        Ok(Validation { folds: folds.to_vec(), truth, predicted, evidence })
    }
}

impl Validation {
    /// Errors in percent, over all folds.
    #[must_use]
    pub fn error_percent(&self) -> f64 {
        percent(&self.truth, &self.predicted)
    }

    /// Errors in percent, fold by fold.
    #[must_use]
    pub fn fold_errors(&self) -> Vec<f64> {
        let mut first = 0;
        let of_fold = |fold: &Range<usize>| {
            let rows = first..first + fold.len();
            first = rows.end;
            percent(&self.truth[rows.clone()], &self.predicted[rows])
        };
        self.folds.iter().map(of_fold).collect()
    }

    /// How sure to be: what makes these labels most likely.
    #[must_use]
    pub fn calibration(&self) -> Calibration {
        Calibration::fit(&self.evidence, &self.truth)
    }

    /// Probabilities of the classes, shape (n, classes): those of `calibration`, or shares of the votes.
    #[must_use]
    pub fn probabilities(&self, calibration: Option<Calibration>) -> Array2<f64> {
        match calibration {
            Some(calibration) => calibration.probabilities(&self.evidence, &self.predicted),
            None => self.evidence.votes.clone(),
        }
    }
}

fn percent(truth: &[u32], predicted: &[u32]) -> f64 {
    let wrong = truth.iter().zip(predicted).filter(|(truth, predicted)| truth != predicted).count();
    100.0 * wrong as f64 / truth.len() as f64
}
