//! K-Means on rows in memory: some starts, from each of which Lloyd's iteration runs.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rand::rngs::ChaCha8Rng;

use crate::{
    distance::{Element, LARGEST, Rows, Scale},
    kmeans::{
        Centroids, Error, Init, KMeans, KMeansParams,
        assignment::{assign_once, shared_sketch::SharedSketch},
        bytes::Bytes,
        floats::rows::{Floats, check, quantise},
        lloyd::lloyd,
        seeding,
        vectors::Vectors,
    },
    sketch::Projection,
};

/// Runs with up to this many centroids in all advance together; with more they would not share more work.
const CENTROIDS_TOGETHER: usize = 256;

/// Runs that advance together keep up to 16 bytes for each of at most this many rows in all.
const ROWS_TOGETHER: usize = 1 << 22;

/// An [`Element`] whose vectors can be clustered: bytes, whose means are fractions, or floats.
pub trait Clusterable: Element {
    /// The means of such vectors.
    type Centroids;

    #[doc(hidden)]
    fn cluster(
        params: &KMeansParams,
        x: ArrayView2<Self>,
        weights: Option<&[f64]>,
    ) -> Result<KMeans<Self::Centroids>, Error>;

    #[doc(hidden)]
    fn nearest(
        x: ArrayView2<Self>,
        n_clusters: usize,
        centroids: &Self::Centroids,
    ) -> Result<Vec<u32>, Error>;
}

impl Clusterable for u8 {
    type Centroids = Centroids;

    fn cluster(params: &KMeansParams, x: ArrayView2<Self>, weights: Option<&[f64]>) -> Result<KMeans, Error> {
        let x = x.as_standard_layout();
        let bytes = Bytes::new(x.view());
        let bytes = match weights {
            Some(weights) => bytes.weighted(weights),
            None => bytes,
        };
        params.run(&bytes, Job::default(), || Ok(()))
    }

    fn nearest(x: ArrayView2<Self>, n_clusters: usize, centroids: &Centroids) -> Result<Vec<u32>, Error> {
        let x = x.as_standard_layout();
        Ok(assign_once(&Bytes::new(x.view()), n_clusters, centroids))
    }
}

macro_rules! cluster_floats {
    ($float:ty) => {
        impl Clusterable for $float {
            type Centroids = Array2<f64>;

            fn cluster(
                params: &KMeansParams,
                x: ArrayView2<Self>,
                weights: Option<&[f64]>,
            ) -> Result<KMeans<Array2<f64>>, Error> {
                let x = x.as_standard_layout();
                let x = Rows::new(x.view());
                let (largest, scale) = (check(x)?, Scale::new(x));
                let (bytes, lost) = quantise(x, &scale);
                let floats = Floats::new(x, &scale, bytes.view(), lost, weights).on_grid(largest);
                params.run(&floats, Job::default(), || Ok(()))
            }

            fn nearest(
                x: ArrayView2<Self>,
                n_clusters: usize,
                centroids: &Array2<f64>,
            ) -> Result<Vec<u32>, Error> {
                let x = x.as_standard_layout();
                let x = Rows::new(x.view());
                let (_, scale) = (check(x)?, Scale::new(x));
                let (bytes, lost) = quantise(x, &scale);
                let floats = Floats::new(x, &scale, bytes.view(), lost, None);
                Ok(assign_once(&floats, n_clusters, centroids))
            }
        }
    };
}

cluster_floats!(f32);
cluster_floats!(f64);

/// The inputs of a run other than its rows.
#[derive(Clone, Copy, Default)]
pub(super) struct Job<'a> {
    /// Each stream has its own random numbers.
    pub(super) stream: u32,
    /// The projection of similar rows.
    pub(super) projection: Option<&'a Arc<Projection>>,
}

impl KMeansParams {
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

    /// Checks the parameters, clusters the rows, and reports the end of each run.
    pub(super) fn run<V: Vectors>(
        &self,
        vectors: &V,
        job: Job,
        run_done: impl Fn() -> Result<(), Error>,
    ) -> Result<KMeans<V::Centroids>, Error> {
        self.check(vectors)?;
        let (samples, weights) = (vectors.samples(), vectors.whole_weights());
        let tol = if self.tol > 0.0 { self.tol * vectors.mean_variance() } else { 0.0 };
        let rng = |run: &usize| self.rng(job.stream, *run);
        let (k, n) = (self.n_clusters, samples.rows.nrows());
        let most = self.most_seeding_rows();
        let start = |runs: &[usize]| -> Result<Vec<V::Centroids>, Error> {
            let mut rngs: Vec<ChaCha8Rng> = runs.iter().map(rng).collect();
            let rows = match &self.init {
                Init::KMeansPlusPlus => {
                    seeding::k_means_plus_plus(samples, (k, most), weights, &mut rngs, &self.observer)?
                }
                Init::Random => rngs.iter_mut().map(|rng| seeding::random(n, k, weights, rng)).collect(),
                Init::Given(centroids) => return Ok(vec![vectors.at(centroids)?]),
            };
            Ok(rows.iter().map(|rows| vectors.at_rows(rows)).collect())
        };
        let sketch = SharedSketch::new(job.projection.cloned());
        let mut best: Option<KMeans<V::Centroids>> = None;
        let runs: Vec<usize> = (0..self.n_runs()).collect();
        let together = (CENTROIDS_TOGETHER / k).min(ROWS_TOGETHER / n).max(1);
        for together in runs.chunks(together) {
            for found in lloyd(vectors, self, start(together)?, tol, &sketch)? {
                if best.as_ref().is_none_or(|best| found.inertia < best.inertia) {
                    best = Some(found);
                }
                run_done()?;
            }
        }
        Ok(best.expect("n_init is at least 1"))
    }

    fn check<V: Vectors>(&self, vectors: &V) -> Result<(), Error> {
        let shape = vectors.samples().rows.dim();
        let with_weight = |weights: &[u64]| weights.iter().filter(|&&weight| weight > 0).count();
        self.check_for(shape, vectors.whole_weights().map_or(shape.0, with_weight))?;
        if let Init::Given(centroids) = &self.init {
            vectors.at(centroids)?;
        }
        Ok(())
    }
}
