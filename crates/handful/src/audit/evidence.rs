//! What the neighbours of images say about their labels.

use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

use super::Neighbor;

/// How fast the weight of a vote falls with distance: by a factor of e for each of so many units. The unit is the standard
/// deviation of the vectors over all directions together. Chosen on MNIST's training images with flipped labels.
const REACH: f64 = 0.1;
/// The vote of nobody for each class, so that none is impossible.
const DOUBT: f64 = 0.02;
/// In the first round all neighbours count alike, in the second those whose own label looks right count more. A third round
/// changes little.
const ROUNDS: usize = 2;

/// The probability of each class for each image, shape (n, classes), from the votes of other images.
///
/// `neighbors` are those of each image, nearest first, and `labels` those of all images. The vote of a neighbour is weighted
/// by its distance, and by how probable its own label is: an image with a wrong label then hardly misleads others.
pub(super) fn probabilities(
    neighbors: &[Vec<Neighbor>],
    labels: &[u32],
    n_classes: usize,
    unit: f64,
) -> Array2<f64> {
    let mut trust = vec![1.0; labels.len()];
    let mut found = Array2::zeros((labels.len(), n_classes));
    for _ in 0..ROUNDS {
        let rows = found.outer_iter_mut().into_par_iter().zip(neighbors);
        rows.for_each(|(mut votes, neighbors): (ndarray::ArrayViewMut1<f64>, _)| {
            votes.fill(DOUBT);
            let nearest = neighbors.first().map_or(0.0, |neighbor| (neighbor.distance as f64).sqrt());
            for neighbor in neighbors {
                let beyond = ((neighbor.distance as f64).sqrt() - nearest) / (REACH * unit);
                votes[neighbor.label as usize] += trust[neighbor.row] * (-beyond).exp();
            }
            let total = votes.sum();
            votes /= total;
        });
        let of_row = |(votes, &label): (ArrayView1<f64>, &u32)| {
            votes[label as usize] / votes[likeliest(votes) as usize]
        };
        trust = found.outer_iter().zip(labels).map(of_row).collect();
    }
    found
}

/// The most probable class; of several, the first.
pub(super) fn likeliest(probabilities: ArrayView1<f64>) -> u32 {
    let better = |best: (u32, f64), class: (u32, f64)| if class.1 > best.1 { class } else { best };
    (0..).zip(probabilities.iter().copied()).fold((0, f64::NEG_INFINITY), better).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbors(of: &[(usize, u64)], labels: &[u32]) -> Vec<Neighbor> {
        of.iter().map(|&(row, distance)| Neighbor { row, label: labels[row], distance }).collect()
    }

    #[test]
    fn near_neighbours_and_those_with_right_labels_count_more() {
        // The labels of 0 to 3 support each other; that of 4 is wrong, and 5 has it as its nearest neighbour.
        let labels = [0, 0, 0, 0, 1, 0, 1, 1];
        let group = |without: usize| {
            (0..4).filter(move |&row| row != without).map(|row| (row, 100)).collect::<Vec<_>>()
        };
        let mut all: Vec<Vec<Neighbor>> = (0..5).map(|row| neighbors(&group(row), &labels)).collect();
        all.push(neighbors(&[(4, 90), (0, 100), (1, 100)], &labels));
        all.push(neighbors(&[(7, 0), (0, 40_000)], &labels));
        all.push(neighbors(&[(6, 0), (0, 40_000)], &labels));
        let found = probabilities(&all, &labels, 2, 100.0);
        assert!(found[[4, 1]] < 0.01 && found[[5, 0]] > 0.95, "{found}");
        assert!(found[[6, 1]] > 0.95, "what is far hardly counts: {found}");
        assert!(found.outer_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
    }

    #[test]
    fn without_neighbours_all_classes_are_equal() {
        let found = probabilities(&[Vec::new(), Vec::new()], &[0, 1], 2, 1.0);
        assert_eq!(found, ndarray::array![[0.5, 0.5], [0.5, 0.5]]);
        assert_eq!(likeliest(found.row(1)), 0);
    }
}
