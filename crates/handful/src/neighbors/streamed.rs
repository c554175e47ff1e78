//! Neighbours among points that arrive block by block.

use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use super::{
    Algorithm, Error, Neighbors, Tick,
    index::{Index, Sketching},
    top_k::TopK,
};
use crate::{
    distance::Rows,
    neighbors::sketched::SketchPlan,
    progress::{Observer, Stage},
    sketch::LEAST_SAMPLES,
};

/// Fewer queries find their neighbours faster than a block can be sketched.
const FEW_QUERIES: usize = 256;

/// A search among more points than fit in memory. They are offered block by block, in their order, and numbered
/// consecutively.
///
/// The result is the same as that of [`NearestNeighbors`](super::NearestNeighbors) on all points, to the bit. The
/// neighbours found so far limit the search in a block, so later blocks take less time than the first. The best block
/// size is some 100,000 points. The first block of 4096 or more points decides whether blocks are sketched, and how.
///
/// ```
/// use handful::neighbors::StreamedSearch;
/// use ndarray::array;
///
/// let queries = array![[4_u8, 4], [9, 1]];
/// let mut search = StreamedSearch::new(queries.view(), 2);
/// search.offer(array![[0_u8, 0], [3, 4]].view())?;
/// search.offer(array![[10_u8, 0]].view())?;
/// let found = search.finish()?;
/// assert_eq!((found.indices, found.distances), (array![[1, 0], [2, 1]], array![[1, 32], [2, 45]]));
/// # Ok::<(), handful::neighbors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StreamedSearch<'a> {
    queries: ArrayView2<'a, u8>,
    n_neighbors: usize,
    /// Number of points offered.
    n_samples: usize,
    best: Vec<TopK>,
    plan: Plan,
    observer: Observer,
}

/// How blocks are searched.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// The first large block decides; its sketch takes its directions from a sample of all points, or from the block.
    Open { sample: Option<Array2<u8>> },
    /// All blocks with a sketch.
    Sketched(SketchPlan),
    /// All blocks without a sketch.
    Brute,
}

impl<'a> StreamedSearch<'a> {
    /// Starts a search for the `n_neighbors` nearest points of each row of `queries`, shape (`n_queries`,
    /// `n_features`).
    #[must_use]
    pub fn new(queries: ArrayView2<'a, u8>, n_neighbors: usize) -> Self {
        Self {
            queries,
            n_neighbors,
            n_samples: 0,
            best: vec![TopK::new(n_neighbors); queries.nrows()],
            plan: Plan::Open { sample: None },
            observer: Observer::default(),
        }
    }

    /// The search algorithm; the answers are the same.
    #[must_use]
    pub fn algorithm(self, algorithm: Algorithm) -> Self {
        let plan = match algorithm {
            Algorithm::Auto => Plan::Open { sample: None },
            Algorithm::Brute => Plan::Brute,
        };
        Self { plan, ..self }
    }

    /// Progress callback for the search in each block.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    pub(super) fn plan(self, plan: Plan) -> Self {
        Self { plan, ..self }
    }

    /// Offers the next points, shape (n, `n_features`), in at most O(`n_queries` · n · `n_features`), on all threads of
    /// the current rayon pool. Besides the points, it needs 8 bytes per point, or some 80 with a sketch.
    ///
    /// # Errors
    /// If `n_neighbors` is 0, the numbers of features differ, or the observer breaks. After a break the search
    /// cannot be used any more.
    pub fn offer(&mut self, points: ArrayView2<u8>) -> Result<(), Error> {
        let (n, m) = (points.nrows().max(1), self.queries.nrows());
        let (done, observer) = (AtomicUsize::new(0), self.observer.clone());
        observer.report(Stage::Search, 0, m)?;
        self.offer_with(points, &|pairs| {
            let done = done.fetch_add(pairs, Ordering::Relaxed) + pairs;
            observer.report(Stage::Search, done / n, m)
        })
    }

    pub(super) fn offer_with(&mut self, points: ArrayView2<u8>, tick: Tick) -> Result<(), Error> {
        let (expected, found) = (self.queries.ncols(), points.ncols());
        if found != expected {
            return Err(Error::FeatureCount { expected: found, found: expected });
        }
        if self.n_neighbors == 0 {
            return Err(self.count_error());
        }
        let (points, queries) = (points.as_standard_layout(), self.queries.as_standard_layout());
        let (points, queries) = (Rows::new(points.view()), Rows::new(queries.view()));
        let may_sketch = points.nrows() >= LEAST_SAMPLES && self.queries.nrows() >= FEW_QUERIES;
        let sketching = match &self.plan {
            Plan::Open { sample } if may_sketch => {
                Sketching::Try { sample: sample.as_ref().map(|sample| sample.view()) }
            }
            Plan::Sketched(recipe) if may_sketch => Sketching::As(recipe),
            _ => Sketching::Never,
        };
        let index = Index::with(points, sketching);
        if may_sketch && matches!(self.plan, Plan::Open { .. }) {
            self.plan = index.recipe().map_or(Plan::Brute, |recipe| Plan::Sketched(recipe.clone()));
        }
        let within = |best: &TopK| TopK::within(self.n_neighbors, best.threshold());
        let wanted: Vec<TopK> = self.best.iter().map(within).collect();
        let found = index.search(points, queries, &wanted, tick)?;
        for (best, found) in self.best.iter_mut().zip(found) {
            for (distance, row) in found.into_sorted() {
                best.offer(distance, self.n_samples + row);
            }
        }
        self.n_samples += points.nrows();
        Ok(())
    }

    /// The nearest of all points that were offered.
    ///
    /// # Errors
    /// If `n_neighbors` is not 1 to the number of points.
    pub fn finish(self) -> Result<Neighbors, Error> {
        let shape = (self.queries.nrows(), self.n_neighbors);
        if self.n_neighbors == 0 || self.n_neighbors > self.n_samples {
            return Err(self.count_error());
        }
        let mut found = Neighbors { distances: Array2::zeros(shape), indices: Array2::zeros(shape) };
        self.finish_into(found.distances.view_mut(), found.indices.view_mut());
        Ok(found)
    }

    /// [`finish`](Self::finish) for a search with enough points. Also returns how other points like these are best
    /// searched.
    pub(super) fn finish_into(
        self,
        mut distances: ArrayViewMut2<u64>,
        mut indices: ArrayViewMut2<usize>,
    ) -> Plan {
        let rows = distances.rows_mut().into_iter().zip(indices.rows_mut()).zip(self.best);
        for ((mut distances, mut indices), best) in rows {
            let to = distances.iter_mut().zip(&mut indices);
            to.zip(best.into_sorted()).for_each(|((distance, index), found)| (*distance, *index) = found);
        }
        self.plan
    }

    fn count_error(&self) -> Error {
        Error::NeighborCount { n_neighbors: self.n_neighbors, n_samples: self.n_samples }
    }
}
