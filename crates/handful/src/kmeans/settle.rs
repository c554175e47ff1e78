//! Which of a few centroids is the nearest of a row, exactly.

use super::{
    centroids::{Centroids, Fraction},
    rounded::{PARTS, Rounded},
    samples::{CONTIGUOUS, Samples},
};
use crate::distance::{Kernel, MOST_DIMENSIONS};

/// The label of a row that has none yet.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The rows, and centroids that they are compared with.
pub(super) struct Pairs<'a, 's, K> {
    pub(super) kernel: K,
    pub(super) samples: &'a Samples<'s>,
    pub(super) centroids: &'a Centroids,
    pub(super) rounded: Rounded,
}

/// The nearest of some centroids.
pub(super) struct Settled {
    pub(super) nearest: u32,
    /// How far it is, or a little more.
    pub(super) distance: f64,
    /// How far the next is, or a little less.
    pub(super) next: f64,
}

impl<'a, 's, K: Kernel> Pairs<'a, 's, K> {
    pub(super) fn new(kernel: K, samples: &'a Samples<'s>, centroids: &'a Centroids) -> Self {
        Self { kernel, samples, centroids, rounded: Rounded::new(samples.level, centroids) }
    }

    /// The product of a row with a centroid's upper bytes.
    pub(super) fn upper(&self, row: usize, j: usize) -> i64 {
        self.dot(row, self.rounded.upper.row(j).to_slice().expect(CONTIGUOUS))
    }

    /// The squared distance of a row from a rounded centroid, from their product.
    pub(super) fn distance(&self, row: usize, j: usize, upper: i64) -> i64 {
        self.rounded.norms[j] + self.samples.term(row) - 2 * upper
    }

    /// The largest squared distance from a rounded centroid that may be the nearest, if another is so far.
    pub(super) fn limit(&self, squared_distance: i64) -> f64 {
        around(squared_distance, 2.0 * self.rounded.moved)
    }

    /// The nearest of some centroids, which come in ascending order, with the product of the row and their upper
    /// bytes.
    pub(super) fn settle(&self, row: usize, contenders: impl Iterator<Item = (usize, i64)>) -> Settled {
        let (rounded, term) = (&self.rounded, self.samples.term(row));
        let scaled: Vec<(usize, i64)> = contenders
            .map(|(j, upper)| {
                let lower = self.dot(row, rounded.lower.row(j).to_slice().expect(CONTIGUOUS));
                (j, rounded.scaled_distance(j, term, upper, lower))
            })
            .collect();
        let (mut least, mut second) = (i64::MAX, i64::MAX);
        for &(_, distance) in &scaled {
            second = second.min(distance.max(least));
            least = least.min(distance);
        }
        let distance = |scaled: i64| (scaled as f64).sqrt() / PARTS as f64;
        let limit = around(least, 2.0 * PARTS as f64 * rounded.moved_least);
        let mut open = scaled.into_iter().filter(|&(_, distance)| distance as f64 <= limit).map(|(j, _)| j);
        let first = open.next().expect("the least is among them");
        let exact = |j| self.centroids.squared_distance(self.samples.rows.row(row), j);
        let nearest = match open.next() {
            None => first,
            Some(second) => {
                let rest = [second].into_iter().chain(open).map(|j| (j, exact(j)));
                let nearer = |best: (usize, Fraction), next: (usize, Fraction)| {
                    if next.1.compare(best.1).is_lt() { next } else { best }
                };
                rest.fold((first, exact(first)), nearer).0
            }
        };
        Settled {
            nearest: u32::try_from(nearest).expect("fewer than 2^32 clusters"),
            distance: distance(least) + rounded.moved_least,
            next: distance(second) - rounded.moved_least,
        }
    }

    fn dot(&self, row: usize, signed: &[i8]) -> i64 {
        let row = self.samples.rows.row(row).to_slice().expect(CONTIGUOUS);
        let parts = row.chunks(MOST_DIMENSIONS).zip(signed.chunks(MOST_DIMENSIONS));
        parts.map(|(row, signed)| i64::from(self.kernel.dot(row, signed))).sum()
    }
}

/// The square of what is farther by `margin`, or a little more, for the floats.
fn around(squared_distance: i64, margin: f64) -> f64 {
    ((squared_distance as f64).sqrt() + margin).powi(2) * (1.0 + 1e-12) + 1.0
}
