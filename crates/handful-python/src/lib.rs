//! What `handful` for Python has in Rust: searches, clusterings and models on NumPy's arrays, which are read where they
//! are, without the interpreter's lock.
//!
//! Thin: arrays become views, work is [run](job::run), and what comes out becomes arrays. All that scikit-learn asks of an
//! estimator is in `python/handful`.

mod arrays;
mod datasets;
mod errors;
mod features;
mod inverted;
mod job;
mod kmeans;
mod model;
mod neighbors;
mod passes;

/// The module `handful._core`.
#[pyo3::pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::{
        arrays::whole_bytes,
        datasets::{load, locate, parquet_groups, parquet_images, parquet_labels, user_folder},
        features::{deskew, frame, gradients, look_up, radial_variance},
        inverted::InvertedIndex,
        kmeans::{kmeans, kmeans_per_class, nearest_centroids, nearest_exact},
        model::Model,
        neighbors::Index,
        passes::{Shard, Stats, Steps, given_centroids, merge_farthest, start_centroids, start_rows},
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
