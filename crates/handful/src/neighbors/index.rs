//! An index of points, and the search that uses it.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::{Algorithm, Error, Neighbors, Tick, engine::Searchable, scan, top_k::TopK};
use crate::{
    distance::{Element, Kernel, LANES, Rows, all_shifted_norms},
    neighbors::sketched::{Search, SketchPlan, TestedSketch, trials},
    progress::{Cancelled, Observer, Stage},
};

/// Maximum number of queries that are searched for together. With a sketch there are so few that they stay in cache;
/// without one, so many that the points are packed only once or twice.
const SKETCHED_BLOCK: usize = 2048;
pub(super) const SCANNED_BLOCK: usize = 5120;
/// Maximum number of bytes of queries that are searched for together.
pub(super) const BLOCK_BYTES: usize = 1 << 23;
/// Minimum number of points per thread, and of brute-force queries per thread.
const POINTS_PER_THREAD: usize = 8192;
const SCANNED_PER_THREAD: usize = 32;

/// How an index obtains a sketch.
pub(super) enum Sketching<'a> {
    Never,
    /// If trials show that it is faster, with directions from a sample of the points, or of similar points.
    Try {
        sample: Option<ArrayView2<'a, u8>>,
    },
    /// In the same way as for other points.
    As(&'a SketchPlan),
}

/// Precomputed data that make searches fast, without the points themselves. Callers that store the points in memory of
/// their own, such as an array of another language, pass them to each search.
/// [`NearestNeighbors`](super::NearestNeighbors) stores both, and says how they are searched.
///
/// ```
/// use handful::neighbors::{Algorithm, Index};
/// use ndarray::array;
///
/// let points = array![[0_u8, 0], [3, 4], [10, 0]];
/// let index = Index::new(points.view(), Algorithm::Auto)?;
/// assert_eq!(index.kneighbors(points.view(), array![[4_u8, 4]].view(), 2)?.indices, array![[1, 0]]);
/// # Ok::<(), handful::neighbors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Index<T: Element + Searchable = u8> {
    shape: (usize, usize),
    scaled: T::Scaled,
    terms: Arc<Vec<i64>>,
    sketch: Option<Arc<TestedSketch>>,
    observer: Observer,
}

impl<T: Element + Searchable> Index<T> {
    /// Creates an index of `points`, shape (`n_samples`, `n_features`), in O(`n_samples` · `n_features`), mostly on all
    /// threads of the current rayon pool.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a value is NaN, infinite, or beyond 1e150 in size.
    ///
    /// # Panics
    /// If the points are not in standard layout.
    pub fn new(points: ArrayView2<T>, algorithm: Algorithm) -> Result<Self, Error> {
        let points = Rows::new(points);
        T::check(points, "vectors to search")?;
        Ok(match algorithm {
            Algorithm::Auto => Self::with(points, Sketching::Try { sample: None }),
            Algorithm::Brute => Self::with(points, Sketching::Never),
        })
    }

    /// Creates an index of points that have been checked.
    pub(super) fn with(points: Rows<T>, sketching: Sketching) -> Self {
        let scaled = T::scale(points);
        let bytes = T::bytes(points, &scaled);
        let terms = all_shifted_norms(bytes.view());
        let kernel = Kernel::detect();
        let sketch = match sketching {
            Sketching::Never => None,
            Sketching::Try { sample } => {
                let trials = points.view().select(Axis(0), &trials(points.nrows()));
                let pairs = T::pairs(kernel, points, &terms, &scaled, Rows::new(trials.view()));
                TestedSketch::new(kernel, bytes.view(), &pairs, T::EXACT_COST, sample.unwrap_or(bytes.view()))
            }
            Sketching::As(recipe) => Some(recipe.follow(kernel, bytes.view())),
        };
        Self {
            shape: points.dim(),
            scaled,
            terms: Arc::new(terms),
            sketch: sketch.map(Arc::new),
            observer: Observer::default(),
        }
    }

    /// How the points were sketched, if they were.
    pub(super) fn recipe(&self) -> Option<&SketchPlan> {
        self.sketch.as_deref().map(TestedSketch::recipe)
    }

    /// Progress callback for searches.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// The `n_neighbors` nearest points of each row of `queries`, shape (`n_queries`, `n_features`). `points` must be
    /// those from which the index was created; for other points the result is meaningless.
    ///
    /// Equal to [`NearestNeighbors::kneighbors`](super::NearestNeighbors::kneighbors), and as fast.
    ///
    /// # Errors
    /// If `n_neighbors` is not 1 to `n_samples`, the numbers of features differ, a value is not finite, or the
    /// observer breaks.
    ///
    /// # Panics
    /// If the shape of the points differs from that of the points from which the index was created, or they are not in
    /// standard layout.
    pub fn kneighbors(
        &self,
        points: ArrayView2<T>,
        queries: ArrayView2<T>,
        n_neighbors: usize,
    ) -> Result<Neighbors<T::Distance>, Error> {
        let points = Rows::new(points);
        let n_samples = self.shape.0;
        if n_neighbors == 0 || n_neighbors > n_samples {
            return Err(Error::NeighborCount { n_neighbors, n_samples });
        }
        let found = self.find(points, queries, &TopK::new(n_neighbors))?;
        let pairs = found.into_iter().flat_map(TopK::into_sorted);
        Ok(Neighbors::from_pairs(pairs.map(|(key, index)| (T::from_key(key), index)), n_neighbors))
    }

    /// Checks the queries, and [searches](Self::search) for the same of each.
    pub(super) fn find(
        &self,
        points: Rows<T>,
        queries: ArrayView2<T>,
        wanted: &TopK,
    ) -> Result<Vec<TopK>, Error> {
        assert_eq!(points.dim(), self.shape, "expected the points of the index");
        let (n_samples, expected) = self.shape;
        if queries.ncols() != expected {
            return Err(Error::FeatureCount { expected, found: queries.ncols() });
        }
        let queries = queries.as_standard_layout();
        let queries = Rows::new(queries.view());
        T::check(queries, "queries")?;
        let m = queries.nrows();
        let done = AtomicUsize::new(0);
        let tick = |pairs: usize| {
            let done = done.fetch_add(pairs, Ordering::Relaxed) + pairs;
            self.observer.report(Stage::Search, done / n_samples, m)
        };
        self.observer.report(Stage::Search, 0, m)?;
        Ok(self.search(points, queries, &vec![wanted.clone(); m], &tick)?)
    }

    /// For each query, the nearest of the points that can enter `wanted`, which is still empty.
    pub(super) fn search(
        &self,
        points: Rows<T>,
        queries: Rows<T>,
        wanted: &[TopK],
        tick: Tick,
    ) -> Result<Vec<TopK>, Cancelled> {
        let (n_samples, n_features) = self.shape;
        let (m, threads) = (queries.nrows(), rayon::current_num_threads());
        // Where nothing is known of the distances, the sketch itself must find enough near points.
        let may_sketch =
            wanted.iter().all(|wanted| wanted.threshold() < u64::MAX || wanted.k() <= n_samples / 64);
        let sketch = self
            .sketch
            .as_deref()
            .filter(|sketch| may_sketch && sketch.pays(Kernel::detect(), m, T::EXACT_COST, n_features));
        let (most, per_thread) =
            if sketch.is_some() { (SKETCHED_BLOCK, 1) } else { (SCANNED_BLOCK, SCANNED_PER_THREAD) };
        // Many queries are divided evenly, into equally many blocks per thread; for few queries, the points are
        // divided.
        let most = most.min(BLOCK_BYTES / n_features.max(1)).max(1);
        let (block, parts) = if m < per_thread * threads {
            (m.min(most).max(1), threads.min(n_samples / POINTS_PER_THREAD).max(1))
        } else {
            (m.div_ceil(m.div_ceil(most).next_multiple_of(threads)), 1)
        };
        let queries = queries.view();
        let answer = |(queries, wanted): (ArrayView2<T>, &[TopK])| {
            self.nearest(Kernel::detect(), sketch, points, Rows::new(queries), (wanted, parts), tick)
        };
        let found: Vec<Vec<TopK>> = if m <= block {
            let blocks = queries.axis_chunks_iter(Axis(0), block).zip(wanted.chunks(block));
            blocks.map(answer).collect::<Result<_, Cancelled>>()?
        } else {
            let blocks = queries.axis_chunks_iter(Axis(0), block).into_par_iter();
            blocks.zip(wanted.par_chunks(block)).map(answer).collect::<Result<_, Cancelled>>()?
        };
        Ok(found.into_iter().flatten().collect())
    }

    /// The nearest points of some queries, searched for in several parts of the points in parallel.
    fn nearest(
        &self,
        kernel: Kernel,
        sketch: Option<&TestedSketch>,
        points: Rows<T>,
        queries: Rows<T>,
        (wanted, parts): (&[TopK], usize),
        tick: Tick,
    ) -> Result<Vec<TopK>, Cancelled> {
        let bytes = T::bytes(points, &self.scaled);
        let pairs = T::pairs(kernel, points, &self.terms, &self.scaled, queries);
        let n = points.nrows();
        match sketch {
            Some(sketch) => {
                let search = Search::new(kernel, sketch.sketch(), &pairs, wanted);
                in_parts(n, parts, |range| Ok(search.stream(range, tick)?.0))
            }
            None => in_parts(n, parts, |range| {
                scan::scan(kernel, bytes.view(), &self.terms, &pairs, wanted, range, tick)
            }),
        }
    }
}

/// Searches parts of the points in parallel, and keeps the best of all.
pub(super) fn in_parts(
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
