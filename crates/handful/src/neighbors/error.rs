//! What can be wrong with a search.

use crate::{dataset, progress::Cancelled};

/// What can be wrong with a search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More neighbours than points, or none.
    #[error("{}", neighbor_count(*n_neighbors, *n_samples))]
    NeighborCount {
        /// Number of neighbours requested.
        n_neighbors: usize,
        /// Number of vectors to search.
        n_samples: usize,
    },
    /// Queries and points differ in length.
    #[error("expected queries of {expected} features, as many as the vectors to search have, found {found}")]
    FeatureCount {
        /// Number of features of the points.
        expected: usize,
        /// Number of features of the queries.
        found: usize,
    },
    /// A value for which distances cannot be computed.
    #[error(
        "row {row} of the {what} has {value:e} in column {column}: expected finite numbers from -1e150 to 1e150"
    )]
    NotFinite {
        /// `vectors to search` or `queries`.
        what: &'static str,
        /// Row of the value.
        row: usize,
        /// Column of the value.
        column: usize,
        /// NaN, an infinity, or a number beyond 1e150, whose square might overflow.
        value: f64,
    },
    /// The search does not fit into its memory limit.
    #[error(
        "expected a memory limit of at least {} MB for {what}, found {} MB: raise it", needed.div_ceil(1 << 20), limit >> 20
    )]
    Memory {
        /// What needs the memory.
        what: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Rows cannot be read.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// Cancelled by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn neighbor_count(n_neighbors: usize, n_samples: usize) -> String {
    match n_samples {
        0 => format!("n_neighbors is {n_neighbors}, but there are no vectors to search"),
        _ => format!(
            "n_neighbors is {n_neighbors}: expected 1 to {n_samples}, the number of vectors to search"
        ),
    }
}
