//! Handwritten digit classification with K-Means and k-nearest neighbours: exact, fast, explained.
//!
//! ```text
//!  files       bytes          bytes          vectors       fewer vectors         votes
//!  IDX CSV ─►  Dataset  ──►  preprocess  ──►  features  ──►  prototypes     ──►  k-NN  ──►  label, probabilities,
//!  NPZ PNG …   (n, d) u8     upright          bytes          K-Means per class    exact      the neighbours that voted
//!                                   └─────────────── one Model, one file ───────────────┘
//! ```
//!
//! Pixels are bytes, so squared distances are whole numbers. Every search and every K-Means assignment is therefore
//! exact, and gives the same result for any number of threads. The diagram shows the order in which data flows through
//! the modules.
//!
//! # Train and save
//!
//! A [`Preset`](classifier::Preset) is a recipe with frozen values. Fitted on labelled images, it gives a
//! [`Model`](classifier::Model), which is saved as one file.
//!
//! ```
//! use handful::{Dataset, classifier::{Model, Preset}};
//! use ndarray::Array2;
//!
//! // Bars that stand and bars that lie, in images of 8 x 8 pixels.
//! let images = Array2::from_shape_fn((40, 64), |(i, pixel)| {
//!     let at = if i % 2 == 0 { pixel % 8 } else { pixel / 8 };
//!     if at == 2 + i / 2 % 4 { 255_u8 } else { 0 }
//! });
//! let labels = (0..40).map(|i| i % 2).collect();
//! let data = Dataset::new(images, [8, 8], labels, vec!["standing".into(), "lying".into()])?;
//!
//! let model = Preset::Notebook.params().fit(&data)?;
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("bars.safetensors");
//! model.save(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`dataset::load`] reads both parts of MNIST, and [`metrics`] measures how accurate a model is:
//!
//! ```no_run
//! use handful::{classifier::Preset, dataset, metrics::ConfusionMatrix};
//!
//! let mnist = dataset::load(&dataset::locate()?)?;
//! let model = Preset::Fast.params().fit(&mnist.train)?;
//! let predicted = model.predict(mnist.test.images().view())?;
//! let matrix = ConfusionMatrix::new(mnist.test.labels(), &predicted, mnist.test.classes().len());
//! println!("accuracy {:.4}, 95 % interval {:.4?}", matrix.accuracy(), matrix.accuracy_interval());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Load and predict
//!
//! [`Model::load`](classifier::Model::load) checks every byte of a file. The library's feature `presets` includes the
//! presets trained on MNIST. [`Model::framer`](classifier::Model::framer) turns
//! pictures of any size into images.
//!
//! ```
//! # #[cfg(feature = "presets")] {
//! use std::sync::Arc;
//! use handful::{classifier::Preset, preprocess::Framing};
//! use ndarray::Array2;
//!
//! // A stroke of ink on paper, in a corner of a large picture.
//! let picture = Array2::from_shape_fn((300, 400), |(y, x)| {
//!     if (20..140).contains(&y) && (40..52).contains(&x) { 30 } else { 220 }
//! });
//! let model = Arc::new(Preset::Small.trained()?); // or Model::load(path)
//! let image = model.framer(Framing::Auto).frame(picture.view()).expect("pictures of any size can be framed");
//! let row = image.into_shape_with_order((1, 784))?;
//! let label = model.predict(row.view())?[0];
//! assert_eq!(model.classes()[label as usize], "1");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Other data
//!
//! [`dataset`] reads the common formats for digits, and recognises them by their content: IDX, NumPy's arrays, tables,
//! Parquet, pictures in folders. Labels may be words. A [`Reader`](dataset::Reader) reads data that does not fit into
//! memory piece by piece.
//!
//! ```
//! use handful::dataset;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("train.csv");
//! std::fs::write(&path, "label,pixel0,pixel1,pixel2,pixel3\nright,0,255,0,255\nleft,255,0,255,0\n")?;
//! let data = dataset::load_train(&path)?;
//! assert_eq!((data.image_shape(), data.classes()), ([2, 2], &["left".to_owned(), "right".to_owned()][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An [`Augmenter`](augment::Augmenter) makes data sets of any size by deforming images, and a [`Pen`](augment::Pen) by
//! drawing digits.
//!
//! # Explanations
//!
//! [`Model::explain`](classifier::Model::explain) says for each image which neighbours voted, how sure the verdict is,
//! and whether the image resembles anything in the training set. Prototypes stand for training images: the
//! [medoids](classifier::Model::medoids) show what they look like. [`Model::origin`](classifier::Model::origin) says
//! whether such an image was made for training.
//!
//! ```
//! # #[cfg(feature = "presets")] {
//! use handful::classifier::Preset;
//! use ndarray::Array2;
//!
//! let model = Preset::Small.trained()?;
//! let mut image = Array2::zeros((1, 784));
//! image.row_mut(0).iter_mut().enumerate().for_each(|(pixel, value)| {
//!     let (y, x) = (pixel / 28, pixel % 28);
//!     *value = if (4..24).contains(&y) && (13..16).contains(&x) { 255 } else { 0 };
//! });
//! let why = &model.explain(image.view())?[0];
//! assert!(why.label == 1 && why.confidence > 0.9);
//! for voter in &why.neighbors {
//!     println!("a {} at squared distance {}, like training image {}", voter.label, voter.distance, voter.medoid);
//! }
//! let blank = &model.explain(Array2::zeros((1, 784)).view())?[0];
//! assert!(!blank.has_ink && !blank.is_digit);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The parts alone
//!
//! ```no_run
//! use handful::{dataset, kmeans::KMeans, neighbors::KNeighborsClassifier};
//!
//! let mnist = dataset::load(&dataset::locate()?)?;
//! let prototypes = KMeans::params(9).n_init(10).fit_per_class(&mnist.train)?;
//! let model = KNeighborsClassifier::params(1).fit(&prototypes.dataset)?;
//! let predicted = model.predict(mnist.test.images().view())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Predict only
//!
//! Programs that only load models and predict turn the default feature `training` off. The library then depends on 38
//! other crates instead of 67, and reads no data sets, fits no [`Params`](classifier::Params), and saves no files.
//! K-Means and the searches of rows in memory remain. They give the same results, but do without sketches, so that they
//! are slower for many rows.
//!
//! The current [rayon] thread pool does the work; run the work inside [`rayon::ThreadPool::install`] to choose another.
//! One callback receives the progress of long work and can cancel it: see [`progress`].

#![cfg_attr(
    test,
    allow(clippy::cast_possible_truncation, reason = "test data is made by arithmetic modulo 256")
)]
#![cfg_attr(
    not(feature = "training"),
    allow(dead_code, unused_imports, reason = "parts that only training uses are not marked one by one")
)]

#[cfg(feature = "training")]
pub mod audit;
pub mod augment;
pub mod classifier;
pub mod dataset;
// Only the command and tests need these two modules.
#[doc(hidden)]
pub mod distance;
#[cfg(feature = "training")]
#[doc(hidden)]
pub mod draft;
pub mod features;
pub mod kmeans;
#[cfg(feature = "training")]
pub mod labelling;
pub mod metrics;
pub mod model_file;
pub mod neighbors;
pub mod preprocess;
pub mod progress;
mod sketch;
mod step;
mod tensor_file;

pub use dataset::Dataset;
pub use kmeans::KMeans;
pub use neighbors::KNeighborsClassifier;

/// Makes the README's example a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// Compiles the program in this page.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
struct Embedding;
