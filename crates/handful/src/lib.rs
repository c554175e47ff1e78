//! Handwritten digits, classified with K-Means and k-nearest neighbours: exact, fast, explained.
//!
//! ```text
//!  files       bytes           fewer vectors          votes
//!  IDX  ──►  Dataset  ──►  prototypes (K-Means)  ──►  k-NN  ──►  label, probabilities,
//!            (n, d) u8     all | m per class          exact      the neighbours that voted
//! ```
//!
//! Pixels are bytes, so squared distances are whole numbers: every search and every K-Means assignment is
//! exact, and the same for any number of threads. The modules stand in the order in which data flows
//! through them.
//!
//! ```no_run
//! use handful::{dataset, kmeans::KMeans, metrics::ConfusionMatrix, neighbors::KNeighborsClassifier};
//!
//! let mnist = dataset::load(&dataset::locate()?)?;
//! let prototypes = KMeans::params(9).n_init(10).fit_per_class(&mnist.train)?;
//! let model = KNeighborsClassifier::params(1).fit(&prototypes.dataset)?;
//! let predicted = model.predict(mnist.test.images().view())?;
//! let matrix = ConfusionMatrix::new(mnist.test.labels(), &predicted, mnist.test.classes().len());
//! println!("accuracy {:.4}", matrix.accuracy());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Work is spread over the current [rayon] thread pool; run it inside [`rayon::ThreadPool::install`] to
//! choose another. Long work reports to, and can be cancelled through, one callback: see [`progress`].

#![cfg_attr(
    test,
    allow(clippy::cast_possible_truncation, reason = "test data is made by arithmetic modulo 256")
)]

pub mod classifier;
pub mod dataset;
pub mod distance;
pub mod features;
pub mod kmeans;
pub mod metrics;
pub mod model_file;
pub mod neighbors;
pub mod preprocess;
pub mod progress;

pub use dataset::Dataset;
pub use kmeans::KMeans;
pub use neighbors::KNeighborsClassifier;

/// The README's example runs too.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
