//! The confidence of predictions: calibrated probabilities, and images that belong to no class.

use ndarray::{Array2, ArrayView1, ArrayViewMut1};
use serde::{Deserialize, Serialize};

use crate::{neighbors::Neighbors, step::check_number};

/// Maximum number of Newton steps, of which a handful is enough, and their tolerance.
const MOST_STEPS: usize = 100;
const ARRIVED: f64 = 1e-10;

/// Turns evidence into probabilities; learned from images that the model had not seen.
///
/// The probability of a class is proportional to exp(`votes` · its share of the votes - `distance` · the distance of
/// its nearest prototype, or of its hyperplane if hyperplanes decide), but not above that of the label. An image whose
/// [`outlier_scores`](super::Model::outlier_scores) exceed `novel` belongs to no class. Distances are in units of the
/// prototypes' standard deviation over all directions together, so that the weights do not depend on scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Weight of the share of votes.
    pub votes: f64,
    /// Weight of the distance.
    pub distance: f64,
    /// Images with a larger outlier score are novel; 0 if this has not been measured.
    pub novel: f64,
    /// Images whose label is less probable than this belong to no class either; 0 to accept every label.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unsure: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// The evidence for each class, for some images; both arrays have shape (n, classes).
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// Shares of the votes.
    pub(super) votes: Array2<f64>,
    /// Distances in units of the prototypes' standard deviation, minus the smallest.
    pub(super) distances: Array2<f64>,
}

impl Calibration {
    pub(super) fn check(self) -> Result<(), String> {
        check_number("calibration, votes", self.votes, None)?;
        check_number("calibration, distance", self.distance, None)?;
        check_number("calibration, novel", self.novel, None)?;
        check_number("calibration, unsure", self.unsure, Some(1.0))
    }

    /// The weights that maximise the likelihood of the labels of some images, by Newton's method: the likelihood has
    /// one maximum. Large weights are penalised slightly; without that they would become infinite if all images are
    /// classified correctly.
    pub(super) fn fit(evidence: &Evidence, labels: &[u32]) -> Self {
        let mut weights = [1.0, 1.0];
        for _ in 0..MOST_STEPS {
            let (mut gradient, mut curvature) = ([0.0; 2], [[0.0; 2]; 2]);
            let penalty = 1e-3;
            for (i, weight) in weights.iter().enumerate() {
                gradient[i] = -penalty * weight;
                curvature[i][i] = penalty;
            }
            let rows = evidence.votes.outer_iter().zip(evidence.distances.outer_iter());
            let known =
                rows.zip(labels).filter(|((_, distances), label)| distances[**label as usize].is_finite());
            for ((votes, distances), &label) in known {
                let probabilities = softmax(votes, distances, weights);
                let feature = |class: usize| [votes[class], -distances[class]];
                let mut mean = [0.0; 2];
                let mut second = [[0.0; 2]; 2];
                for (class, p) in probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                    let x = feature(class);
                    for i in 0..2 {
                        mean[i] += p * x[i];
                        for j in 0..2 {
                            second[i][j] += p * x[i] * x[j];
                        }
                    }
                }
                let own = feature(label as usize);
                for i in 0..2 {
                    gradient[i] += own[i] - mean[i];
                    for j in 0..2 {
                        curvature[i][j] += second[i][j] - mean[i] * mean[j];
                    }
                }
            }
            let [[a, b], [_, d]] = curvature;
            let determinant = a * d - b * b;
            let step = [
                (d * gradient[0] - b * gradient[1]) / determinant,
                (a * gradient[1] - b * gradient[0]) / determinant,
            ];
            // Neither votes nor nearness count against a class.
            let next =
                [0, 1].map(|i| (weights[i] + step[i]).clamp(weights[i] / 4.0, weights[i] * 4.0 + 1e-6));
            let moved = (next[0] - weights[0]).abs() + (next[1] - weights[1]).abs();
            weights = next;
            if moved < ARRIVED {
                break;
            }
        }
        Self { votes: weights[0], distance: weights[1], ..Self::default() }
    }

    /// Probabilities of the classes, shape (n, classes); rows sum to 1. No class is more probable than the label.
    /// Classes for which the evidence is stronger share their probability with it, which happens when hyperplanes
    /// decide against the votes. Without a calibration, the evidence is only the share of the votes.
    pub(super) fn probabilities(&self, evidence: &Evidence, labels: &[u32]) -> Array2<f64> {
        let weights = [self.votes, self.distance];
        let mut all = evidence.votes.clone();
        for (row, &label) in labels.iter().enumerate() {
            let mut all = all.row_mut(row);
            if weights != [0.0, 0.0] {
                let found = softmax(evidence.votes.row(row), evidence.distances.row(row), weights);
                all.assign(&ArrayView1::from(&found));
            }
            share(&mut all, label as usize);
        }
        all
    }
}

/// Gives the label and the classes that are more probable their mean probability; then gives the label the next larger
/// float, so that the most probable class is the label.
fn share(probabilities: &mut ArrayViewMut1<f64>, label: usize) {
    let least = probabilities[label];
    let above = || probabilities.iter().copied().filter(|&p| p > least);
    let mean = (least + above().sum::<f64>()) / (1 + above().count()) as f64;
    for (class, p) in probabilities.iter_mut().enumerate() {
        if class == label || *p > least {
            *p = mean;
        }
    }
    if probabilities.iter().filter(|&&p| p >= mean).count() > 1 {
        probabilities[label] = mean.next_up();
    }
}

fn softmax(
    votes: ArrayView1<f64>,
    distances: ArrayView1<f64>,
    [votes_weight, distance_weight]: [f64; 2],
) -> Vec<f64> {
    // A class without prototypes is impossible.
    let logit = |(votes, distance): (&f64, &f64)| {
        if distance.is_finite() {
            votes_weight * votes - distance_weight * distance
        } else {
            f64::NEG_INFINITY
        }
    };
    let logits: Vec<f64> = votes.iter().zip(distances).map(logit).collect();
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / total).collect()
}

impl Evidence {
    /// From the prototypes that vote on each image, the labels of all prototypes, and the squared distance of each
    /// class, which is infinite for a class without prototypes.
    pub(super) fn new(voters: &Neighbors, labels: &[u32], mut distances: Array2<f64>, unit: f64) -> Self {
        let mut votes = Array2::zeros(distances.dim());
        for (mut votes, voters) in votes.outer_iter_mut().zip(voters.indices.outer_iter()) {
            voters.iter().for_each(|&index| votes[labels[index] as usize] += 1.0 / voters.len() as f64);
        }
        for mut distances in distances.outer_iter_mut() {
            // Rounding may make the squared distance of a hyperplane negative.
            distances.mapv_inplace(|squared| squared.max(0.0).sqrt() / unit);
            let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
            distances.mapv_inplace(|distance| distance - least);
        }
        Self { votes, distances }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn no_class_is_likelier_than_the_label_and_one_that_nothing_stands_for_is_impossible() {
        let evidence = Evidence {
            votes: array![[0.6, 0.2, 0.2, 0.0], [1.0, 0.0, 0.0, 0.0]],
            distances: array![[0.06, 0.0, 0.005, f64::INFINITY], [0.0, 0.4, 0.5, f64::INFINITY]],
        };
        let calibration = Calibration { votes: 1.154, distance: 15.03, ..Calibration::default() };
        let found = calibration.probabilities(&evidence, &[0, 0]);
        for row in found.outer_iter() {
            assert!((row.sum() - 1.0).abs() < 1e-12);
            assert!(row.iter().all(|&p| p <= row[0]), "{row}");
            assert_eq!(row[3].to_bits(), 0);
        }
        assert!(found[[1, 0]] > 0.99);
        assert_eq!(Calibration::default().probabilities(&evidence, &[0, 0]), evidence.votes);
    }

    #[test]
    fn images_of_classes_that_nothing_stands_for_say_nothing() {
        let evidence = Evidence {
            votes: array![[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.4, 0.6, 0.0], [1.0, 0.0, 0.0]],
            distances: array![
                [0.0, 0.3, f64::INFINITY],
                [0.0, 0.1, f64::INFINITY],
                [0.1, 0.0, f64::INFINITY],
                [0.0, 0.9, f64::INFINITY]
            ],
        };
        let found = Calibration::fit(&evidence, &[0, 1, 1, 2]);
        assert!(found.votes.is_finite() && found.distance.is_finite(), "{found:?}");
    }
}
