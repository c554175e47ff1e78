//! An inverted index (Sivic and Zisserman 2003): K-Means divides rows into lists of similar rows, and a query searches
//! the few nearest lists.
//!
//! ```text
//!   rows ──► K-Means ──► lists ─┐
//!                               ├──► exact search of n_probe lists ──► neighbours
//!   query ──► nearest centroids ┘
//! ```
//!
//! This is the only search of this library that may miss a neighbour: one in a list that was not probed. How many it
//! misses is measured when the index is created, on rows of the data ([`recall`](InvertedIndex::recall)). Within the
//! probed lists it is exact, so with all lists it finds the same as [`NearestNeighbors`].

mod build;
#[cfg(feature = "training")]
mod draft;
mod error;
mod file;
mod lists;
mod memory;
mod recall;
mod router;
mod sample;
mod search;
#[cfg(test)]
mod tests;
#[cfg(feature = "training")]
mod to_file;

use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::ArrayView2;
use rayon::prelude::*;

pub use error::Error;

// Only the command shows how the recall was measured.
#[doc(hidden)]
pub use recall::Recall;

use super::{NearestNeighbors, Neighbors, top_k::TopK};
use crate::{
    dataset::RowSource,
    distance::Kernel,
    neighbors,
    progress::{Observer, Stage},
};
use lists::{InFile, Lists, Place};

/// Maximum number of queries that are searched for together: the more queries, the more of them share a list.
const BLOCK: usize = 1 << 14;
/// Maximum number of bytes of queries that are searched for together, and of lists that they probe.
const BLOCK_BYTES: usize = 1 << 25;
const BLOCK_PROBES: usize = 1 << 22;
/// The recall to reach by default.
const RECALL: f64 = 0.99;

/// Parameters of an [`InvertedIndex`]; created by [`InvertedIndex::params`].
#[derive(Clone, Debug)]
pub struct InvertedParams {
    n_lists: Option<usize>,
    n_probe: Option<usize>,
    recall: f64,
    seed: u64,
    observer: Observer,
}

impl InvertedParams {
    /// Number of lists; twice the square root of the number of rows unless set.
    #[must_use]
    pub fn n_lists(self, n_lists: usize) -> Self {
        Self { n_lists: Some(n_lists), ..self }
    }

    /// Number of lists that a query probes; unless set, the smallest number that certainly reaches the
    /// [`recall`](Self::recall).
    #[must_use]
    pub fn n_probe(self, n_probe: usize) -> Self {
        Self { n_probe: Some(n_probe), ..self }
    }

    /// The recall to reach if the number of lists to probe is not set: the lower end of its 95 % interval on the data's
    /// own rows is at least this; 0.99 unless set.
    #[must_use]
    pub fn recall(self, recall: f64) -> Self {
        Self { recall, ..self }
    }

    /// Seed of the random choices; 0 unless set.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Progress callback for creating the index and for searches.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }
}

/// Rows of bytes in lists, and the centroids of the lists.
///
/// ```
/// use handful::neighbors::InvertedIndex;
/// use ndarray::{Array2, array};
///
/// let rows = Array2::from_shape_fn((1000, 2), |(i, j)| (i / 4 + 5 * j * (i % 4)) as u8);
/// let index = InvertedIndex::params().n_lists(10).n_probe(2).fit(&rows.view())?;
/// assert_eq!(index.kneighbors(array![[100, 105]].view(), 1)?.indices, array![[401]]);
/// assert!(index.recall() > 0.9);
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("rows.index");
/// index.save(&path)?;
/// let stored = InvertedIndex::open(&path)?;
/// assert_eq!(stored.kneighbors(rows.view(), 3)?, index.kneighbors(rows.view(), 3)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct InvertedIndex {
    /// The centroids of the lists, rounded to bytes.
    centroids: NearestNeighbors,
    lists: Lists,
    recall: Recall,
    n_probe: usize,
    memory_limit: Option<u64>,
    pub(super) observer: Observer,
}

impl InvertedIndex {
    /// Twice the square root of the number of rows as the number of lists, of which as many are probed as a recall of
    /// 0.99 requires.
    #[must_use]
    pub fn params() -> InvertedParams {
        InvertedParams {
            n_lists: None,
            n_probe: None,
            recall: RECALL,
            seed: 0,
            observer: Observer::default(),
        }
    }

    /// Progress callback for searches.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// The most memory that the process may use while it searches an index in its file, in bytes; no limit unless set.
    /// The results do not depend on it.
    #[must_use]
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit: Some(bytes), ..self }
    }

    /// The same index with another number of lists to probe.
    ///
    /// # Errors
    /// [`Error::ProbeCount`] if it is 0 or more than the number of lists.
    pub fn with_n_probe(self, n_probe: usize) -> Result<Self, Error> {
        let n_lists = self.n_lists();
        if !(1..=n_lists).contains(&n_probe) {
            return Err(Error::ProbeCount { n_probe, n_lists });
        }
        Ok(Self { n_probe, ..self })
    }

    /// Number of rows.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.lists.n_samples()
    }

    /// Length of each row.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.lists.n_features
    }

    /// Number of lists.
    #[must_use]
    pub fn n_lists(&self) -> usize {
        self.lists.n_lists()
    }

    /// Number of lists that a query probes.
    #[must_use]
    pub fn n_probe(&self) -> usize {
        self.n_probe
    }

    /// The share of the true neighbours that is found, as measured when the index was created.
    #[must_use]
    pub fn recall(&self) -> f64 {
        self.recall.at(self.n_probe)
    }

    /// How the recall was measured, and its value for other numbers of lists.
    #[doc(hidden)]
    #[must_use]
    pub fn measured_recall(&self) -> &Recall {
        &self.recall
    }

    /// The `n_neighbors` nearest rows of each row of `queries`, shape (`n_queries`, `n_features`), among those in the
    /// query's `n_probe` nearest lists, ordered by (squared distance, index). If these lists hold fewer rows, further
    /// lists are probed until there are enough.
    ///
    /// At most O(`n_queries` · (`n_lists` + rows in the lists) · `n_features`), on all threads of the current rayon
    /// pool, each of which has its own queries. The result of a query does not depend on the other queries.
    ///
    /// # Errors
    /// If `n_neighbors` is not 1 to the number of rows, the numbers of features differ, the file of the index cannot
    /// be read, or the observer breaks.
    pub fn kneighbors(&self, queries: ArrayView2<u8>, n_neighbors: usize) -> Result<Neighbors, Error> {
        self.kneighbors_observed(queries, n_neighbors, &self.observer)
    }

    /// [`kneighbors`](Self::kneighbors) for callers that share an index.
    pub(super) fn kneighbors_observed(
        &self,
        queries: ArrayView2<u8>,
        n_neighbors: usize,
        observer: &Observer,
    ) -> Result<Neighbors, Error> {
        self.search(&queries, (n_neighbors, self.n_probe), observer)
    }

    /// [`kneighbors`](Self::kneighbors) for queries that stay where they are, such as those of
    /// [`OnDisk`](crate::dataset::OnDisk).
    ///
    /// # Errors
    /// As [`kneighbors`](Self::kneighbors); if queries cannot be read.
    #[doc(hidden)]
    pub fn kneighbors_on_disk(
        &self,
        queries: &impl RowSource,
        n_neighbors: usize,
    ) -> Result<Neighbors, Error> {
        self.search(queries, (n_neighbors, self.n_probe), &self.observer)
    }

    fn search(
        &self,
        queries: &impl RowSource,
        (k, n_probe): (usize, usize),
        observer: &Observer,
    ) -> Result<Neighbors, Error> {
        let (n_samples, expected) = (self.n_samples(), self.n_features());
        if k == 0 || k > n_samples {
            return Err(neighbors::Error::NeighborCount { n_neighbors: k, n_samples }.into());
        }
        let (m, found) = queries.shape();
        if found != expected {
            return Err(neighbors::Error::FeatureCount { expected, found }.into());
        }
        let block = self.queries_together(m, (k, n_probe))?;
        let done = AtomicUsize::new(0);
        let tick = |pairs: usize| {
            let done = done.fetch_add(pairs, Ordering::Relaxed) + pairs;
            observer.report(Stage::Search, (done / n_probe).min(m), m)
        };
        let answer = |first: usize| {
            let mut buffer = Vec::new();
            let queries = queries.rows(first..m.min(first + block), &mut buffer)?;
            self.block(Kernel::detect(), queries, (k, n_probe), &tick)
        };
        observer.report(Stage::Search, 0, m)?;
        let found: Vec<Vec<TopK>> = if m <= block {
            vec![answer(0)?]
        } else {
            (0..m.div_ceil(block))
                .into_par_iter()
                .map(|number| answer(number * block))
                .collect::<Result<_, Error>>()?
        };
        observer.report(Stage::Search, m, m)?;
        Ok(Neighbors::from_pairs(found.into_iter().flatten().flat_map(TopK::into_sorted), k))
    }

    /// The error for a file that cannot be read.
    fn unreadable(&self, source: std::io::Error) -> Error {
        let path = match &self.lists.place {
            Place::File(InFile { path, .. }) => path.clone(),
            Place::Memory { .. } => std::path::PathBuf::new(),
        };
        Error::Io { path, source }
    }
}
