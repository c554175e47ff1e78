//! Exact nearest neighbours, and classification by their votes.
//!
//! Vectors are bytes or floats. Distances are squared; equal ones are ordered by index, so that there is exactly
//! one right answer and it is always given, whatever the number of threads. Between bytes distances are whole
//! numbers; between floats they are what [`squared_euclidean`](crate::distance::squared_euclidean) says.
#![expect(private_bounds, reason = "elements are a closed set, and how they are searched is our matter")]

mod basis;
mod bytes;
mod classifier;
mod engine;
mod floats;
mod scan;
pub(crate) mod sketch;
#[cfg(test)]
mod tests;
mod top_k;
pub(crate) mod votes;

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ndarray::{ArcArray2, Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

pub use classifier::{KNeighborsClassifier, KNeighborsParams};
pub use votes::{TieBreak, Weights};

use engine::{Searchable, Terms};
pub(crate) use floats::{Float, Scale};
pub(crate) use scan::lanes;
use sketch::Tried;
use top_k::TopK;

use crate::{
    distance::{Element, Kernel, LANES, Level, with_kernel},
    progress::{Cancelled, Observer, Stage},
};

/// The most queries that are searched for together: with a sketch so few that they stay in cache, without one
/// so many that the points are packed for them but once or twice.
const SKETCHED_BLOCK: usize = 2048;
const SCANNED_BLOCK: usize = 5120;
/// The most bytes of queries that are searched for together.
const BLOCK_BYTES: usize = 1 << 23;
/// Points that are worth a thread of their own, and brute-force queries that are.
const POINTS_PER_THREAD: usize = 8192;
const SCANNED_PER_THREAD: usize = 32;

/// What can be wrong with a search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More neighbours than there are points, or none.
    #[error("{}", neighbor_count(*n_neighbors, *n_samples))]
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
    /// A value that no distance can be measured to.
    #[error("row {row} of the {what} has {value} in column {column}: expected finite numbers")]
    NotFinite {
        /// `vectors to search` or `queries`.
        what: &'static str,
        /// Row of the value.
        row: usize,
        /// Column of the value.
        column: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// Ended by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn neighbor_count(n_neighbors: usize, n_samples: usize) -> String {
    match n_samples {
        0 => format!("n_neighbors is {n_neighbors}, and there are no vectors to search"),
        _ => format!(
            "n_neighbors is {n_neighbors}: expected 1 to {n_samples}, the number of vectors to search"
        ),
    }
}

/// The nearest points of each query, nearest first; both arrays have shape (`n_queries`, `n_neighbors`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbors<D = u64> {
    /// Squared Euclidean distances, whole between bytes, else `f64`.
    pub distances: Array2<D>,
    /// Row numbers of the points.
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

/// Points that can be searched for the nearest ones of a query: vectors of `u8`, `f32` or `f64`.
///
/// Where trials with 5 neighbours show that it pays (many long vectors that a few directions describe well, as images are), most
/// points are ruled out by a sketch of 64 bytes with a proven bound. The answer is the exact one either way.
/// Floats are compared as bytes first, with a bound on what rounding took away, and measured in `f64` where that
/// does not decide. Memory beside the points: 8 bytes a point, with a sketch some 80.
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
    scale: T::Scale,
    terms: Arc<Terms>,
    sketch: Option<Arc<Tried>>,
    level: Level,
    observer: Observer,
}

impl<T: Element + Searchable> NearestNeighbors<T> {
    /// An index of `points`, shape (`n_samples`, `n_features`), made in O(`n_samples` · `n_features`), for the most
    /// part on all threads of the current rayon pool. A shared array is not copied.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a value is NaN or infinite.
    pub fn new(points: impl Into<ArcArray2<T>>) -> Result<Self, Error> {
        Self::with_algorithm(points, Algorithm::Auto)
    }

    /// [`new`](Self::new), with a choice of how to search. The answers are the same.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_algorithm(points: impl Into<ArcArray2<T>>, algorithm: Algorithm) -> Result<Self, Error> {
        let mut points = points.into();
        if !points.is_standard_layout() {
            points = points.as_standard_layout().into_owned().into_shared();
        }
        T::check(points.view(), "vectors to search")?;
        let (scale, level) = (T::scale(points.view()), Level::detect());
        let rows = T::rows(points.view(), &scale);
        let terms = Terms::of_all(&rows);
        let sketch = match algorithm {
            Algorithm::Auto => with_kernel!(level, |kernel| {
                let trials = points.select(Axis(0), &sketch::trials(points.nrows()));
                let pairs = T::pairs(kernel, points.view(), &terms, &scale, trials.view());
                Tried::new(kernel, &rows, &pairs, T::EXACT_COST)
            }),
            Algorithm::Brute => None,
        };
        drop(rows);
        Ok(Self {
            points,
            scale,
            terms: Arc::new(terms),
            sketch: sketch.map(Arc::new),
            level,
            observer: Observer::default(),
        })
    }

    /// Whom a search tells how far it is.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// The `n_neighbors` nearest points of each row of `queries`, shape (`n_queries`, `n_features`).
    ///
    /// Equal to sorting all points by (squared distance, index), in at most O(`n_queries` · `n_samples` ·
    /// `n_features`), on all threads of the current rayon pool: each has queries of its own, or, where there are
    /// few, points of its own.
    ///
    /// # Errors
    /// If `n_neighbors` is not 1 to `n_samples`, the numbers of features differ, a value is not finite, or the
    /// observer breaks.
    pub fn kneighbors(
        &self,
        queries: ArrayView2<T>,
        n_neighbors: usize,
    ) -> Result<Neighbors<T::Distance>, Error> {
        let (n_samples, expected) = self.points.dim();
        if n_neighbors == 0 || n_neighbors > n_samples {
            return Err(Error::NeighborCount { n_neighbors, n_samples });
        }
        if queries.ncols() != expected {
            return Err(Error::FeatureCount { expected, found: queries.ncols() });
        }
        T::check(queries, "queries")?;
        let (m, threads) = (queries.nrows(), rayon::current_num_threads());
        let sketch = self.sketch.as_deref().filter(|sketch| {
            let pays = with_kernel!(self.level, |kernel| sketch.pays(kernel, m, T::EXACT_COST, expected));
            pays && n_neighbors <= n_samples / 64
        });
        let (most, per_thread) =
            if sketch.is_some() { (SKETCHED_BLOCK, 1) } else { (SCANNED_BLOCK, SCANNED_PER_THREAD) };
        // Many queries are shared out, as many blocks for each thread; for few the points are.
        let most = most.min(BLOCK_BYTES / expected.max(1)).max(1);
        let (block, parts) = if m < per_thread * threads {
            (m.min(most).max(1), threads.min(n_samples / POINTS_PER_THREAD).max(1))
        } else {
            (m.div_ceil(m.div_ceil(most).next_multiple_of(threads)), 1)
        };

        let done = AtomicUsize::new(0);
        let tick = |pairs: usize| {
            let done = done.fetch_add(pairs, Ordering::Relaxed) + pairs;
            self.observer.report(Stage::Search, done / n_samples, m)
        };
        let answer = |queries: ArrayView2<T>| {
            with_kernel!(self.level, |kernel| self.nearest(
                kernel,
                sketch,
                queries,
                n_neighbors,
                parts,
                &tick
            ))
        };
        self.observer.report(Stage::Search, 0, m)?;
        let found: Vec<Vec<TopK>> = if m <= block {
            queries.axis_chunks_iter(Axis(0), block).map(answer).collect::<Result<_, Cancelled>>()?
        } else {
            let blocks = queries.axis_chunks_iter(Axis(0), block).into_par_iter();
            blocks.map(answer).collect::<Result<_, Cancelled>>()?
        };
        let pairs = found.into_iter().flatten().flat_map(TopK::into_sorted);
        Ok(Neighbors::from_pairs(pairs.map(|(key, index)| (T::from_key(key), index)), n_neighbors))
    }

    /// The nearest points of some queries, searched for in so many parts of the points side by side.
    fn nearest<K: Kernel>(
        &self,
        kernel: K,
        sketch: Option<&Tried>,
        queries: ArrayView2<T>,
        k: usize,
        parts: usize,
        tick: Tick,
    ) -> Result<Vec<TopK>, Cancelled> {
        let rows = T::rows(self.points.view(), &self.scale);
        let pairs = T::pairs(kernel, self.points.view(), &self.terms, &self.scale, queries);
        let n = self.points.nrows();
        match sketch {
            Some(sketch) => {
                let search = sketch::Search::new(kernel, sketch.sketch(), &pairs, k);
                in_parts(n, parts, |range| Ok(search.stream(range, tick)?.0))
            }
            None => {
                in_parts(n, parts, |range| scan::scan(kernel, &rows, &self.terms, &pairs, k, range, tick))
            }
        }
    }
}

/// Is told of so many pairs of query and point that have been seen to.
type Tick<'a> = &'a (dyn Fn(usize) -> Result<(), Cancelled> + Sync);

/// Searches parts of the points, and keeps the best of all.
fn in_parts(
    n: usize,
    parts: usize,
    search: impl Fn(Range<usize>) -> Result<Vec<TopK>, Cancelled> + Sync,
) -> Result<Vec<TopK>, Cancelled> {
    if parts == 1 {
        return search(0..n);
    }
    let points = n.div_ceil(parts).next_multiple_of(LANES);
    let found: Vec<_> = (0..n.div_ceil(points))
        .into_par_iter()
        .map(|part| search(part * points..n.min((part + 1) * points)))
        .collect::<Result<_, Cancelled>>()?;
    let merged = found.into_iter().reduce(|mut all, part| {
        for (best, found) in all.iter_mut().zip(part) {
            found.into_sorted().into_iter().for_each(|(distance, index)| best.offer(distance, index));
        }
        all
    });
    Ok(merged.expect("at least one part"))
}

/// So many of the numbers below `n`, evenly spread.
pub(crate) fn evenly(n: usize, count: usize) -> Vec<usize> {
    (0..count).map(|i| i * n / count).collect()
}
