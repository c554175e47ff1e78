//! One search that is exact or inverted, chosen at run time.

use std::sync::Arc;

use ndarray::ArrayView2;

use super::{InvertedIndex, NearestNeighbors, Neighbors, inverted::Error};
use crate::progress::Observer;

/// Rows that are searched either exactly or with an inverted index.
#[derive(Clone, Debug)]
pub enum Searcher {
    /// All rows.
    Exact(NearestNeighbors),
    /// The rows in the nearest lists of an index, which clones share.
    Inverted(Arc<InvertedIndex>, Observer),
}

impl Searcher {
    /// Progress callback.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        match self {
            Self::Exact(index) => Self::Exact(index.observer(observer)),
            Self::Inverted(index, _) => Self::Inverted(index, observer),
        }
    }

    /// Number of rows and of features.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Self::Exact(index) => index.shape(),
            Self::Inverted(index, _) => (index.n_samples(), index.n_features()),
        }
    }

    /// The nearest rows of each query, shape (n, `n_features`).
    ///
    /// # Errors
    /// As those of [`NearestNeighbors::kneighbors`] and [`InvertedIndex::kneighbors`].
    pub fn kneighbors(&self, queries: ArrayView2<u8>, n_neighbors: usize) -> Result<Neighbors, Error> {
        match self {
            Self::Exact(index) => Ok(index.kneighbors(queries, n_neighbors)?),
            Self::Inverted(index, observer) => index.kneighbors_observed(queries, n_neighbors, observer),
        }
    }

    /// The inverted index, if there is one.
    #[must_use]
    pub fn inverted(&self) -> Option<&InvertedIndex> {
        match self {
            Self::Exact(_) => None,
            Self::Inverted(index, _) => Some(index),
        }
    }
}

impl From<NearestNeighbors> for Searcher {
    fn from(index: NearestNeighbors) -> Self {
        Self::Exact(index)
    }
}

impl From<InvertedIndex> for Searcher {
    fn from(index: InvertedIndex) -> Self {
        let observer = index.observer.clone();
        Self::Inverted(Arc::new(index), observer)
    }
}
