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
mod sketch;
mod top_k;
mod votes;

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

use engine::{Search, Terms};
use sketch::Sketch;
use top_k::TopK;

use crate::{
    distance::{Element, Kernel, LANES, Level, with_kernel},
    progress::{Cancelled, Observer, Stage},
};

/// The most queries that are searched for together: with a sketch so few that they stay in cache, without one
/// so many that the points are packed for them but once or twice.
const SKETCHED_BLOCK: usize = 2048;
const SCANNED_BLOCK: usize = 5120;
/// Points that are worth a thread of their own.
const POINTS_PER_THREAD: usize = 8192;

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
/// Where trials show that it pays (many long vectors that a few directions describe well, as images are), most
/// points are ruled out by a sketch of 64 bytes with a proven bound. The answer is the exact one either way.
/// Floats are compared as bytes first, with a bound on what rounding took away, and measured in `f64` where that
/// does not decide. Memory beside the points: 8 bytes a point, with a sketch 77.
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
pub struct NearestNeighbors<T: Element + Search = u8> {
    points: ArcArray2<T>,
    scale: T::Scale,
    terms: Terms,
    sketch: Option<Arc<Sketch>>,
    level: Level,
    observer: Observer,
}

impl<T: Element + Search> NearestNeighbors<T> {
    /// An index of `points`, shape (`n_samples`, `n_features`), made on all threads of the current rayon pool
    /// in O(`n_samples` · `n_features`). A shared array is not copied.
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
                Sketch::new(kernel, &rows, &pairs, T::EXACT_COST)
            }),
            Algorithm::Brute => None,
        };
        drop(rows);
        Ok(Self { points, scale, terms, sketch: sketch.map(Arc::new), level, observer: Observer::default() })
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
    /// fewer than threads, points of its own.
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
        let most = if sketch.is_some() { SKETCHED_BLOCK } else { SCANNED_BLOCK };
        // As many blocks for each thread.
        let block = m.div_ceil(m.div_ceil(most).max(1).next_multiple_of(threads)).max(1);

        let done = AtomicUsize::new(0);
        let answer = |queries: ArrayView2<T>| {
            let found = with_kernel!(self.level, |kernel| self.nearest(kernel, sketch, queries, n_neighbors));
            let done = done.fetch_add(queries.nrows(), Ordering::Relaxed) + queries.nrows();
            self.observer.report(Stage::Search, done, m)?;
            Ok(found)
        };
        self.observer.report(Stage::Search, 0, m)?;
        let found: Vec<Vec<TopK>> = if m < threads || m <= block {
            queries.axis_chunks_iter(Axis(0), m.max(1)).map(answer).collect::<Result<_, Cancelled>>()?
        } else {
            let blocks = queries.axis_chunks_iter(Axis(0), block).into_par_iter();
            blocks.map(answer).collect::<Result<_, Cancelled>>()?
        };
        let pairs = found.into_iter().flatten().flat_map(TopK::into_sorted);
        Ok(Neighbors::from_pairs(pairs.map(|(key, index)| (T::from_key(key), index)), n_neighbors))
    }

    fn nearest<K: Kernel>(
        &self,
        kernel: K,
        sketch: Option<&Sketch>,
        queries: ArrayView2<T>,
        k: usize,
    ) -> Vec<TopK> {
        let rows = T::rows(self.points.view(), &self.scale);
        let pairs = T::pairs(kernel, self.points.view(), &self.terms, &self.scale, queries);
        let (n, m) = (self.points.nrows(), queries.nrows());
        match sketch {
            Some(sketch) => {
                let search = sketch::Search::new(kernel, sketch, &pairs, k);
                in_parts(n, m, k, |range| search.stream(range).0)
            }
            None => in_parts(n, m, k, |range| scan::scan(kernel, &rows, &self.terms, &pairs, k, range)),
        }
    }
}

/// Searches all points at once or, where there are fewer queries than threads, parts of them side by side.
fn in_parts(n: usize, m: usize, k: usize, search: impl Fn(Range<usize>) -> Vec<TopK> + Sync) -> Vec<TopK> {
    let parts = rayon::current_num_threads().div_ceil(m.max(1)).min(n / POINTS_PER_THREAD);
    if parts < 2 {
        return search(0..n);
    }
    let points = n.div_ceil(parts).next_multiple_of(LANES);
    let found: Vec<_> =
        (0..parts).into_par_iter().map(|part| search(part * points..n.min((part + 1) * points))).collect();
    let mut best: Vec<TopK> = (0..m).map(|_| TopK::new(k)).collect();
    for part in found {
        for (best, found) in best.iter_mut().zip(part) {
            found.into_sorted().into_iter().for_each(|(distance, index)| best.offer(distance, index));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::distance::squared_euclidean;

    /// The definition: sort all points by (squared distance, index).
    fn naive<T: Element>(points: &Array2<T>, query: &[T], k: usize) -> (Vec<T::Distance>, Vec<usize>) {
        let distance = |row: ndarray::ArrayView1<T>| squared_euclidean(&row.to_vec(), query);
        let mut all: Vec<_> = points.outer_iter().map(distance).zip(0..).collect();
        all.sort_by(|a, b| a.partial_cmp(b).expect("distances are numbers"));
        all.into_iter().take(k).unzip()
    }

    fn check<T: Element + Search>(points: &Array2<T>, queries: &Array2<T>, k: usize) {
        let index = NearestNeighbors::new(points.clone()).expect("finite");
        let found = index.kneighbors(queries.view(), k).expect("valid");
        for (row, query) in queries.outer_iter().enumerate() {
            let (distances, indices) = naive(points, &query.to_vec(), k);
            assert_eq!(found.indices.row(row).to_vec(), indices);
            for (found, expected) in found.distances.row(row).iter().zip(distances) {
                assert!(*found == expected, "{found:?} for {expected:?}");
            }
            let alone = index.kneighbors(queries.slice(s![row..=row, ..]), k).expect("valid");
            assert_eq!(alone.indices.row(0), found.indices.row(row));
        }
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

        #[test]
        fn equals_the_definition_between_floats(
            (n, m, d) in (1_usize..60, 1_usize..20, 1_usize..100),
            values in prop::collection::vec(finite(), 1009),
            k in 1_usize..60,
        ) {
            let wide = |start: usize, n| Array2::from_shape_fn((n, d), |(i, j)| values[(start + i * d + j) % 1009]);
            let (points, queries) = (wide(0, n), wide(313, m));
            check(&points, &queries, k.min(n));
            let narrow = |x: &f64| (*x as f32).clamp(f32::MIN, f32::MAX);
            check(&points.map(narrow), &queries.map(narrow), k.min(n));
        }
    }

    /// Neighbours much nearer than a step of the scale: without all of the rounding in the bound some are missed.
    #[test]
    fn equals_the_definition_between_steps() {
        for d in 1..4 {
            let spread = |n: usize, a: f64| {
                Array2::from_shape_fn((n, d), |(i, j)| ((i + 1) as f64 * (a + j as f64).sqrt()).fract())
            };
            let (points, queries) = (spread(3000, 2.0), spread(100, 5.0));
            check(&points, &queries, 3);
            check(&points.mapv(|x| x as f32), &queries.mapv(|x| x as f32 * 1.5), 3);
        }
    }

    /// Floats of one size, of few values, and of all sizes: huge, tiny, subnormal.
    fn finite() -> impl Strategy<Value = f64> {
        use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
        prop_oneof![
            3 => -1.0..1.0,
            3 => prop::sample::select(vec![0.0, -0.0, 0.5, 1.0]),
            1 => POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO,
        ]
    }

    #[test]
    fn equals_the_definition_at_the_edges() {
        for d in [1, 3, 785, 4096, 40_000, 70_000] {
            let extremes = Array2::from_shape_fn((11, d), |(i, _)| if i % 2 == 0 { 0 } else { 255 });
            check(&extremes, &extremes, 11);
            check(&extremes.mapv(f32::from), &extremes.mapv(|x| f32::from(x) + 0.25), 11);
            let one_hot = Array2::from_shape_fn((9, d), |(i, j)| if i % d == j { 255 } else { 0 });
            check(&one_hot, &one_hot, 4);
            check(&one_hot.mapv(f64::from), &one_hot.mapv(|x| f64::from(x) * 1e-3), 4);
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
            let expected =
                NearestNeighbors::new(points.clone()).unwrap().kneighbors(points.view(), 3).unwrap();
            for queries in [column_major.view(), every_other] {
                let index = NearestNeighbors::new(queries.to_owned()).unwrap();
                assert_eq!(index.kneighbors(queries, 3).unwrap(), expected);
            }
        });
    }

    #[test]
    fn few_queries_find_the_same_on_many_threads() {
        let points = Array2::from_shape_fn((40_003, 9), |(i, j)| (i * 37 + j * 11 + i * i * j) as u8);
        let queries = points.slice(s![..;8000, ..]).mapv(|x| x ^ 5);
        let index = NearestNeighbors::new(points.clone()).unwrap();
        for threads in [1, 2, 4, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for m in [1, 2, 5] {
                let found = pool.install(|| index.kneighbors(queries.slice(s![..m, ..]), 20)).unwrap();
                for (row, query) in queries.outer_iter().take(m).enumerate() {
                    let (distances, indices) = naive(&points, &query.to_vec(), 20);
                    assert_eq!(found.distances.row(row).to_vec(), distances);
                    assert_eq!(found.indices.row(row).to_vec(), indices);
                }
            }
        }
    }

    #[test]
    fn wrong_sizes_are_errors() {
        let index = NearestNeighbors::new(Array2::<u8>::zeros((3, 2))).unwrap();
        let queries = Array2::zeros((1, 2));
        for k in [0, 4] {
            assert!(matches!(index.kneighbors(queries.view(), k), Err(Error::NeighborCount { .. })));
        }
        let queries = Array2::zeros((1, 3));
        assert!(matches!(index.kneighbors(queries.view(), 1), Err(Error::FeatureCount { .. })));
        assert_eq!(index.kneighbors(Array2::zeros((0, 2)).view(), 1).expect("valid").indices.len(), 0);
    }

    #[test]
    fn values_that_are_no_numbers_are_errors() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut points = Array2::zeros((3, 2));
            points[[2, 1]] = value;
            let error = NearestNeighbors::new(points.clone()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("row 2 of the vectors to search has {value} in column 1: expected finite numbers")
            );
            let index = NearestNeighbors::new(Array2::<f32>::zeros((3, 2))).unwrap();
            let error = index.kneighbors(points.view(), 1).unwrap_err();
            assert!(error.to_string().starts_with("row 2 of the queries has"), "{error}");
        }
    }
}
