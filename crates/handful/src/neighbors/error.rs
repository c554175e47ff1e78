//! What can be wrong with a search.

use crate::{dataset, progress::Cancelled};

/// What can be wrong with a search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More neighbours than there are points, or none.
    #[error("{}", neighbor_count(*n_neighbors, *n_samples))]
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
    #[error(
        "row {row} of the {what} has {value:e} in column {column}: expected finite numbers, at most 1e150 in size"
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
    /// The search does not fit into the memory that it may use.
    #[error(
        "expected a memory limit of at least {} MB for {what}, found {} MB: raise it", needed.div_ceil(1 << 20), limit >> 20
    )]
    Memory {
        /// What takes it.
        what: String,
        /// Bytes wanted.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Rows cannot be read.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// Ended by the observer.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn neighbor_count(n_neighbors: usize, n_samples: usize) -> String {
    match n_samples {
        0 => format!("n_neighbors is {n_neighbors}, and there are no vectors to search"),
        _ => format!(
            "n_neighbors is {n_neighbors}: expected 1 to {n_samples}, the number of vectors to search"
        ),
    }
}
