//! What is known beforehand: figures on the real MNIST, and the answers of scikit-learn and statsmodels.

mod audit;
mod augment;
mod exact;
mod features;
mod inverted;
mod labels;
mod lloyd;
mod metrics;
mod mnist;
mod models;
mod peers;
mod reference;

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use handful::dataset::{self, TrainTest};

static MNIST: LazyLock<TrainTest> =
    LazyLock::new(|| dataset::load(&folder()).expect("MNIST is in the clone"));

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist")
}
