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
    /// A tolerance that no movement can be compared with.
    #[error("tol is {tol}: expected a finite number, 0 or more")]
    Tol {
        /// The tolerance given.
        tol: f64,
    },
    /// Nothing to cluster.
    #[error("expected at least one row with at least one feature, found shape ({n_samples}, {n_features})")]
    Empty {
        /// Rows.
        n_samples: usize,
        /// Features.
        n_features: usize,
    },
    /// More clusters than rows.
    #[error("n_clusters is {n_clusters}: expected at most {n_samples}, the number of rows (with a weight)")]
    TooManyClusters {
        /// Clusters asked for.
        n_clusters: usize,
        /// Rows to cluster.
        n_samples: usize,
    },
    /// More clusters than the images of one class.
    #[error(
        "n_clusters is {n_clusters}: expected at most {n_samples}, the number of images of class {class:?}"
    )]
    TooManyClustersForClass {
        /// Clusters asked for.
        n_clusters: usize,
        /// The smallest class.
        class: String,
        /// Its images.
        n_samples: usize,
    },
    /// Given centroids of the wrong shape.
    #[error("expected initial centroids of shape {expected:?} (n_clusters, n_features), found {found:?}")]
    InitShape {
        /// Clusters and features of the job.
        expected: (usize, usize),
        /// Shape given.
        found: (usize, usize),
    },
    /// A given centroid that is no mean of bytes.
    #[error("initial centroid {row}, feature {column}: expected a value from 0 to 255, found {value}")]
    InitValue {
        /// The centroid.
        row: usize,
        /// The feature.
        column: usize,
        /// The value given.
        value: f64,
    },
    /// A value that squared distances cannot be measured to.
    #[error("row {row}, feature {column}: expected a finite number, at most 1e150 in size, found {value:e}")]
    Value {
        /// The row.
        row: usize,
        /// The feature.
        column: usize,
        /// The value found.
        value: f64,
    },
    /// Not one weight for each row.
    #[error("expected {expected} weights, one for each row, found {found}")]
    WeightCount {
        /// Rows.
        expected: usize,
        /// Weights given.
        found: usize,
    },
    /// A weight that rows cannot count for.
    #[error("the weight of row {row} is {weight}: expected a number from 0 to 1e150")]
    Weight {
        /// The row.
        row: usize,
        /// The weight given.
        weight: f64,
    },
    /// Rows of another length than the centroids.
    #[error("expected rows of {expected} features, as in the centroids, found {found}")]
    FeatureCount {
        /// Features of the centroids.
        expected: usize,
        /// Features of the rows.
        found: usize,
    },
    /// The job does not fit into the memory that it may use.
    #[error(
        "expected a memory limit of at least {} MB for {what}, found {} MB: raise it", needed.div_ceil(1 << 20), limit >> 20
    )]
    Memory {
        /// What takes most of it.
        what: String,
        /// Bytes wanted.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A checkpoint that cannot be read or written, or is of another job.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What was expected and found, and what to do.
        problem: String,
    },
    /// Rows cannot be read, or the prototypes do not make a data set.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// Ended by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
