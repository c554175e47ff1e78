//! What can be wrong with fitting and using a model.

use crate::{dataset, features, kmeans, neighbors, progress::Cancelled};

/// What can be wrong with fitting and using a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Features could not be learned.
    #[error(transparent)]
    Features(#[from] features::Error),
    /// Prototypes could not be made.
    #[error(transparent)]
    KMeans(#[from] kmeans::Error),
    /// Neighbours could not be found.
    #[error(transparent)]
    Neighbors(#[from] neighbors::Error),
    /// An inverted index of the prototypes could not be made or searched.
    #[error(transparent)]
    Inverted(#[from] neighbors::inverted::Error),
    /// Prototypes do not fit one another.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// Images of one class: there is nothing to tell apart.
    #[error("expected images of at least two classes to learn from, found one ({class:?})")]
    OneClass {
        /// The class.
        class: String,
    },
    /// Images of another size than the model's.
    #[error(
        "expected images of {height} x {width} pixels, as the model was trained on, found {found} pixels"
    )]
    ImageShape {
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
        /// Pixels of the images.
        found: usize,
    },
    /// Pictures of other images than the model's.
    #[error("expected the images that the model was learned from, found others")]
    OtherImages,
    /// A recipe that makes no sense whatever the images.
    #[error("{0}")]
    Params(String),
}

impl From<Cancelled> for Error {
    fn from(cancelled: Cancelled) -> Self {
        Self::Features(cancelled.into())
    }
}
