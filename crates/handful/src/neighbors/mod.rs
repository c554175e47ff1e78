//! Exact nearest neighbours, and classification by their votes.
//!
//! Distances are squared and whole; equal ones are ordered by index, so that there is exactly one right
//! answer and it is always given, whatever the number of threads.

mod basis;
mod classifier;
mod scan;
mod sketch;
mod top_k;
mod votes;

use std::sync::Arc;

use ndarray::{ArcArray2, Array2, ArrayView2, s};

pub use classifier::{KNeighborsClassifier, KNeighborsParams};
pub use votes::{TieBreak, Weights};

use sketch::Sketch;

use crate::{
    distance::{Level, with_kernel},
    progress::{Cancelled, Observer},
};

/// What can be wrong with a search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More neighbours than there are points, or none.
    #[error("n_neighbors is {n_neighbors}: expected 1 to {n_samples}, the number of vectors to search")]
    NeighborCount {
        /// Neighbours asked for.
        n_neighbors: usize,
        /// Vectors to search.
        n_samples: usize,
    },
    /// Queries of another length than the points.
    #[error("expected queries of {expected} features, as in the vectors to search, found {found}")]
    FeatureCount {
        /// Features of the points.
        expected: usize,
        /// Features of the queries.
        found: usize,
    },
    /// Ended by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// The nearest points of each query, nearest first; both arrays have shape (`n_queries`, `n_neighbors`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbors {
    /// Squared Euclidean distances.
    pub distances: Array2<u64>,
    /// Row numbers of the points.
    pub indices: Array2<usize>,
}

impl Neighbors {
    /// From the (distance, index) pairs of all queries, `k` each.
    fn from_pairs(pairs: impl IntoIterator<Item = (u64, usize)>, k: usize) -> Self {
        let (distances, indices): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let array = "k pairs for each query";
        Self {
            distances: Array2::from_shape_vec((distances.len() / k, k), distances).expect(array),
            indices: Array2::from_shape_vec((indices.len() / k, k), indices).expect(array),
        }
    }

    /// The first `n_neighbors` of each query: what a search for so many would have found.
    ///
    /// # Panics
    /// If there are fewer, or `n_neighbors` is 0.
    #[must_use]
    pub fn nearest(&self, n_neighbors: usize) -> Self {
        assert!(n_neighbors > 0, "expected at least one neighbour");
        let first = s![.., ..n_neighbors];
        Self {
            distances: self.distances.slice(first).as_standard_layout().into_owned(),
            indices: self.indices.slice(first).as_standard_layout().into_owned(),
        }
    }
}

/// How an index searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// With a sketch where trials show that it pays, else by brute force.
    #[default]
    Auto,
    /// Every query meets every point.
    Brute,
}

/// What a search wants to know of the points.
#[derive(Clone, Copy)]
struct Points<'a> {
    rows: ArrayView2<'a, u8>,
    /// Their [`point_terms`](scan::point_terms).
    terms: &'a [i64],
}

/// Points that can be searched for the nearest ones of a query.
///
/// Where trials show that it pays (many long vectors that a few directions describe well, as images are), most
/// points are ruled out by a sketch of 64 bytes with a proven bound. The answer is the exact one either way.
/// Memory beside the points: 8 bytes a point, with a sketch 77.
///
/// ```
/// use handful::neighbors::NearestNeighbors;
/// use ndarray::array;
///
/// let index = NearestNeighbors::new(array![[0_u8, 0], [3, 4], [10, 0]]);
/// let found = index.kneighbors(array![[4_u8, 4]].view(), 2)?;
/// assert_eq!(found.indices, array![[1, 0]]);
/// assert_eq!(found.distances, array![[1, 32]]);
/// # Ok::<(), handful::neighbors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NearestNeighbors {
    points: ArcArray2<u8>,
    terms: Vec<i64>,
    sketch: Option<Arc<Sketch>>,
    level: Level,
    observer: Observer,
}

impl NearestNeighbors {
    /// An index of `points`, shape (`n_samples`, `n_features`), made on all threads of the current rayon pool
    /// in O(`n_samples` · `n_features`). A shared array is not copied.
    pub fn new(points: impl Into<ArcArray2<u8>>) -> Self {
        Self::with_algorithm(points, Algorithm::Auto)
    }

    /// [`new`](Self::new), with a choice of how to search. The answers are the same.
    pub fn with_algorithm(points: impl Into<ArcArray2<u8>>, algorithm: Algorithm) -> Self {
        let mut points = points.into();
        if !points.is_standard_layout() {
            points = points.as_standard_layout().into_owned().into_shared();
        }
        let (terms, level) = (scan::point_terms(points.view()), Level::detect());
        let rows = Points { rows: points.view(), terms: &terms };
        let sketch = match algorithm {
            Algorithm::Auto => with_kernel!(level, |kernel| Sketch::new(kernel, rows)).map(Arc::new),
            Algorithm::Brute => None,
        };
        Self { points, terms, sketch, level, observer: Observer::default() }
    }

    /// Whom a search tells how far it is.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// The `n_neighbors` nearest points of each row of `queries`, shape (`n_queries`, `n_features`).
    ///
    /// Equal to sorting all points by (squared distance, index), in at most O(`n_queries` · `n_samples` ·
    /// `n_features`), on all threads of the current rayon pool.
    ///
    /// # Errors
    /// If `n_neighbors` is not 1 to `n_samples`, the numbers of features differ, or the observer breaks.
    pub fn kneighbors(&self, queries: ArrayView2<u8>, n_neighbors: usize) -> Result<Neighbors, Error> {
        let (n_samples, expected) = self.points.dim();
        if n_neighbors == 0 || n_neighbors > n_samples {
            return Err(Error::NeighborCount { n_neighbors, n_samples });
        }
        if queries.ncols() != expected {
            return Err(Error::FeatureCount { expected, found: queries.ncols() });
        }
        let points = Points { rows: self.points.view(), terms: &self.terms };
        let found = scan::in_blocks(queries, &self.observer, |queries| {
            with_kernel!(self.level, |kernel| match &self.sketch {
                Some(sketch) if n_neighbors <= n_samples / 64 => {
                    sketch.search(kernel, points, queries, n_neighbors).0
                }
                _ => scan::scan(kernel, points, queries, n_neighbors),
            })
        })?;
        Ok(Neighbors::from_pairs(found, n_neighbors))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::distance::squared_euclidean;

    /// The definition: sort all points by (squared distance, index).
    fn naive(points: &Array2<u8>, query: &[u8], k: usize) -> (Vec<u64>, Vec<usize>) {
        let distance = |row: ndarray::ArrayView1<u8>| squared_euclidean(&row.to_vec(), query);
        let mut all: Vec<_> = points.outer_iter().map(distance).zip(0..).collect();
        all.sort_unstable();
        all.into_iter().take(k).unzip()
    }

    fn check(points: &Array2<u8>, queries: &Array2<u8>, k: usize) {
        let found = NearestNeighbors::new(points.clone()).kneighbors(queries.view(), k).expect("valid");
        for (row, query) in queries.outer_iter().enumerate() {
            let (distances, indices) = naive(points, &query.to_vec(), k);
            assert_eq!(found.distances.row(row).to_vec(), distances);
            assert_eq!(found.indices.row(row).to_vec(), indices);
        }
        assert_eq!(found.nearest(1).indices.column(0), found.indices.column(0));
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            (n, m, d) in (1_usize..60, 1_usize..20, 1_usize..300),
            // Few values make many ties.
            levels in prop::sample::select(vec![1_u16, 2, 3, 256]),
            bytes in prop::collection::vec(any::<u8>(), 1009),
            k in 1_usize..60,
        ) {
            let byte = |i: usize| (u16::from(bytes[i % 1009]) % levels * (255 / levels.max(2))) as u8;
            let points = Array2::from_shape_fn((n, d), |(i, j)| byte(i * d + j));
            let queries = Array2::from_shape_fn((m, d), |(i, j)| byte(313 + i * d + j));
            check(&points, &queries, k.min(n));
        }
    }

    #[test]
    fn equals_the_definition_at_the_edges() {
        for d in [1, 3, 785, 4096, 40_000] {
            let extremes = Array2::from_shape_fn((11, d), |(i, _)| if i % 2 == 0 { 0 } else { 255 });
            check(&extremes, &extremes, 11);
            let one_hot = Array2::from_shape_fn((9, d), |(i, j)| if i % d == j { 255 } else { 0 });
            check(&one_hot, &one_hot, 4);
        }
    }

    #[test]
    fn arrays_of_any_layout_are_searched() {
        let points = Array2::from_shape_fn((20, 30), |(i, j)| (i * 37 + j * 11) as u8);
        let column_major = points.t().as_standard_layout().into_owned().reversed_axes();
        let doubled = ndarray::concatenate![ndarray::Axis(1), points, points];
        let every_other = doubled.slice(s![.., ..30]);
        assert!(!column_major.is_standard_layout() && !every_other.is_standard_layout());
        // One thread takes all queries at once, as they lie.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| {
            let expected = NearestNeighbors::new(points.clone()).kneighbors(points.view(), 3).unwrap();
            for queries in [column_major.view(), every_other] {
                let index = NearestNeighbors::new(queries.to_owned());
                assert_eq!(index.kneighbors(queries, 3).unwrap(), expected);
            }
        });
    }

    #[test]
    fn wrong_sizes_are_errors() {
        let index = NearestNeighbors::new(Array2::zeros((3, 2)));
        let queries = Array2::zeros((1, 2));
        for k in [0, 4] {
            assert!(matches!(index.kneighbors(queries.view(), k), Err(Error::NeighborCount { .. })));
        }
        let queries = Array2::zeros((1, 3));
        assert!(matches!(index.kneighbors(queries.view(), 1), Err(Error::FeatureCount { .. })));
        assert_eq!(index.kneighbors(Array2::zeros((0, 2)).view(), 1).expect("valid").indices.len(), 0);
    }
}
