//! How sure a verdict is: probabilities that mean what they say, and images that are of no class.

use ndarray::{Array2, ArrayView1, azip};
use serde::{Deserialize, Serialize};

use crate::neighbors::Neighbors;

/// Newton steps, of which a handful is enough, and when they have arrived.
const MOST_STEPS: usize = 100;
const ARRIVED: f64 = 1e-10;

/// What turns evidence into probabilities, learned from images that the model had not seen.
///
/// The probability of a class is in proportion to exp(`votes` · its share of the votes - `distance` · the squared
/// distance of its nearest prototype), and `novel` is the distance beyond which an image is of no class at all.
/// Distances count in the mean squared distance of the prototypes from their mean, so that the figures outlive a
/// change of scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Weight of a share of votes.
    pub votes: f64,
    /// Weight of a squared distance.
    pub distance: f64,
    /// Beyond this an image is new; 0 where nobody has measured it.
    pub novel: f64,
}

/// What speaks for each class, for some images; both arrays have shape (n, classes).
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// Shares of the votes.
    pub(super) votes: Array2<f64>,
    /// Squared distances in the prototypes' own measure, less the smallest.
    pub(super) distances: Array2<f64>,
}

impl Calibration {
    /// The weights that make the labels of some images most likely, by Newton's method: the likelihood has one
    /// maximum. A little is taken off for large weights, without which images that are all right would make them
    /// infinite.
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
            for ((votes, distances), &label) in rows.zip(labels) {
                let probabilities = softmax(votes, distances, weights);
                let feature = |class: usize| [votes[class], -distances[class]];
                let mut mean = [0.0; 2];
                let mut second = [[0.0; 2]; 2];
                for (class, p) in probabilities.iter().enumerate() {
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
            // Neither votes nor nearness speak against a class.
            let next =
                [0, 1].map(|i| (weights[i] + step[i]).clamp(weights[i] / 4.0, weights[i] * 4.0 + 1e-6));
            let moved = (next[0] - weights[0]).abs() + (next[1] - weights[1]).abs();
            weights = next;
            if moved < ARRIVED {
                break;
            }
        }
        Self { votes: weights[0], distance: weights[1], novel: 0.0 }
    }

    /// Probabilities of the classes, shape (n, classes); rows sum to 1. No class is likelier than the label, which
    /// shares with it where the evidence says otherwise.
    pub(super) fn probabilities(&self, evidence: &Evidence, labels: &[u32]) -> Array2<f64> {
        let mut all = Array2::zeros(evidence.votes.dim());
        let rows = evidence.votes.outer_iter().zip(evidence.distances.outer_iter());
        for ((mut all, (votes, distances)), &label) in all.outer_iter_mut().zip(rows).zip(labels) {
            let mut found = softmax(votes, distances, [self.votes, self.distance]);
            let likeliest = (0..found.len()).fold(0, |best, i| if found[i] > found[best] { i } else { best });
            let shared = f64::midpoint(found[likeliest], found[label as usize]);
            (found[likeliest], found[label as usize]) = (shared, shared);
            azip!((all in &mut all, &p in &ArrayView1::from(&found)) *all = p);
        }
        all
    }
}

fn softmax(
    votes: ArrayView1<f64>,
    distances: ArrayView1<f64>,
    [votes_weight, distance_weight]: [f64; 2],
) -> Vec<f64> {
    let logits = votes
        .iter()
        .zip(distances)
        .map(|(votes, distance)| votes_weight * votes - distance_weight * distance);
    let logits: Vec<f64> = logits.collect();
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / total).collect()
}

impl Evidence {
    /// From each image's nearest prototypes, of which the first `voters` vote, and the prototypes' labels. A class that
    /// is not among them is taken to be as far as the last.
    pub(super) fn new(
        neighbors: &Neighbors,
        labels: &[u32],
        voters: usize,
        n_classes: usize,
        unit: f64,
    ) -> Self {
        let shape = (neighbors.indices.nrows(), n_classes);
        let mut found = Self { votes: Array2::zeros(shape), distances: Array2::zeros(shape) };
        let rows = neighbors.distances.outer_iter().zip(neighbors.indices.outer_iter());
        let to = found.votes.outer_iter_mut().zip(found.distances.outer_iter_mut());
        for ((distances, indices), (mut votes, mut to)) in rows.zip(to) {
            let (first, last) = (distances[0], distances[distances.len() - 1]);
            to.fill((last - first) as f64 / unit);
            for (place, (&distance, &index)) in distances.iter().zip(indices).enumerate().rev() {
                let class = labels[index] as usize;
                to[class] = (distance - first) as f64 / unit;
                if place < voters {
                    votes[class] += 1.0 / voters as f64;
                }
            }
        }
        found
    }

    /// Other distances of the classes; those that are infinite are taken to be as far as the last that is not.
    pub(super) fn measure(&mut self, distances: &[Vec<f64>], unit: f64) {
        for (mut to, distances) in self.distances.outer_iter_mut().zip(distances) {
            let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
            let most =
                distances.iter().copied().filter(|distance| distance.is_finite()).fold(least, f64::max);
            to.iter_mut().zip(distances).for_each(|(to, distance)| *to = (distance.min(most) - least) / unit);
        }
    }
}
