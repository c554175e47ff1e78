//! Errors of fitting and using a model.

use crate::{augment, dataset, features, kmeans, neighbors, progress::Cancelled};

/// An error of fitting or using a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Features could not be learned.
    #[error(transparent)]
    Features(#[from] features::Error),
    /// Prototypes could not be computed.
    #[error(transparent)]
    KMeans(#[from] kmeans::Error),
    /// Neighbours could not be found.
    #[error(transparent)]
    Neighbors(#[from] neighbors::Error),
    /// An inverted index of the prototypes could not be created or searched.
    #[error(transparent)]
    Inverted(neighbors::inverted::Error),
    /// Training images could not be enlarged.
    #[error(transparent)]
    Augment(#[from] augment::Error),
    /// Prototypes are not a valid data set.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// All images belong to one class: there is nothing to distinguish.
    #[error("expected images of at least two classes, found one class ({class:?})")]
    OneClass {
        /// The class.
        class: String,
    },
    /// The size of the images differs from that of the model.
    #[error(
        "expected images of {height} x {width} pixels, like those that the model was trained on, found {found} pixels"
    )]
    ImageShape {
        /// Number of rows of pixels.
        height: usize,
        /// Number of columns of pixels.
        width: usize,
        /// Number of pixels found per image.
        found: usize,
    },
    /// Images of a class that the model does not have.
    #[error("expected images of the model's classes ({known}), found the class {class:?}")]
    UnknownClass {
        /// The class.
        class: String,
        /// The classes of the model.
        known: String,
    },
    /// Pictures of images other than the training images.
    #[error("expected the images that the model was trained on, found other images")]
    OtherImages,
    /// A recipe that is invalid whatever the images.
    #[error("{0}")]
    Params(String),
}

impl From<Cancelled> for Error {
    fn from(cancelled: Cancelled) -> Self {
        Self::Features(cancelled.into())
    }
}

impl From<neighbors::inverted::Error> for Error {
    fn from(error: neighbors::inverted::Error) -> Self {
        match error {
            neighbors::inverted::Error::Search(error) => Self::Neighbors(error),
            error => Self::Inverted(error),
        }
    }
}
