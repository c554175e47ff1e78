//! Calibration of probabilities.

use ndarray::{ArrayView1, ArrayView2};

/// Number of bins of a reliability curve, as in Guo et al.
const N_BINS: usize = 15;

/// Sums of shares may exceed 0 and 1 by a rounding error.
const ROUNDING: f64 = 1e-9;

/// Smaller probabilities are replaced by this in a logarithm, so that one image whose label was considered impossible
/// does not make the mean infinite.
const LEAST: f64 = 1e-15;

/// Reliability of the confidence of predictions. The confidence is the probability of the predicted label.
///
/// ```
/// use handful::metrics::Reliability;
/// use ndarray::array;
///
/// let probabilities = array![[0.9, 0.1], [0.3, 0.7], [0.8, 0.2], [0.4, 0.6]];
/// let reliability = Reliability::new(probabilities.view(), &[0, 1, 0, 1], &[0, 1, 0, 0]);
/// // One of four is wrong, and it is the least sure.
/// assert_eq!(reliability.risk_coverage(&[1.0, 0.75]), [25.0, 0.0]);
/// assert_eq!(format!("{:.3}", reliability.expected_calibration_error()), "0.300");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reliability {
    confidence: Vec<f64>,
    right: Vec<bool>,
}

/// The predictions whose confidence lies in one bin of 0 to 1. A mean without cases is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReliabilityBin {
    /// Number of predictions.
    pub count: u64,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of correct predictions.
    pub accuracy: f64,
}

impl Reliability {
    /// Compares predictions with the truth: `probabilities` has shape (n, classes), `predicted` and `truth` have length
    /// n.
    ///
    /// # Panics
    /// If the lengths differ, a predicted label is not a class, or a probability is NaN or outside 0 to 1.
    #[must_use]
    pub fn new(probabilities: ArrayView2<f64>, predicted: &[u32], truth: &[u32]) -> Self {
        assert_eq!(predicted.len(), truth.len(), "a prediction for each label");
        let confidence = rows(probabilities, predicted).map(|(row, predicted)| row[predicted]).collect();
        let right = predicted.iter().zip(truth).map(|(predicted, truth)| predicted == truth).collect();
        Self { confidence, right }
    }

    /// Appends other predictions.
    pub fn merge(&mut self, other: Self) {
        self.confidence.extend(other.confidence);
        self.right.extend(other.right);
    }

    /// The reliability curve (Niculescu-Mizil and Caruana 2005), in 15 bins of equal width.
    ///
    /// Bin i holds confidences above i / 15, up to and including (i + 1) / 15; the first also holds 0.
    #[must_use]
    pub fn curve(&self) -> [ReliabilityBin; N_BINS] {
        let mut bins = [ReliabilityBin::default(); N_BINS];
        for (&confidence, &right) in self.confidence.iter().zip(&self.right) {
            // Compares with the bounds instead of multiplying, which could round 1/3 into the next bin.
            let bin = (1..N_BINS).filter(|&bound| bound as f64 / (N_BINS as f64) < confidence).count();
            bins[bin].count += 1;
            bins[bin].confidence += confidence;
            bins[bin].accuracy += f64::from(u8::from(right));
        }
        for bin in bins.iter_mut().filter(|bin| bin.count > 0) {
            bin.confidence /= bin.count as f64;
            bin.accuracy /= bin.count as f64;
        }
        bins
    }

    /// The expected calibration error (Guo et al. 2017): the mean absolute difference between confidence and accuracy
    /// in the [bins](Self::curve), weighted by the number of predictions. NaN if there are none.
    #[must_use]
    pub fn expected_calibration_error(&self) -> f64 {
        let gap = |bin: ReliabilityBin| bin.count as f64 * (bin.accuracy - bin.confidence).abs();
        self.curve().map(gap).iter().sum::<f64>() / self.confidence.len() as f64
    }

    /// The risk-coverage curve (El-Yaniv and Wiener 2010): for each share of predictions to keep, the error in percent
    /// among those with the highest confidence.
    ///
    /// The share is rounded to a whole number of predictions, at least one. Of predictions with equal confidence, the
    /// first are kept. NaN if there are no predictions.
    ///
    /// # Panics
    /// If a share is NaN or outside 0 to 1.
    #[must_use]
    pub fn risk_coverage(&self, coverages: &[f64]) -> Vec<f64> {
        let mut surest: Vec<usize> = (0..self.right.len()).collect();
        surest.sort_by(|&a, &b| self.confidence[b].total_cmp(&self.confidence[a]));
        let errors_among = |coverage: &f64| {
            assert!((0.0..=1.0).contains(coverage), "expected a share from 0 to 1, found {coverage}");
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to n")]
            let n_kept = (coverage * surest.len() as f64).round() as usize;
            let kept = surest.iter().take(n_kept.max(1));
            100.0 * mean(kept.map(|&verdict| f64::from(u8::from(!self.right[verdict]))))
        };
        coverages.iter().map(errors_among).collect()
    }
}

/// The Brier score (Brier 1950): the squared distance of the probabilities from the truth, summed over the classes and
/// averaged over the images. It is from 0 (best) to 2 (worst).
///
/// `probabilities` has shape (n, classes), `truth` length n. NaN if there are no images.
///
/// ```
/// use ndarray::array;
///
/// let score = handful::metrics::brier_score(array![[0.5, 0.5], [0.0, 1.0]].view(), &[0, 1]);
/// assert_eq!(score, (0.5 + 0.0) / 2.0);
/// ```
///
/// # Panics
/// If the lengths differ, a label is not a class, or a probability is NaN or outside 0 to 1.
#[must_use]
pub fn brier_score(probabilities: ArrayView2<f64>, truth: &[u32]) -> f64 {
    mean(rows(probabilities, truth).map(|(row, truth)| {
        let squared = |(class, p): (usize, &f64)| (p - f64::from(u8::from(class == truth))).powi(2);
        row.iter().enumerate().map(squared).sum()
    }))
}

/// The log loss, or cross-entropy (Good 1952): the negative natural logarithm of the true label's probability, averaged
/// over the images.
///
/// A probability below 1e-15 counts as 1e-15: a true label that was considered impossible costs 34.5, not infinity.
///
/// `probabilities` has shape (n, classes), `truth` length n. NaN if there are no images.
///
/// ```
/// use ndarray::array;
///
/// let loss = handful::metrics::log_loss(array![[0.25, 0.75], [0.0, 1.0]].view(), &[0, 1]);
/// assert_eq!(loss, 4_f64.ln() / 2.0);
/// ```
///
/// # Panics
/// If the lengths differ, a label is not a class, or a probability is NaN or outside 0 to 1.
#[must_use]
pub fn log_loss(probabilities: ArrayView2<f64>, truth: &[u32]) -> f64 {
    mean(rows(probabilities, truth).map(|(row, truth)| row[truth].clamp(LEAST, 1.0).recip().ln()))
}

/// The probabilities of each image with its label.
fn rows<'a>(
    probabilities: ArrayView2<'a, f64>,
    labels: &'a [u32],
) -> impl Iterator<Item = (ArrayView1<'a, f64>, usize)> {
    assert_eq!(probabilities.nrows(), labels.len(), "a row of probabilities for each label");
    for p in probabilities {
        assert!((-ROUNDING..=1.0 + ROUNDING).contains(p), "expected a probability from 0 to 1, found {p}");
    }
    let label = move |&label: &u32| {
        assert!((label as usize) < probabilities.ncols(), "label {label} is not a class");
        label as usize
    };
    probabilities.into_outer_iter().zip(labels.iter().map(label))
}

/// NaN if there are no values.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    sum / count as f64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the figures are exact")]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;

    /// Two classes; the first is always predicted.
    fn reliability(confidence: &[f64], right: &[bool]) -> Reliability {
        let probabilities = Array2::from_shape_fn((confidence.len(), 2), |(row, class)| {
            if class == 0 { confidence[row] } else { 1.0 - confidence[row] }
        });
        let truth: Vec<u32> = right.iter().map(|&right| u32::from(!right)).collect();
        Reliability::new(probabilities.view(), &vec![0; right.len()], &truth)
    }

    #[test]
    fn all_right_and_all_wrong() {
        let certain = array![[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        let predicted = [0, 2];
        for (truth, brier, loss, error) in [([0, 2], 0.0, 0.0, 0.0), ([1, 1], 2.0, -LEAST.ln(), 1.0)] {
            assert_eq!(brier_score(certain.view(), &truth), brier);
            assert!((log_loss(certain.view(), &truth) - loss).abs() < 1e-12);
            let reliability = Reliability::new(certain.view(), &predicted, &truth);
            assert_eq!(reliability.expected_calibration_error(), error);
            assert_eq!(reliability.risk_coverage(&[1.0, 0.5, 0.0]), [100.0 * error; 3]);
            let [.., last] = reliability.curve();
            assert_eq!(last, ReliabilityBin { count: 2, confidence: 1.0, accuracy: 1.0 - error });
        }
    }

    #[test]
    fn one_image() {
        let one = reliability(&[0.7], &[false]);
        assert_eq!(one.risk_coverage(&[1.0, 0.01]), [100.0, 100.0]);
        assert_eq!(one.expected_calibration_error(), 0.7);
        assert_eq!(one.curve().map(|bin| bin.count).iter().sum::<u64>(), 1);
    }

    #[test]
    fn no_images() {
        let none = Array2::zeros((0, 3));
        assert!(brier_score(none.view(), &[]).is_nan() && log_loss(none.view(), &[]).is_nan());
        let reliability = Reliability::new(none.view(), &[], &[]);
        assert!(reliability.expected_calibration_error().is_nan());
        assert!(reliability.risk_coverage(&[1.0])[0].is_nan());
        assert_eq!(reliability.curve(), [ReliabilityBin::default(); N_BINS]);
    }

    #[test]
    fn as_often_right_as_they_say() {
        let confidence: Vec<f64> = (1..=4).flat_map(|quarters| [f64::from(quarters) / 4.0; 4]).collect();
        let right: Vec<bool> = (1..=4).flat_map(|quarters| (0..4).map(move |case| case < quarters)).collect();
        assert_eq!(reliability(&confidence, &right).expected_calibration_error(), 0.0);
    }

    #[test]
    fn a_bound_belongs_to_the_bin_below() {
        for bound in 1..=N_BINS {
            let at = bound as f64 / N_BINS as f64;
            let curve = reliability(&[at, at.next_down()], &[true; 2]).curve();
            assert_eq!(curve[bound - 1].count, 2);
        }
        assert_eq!(reliability(&[0.0], &[true]).curve()[0].count, 1);
    }

    #[test]
    fn of_equally_sure_verdicts_the_first_are_kept() {
        let tied = reliability(&[0.5, 0.9, 0.5, 0.5], &[true, true, false, true]);
        assert_eq!(tied.risk_coverage(&[0.25, 0.5, 0.75, 1.0]), [0.0, 0.0, 100.0 * (1.0 / 3.0), 25.0]);
    }

    #[test]
    #[should_panic(expected = "expected a probability from 0 to 1, found NaN")]
    fn probabilities_must_be_numbers() {
        let _ = brier_score(array![[f64::NAN, 1.0]].view(), &[1]);
    }

    #[test]
    #[should_panic(expected = "label 2 is not a class")]
    fn labels_must_be_classes() {
        let _ = brier_score(array![[0.5, 0.5]].view(), &[2]);
    }

    proptest! {
        #[test]
        fn bins_hold_all_and_errors_stay_within_bounds(
            verdicts in prop::collection::vec((0.0..=1.0, any::<bool>()), 1..80),
        ) {
            let (confidence, right): (Vec<f64>, Vec<bool>) = verdicts.into_iter().unzip();
            let (n, n_right) = (right.len() as f64, right.iter().filter(|&&right| right).count() as f64);
            let (some, others) = (right.len() / 3, right.len() / 3..);
            let mut merged = reliability(&confidence[..some], &right[..some]);
            merged.merge(reliability(&confidence[others.clone()], &right[others]));
            let reliability = reliability(&confidence, &right);
            prop_assert_eq!(&merged, &reliability);
            let curve = reliability.curve();
            let sum = |of: fn(&ReliabilityBin) -> f64| {
                curve.iter().map(|bin| bin.count as f64 * of(bin)).sum::<f64>()
            };
            prop_assert!((sum(|_| 1.0) - n).abs() < 1e-9 && (sum(|bin| bin.accuracy) - n_right).abs() < 1e-9);
            // Bins cannot be closer than their means, nor farther apart than 0 and 1.
            let total = confidence.iter().sum::<f64>();
            let error = reliability.expected_calibration_error();
            prop_assert!((total - n_right).abs() / n - 1e-9 <= error && error <= 1.0);
            let risks = reliability.risk_coverage(&[1.0, 0.5, 0.0]);
            prop_assert!((risks[0] - 100.0 * (n - n_right) / n).abs() < 1e-9);
            prop_assert!(risks.iter().all(|risk| (0.0..=100.0).contains(risk)));
        }
    }
}
