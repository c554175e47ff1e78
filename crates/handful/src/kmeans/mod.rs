//! K-Means, exact on bytes (Lloyd 1982; seeding by Arthur and Vassilvitskii 2007).
//!
//! A centroid is a mean of bytes, so it is a fraction of two whole numbers, and is stored as one ([`Centroids`]). Sums
//! are whole numbers, and assignments are decided exactly. Labels, centroids and inertia are therefore the same bits
//! for any number of threads and any instruction set.
//!
//! For floats, "exact" means nearest by distances in `f64`, each summed in one fixed order. Rows are summed block by
//! block, so here too the bits do not depend on the number of threads.
//!
//! Each step compares a row with as few centroids as possible. With many centroids, a sketch of the row rules out most
//! of them, and if the row's own centroid stands still, the others that stand still are skipped. With few centroids, a
//! row is skipped until the centroids have moved farther than the gap between its nearest and its second nearest.
//!
//! ```text
//!   rows ──► seeding ──► assignment ──► means ──► … ──► labels, centroids, inertia
//!                            ▲            │
//!                            └─── lloyd ──┘
//! ```
//!
//! [`fit`](KMeansParams::fit) clusters rows in memory, which are bytes or floats. The module `on_disk` makes
//! the same steps, pass by pass, for rows in files or on other machines.

mod assignment;
mod bytes;
mod centroids;
mod clusters;
mod error;
mod fit;
mod floats;
mod lloyd;
mod on_disk;
mod params;
mod per_class;
mod predict;
mod samples;
mod seeding;
#[cfg(test)]
mod tests;
mod vectors;

pub use centroids::Centroids;
pub use clusters::KMeans;
pub use error::Error;
pub use params::{Init, KMeansParams};
pub use per_class::Prototypes;

// Only the command and the Python package need these.
#[doc(hidden)]
pub use {fit::Clusterable, on_disk::DiskOptions, params::Algorithm};

// The Dask adapter of the Python package drives these. They are hidden because they may change with it.
#[doc(hidden)]
pub use {
    bytes::partial_stats::PartialStats, centroids::farthest::Farthest, lloyd::run::LloydRun,
    on_disk::row_assignments::RowAssignments, seeding::Start,
};
