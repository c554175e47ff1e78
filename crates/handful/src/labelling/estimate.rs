//! How many labels are right.

use super::{answers::Answers, spread::Spread};
use crate::metrics::wilson_interval;

/// How many labels are right, as far as images drawn at random tell.
///
/// The answers about these images must not have been spread. Then they are a fair sample of all images, whichever
/// questions came before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Number of images that were drawn at random and named.
    pub n: u64,
    /// Number of them whose label is the one that a person gave.
    pub correct: u64,
}

impl Estimate {
    /// Compares answers that were held out with the labels that the others give.
    #[must_use]
    pub fn new(spread: &Spread, held_out: &Answers) -> Self {
        let correct = held_out.iter().filter(|&(image, label)| spread.labels[image] == label).count();
        Self { n: held_out.len() as u64, correct: correct as u64 }
    }

    /// The share that is right; `None` if no image was drawn.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        (self.n > 0).then(|| self.correct as f64 / self.n as f64)
    }

    /// The 95 % score interval of the accuracy of all labels (Wilson 1927); from 0 to 1 if no image was drawn.
    #[must_use]
    pub fn interval(&self) -> [f64; 2] {
        if self.n == 0 { [0.0, 1.0] } else { wilson_interval(self.correct, self.n) }
    }
}
