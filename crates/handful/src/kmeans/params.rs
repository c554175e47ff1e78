//! The parameters of K-Means.

use ndarray::Array2;
use rand::{SeedableRng, rngs::ChaCha8Rng};

use super::Error;
use crate::progress::Observer;

/// Number of rows that seeding looks at by default, or [`ROWS_PER_CLUSTER`] times the number of clusters if that is
/// more.
pub(super) const SEEDING_ROWS: usize = 131_072;
pub(super) const ROWS_PER_CLUSTER: usize = 256;

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

/// Parameters of K-Means; created by [`KMeans::params`](super::KMeans::params).
#[derive(Clone, Debug)]
pub struct KMeansParams {
    pub(super) n_clusters: usize,
    pub(super) init: Init,
    pub(super) n_init: usize,
    pub(super) max_iter: usize,
    pub(super) tol: f64,
    pub(super) seed: u64,
    pub(super) seeding_rows: usize,
    pub(super) fewer_in_small_classes: bool,
    pub(super) algorithm: Algorithm,
    pub(super) observer: Observer,
}

impl KMeansParams {
    /// Greedy k-means++, one run, at most 300 iterations, `tol` 1e-4, seed 0.
    pub(super) fn new(n_clusters: usize) -> Self {
        Self {
            n_clusters,
            init: Init::default(),
            n_init: 1,
            max_iter: 300,
            tol: 1e-4,
            seed: 0,
            seeding_rows: SEEDING_ROWS,
            fewer_in_small_classes: false,
            algorithm: Algorithm::default(),
            observer: Observer::default(),
        }
    }

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

    /// Gives a class that has fewer than `n_clusters` images as many clusters as it has images, instead of an error.
    pub(crate) fn fewer_in_small_classes(self) -> Self {
        Self { fewer_in_small_classes: true, ..self }
    }

    /// How to find the nearest centroid of each row; [`Algorithm::Auto`] unless set.
    #[doc(hidden)]
    #[must_use]
    pub fn algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Progress callback.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// The random number generator of a run.
    pub(super) fn rng(&self, stream: u32, run: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::from(stream) << 32 | run as u64);
        rng
    }

    /// Maximum number of steps that can use a sketch to find nearest centroids.
    pub(super) fn sketched_steps(&self) -> usize {
        match self.algorithm {
            Algorithm::Auto => self.max_iter.saturating_add(1),
            Algorithm::Dense => 0,
        }
    }

    pub(super) fn n_runs(&self) -> usize {
        if matches!(self.init, Init::Given(_)) { 1 } else { self.n_init }
    }

    /// Checks the parameters as far as that is possible without the rows.
    pub(super) fn check_values(&self) -> Result<(), Error> {
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

    /// Checks the parameters for rows of a shape, of which `n_weighted` have a weight.
    pub(super) fn check_for(
        &self,
        (n_samples, n_features): (usize, usize),
        n_weighted: usize,
    ) -> Result<(), Error> {
        self.check_values()?;
        if n_samples == 0 || n_features == 0 {
            return Err(Error::Empty { n_samples, n_features });
        }
        if self.n_clusters > n_weighted {
            return Err(Error::TooManyClusters { n_clusters: self.n_clusters, n_samples: n_weighted });
        }
        match &self.init {
            Init::Given(centroids) if centroids.dim() != (self.n_clusters, n_features) => {
                Err(Error::InitShape { expected: (self.n_clusters, n_features), found: centroids.dim() })
            }
            _ => Ok(()),
        }
    }
}
