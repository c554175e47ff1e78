//! Timed models on the test set.

use std::time::Instant;

use handful::{Dataset, classifier::Preset, metrics::ConfusionMatrix, neighbors::Neighbors};
use serde_json::Map;

/// Predictions shorter than this are timed several times, and the fastest time counts: the first one after other work
/// is slower, because memory is not ready yet.
const SHORT_SECONDS: f64 = 0.1;
const TRIES: usize = 2;

/// A model on the test set.
pub(crate) struct Evaluated {
    pub(crate) name: &'static str,
    pub(crate) preset: Option<Preset>,
    pub(crate) parameters: Map<String, serde_json::Value>,
    pub(crate) n_prototypes: usize,
    pub(crate) n_neighbors: usize,
    pub(crate) inertia: Option<f64>,
    pub(crate) n_iter: Option<usize>,
    pub(crate) fit_seconds: f64,
    pub(crate) predict_seconds: f64,
    /// Size of its file, if it has one.
    pub(crate) model_bytes: Option<u64>,
    pub(crate) predicted: Vec<u32>,
    pub(crate) confusion_matrix: ConfusionMatrix,
}

/// The vectors that can vote, and the nearest of them for each test image.
pub(crate) struct Search {
    pub(crate) voters: Dataset,
    pub(crate) neighbors: Neighbors,
}

impl Evaluated {
    pub(crate) fn images_per_second(&self) -> f64 {
        self.predicted.len() as f64 / self.predict_seconds
    }
}

/// Does some work. Returns the seconds that it took, and its result.
pub(crate) fn timed<T>(mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<(f64, T)> {
    let (mut seconds, mut tries) = (f64::INFINITY, 0);
    loop {
        let start = Instant::now();
        let result = work()?;
        seconds = start.elapsed().as_secs_f64().min(seconds);
        tries += 1;
        if tries == TRIES || seconds > SHORT_SECONDS {
            return Ok((seconds, result));
        }
    }
}
