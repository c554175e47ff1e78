//! The Rust part of `handful` for Python: searches, clusterings and models on NumPy arrays. The arrays are read without
//! a copy, and the work runs without the interpreter's lock.
//!
//! This layer is thin: it converts arrays to views, [runs](job::run) the work and converts the results to arrays.
//! `python/handful` contains everything that scikit-learn requires of an estimator.

mod arrays;
mod audit;
mod datasets;
mod errors;
mod features;
mod inverted;
mod job;
mod kmeans;
mod labelling;
mod model;
mod neighbors;
mod passes;
mod steps;

/// The module `handful._core`.
#[pyo3::pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::{
        arrays::whole_bytes,
        audit::audit,
        datasets::{load, locate, parquet_groups, parquet_images, parquet_labels, user_folder},
        features::{deskew, frame, gradients, look_up, radial_variance},
        inverted::InvertedIndex,
        kmeans::{kmeans, kmeans_per_class, nearest_centroids, nearest_exact},
        labelling::{Features, Labeler, wilson_interval},
        model::Model,
        neighbors::Index,
        passes::{Shard, Stats, merge_farthest},
        steps::{Steps, given_centroids, start_centroids, start_rows},
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
