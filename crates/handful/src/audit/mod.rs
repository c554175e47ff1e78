//! Finds what looks wrong with a labelled data set: labels, duplicates, images that belong to no class, rare classes.
//!
//! ```text
//!  images ──► features ──► nearest other images ──► label issues, ranked
//!    │         (without labels)      └────────────► images that belong to no class
//!    └──────► smoothed pixels, shifted ───────────► exact and near duplicates
//! ```
//!
//! An audit suggests, and a person decides: a label that looks wrong may be right. Neither an image nor its duplicates
//! vote on it, so that all evidence comes from other images.
//!
//! ```no_run
//! use handful::{audit::Audit, dataset};
//!
//! let mnist = dataset::load(&dataset::locate()?)?;
//! let audit = Audit::params().fit(&mnist.train, Some(&mnist.test))?;
//! for issue in audit.label_issues.iter().take(20) {
//!     println!("image {}: labelled {}, looks like {}", issue.row, issue.given, issue.suggested);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod classes;
mod duplicates;
mod error;
mod evidence;
mod groups;
mod near;
mod outliers;
mod params;
mod windows;

pub use classes::ClassCount;
pub use duplicates::Duplicate;
pub use error::Error;
pub use params::AuditParams;

use ndarray::Array2;

use crate::dataset::Split;

/// What an audit found. Rows count all images: the training images, then the test images.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Audit {
    /// Number of training images.
    pub n_train: usize,
    /// Images whose label looks wrong, most suspicious first.
    pub label_issues: Vec<LabelIssue>,
    /// For each image, how suspicious its label is, from 0 to 1: the share of its neighbours' votes against it.
    pub scores: Vec<f64>,
    /// For each image, the probability of each class according to its neighbours, shape (n, classes).
    pub probabilities: Array2<f64>,
    /// Pairs of images that are equal, or nearly so: exact ones first, then by distance.
    pub duplicates: Vec<Duplicate>,
    /// Images that seem to belong to no class, strangest first.
    pub outliers: Vec<Outlier>,
    /// For each image, its distance from what is usual in others, relative to the median. Infinite without ink.
    pub outlier_scores: Vec<f64>,
    /// The number of images of each class.
    pub classes: Vec<ClassCount>,
}

/// An image whose label looks wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelIssue {
    /// The image.
    pub row: usize,
    /// Its label.
    pub given: u32,
    /// The label that its neighbours suggest.
    pub suggested: u32,
    /// How suspicious the label is, from 0 to 1: see [`Audit::scores`].
    pub score: f64,
    /// The images that are nearest to it, nearest first.
    pub neighbors: Vec<Neighbor>,
}

/// An image that is near another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// The image.
    pub row: usize,
    /// Its label.
    pub label: u32,
    /// The squared distance of their features.
    pub distance: u64,
}

/// An image that seems to belong to no class.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlier {
    /// The image.
    pub row: usize,
    /// Its label.
    pub label: u32,
    /// Its distance from what is usual: see [`Audit::outlier_scores`].
    pub score: f64,
    /// The images that are nearest to it, nearest first.
    pub neighbors: Vec<Neighbor>,
}

impl Audit {
    /// Number of neighbours that vote unless set. Chosen on MNIST's training images with flipped labels.
    pub const N_NEIGHBORS: usize = 50;
    /// The score from which a label looks wrong unless set.
    pub const MIN_SCORE: f64 = 0.9;

    /// The parameters of an audit, with their defaults.
    #[must_use]
    pub fn params() -> AuditParams {
        AuditParams::default()
    }

    /// The part of the data set to which a row belongs, and its number in that part.
    #[must_use]
    pub fn place(&self, row: usize) -> (Split, usize) {
        match row.checked_sub(self.n_train) {
            Some(index) => (Split::Test, index),
            None => (Split::Train, row),
        }
    }
}
