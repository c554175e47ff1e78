use std::path::PathBuf;

use crate::{dataset, progress::Cancelled};

/// What can be wrong with a clustering job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A count that must be at least 1.
    #[error("{name} is 0: expected at least 1")]
    Zero {
        /// The parameter.
        name: &'static str,
    },
    /// An invalid tolerance.
    #[error("tol is {tol}: expected a finite number, 0 or more")]
    Tol {
        /// The tolerance given.
        tol: f64,
    },
    /// Nothing to cluster.
    #[error("expected at least one row with at least one feature, found shape ({n_samples}, {n_features})")]
    Empty {
        /// Number of rows.
        n_samples: usize,
        /// Number of features.
        n_features: usize,
    },
    /// More clusters than rows.
    #[error(
        "n_clusters is {n_clusters}: expected at most {n_samples}, the number of rows (without rows of weight 0)"
    )]
    TooManyClusters {
        /// Number of clusters requested.
        n_clusters: usize,
        /// Number of rows to cluster.
        n_samples: usize,
    },
    /// More clusters than the images of one class.
    #[error(
        "n_clusters is {n_clusters}: expected at most {n_samples}, the number of images of class {class:?}"
    )]
    TooManyClustersForClass {
        /// Number of clusters requested.
        n_clusters: usize,
        /// The smallest class.
        class: String,
        /// Number of its images.
        n_samples: usize,
    },
    /// Given centroids of the wrong shape.
    #[error("expected initial centroids of shape {expected:?} (n_clusters, n_features), found {found:?}")]
    InitShape {
        /// Number of clusters and features of the job.
        expected: (usize, usize),
        /// The shape given.
        found: (usize, usize),
    },
    /// Statistics of the wrong shape.
    #[error("expected statistics of shape {expected:?} (n_clusters, n_features), found {found:?}")]
    StatsShape {
        /// Number of clusters and features of the job.
        expected: (usize, usize),
        /// The shape given.
        found: (usize, usize),
    },
    /// Not the rows that were asked for.
    #[error(
        "expected {expected} rows with at least one feature, as requested, found an array of shape {found:?}"
    )]
    RowCount {
        /// Number of rows that were asked for.
        expected: usize,
        /// The shape given.
        found: (usize, usize),
    },
    /// A given centroid that is not a mean of bytes.
    #[error("initial centroid {row}, feature {column}: expected a value from 0 to 255, found {value}")]
    InitValue {
        /// The centroid.
        row: usize,
        /// The feature.
        column: usize,
        /// The value given.
        value: f64,
    },
    /// A value for which squared distances cannot be computed.
    #[error("row {row}, feature {column}: expected a finite number from -1e150 to 1e150, found {value:e}")]
    Value {
        /// The row.
        row: usize,
        /// The feature.
        column: usize,
        /// The value found.
        value: f64,
    },
    /// The number of weights is not the number of rows.
    #[error("expected {expected} weights, one for each row, found {found}")]
    WeightCount {
        /// Number of rows.
        expected: usize,
        /// Number of weights given.
        found: usize,
    },
    /// An invalid weight.
    #[error("the weight of row {row} is {weight}: expected a number from 0 to 1e150")]
    Weight {
        /// The row.
        row: usize,
        /// The weight given.
        weight: f64,
    },
    /// The number of features differs from that of the centroids.
    #[error("expected rows of {expected} features, as many as the centroids have, found {found}")]
    FeatureCount {
        /// Number of features of the centroids.
        expected: usize,
        /// Number of features of the rows.
        found: usize,
    },
    /// The job does not fit into its memory limit.
    #[error(
        "expected a memory limit of at least {} MB for {what}, found {} MB: raise it", needed.div_ceil(1 << 20), limit >> 20
    )]
    Memory {
        /// What needs most of it.
        what: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A checkpoint that cannot be read or written, or belongs to another job.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What was expected and found, and what to do.
        problem: String,
    },
    /// Rows cannot be read, or the prototypes are not a valid data set.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// Cancelled by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
