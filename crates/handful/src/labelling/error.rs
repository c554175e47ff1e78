//! What can be wrong with labelling.

use crate::{features, kmeans, neighbors, progress::Cancelled};

/// What can be wrong with labelling.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No image has been named.
    #[error("expected the label of at least one image, found none: name the images that are asked for")]
    NoAnswers,
    /// An answer about an image that does not exist.
    #[error("expected answers about images 0 to {}, found one about image {found}", n_samples - 1)]
    NoSuchImage {
        /// The image.
        found: usize,
        /// Number of images.
        n_samples: usize,
    },
    /// Features could not be learned.
    #[error(transparent)]
    Features(#[from] features::Error),
    /// The images could not be clustered.
    #[error(transparent)]
    KMeans(#[from] kmeans::Error),
    /// Neighbours could not be searched.
    #[error(transparent)]
    Neighbors(#[from] neighbors::Error),
    /// Cancelled by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
