//! Errors of learning features.

use crate::{kmeans, progress::Cancelled};

/// An error of learning features.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Discriminants need at least two classes.
    #[error("expected images of at least two classes to tell apart, found one")]
    OneClass,
    /// A system without a solution.
    #[error("the features depend on one another and no discriminants can be found: expected a larger ridge")]
    Singular,
    /// Parameters that are invalid whatever the images.
    #[error("{0}")]
    Params(String),
    /// Images without strokes.
    #[error("expected images with strokes to learn patches from, found none with any")]
    NoStrokes,
    /// A dictionary could not be learned.
    #[error(transparent)]
    KMeans(#[from] kmeans::Error),
    /// Cancelled by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
