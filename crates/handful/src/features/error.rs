//! Errors of learning features.

use crate::{kmeans, progress::Cancelled};

/// An error of learning features.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Discriminants need at least two classes.
    #[error("expected images of at least two classes, found one class")]
    OneClass,
    /// A system without a solution.
    #[error(
        "discriminants cannot be computed, because the features are linearly dependent: choose a larger ridge"
    )]
    Singular,
    /// Parameters that are invalid whatever the images.
    #[error("{0}")]
    Params(String),
    /// Images without strokes.
    #[error("expected images with strokes, to learn patches from them, but no image has any")]
    NoStrokes,
    /// A dictionary could not be learned.
    #[error(transparent)]
    KMeans(#[from] kmeans::Error),
    /// Cancelled by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
