//! Exact nearest neighbours, and classification by their votes.
//!
//! Vectors are bytes or floats. Distances are squared, and equal ones are ordered by index. There is therefore exactly
//! one right answer, and it is always returned, whatever the number of threads. Distances between bytes are whole
//! numbers; those between floats are sums in `f64`, always in the same order.
#![expect(private_bounds, reason = "elements are a closed set, and how they are searched is our matter")]

mod bytes;
mod classifier;
mod engine;
mod error;
mod floats;
mod index;
pub mod inverted;
mod out_of_core;
mod radius;
mod scan;
mod searcher;
mod sketched;
mod streamed;
#[cfg(test)]
mod tests;
mod top_k;
pub(crate) mod votes;

use ndarray::{ArcArray2, Array2, ArrayView2, s};

pub use classifier::{KNeighborsClassifier, KNeighborsParams};
pub use error::Error;
pub use inverted::InvertedIndex;
pub use votes::{TieBreak, Weights};

// Only the command, the Python package, benches and tests need these, and what is hidden below.
#[doc(hidden)]
pub use {
    index::Index, out_of_core::OutOfCore, radius::RadiusNeighbors, searcher::Searcher,
    streamed::StreamedSearch,
};

use engine::Searchable;

use crate::{
    distance::Element,
    progress::{Cancelled, Observer},
};

/// The nearest points of each query, nearest first; both arrays have shape (`n_queries`, `n_neighbors`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbors<D = u64> {
    /// Squared Euclidean distances: whole numbers between bytes, otherwise `f64`.
    pub distances: Array2<D>,
    /// Row indices of the points.
    pub indices: Array2<usize>,
}

impl<D: Copy> Neighbors<D> {
    /// From the (distance, index) pairs of all queries, `k` each.
    fn from_pairs(pairs: impl IntoIterator<Item = (D, usize)>, k: usize) -> Self {
        let (distances, indices): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let array = "k pairs for each query";
        Self {
            distances: Array2::from_shape_vec((distances.len() / k, k), distances).expect(array),
            indices: Array2::from_shape_vec((indices.len() / k, k), indices).expect(array),
        }
    }

    /// The first `n_neighbors` neighbours of each query: the result of a search for that many.
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
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// With a sketch if trials show that it is faster, otherwise by brute force.
    #[default]
    Auto,
    /// Compares every query with every point.
    Brute,
}

/// Points in which the nearest ones of a query can be found.
///
/// Vectors consist of `u8`, `f32` or `f64`. If trials with 5 neighbours show that it is faster (for many long vectors
/// that a few directions describe well, such as images), a sketch of 64 bytes rules out most points by a proven bound.
/// The answer is exact either way. Floats are first compared as bytes, which are stored too, with a bound on the
/// rounding error, and measured in `f64` where that does not decide. Memory besides the points: 8 bytes per point, or
/// some 80 with a sketch, and for floats one byte per value in addition.
///
/// ```
/// use handful::neighbors::NearestNeighbors;
/// use ndarray::array;
///
/// let index = NearestNeighbors::new(array![[0_u8, 0], [3, 4], [10, 0]])?;
/// let found = index.kneighbors(array![[4_u8, 4]].view(), 2)?;
/// assert_eq!(found.indices, array![[1, 0]]);
/// assert_eq!(found.distances, array![[1, 32]]);
///
/// let index = NearestNeighbors::new(array![[0.0], [1.5], [4.0]])?;
/// assert_eq!(index.kneighbors(array![[1.0]].view(), 1)?.distances, array![[0.25]]);
/// # Ok::<(), handful::neighbors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NearestNeighbors<T: Element + Searchable = u8> {
    points: ArcArray2<T>,
    index: Index<T>,
}

impl<T: Element + Searchable> NearestNeighbors<T> {
    /// Creates an index of `points`, shape (`n_samples`, `n_features`), in O(`n_samples` · `n_features`), mostly on all
    /// threads of the current rayon pool. A shared array is not copied.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a value is NaN, infinite, or beyond 1e150 in size.
    pub fn new(points: impl Into<ArcArray2<T>>) -> Result<Self, Error> {
        Self::with_algorithm(points, Algorithm::Auto)
    }

    /// [`new`](Self::new) with a choice of the search algorithm. The answers are the same.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    #[doc(hidden)]
    pub fn with_algorithm(points: impl Into<ArcArray2<T>>, algorithm: Algorithm) -> Result<Self, Error> {
        let mut points = points.into();
        if !points.is_standard_layout() {
            points = points.as_standard_layout().into_owned().into_shared();
        }
        let index = Index::new(points.view(), algorithm)?;
        Ok(Self { points, index })
    }

    /// Progress callback for searches.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { index: self.index.observer(observer), ..self }
    }

    /// Number of points, and their length.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        self.points.dim()
    }

    /// The `n_neighbors` nearest points of each row of `queries`, shape (`n_queries`, `n_features`).
    ///
    /// Equal to sorting all points by (squared distance, index), in at most O(`n_queries` · `n_samples` ·
    /// `n_features`), on all threads of the current rayon pool. Each thread has its own queries, or, if there are few
    /// queries, its own points.
    ///
    /// # Errors
    /// If `n_neighbors` is not 1 to `n_samples`, the numbers of features differ, a value is not finite, or the
    /// observer breaks.
    pub fn kneighbors(
        &self,
        queries: ArrayView2<T>,
        n_neighbors: usize,
    ) -> Result<Neighbors<T::Distance>, Error> {
        self.index.kneighbors(self.points.view(), queries, n_neighbors)
    }

    /// All points whose squared distance from a row of `queries`, shape (`n_queries`, `n_features`), is at most
    /// `squared_radius`, as in [`Index::radius_neighbors`].
    ///
    /// ```
    /// use handful::neighbors::NearestNeighbors;
    /// use ndarray::array;
    ///
    /// let index = NearestNeighbors::new(array![[0.0], [1.5], [4.0]])?;
    /// let found = index.radius_neighbors(array![[1.0]].view(), 1.0)?;
    /// assert_eq!((found.indices, found.distances), (vec![1, 0], vec![0.25, 1.0]));
    /// # Ok::<(), handful::neighbors::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the numbers of features differ, a value is not finite, or the observer breaks.
    #[doc(hidden)]
    pub fn radius_neighbors(
        &self,
        queries: ArrayView2<T>,
        squared_radius: T::Distance,
    ) -> Result<RadiusNeighbors<T::Distance>, Error> {
        self.index.radius_neighbors(self.points.view(), queries, squared_radius)
    }
}

/// Receives the number of pairs of query and point that have just been processed.
type Tick<'a> = &'a (dyn Fn(usize) -> Result<(), Cancelled> + Sync);
