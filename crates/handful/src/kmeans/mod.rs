//! K-Means, exact on bytes (Lloyd 1982; seeding by Arthur and Vassilvitskii 2007).
//!
//! A centroid is a mean of bytes, so it is a fraction of two whole numbers, and is stored as one ([`Centroids`]). Sums
//! are whole numbers, and assignments are decided exactly. Labels, centroids and inertia are therefore the same bits
//! for any number of threads and at any [`Level`](crate::distance::Level).
//!
//! For floats, "exact" means nearest by distances in `f64`, each summed in one fixed order. Rows are summed block by
//! block, so here too the bits do not depend on the number of threads.
//!
//! Each step compares a row with as few centroids as possible. With many centroids, a sketch of the row rules out most
//! of them, and if the row's own centroid stands still, the others that stand still are skipped. With few centroids, a
//! row is skipped until the centroids have moved farther than the gap between its nearest and its second nearest.

mod assign;
mod bytes;
mod centroids;
mod checkpoint;
mod clusterable;
mod dense;
mod error;
mod farthest;
mod float_rows;
mod float_sums;
mod floats;
mod grid;
mod init;
mod lloyd;
mod lloyd_run;
mod lloyd_state;
mod on_disk;
mod partial_stats;
mod per_class;
mod resolve_ties;
mod rounded;
mod row_assignments;
mod samples;
mod shared_sketch;
mod sketched;
#[cfg(test)]
mod tests;
mod vectors;

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rand::{SeedableRng, rngs::ChaCha8Rng};

pub use centroids::Centroids;
pub use clusterable::Clusterable;
pub use error::Error;
pub use on_disk::DiskOptions;
pub use per_class::Prototypes;

// The Dask adapter of the Python package drives these. They are hidden because they may change with it.
#[doc(hidden)]
pub use {
    farthest::Farthest, init::Start, lloyd_run::LloydRun, partial_stats::PartialStats,
    row_assignments::RowAssignments,
};

use shared_sketch::SharedSketch;
use vectors::Vectors;

use crate::{distance::LARGEST, progress::Observer, sketch::Projection};

/// Runs with up to this many centroids in all advance together; with more they would not share more work.
const CENTROIDS_TOGETHER: usize = 256;

/// Runs that advance together keep up to 16 bytes for each of at most this many rows in all.
const ROWS_TOGETHER: usize = 1 << 22;

/// Where the centroids start.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Init {
    /// Greedy k-means++: each next centroid is far from those before it, the best of 2 + ln k tries.
    #[default]
    KMeansPlusPlus,
    /// Distinct rows, drawn uniformly.
    Random,
    /// The given centroids, shape (`n_clusters`, `n_features`). For bytes, values are from 0 to 255, rounded to the
    /// nearest multiple of 2⁻²⁰. There is then one run, whatever `n_init` says.
    Given(Array2<f64>),
}

/// How to find the nearest centroid of each row. Labels, centroids and inertia do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// With a sketch if there are many centroids and it is faster.
    #[default]
    Auto,
    /// Compares a row with all centroids, if they may have moved far enough to matter.
    Dense,
}

/// Parameters of K-Means; created by [`KMeans::params`].
#[derive(Clone, Debug)]
pub struct KMeansParams {
    n_clusters: usize,
    init: Init,
    n_init: usize,
    max_iter: usize,
    tol: f64,
    seed: u64,
    seeding_rows: usize,
    algorithm: Algorithm,
    observer: Observer,
}

impl KMeansParams {
    /// Where the centroids start; greedy k-means++ unless set.
    #[must_use]
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// Number of runs from different starts, of which the one with the lowest inertia is kept; 1 unless set.
    #[must_use]
    pub fn n_init(self, n_init: usize) -> Self {
        Self { n_init, ..self }
    }

    /// Maximum number of Lloyd iterations per run; 300 unless set.
    #[must_use]
    pub fn max_iter(self, max_iter: usize) -> Self {
        Self { max_iter, ..self }
    }

    /// A run ends when the sum of the centroids' squared movements is at most `tol` times the mean variance of the
    /// features, or when no label changes; 1e-4 unless set.
    #[must_use]
    pub fn tol(self, tol: f64) -> Self {
        Self { tol, ..self }
    }

    /// Seed of the random choices; 0 unless set.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Maximum number of rows that k-means++ looks at.
    pub(crate) fn seeding_rows(self, seeding_rows: usize) -> Self {
        Self { seeding_rows, ..self }
    }

    /// How to find the nearest centroid of each row; [`Algorithm::Auto`] unless set.
    #[must_use]
    pub fn algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Progress callback.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// Clusters the rows of `x`, shape (n, `n_features`): bytes exactly, or floats in `f64`.
    ///
    /// O(`n_init` · `n_iter` · n · `n_clusters` · `n_features`) at most, on all threads of the current rayon pool. It
    /// needs up to as much additional memory as `x` has in bytes, some 100 bytes per row, and 16 bytes per row for each
    /// run that advances together with others. While k-means++ seeds, it needs 8 (2 + ln `n_clusters`) bytes instead of
    /// 16.
    ///
    /// # Errors
    /// If a parameter is invalid for `x`, a float is not finite, or the observer breaks.
    pub fn fit<T: Clusterable>(&self, x: ArrayView2<T>) -> Result<KMeans<T::Centroids>, Error> {
        T::cluster(self, x, None)
    }

    /// [`fit`](Self::fit) in which each row counts as often as its weight. Bytes stay exact: whole weights count as
    /// they are, others are rounded to the nearest multiple of 2⁻²⁰ of the largest, but never to zero unless they are
    /// zero. Rows of zero weight are labelled, and counted in `cluster_sizes`, but do not influence the centroids.
    ///
    /// ```
    /// use handful::KMeans;
    /// use ndarray::array;
    ///
    /// let x = array![[0_u8], [10], [200]];
    /// let kmeans = KMeans::params(1).fit_weighted(x.view(), &[1.0, 3.0, 0.0])?;
    /// assert_eq!(kmeans.centroids.to_f64(), array![[7.5]]);
    /// # Ok::<(), handful::kmeans::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Self::fit); if there is not exactly one weight from 0 to 10¹⁵⁰ per row.
    pub fn fit_weighted<T: Clusterable>(
        &self,
        x: ArrayView2<T>,
        sample_weight: &[f64],
    ) -> Result<KMeans<T::Centroids>, Error> {
        let (expected, found) = (x.nrows(), sample_weight.len());
        if found != expected {
            return Err(Error::WeightCount { expected, found });
        }
        let wrong = |weight: &f64| !(0.0..=LARGEST).contains(weight);
        if let Some(row) = sample_weight.iter().position(wrong) {
            return Err(Error::Weight { row, weight: sample_weight[row] });
        }
        T::cluster(self, x, Some(sample_weight))
    }

    /// Clusters rows whose parameters have been checked, and reports the end of each run.
    fn run<V: Vectors>(
        &self,
        vectors: &V,
        job: Job,
        run_done: impl Fn() -> Result<(), Error>,
    ) -> Result<KMeans<V::Centroids>, Error> {
        self.check(vectors)?;
        let (samples, weights) = (vectors.samples(), vectors.whole_weights());
        let tol = if self.tol > 0.0 { self.tol * vectors.mean_variance() } else { 0.0 };
        let rng = |run: &usize| self.rng(job.stream, *run);
        let (k, n) = (self.n_clusters, samples.rows().nrows());
        let most = self.most_seeding_rows();
        let start = |runs: &[usize]| -> Result<Vec<V::Centroids>, Error> {
            let mut rngs: Vec<ChaCha8Rng> = runs.iter().map(rng).collect();
            let rows = match &self.init {
                Init::KMeansPlusPlus => {
                    init::k_means_plus_plus(samples, (k, most), weights, &mut rngs, &self.observer)?
                }
                Init::Random => rngs.iter_mut().map(|rng| init::random(n, k, weights, rng)).collect(),
                Init::Given(centroids) => return Ok(vec![vectors.at(centroids)?]),
            };
            Ok(rows.iter().map(|rows| vectors.at_rows(rows)).collect())
        };
        let sketch = SharedSketch::new(job.projection.cloned());
        let mut best: Option<KMeans<V::Centroids>> = None;
        let runs: Vec<usize> = (0..self.n_runs()).collect();
        let together = (CENTROIDS_TOGETHER / k).min(ROWS_TOGETHER / n).max(1);
        for together in runs.chunks(together) {
            for found in lloyd::lloyd(vectors, self, start(together)?, tol, &sketch)? {
                if best.as_ref().is_none_or(|best| found.inertia < best.inertia) {
                    best = Some(found);
                }
                run_done()?;
            }
        }
        Ok(best.expect("n_init is at least 1"))
    }

    /// Where run number `run` over `n_samples` rows starts. Stream 0 gives the start of [`fit`](Self::fit), and the
    /// number of a class that of [`fit_per_class`](Self::fit_per_class). Given centroids start from
    /// [`Centroids::from_f64`].
    ///
    /// # Errors
    /// If there are fewer rows than clusters, or no clusters.
    ///
    /// # Panics
    /// If the centroids are given.
    #[doc(hidden)]
    pub fn start(&self, n_samples: usize, stream: u32, run: usize) -> Result<Start, Error> {
        let n_clusters = self.n_clusters;
        if n_clusters == 0 {
            return Err(Error::Zero { name: "n_clusters" });
        }
        if n_clusters > n_samples {
            return Err(Error::TooManyClusters { n_clusters, n_samples });
        }
        let rng = self.rng(stream, run);
        Ok(match self.init {
            Init::KMeansPlusPlus => Start::far_apart(n_samples, (n_clusters, self.most_seeding_rows()), rng),
            Init::Random => Start::at_random(n_samples, n_clusters, rng),
            Init::Given(_) => panic!("given centroids are where they are"),
        })
    }

    /// The random number generator of a run.
    fn rng(&self, stream: u32, run: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::from(stream) << 32 | run as u64);
        rng
    }

    /// Maximum number of steps that can use a sketch to find nearest centroids.
    fn sketched_steps(&self) -> usize {
        match self.algorithm {
            Algorithm::Auto => self.max_iter.saturating_add(1),
            Algorithm::Dense => 0,
        }
    }

    fn n_runs(&self) -> usize {
        if matches!(self.init, Init::Given(_)) { 1 } else { self.n_init }
    }

    /// Checks the parameters as far as that is possible without the rows.
    fn check_values(&self) -> Result<(), Error> {
        let at_least_one =
            [("n_clusters", self.n_clusters), ("n_init", self.n_init), ("max_iter", self.max_iter)];
        if let Some(&(name, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err(Error::Zero { name });
        }
        if !(self.tol >= 0.0 && self.tol.is_finite()) {
            return Err(Error::Tol { tol: self.tol });
        }
        Ok(())
    }

    fn check<V: Vectors>(&self, vectors: &V) -> Result<(), Error> {
        let (n_samples, n_features) = vectors.samples().rows().dim();
        self.check_values()?;
        if n_samples == 0 || n_features == 0 {
            return Err(Error::Empty { n_samples, n_features });
        }
        let with_weight = |weights: &[u64]| weights.iter().filter(|&&weight| weight > 0).count();
        let n_samples = vectors.whole_weights().map_or(n_samples, with_weight);
        if self.n_clusters > n_samples {
            return Err(Error::TooManyClusters { n_clusters: self.n_clusters, n_samples });
        }
        if let Init::Given(centroids) = &self.init {
            let (expected, found) = ((self.n_clusters, n_features), centroids.dim());
            if found != expected {
                return Err(Error::InitShape { expected, found });
            }
            vectors.at(centroids)?;
        }
        Ok(())
    }
}

/// The best run of K-Means; all fields belong to that one run.
///
/// ```
/// use handful::KMeans;
/// use ndarray::array;
///
/// let x = array![[1_u8, 2], [1, 4], [200, 7], [200, 9]];
/// let kmeans = KMeans::params(2).n_init(10).seed(0).fit(x.view())?;
/// assert_eq!(kmeans.inertia, 4.0);
/// assert_eq!(kmeans.predict(array![[0_u8, 0], [255, 255]].view())?, [kmeans.labels[0], kmeans.labels[2]]);
/// # Ok::<(), handful::kmeans::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans<C = Centroids> {
    /// The means of the clusters: exact for bytes, otherwise an array of shape (`n_clusters`, `n_features`).
    pub centroids: C,
    /// Index of the nearest centroid of each row; on ties the lowest index.
    pub labels: Vec<u32>,
    /// Number of rows in each cluster.
    pub cluster_sizes: Vec<u64>,
    /// Sum of squared distances of the rows to their centroids.
    pub inertia: f64,
    /// Number of Lloyd iterations until labels or centroids stopped changing.
    pub n_iter: usize,
}

impl KMeans {
    /// Greedy k-means++, one run, at most 300 iterations, `tol` 1e-4, seed 0.
    #[must_use]
    pub fn params(n_clusters: usize) -> KMeansParams {
        KMeansParams {
            n_clusters,
            init: Init::default(),
            n_init: 1,
            max_iter: 300,
            tol: 1e-4,
            seed: 0,
            seeding_rows: init::SEEDING_ROWS,
            algorithm: Algorithm::default(),
            observer: Observer::default(),
        }
    }
}

impl KMeans {
    /// The clusters that have rows: all of them, unless there are fewer distinct rows than clusters.
    fn nonempty(&self) -> impl Iterator<Item = usize> {
        (0..self.cluster_sizes.len()).filter(|&j| self.cluster_sizes[j] > 0)
    }

    /// The nearest centroid of each row of `x`, shape (n, `n_features`).
    ///
    /// # Errors
    /// [`Error::FeatureCount`] if the number of features differs.
    pub fn predict(&self, x: ArrayView2<u8>) -> Result<Vec<u32>, Error> {
        let expected = self.centroids.n_features();
        if x.ncols() != expected {
            return Err(Error::FeatureCount { expected, found: x.ncols() });
        }
        u8::nearest(x, self.centroids.n_clusters(), &self.centroids)
    }
}

impl KMeans<Array2<f64>> {
    /// The nearest centroid of each row of `x`, shape (n, `n_features`).
    ///
    /// # Errors
    /// [`Error::FeatureCount`] if the number of features differs, [`Error::Value`] if a value is not finite.
    pub fn predict<T: Clusterable<Centroids = Array2<f64>>>(
        &self,
        x: ArrayView2<T>,
    ) -> Result<Vec<u32>, Error> {
        let (n_clusters, expected) = self.centroids.dim();
        if x.ncols() != expected {
            return Err(Error::FeatureCount { expected, found: x.ncols() });
        }
        T::nearest(x, n_clusters, &self.centroids.as_standard_layout().into_owned())
    }
}

/// The inputs of a run other than its rows.
#[derive(Clone, Copy, Default)]
struct Job<'a> {
    /// Each stream has its own random numbers.
    stream: u32,
    /// The projection of similar rows.
    projection: Option<&'a Arc<Projection>>,
}
