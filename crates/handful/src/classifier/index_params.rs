//! How prototypes are searched: all of them, or the nearest lists of an inverted index.

use ndarray::ArcArray2;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::{
    neighbors::{InvertedIndex, NearestNeighbors, Searcher},
    progress::Observer,
};

/// With fewer vectors, a search without lists is as fast.
const LEAST: usize = 4096;

/// How prototypes are searched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexParams {
    /// All prototypes, exactly.
    #[default]
    Exact,
    /// The prototypes in the nearest lists of an [`InvertedIndex`]. This is faster for very many prototypes, but may
    /// miss a neighbour ([`Model::recall`](super::Model::recall)). The lists are recomputed, with the same result, when
    /// a model is loaded.
    Inverted {
        /// Number of lists; if `None`, twice the square root of the number of prototypes.
        n_lists: Option<usize>,
        /// Number of lists that a query probes; if `None`, as many as a recall of 0.99 requires.
        n_probe: Option<usize>,
    },
}

impl IndexParams {
    pub(super) fn is_exact(&self) -> bool {
        *self == Self::Exact
    }

    /// The parameters for a subset of the vectors.
    pub(super) fn of_part(&self) -> Self {
        match self {
            Self::Exact => Self::Exact,
            Self::Inverted { .. } => Self::Inverted { n_lists: None, n_probe: None },
        }
    }

    /// Prepares vectors to be searched.
    pub(super) fn fit(
        &self,
        vectors: impl Into<ArcArray2<u8>>,
        seed: u64,
        observer: &Observer,
    ) -> Result<Searcher, Error> {
        let vectors = vectors.into();
        let &Self::Inverted { n_lists, n_probe } = self else {
            return Ok(NearestNeighbors::new(vectors)?.into());
        };
        if vectors.nrows() < LEAST && n_lists.is_none() {
            return Ok(NearestNeighbors::new(vectors)?.into());
        }
        let mut params = InvertedIndex::params().seed(seed).observer(observer.clone());
        if let Some(n_lists) = n_lists {
            params = params.n_lists(n_lists);
        }
        if let Some(n_probe) = n_probe {
            params = params.n_probe(n_probe);
        }
        Ok(params.fit(&vectors.view())?.observer(Observer::default()).into())
    }
}
