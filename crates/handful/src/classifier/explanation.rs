//! Explains why an image gets its label, and whether it should have one.

use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::{Error, Model, voting::Votes};
use crate::{
    features::OutlierScores,
    preprocess::{Framer, Framing, Judge},
};

/// Weight of the mean squared distance from the components' subspace in the outlier score. A larger weight detects
/// garments better and letters worse. It was chosen on garments, and on letters of other fonts than those that are
/// reported.
const RESIDUAL_WEIGHT: f64 = 0.1;

/// Why an image got its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The predicted label, an index into the classes.
    pub label: u32,
    /// Its probability; 0 without ink.
    pub confidence: f64,
    /// Whether the image resembles anything in the training set; always true if that was not calibrated.
    pub is_digit: bool,
    /// Whether there is anything to see, that is, not all pixels are equal. Always true if outliers were not
    /// calibrated, because a blank image may then belong to a class. Without ink the label is meaningless.
    pub has_ink: bool,
    /// The probability of each class; equal without ink.
    pub probabilities: Vec<f64>,
    /// The prototypes that decided, nearest first.
    pub neighbors: Vec<Voter>,
    /// The image as a vector in the model's space, in which distances are computed.
    pub vector: Vec<u8>,
}

/// A prototype near an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Its index.
    pub prototype: usize,
    /// Its class.
    pub label: u32,
    /// Its squared distance in the model's space.
    pub distance: u64,
    /// The index of the training image nearest to it, which is its picture. [`Model::origin`] says where that comes
    /// from.
    pub medoid: u32,
}

impl Model {
    /// Explains the label of each image.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn explain(&self, images: ArrayView2<u8>) -> Result<Vec<Explanation>, Error> {
        self.explain_by(images, self.n_neighbors())
    }

    /// [`explain`](Self::explain) by this many neighbours.
    pub(super) fn explain_by(
        &self,
        images: ArrayView2<u8>,
        n_neighbors: usize,
    ) -> Result<Vec<Explanation>, Error> {
        let (vectors, found, scores) = self.examine(images, n_neighbors)?;
        let probabilities = self.params.calibration.probabilities(&found.evidence, &found.labels);
        let novel = self.params.calibration.novel;
        let of_row = |(row, &label): (usize, &u32)| {
            let nearest =
                found.neighbors.indices.row(row).into_iter().zip(found.neighbors.distances.row(row));
            let voter = |(&prototype, &distance): (&usize, &u64)| self.voter(prototype, distance);
            let has_ink = self.has_ink(images.row(row));
            let n_classes = self.classes().len();
            let is_known = scores[row] <= novel
                && probabilities[[row, label as usize]] >= self.params.calibration.unsure;
            Explanation {
                label,
                confidence: if has_ink { probabilities[[row, label as usize]] } else { 0.0 },
                is_digit: novel == 0.0 || is_known,
                has_ink,
                probabilities: if has_ink {
                    probabilities.row(row).to_vec()
                } else {
                    vec![1.0 / n_classes as f64; n_classes]
                },
                neighbors: nearest.map(voter).collect(),
                vector: vectors.row(row).to_vec(),
            }
        };
        Ok(found.labels.iter().enumerate().map(of_row).collect())
    }

    /// Whether there is anything to see in an image, as [`Explanation::has_ink`].
    #[must_use]
    pub fn has_ink(&self, image: ArrayView1<u8>) -> bool {
        self.params.calibration.novel == 0.0 || has_ink(image)
    }

    pub(super) fn voter(&self, prototype: usize, distance: u64) -> Voter {
        let (label, medoid) = (self.prototypes.labels()[prototype], self.medoids[prototype]);
        Voter { prototype, label, distance, medoid }
    }

    /// The vectors of images, their nearest prototypes, and their outlier scores.
    pub(super) fn examine(
        &self,
        images: ArrayView2<u8>,
        n_neighbors: usize,
    ) -> Result<(Array2<u8>, Votes, Vec<f64>), Error> {
        self.check_shape(images)?;
        let (vectors, outliers) = self.vectorizer.transform_scored(images);
        let found = self.vote(vectors.view(), n_neighbors)?;
        let distances = || Ok(found.neighbors.distances.column(0).to_vec());
        let scores = self.scores(images, outliers.unwrap_or_default(), distances)?;
        Ok((vectors, found, scores))
    }

    /// How unlike the training set each image is; infinite for a blank image.
    ///
    /// The squared distance to the nearest centroid of whole images, in units of the centroids' variance. If components
    /// of whole images were learned, a fraction of the squared distance from their subspace is added.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn outlier_scores(&self, images: ArrayView2<u8>) -> Result<Vec<f64>, Error> {
        self.check_shape(images)?;
        let outliers = self.vectorizer.outlier_scores(images).unwrap_or_default();
        self.scores(images, outliers, || {
            let nearest = self.index.kneighbors(self.transform(images)?.view(), 1)?;
            Ok(nearest.distances.column(0).to_vec())
        })
    }

    /// Computes the scores from what was learned of whole images and, only if no dictionary was learned, from the squared
    /// distance of each image's nearest prototype, which is requested only then.
    fn scores(
        &self,
        images: ArrayView2<u8>,
        OutlierScores { residual, nearest }: OutlierScores,
        distances: impl FnOnce() -> Result<Vec<u64>, Error>,
    ) -> Result<Vec<f64>, Error> {
        let nearest = match nearest {
            Some(nearest) => nearest,
            None => distances()?.into_iter().map(|distance| distance as f64 / self.unit).collect(),
        };
        let score = |(row, image): (usize, ArrayView1<u8>)| {
            if !has_ink(image) {
                return f64::INFINITY;
            }
            nearest[row] + RESIDUAL_WEIGHT * residual.get(row).unwrap_or(&0.0)
        };
        Ok(images.outer_iter().enumerate().map(score).collect())
    }
}

fn has_ink(image: ArrayView1<u8>) -> bool {
    image.iter().any(|&pixel| pixel != image[0])
}

impl Model {
    /// A judge that chooses among several plausible ways to frame a picture, by how much the model takes the result for
    /// a digit; `None` if that was not calibrated.
    #[must_use]
    pub fn judge(self: &Arc<Self>) -> Option<Arc<dyn Judge>> {
        let model: Arc<dyn Judge> = Arc::clone(self) as _;
        (self.params.calibration.novel > 0.0).then_some(model)
    }

    /// A framer that turns pictures into images for the model, and lets the model choose where several ways to do so
    /// are plausible.
    #[must_use]
    pub fn framer(self: &Arc<Self>, framing: Framing) -> Framer {
        let framer = Framer::new(self.image_shape(), framing);
        match self.judge() {
            Some(judge) => framer.judged_by(judge),
            None => framer,
        }
    }
}

impl Judge for Model {
    /// Outlier scores, divided by the largest accepted score.
    fn strangeness(&self, images: ArrayView2<u8>) -> Vec<f64> {
        match self.outlier_scores(images) {
            Ok(scores) => scores.into_iter().map(|score| score / self.params.calibration.novel).collect(),
            // The work was cancelled, or the images do not match the model: nothing resembles a digit.
            Err(_) => vec![f64::INFINITY; images.nrows()],
        }
    }

    /// If the model learned from digits of many sources, which were framed.
    fn frames_data(&self) -> bool {
        self.params.everyday.is_some()
    }
}
