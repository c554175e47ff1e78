//! What can be wrong with learning features.

use crate::{kmeans, progress::Cancelled};

/// What can be wrong with learning features.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Discriminants of one class.
    #[error("expected images of at least two classes to tell apart, found one")]
    OneClass,
    /// A system without a solution.
    #[error("the features depend on one another and no discriminants can be found: expected a larger ridge")]
    Singular,
    /// Parameters that make no sense whatever the images.
    #[error("{0}")]
    Params(String),
    /// Images without strokes.
    #[error("expected images with strokes to learn patches from, found none with any")]
    NoStrokes,
    /// A dictionary could not be learned.
    #[error(transparent)]
    KMeans(#[from] kmeans::Error),
    /// Ended by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
