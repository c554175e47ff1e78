//! K-Means, exact on bytes (Lloyd 1982; seeding by Arthur and Vassilvitskii 2007).
//!
//! A centroid is a mean of bytes, hence a fraction of two whole numbers, and is kept as one
//! ([`Centroids`]). Sums are whole, assignments are decided exactly, and so labels, centroids and inertia
//! are the same bits for any number of threads and at any [`Level`](crate::distance::Level).
//!
//! Of floats "exact" means: the nearest by distances in `f64`, each summed in one order. Sums of rows are taken block
//! by block, and so the bits do not depend on threads either.
//!
//! Each step compares rows with as few centroids as it can: with many centroids a sketch of the row rules most out,
//! and a row leaves alone those that stand still if its own does; with few a row waits until they have moved farther
//! than its nearest is ahead of the next.

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
mod on_disk;
mod partial_stats;
mod per_class;
mod rounded;
mod samples;
mod settle;
mod shard;
mod shared_sketch;
mod sketched;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod vectors;

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rand::{SeedableRng, rngs::ChaCha8Rng};

pub use centroids::Centroids;
pub use clusterable::Clusterable;
pub use error::Error;
pub use farthest::Farthest;
pub use init::Start;
pub use on_disk::Passes;
pub use partial_stats::PartialStats;
pub use per_class::Prototypes;
pub use shard::Shard;
pub use steps::Steps;

use shared_sketch::SharedSketch;
use vectors::Vectors;

use crate::{distance::LARGEST, progress::Observer, sketch::Projection};

/// Runs with so many centroids in all go side by side: more would not share more.
const CENTROIDS_TOGETHER: usize = 256;

/// Runs that go side by side keep up to 16 bytes for each of so many rows in all.
const ROWS_TOGETHER: usize = 1 << 22;

/// Where the centroids start.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Init {
    /// Greedy k-means++: each next one far from those before, the best of 2 + ln k tries.
    #[default]
    KMeansPlusPlus,
    /// Distinct rows, drawn evenly.
    Random,
    /// These, shape (`n_clusters`, `n_features`); for bytes values 0 to 255, taken to the nearest multiple of 2⁻²⁰.
    /// There is then one run, whatever `n_init` says.
    Given(Array2<f64>),
}

/// How rows find their nearest centroid; labels, centroids and inertia are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// With a sketch where there are many centroids and it pays.
    #[default]
    Auto,
    /// By comparing a row with all centroids, if they may have moved far enough to matter.
    Dense,
}

/// How K-Means runs; made by [`KMeans::params`].
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

    /// Runs from different starts, of which the one with the lowest inertia is kept; 1 unless set.
    #[must_use]
    pub fn n_init(self, n_init: usize) -> Self {
        Self { n_init, ..self }
    }

    /// Most Lloyd iterations of a run; 300 unless set.
    #[must_use]
    pub fn max_iter(self, max_iter: usize) -> Self {
        Self { max_iter, ..self }
    }

    /// A run ends when the centroids' squared movement, summed, is at most `tol` times the features' mean
    /// variance, or when no label changes; 1e-4 unless set.
    #[must_use]
    pub fn tol(self, tol: f64) -> Self {
        Self { tol, ..self }
    }

    /// What the random choices follow from; 0 unless set.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Rows that k-means++ looks at, at the most.
    pub(crate) fn seeding_rows(self, seeding_rows: usize) -> Self {
        Self { seeding_rows, ..self }
    }

    /// How rows find their nearest centroid; [`Algorithm::Auto`] unless set.
    #[must_use]
    pub fn algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Whom the work tells how far it is.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// Clusters the rows of `x`, shape (n, `n_features`): bytes exactly, or floats in `f64`.
    ///
    /// O(`n_init` · `n_iter` · n · `n_clusters` · `n_features`) at most, on all threads of the current rayon pool;
    /// takes up to as much memory again as `x` has in bytes, some 100 bytes a row, and for each run that goes side by side
    /// with others 16 bytes a row; while k-means++ seeds, 8 (2 + ln `n_clusters`) instead.
    ///
    /// # Errors
    /// If a parameter makes no sense for `x`, a float is not finite, or the observer breaks.
    pub fn fit<T: Clusterable>(&self, x: ArrayView2<T>) -> Result<KMeans<T::Centroids>, Error> {
        T::cluster(self, x, None)
    }

    /// [`fit`](Self::fit) with each row counting as often as its weight says. Bytes stay exact: weights that are whole
    /// numbers count as they are, others to the nearest multiple of 2⁻²⁰ of the largest that is not zero. Rows without
    /// weight are labelled, and counted in `cluster_sizes`, but move nothing.
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
    /// As [`fit`](Self::fit); if there is not one weight from 0 to 10¹⁵⁰ for each row.
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

    /// Clusters rows for which the parameters make sense, telling of each run's end.
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

    /// Where run number `run` of so many rows starts: what [`fit`](Self::fit) starts from for stream 0, and
    /// [`fit_per_class`](Self::fit_per_class) with the number of the class. Given centroids start from
    /// [`Centroids::from_f64`].
    ///
    /// # Errors
    /// If there are fewer rows than clusters, or no cluster.
    ///
    /// # Panics
    /// If the centroids are given.
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

    /// The random numbers of a run.
    fn rng(&self, stream: u32, run: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::from(stream) << 32 | run as u64);
        rng
    }

    /// How often rows may look for their nearest centroid with the help of a sketch.
    fn sketched_steps(&self) -> usize {
        match self.algorithm {
            Algorithm::Auto => self.max_iter.saturating_add(1),
            Algorithm::Dense => 0,
        }
    }

    fn n_runs(&self) -> usize {
        if matches!(self.init, Init::Given(_)) { 1 } else { self.n_init }
    }

    /// Whether parameters make sense, whatever the rows.
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

/// The best run of K-Means: everything in it belongs to that one run.
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
    /// The means of the clusters: of bytes exactly, else shape (`n_clusters`, `n_features`).
    pub centroids: C,
    /// For each row the index of its nearest centroid; of equally near ones the lowest.
    pub labels: Vec<u32>,
    /// Rows in each cluster.
    pub cluster_sizes: Vec<u64>,
    /// Sum of squared distances of the rows to their centroids.
    pub inertia: f64,
    /// Lloyd iterations until labels or centroids stood still.
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
    /// The clusters that have rows: all, unless there are fewer distinct rows than clusters.
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

/// What a run is given beside its rows.
#[derive(Clone, Copy, Default)]
struct Job<'a> {
    /// Each has random numbers of its own.
    stream: u32,
    /// Of other rows like these.
    projection: Option<&'a Arc<Projection>>,
}
