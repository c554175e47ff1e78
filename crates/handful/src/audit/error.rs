//! Errors of audits.

use crate::{dataset, features, neighbors, progress::Cancelled};

/// An error of an audit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Features could not be learned.
    #[error(transparent)]
    Features(#[from] features::Error),
    /// Neighbours could not be found.
    #[error(transparent)]
    Neighbors(#[from] neighbors::Error),
    /// The training and the test images do not belong to one data set.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// All images have one label: there is nothing to doubt.
    #[error("expected images of at least two classes, found one class ({class:?})")]
    OneClass {
        /// The class.
        class: String,
    },
    /// Parameters that are invalid whatever the images.
    #[error("{0}")]
    Params(String),
    /// Cancelled by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
