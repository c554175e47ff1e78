//! The quality of predictions, and its uncertainty.

mod outliers;
mod probabilities;

use ndarray::{Array2, Axis};

// Only the command's reports and tests need these and what is hidden below.
#[doc(hidden)]
pub use {
    outliers::{auroc, refused},
    probabilities::{Reliability, ReliabilityBin, brier_score, log_loss},
};

/// Two-sided 95 % quantile of the normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// Counts of (true class, predicted class): rows are true classes, columns are predicted classes.
///
/// ```
/// use handful::metrics::ConfusionMatrix;
///
/// let matrix = ConfusionMatrix::new(&[0, 0, 1, 1], &[0, 1, 1, 1], 2);
/// assert_eq!(matrix.accuracy(), 0.75);
/// assert_eq!(matrix.per_class()[1].precision, 2.0 / 3.0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Array2<u64>,
}

/// The metrics of one class. A ratio without cases is 0, as in scikit-learn with `zero_division=0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassMetrics {
    /// The share of predictions of this class that are correct.
    pub precision: f64,
    /// The share of images of this class that are predicted correctly.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
    /// Number of images of this class.
    pub support: u64,
}

impl ConfusionMatrix {
    /// Counts pairs of `truth` and `predicted`, both below `n_classes`.
    ///
    /// # Panics
    /// If the lengths differ or a label is too large.
    #[must_use]
    pub fn new(truth: &[u32], predicted: &[u32], n_classes: usize) -> Self {
        assert_eq!(truth.len(), predicted.len(), "a prediction for each label");
        let mut counts = Array2::zeros((n_classes, n_classes));
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            counts[[truth as usize, predicted as usize]] += 1;
        }
        Self { counts }
    }

    /// Adds the counts of other predictions with the same classes.
    ///
    /// # Panics
    /// If the numbers of classes differ.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.counts.dim(), other.counts.dim(), "as many classes");
        self.counts += &other.counts;
    }

    /// Shape (`n_classes`, `n_classes`).
    #[must_use]
    pub fn counts(&self) -> &Array2<u64> {
        &self.counts
    }

    /// Number of correct predictions.
    #[must_use]
    pub fn correct(&self) -> u64 {
        self.counts.diag().sum()
    }

    /// Number of predictions.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.sum()
    }

    /// The share of correct predictions; NaN if there are no predictions.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.correct() as f64 / self.total() as f64
    }

    /// The share of wrong predictions in percent; NaN if there are no predictions.
    #[must_use]
    pub fn error_percent(&self) -> f64 {
        (self.total() - self.correct()) as f64 * 100.0 / self.total() as f64
    }

    /// The 95 % score interval of the accuracy (Wilson 1927). Unlike the textbook interval, it is accurate near 0 and 1.
    ///
    /// # Panics
    /// If there are no predictions.
    #[must_use]
    pub fn accuracy_interval(&self) -> [f64; 2] {
        wilson_interval(self.correct(), self.total())
    }

    /// Precision, recall, F1 and support of each class.
    #[must_use]
    pub fn per_class(&self) -> Vec<ClassMetrics> {
        let (support, predicted) = (self.counts.sum_axis(Axis(1)), self.counts.sum_axis(Axis(0)));
        let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let of_class = |class: usize| {
            let correct = self.counts[[class, class]];
            ClassMetrics {
                precision: ratio(correct, predicted[class]),
                recall: ratio(correct, support[class]),
                f1: ratio(2 * correct, support[class] + predicted[class]),
                support: support[class],
            }
        };
        (0..support.len()).map(of_class).collect()
    }
}

/// The 95 % score interval of a proportion (Wilson 1927). Unlike the textbook interval, it is accurate near 0 and 1.
///
/// ```
/// let [low, high] = handful::metrics::wilson_interval(9691, 10_000);
/// assert_eq!(format!("{low:.4} to {high:.4}"), "0.9655 to 0.9723");
/// ```
///
/// # Panics
/// If `total` is 0 or less than `correct`.
#[doc(hidden)]
#[must_use]
pub fn wilson_interval(correct: u64, total: u64) -> [f64; 2] {
    assert!(
        total > 0 && correct <= total,
        "expected at least one case, and at most as many correct ones, found {correct} correct of {total}"
    );
    let (n, p, z2) = (total as f64, correct as f64 / total as f64, Z_95 * Z_95);
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

/// McNemar's test of two classifiers on the same cases.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// Number of cases that only the first classifier predicts correctly.
    pub only_a: u64,
    /// Number of cases that only the second classifier predicts correctly.
    pub only_b: u64,
    /// The probability of a split at least this uneven if both are equally good: exact, two-sided.
    pub p_value: f64,
}

/// Compares two classifiers' predictions for the same `truth` (McNemar 1947, in its exact form: a sign test on the
/// cases that exactly one of them predicts correctly).
///
/// # Panics
/// If the lengths differ.
#[doc(hidden)]
#[must_use]
pub fn mcnemar(truth: &[u32], a: &[u32], b: &[u32]) -> McNemar {
    assert!(truth.len() == a.len() && truth.len() == b.len(), "two predictions for each label");
    let right = |predicted: &[u32]| truth.iter().zip(predicted).map(|(t, p)| t == p).collect::<Vec<_>>();
    let count = |yes: &[bool], no: &[bool]| yes.iter().zip(no).filter(|&(&y, &n)| y && !n).count() as u64;
    let (a, b) = (right(a), right(b));
    let (only_a, only_b) = (count(&a, &b), count(&b, &a));
    McNemar { only_a, only_b, p_value: sign_test(only_a, only_b) }
}

/// Twice the probability of at most min(a, b) heads in a + b fair coin flips, but at most 1. O(min(a, b)).
fn sign_test(a: u64, b: u64) -> f64 {
    let (n, fewer) = (a + b, a.min(b));
    if a == b {
        return 1.0;
    }
    // The logarithm of the largest term, C(n, fewer) / 2^n; then each smaller term by its ratio to the previous one.
    let log_choose: f64 = (1..=fewer).map(|i| ((n - fewer + i) as f64).ln() - (i as f64).ln()).sum::<f64>();
    let ratio = |i: u64| i as f64 / (n - i + 1) as f64;
    let terms = (1..=fewer).rev().scan(1.0, |term, i| {
        *term *= ratio(i);
        Some(*term)
    });
    let sum = 1.0 + terms.sum::<f64>();
    (2.0 * sum * (log_choose - n as f64 * std::f64::consts::LN_2).exp()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_merge_into_the_whole() {
        let (truth, predicted) = ([0, 1, 2, 2, 1, 0, 0], [0, 2, 2, 1, 1, 0, 1]);
        let mut merged = ConfusionMatrix::new(&truth[..3], &predicted[..3], 3);
        merged.merge(&ConfusionMatrix::new(&truth[3..], &predicted[3..], 3));
        assert_eq!(merged, ConfusionMatrix::new(&truth, &predicted, 3));
    }

    #[test]
    fn unanimous_and_balanced_splits() {
        assert!((sign_test(0, 5) - 2.0 / 32.0).abs() < 1e-15);
        assert!((sign_test(7, 7) - 1.0).abs() < 1e-15);
        assert!(sign_test(0, 0) >= 1.0);
        assert!(sign_test(10_000, 0) < 1e-300);
        let test = mcnemar(&[0, 1, 2, 3], &[0, 1, 2, 0], &[1, 1, 0, 3]);
        assert_eq!((test.only_a, test.only_b), (2, 1));
    }
}
