//! From images to labels: features, prototypes and votes, in one model that can be saved.
//!
//! ```text
//!  image ──► Vectorizer ──► prototypes ──► Decision ──► label, probabilities,
//!            features       all | m per    votes |      the neighbours that voted
//!                           class          hyperplanes
//! ```
//!
//! [`Params`] describes every recipe, a [`Preset`] is one with frozen values, and [`Params::fit`] turns it into a
//! [`Model`]:
//!
//! ```no_run
//! use handful::{classifier::Preset, dataset};
//!
//! let mnist = dataset::load(&dataset::locate()?)?;
//! let model = Preset::Fast.params().fit(&mnist.train)?;
//! let labels = model.predict(mnist.test.images().view())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adapted;
mod alternatives;
mod confidence;
mod error;
mod explanation;
mod hyperplanes;
mod index_params;
mod label_type;
mod model;
mod origin;
mod pictures;
mod preset;
mod provenance;
mod taught;
#[cfg(test)]
mod tests;
#[cfg(feature = "training")]
mod training;
mod voting;

use serde::{Deserialize, Serialize};

pub use confidence::Calibration;
pub use error::Error;
pub use explanation::{Explanation, Voter};
pub use hyperplanes::Hyperplanes;
pub use index_params::IndexParams;
pub use model::Model;
pub use origin::Origin;
pub use preset::Preset;

#[cfg(feature = "training")]
pub use training::*;

// Only the command and the Python package show this.
#[doc(hidden)]
pub use provenance::Provenance;

use crate::{
    augment::Everyday,
    features::{FeatureParams, check_features},
};

/// Recipes are not meant for larger images.
const MOST_PIXELS: usize = 65_536;
/// Probabilities are stored for each class.
const MOST_CLASSES: usize = 4096;

/// A recipe: how an image is transformed, what it is compared with, and how the label is decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// The kinds of features that make up the vector, each with its weight relative to the others.
    pub features: Vec<(f64, FeatureParams)>,
    /// The vectors that vote.
    pub prototypes: PrototypeParams,
    /// How the label is decided.
    pub decision: Decision,
    /// How confidence is computed.
    pub calibration: Calibration,
    /// Seed of all random choices.
    pub seed: u64,
    /// How prototypes are searched.
    #[serde(default, skip_serializing_if = "IndexParams::is_exact")]
    pub index: IndexParams,
    /// How the training images are enlarged first; `None` to take them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyday: Option<Everyday>,
}

/// The vectors that vote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrototypeParams {
    /// The vectors of all training images.
    All,
    /// The centroids of K-Means within each class.
    PerClass {
        /// Number of prototypes per class. A class with fewer images has as many as it has images.
        n_clusters: usize,
        /// Number of K-Means runs, of which the best is kept.
        n_init: usize,
        /// Maximum number of Lloyd iterations per run.
        max_iter: usize,
    },
}

/// How neighbours decide the label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The class with the most votes among the nearest neighbours; ties go to the nearest.
    Votes {
        /// Number of neighbours that vote; all prototypes if there are fewer.
        n_neighbors: usize,
    },
    /// The class whose neighbours span the nearest hyperplane.
    Hyperplanes(Hyperplanes),
}

impl Params {
    /// Number of training images, with those that the recipe adds to `n`; at most so many if classes are not digits.
    pub(crate) fn n_training_images(&self, n: usize) -> usize {
        self.everyday.map_or(n, |everyday| everyday.most_samples(n))
    }

    /// Checks the recipe for images of this shape and this number of classes, whatever they show.
    pub(crate) fn check(&self, [height, width]: [usize; 2], n_classes: usize) -> Result<(), String> {
        if height.checked_mul(width).is_none_or(|pixels| !(1..=MOST_PIXELS).contains(&pixels)) {
            return Err(format!("expected images of 1 to {MOST_PIXELS} pixels, found {height} x {width}"));
        }
        if n_classes > MOST_CLASSES {
            return Err(format!("expected {MOST_CLASSES} classes at most, found {n_classes}"));
        }
        check_features(&self.features)?;
        self.calibration.check()?;
        if let Some(everyday) = &self.everyday {
            everyday.check().map_err(|error| error.to_string())?;
        }
        if let PrototypeParams::PerClass { n_clusters, n_init, max_iter } = self.prototypes {
            let at_least_one = [("n_clusters", n_clusters), ("n_init", n_init), ("max_iter", max_iter)];
            if let Some((name, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
                return Err(format!("{name} is 0: expected at least 1"));
            }
        }
        if let IndexParams::Inverted { n_lists, n_probe } = self.index
            && let Some(n_probe) = n_probe
            && (n_probe == 0 || n_lists.is_some_and(|n_lists| n_probe > n_lists))
        {
            return Err(format!("n_probe is {n_probe}: expected 1 to the number of lists"));
        }
        match self.decision {
            Decision::Votes { n_neighbors: 0 } => {
                Err("n_neighbors is 0: expected at least 1 neighbour that votes".to_owned())
            }
            Decision::Votes { .. } => Ok(()),
            Decision::Hyperplanes(hyperplanes) => hyperplanes.check(),
        }
    }
}
