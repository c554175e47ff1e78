//! Votes of neighbours.

use ndarray::ArrayView1;

use crate::neighbors::Neighbors;

/// The weight of a neighbour's vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// All neighbours have the same weight.
    #[default]
    Uniform,
    /// The inverse of its (unsquared) distance. If there are neighbours at distance zero, only they vote.
    Distance,
}

/// Which class wins if several have the most votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TieBreak {
    /// The class of the nearest neighbour among the tied classes.
    #[default]
    Nearest,
    /// The lowest label among the tied classes, as in scikit-learn.
    LowestLabel,
}

/// Sums the votes of one query's neighbours, nearest first, into `votes` (one entry per class).
pub(super) fn count(
    distances: ArrayView1<u64>,
    labels: impl Iterator<Item = u32>,
    weights: Weights,
    votes: &mut [f64],
) {
    votes.fill(0.0);
    let coincident = distances.iter().take_while(|&&distance| distance == 0).count();
    for (&distance, label) in distances.iter().zip(labels) {
        votes[label as usize] += match weights {
            Weights::Uniform => 1.0,
            Weights::Distance if coincident > 0 => f64::from(u8::from(distance == 0)),
            Weights::Distance => 1.0 / (distance as f64).sqrt(),
        };
    }
}

/// The class with the most votes; `labels` are the labels of the neighbours, nearest first.
pub(crate) fn winner(votes: &[f64], mut labels: impl Iterator<Item = u32>, tie_break: TieBreak) -> u32 {
    let most = votes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let has_most = |label: &u32| votes[*label as usize] >= most;
    let first = match tie_break {
        TieBreak::Nearest => labels.find(has_most),
        TieBreak::LowestLabel => (0..).take(votes.len()).find(has_most),
    };
    first.expect("some neighbour voted for the winner")
}

/// One result per row of `neighbors`; `labels` are the labels of the searched points.
pub(crate) fn for_each(
    neighbors: &Neighbors,
    labels: &[u32],
    n_classes: usize,
    weights: Weights,
    mut verdict: impl FnMut(&[f64], &mut dyn Iterator<Item = u32>),
) {
    let mut votes = vec![0.0; n_classes];
    for (distances, indices) in neighbors.distances.outer_iter().zip(neighbors.indices.outer_iter()) {
        let of_neighbors = || indices.iter().map(|&index| labels[index]);
        count(distances, of_neighbors(), weights, &mut votes);
        verdict(&votes, &mut of_neighbors());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(distances: &[u64], labels: &[u32], weights: Weights, tie_break: TieBreak) -> u32 {
        let mut votes = [0.0; 4];
        count(distances.into(), labels.iter().copied(), weights, &mut votes);
        winner(&votes, labels.iter().copied(), tie_break)
    }

    #[test]
    fn ties_go_to_the_nearest_of_the_tied_or_to_the_lowest_label() {
        let (distances, labels) = ([1, 2, 3, 4, 5], [0, 3, 2, 2, 3]);
        assert_eq!(vote(&distances, &labels, Weights::Uniform, TieBreak::Nearest), 3);
        assert_eq!(vote(&distances, &labels, Weights::Uniform, TieBreak::LowestLabel), 2);
    }

    #[test]
    fn distance_weights_let_near_ones_outvote_many() {
        // 1/1 for class 1 against 1/3 + 1/3 for class 0: distances are squared.
        assert_eq!(vote(&[1, 9, 9], &[1, 0, 0], Weights::Distance, TieBreak::Nearest), 1);
        assert_eq!(vote(&[1, 9, 9], &[1, 0, 0], Weights::Uniform, TieBreak::Nearest), 0);
    }

    #[test]
    fn neighbors_at_distance_zero_vote_alone() {
        let labels = [2, 1, 1, 1];
        assert_eq!(vote(&[0, 1, 1, 1], &labels, Weights::Distance, TieBreak::LowestLabel), 2);
        let mut votes = [0.0; 4];
        count((&[0, 0, 5, 5]).into(), labels.into_iter(), Weights::Distance, &mut votes);
        assert_eq!(votes.map(f64::to_bits), [0.0, 1.0, 1.0, 0.0_f64].map(f64::to_bits));
    }
}
