//! Recipes for few images: what the presets know of MNIST does not hold there.
//!
//! If each image is an atom and a prototype, new images are much farther from the nearest than the training images are.
//! With the threshold of a preset, all of them would be outliers.

use crate::{
    Dataset,
    classifier::{Calibration, Decision, Error, Model, Params, PrototypeParams},
    progress::Observer,
};

/// Number of images from which a calibration is measured in any case: it takes three more fits.
const FEW: usize = 4096;
/// Number of images of a class of which some can be held out.
const LEAST_OF_CLASS: usize = 6;

impl Params {
    /// Whether a model of so few images of each class must be calibrated anew, because it is smaller than the recipe
    /// says.
    pub(super) fn is_cut(&self, counts: &[usize]) -> bool {
        let n_clusters = match self.prototypes {
            PrototypeParams::All => 1,
            PrototypeParams::PerClass { n_clusters, .. } => n_clusters,
        };
        let least = counts.iter().copied().filter(|&n| n > 0).min().unwrap_or(0);
        counts.iter().sum::<usize>() < FEW && least < n_clusters.max(self.enough_per_class())
    }

    /// [`fit`](Self::fit) with a calibration that is measured on these images, however many there are.
    pub(super) fn fit_calibrated(&self, images: &Dataset, observer: &Observer) -> Result<Model, Error> {
        self.check_images(images)?;
        let is_cut = self.is_cut(&self.counts(images)?);
        let fitting =
            if is_cut { self.with_votes_for_the_smallest(&images.class_counts()) } else { self.clone() };
        let calibration = fitting.calibrate_observed(images, observer)?;
        Self { calibration, ..fitting }.fit_as_it_is(images, observer)
    }

    /// The recipe for images whose model is [cut](Self::is_cut): calibrated on them, or, if there are too few to hold
    /// some out, without outliers but blank images.
    pub(super) fn for_few(&self, images: &Dataset, observer: &Observer) -> Result<Self, Error> {
        let fitting = self.with_votes_for_the_smallest(&images.class_counts());
        let calibration = fitting.calibration_on_few(images, observer)?;
        Ok(Self { calibration, ..fitting })
    }

    /// The recipe with so few voters that all images of the smallest class can win a vote.
    fn with_votes_for_the_smallest(&self, counts: &[usize]) -> Self {
        let least = counts.iter().copied().filter(|&n| n > 0).min().unwrap_or(1);
        match self.decision {
            Decision::Votes { n_neighbors } if self.everyday.is_none() => {
                self.clone().with_n_neighbors(n_neighbors.min(2 * least - 1))
            }
            _ => self.clone(),
        }
    }

    fn calibration_on_few(&self, images: &Dataset, observer: &Observer) -> Result<Calibration, Error> {
        let mut counts = images.class_counts();
        counts.retain(|&n| n > 0);
        if self.calibration.novel == 0.0 {
            // Outliers are not wanted.
            Ok(self.calibration)
        } else if counts.iter().any(|&n| n < LEAST_OF_CLASS) {
            Ok(Calibration { novel: f64::MAX, ..self.calibration })
        } else {
            self.calibrate_observed(images, observer)
        }
    }
}
