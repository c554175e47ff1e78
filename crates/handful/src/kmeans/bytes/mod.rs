//! Clustering of bytes: sums are whole numbers, means are fractions, and every decision is exact.

pub(super) mod partial_stats;

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::{
    Error,
    samples::Samples,
    vectors::{Vectors, whole},
};
use crate::{
    distance::{Kernel, contiguous},
    kmeans::{
        assignment::resolve_ties::around,
        bytes::partial_stats::PartialStats,
        centroids::{
            Centroids, Fraction,
            farthest::Far,
            rounded::{PARTS, ResidualBytes, Rounded},
        },
        vectors::Resolved,
    },
};

/// Number of labels that are compared at once, because few change.
const BLOCK: usize = 32;

/// Rows of bytes, perhaps with weights.
pub(super) struct Bytes<'a> {
    samples: Samples<'a>,
    /// Whole weights, and the value of one unit.
    weights: Option<(Vec<u64>, f64)>,
}

impl<'a> Bytes<'a> {
    /// `rows` must be in standard layout.
    pub(super) fn new(rows: ArrayView2<'a, u8>) -> Self {
        Self { samples: Samples::new(rows), weights: None }
    }

    /// [`new`](Self::new) on this thread only, for few rows.
    pub(super) fn new_sequential(rows: ArrayView2<'a, u8>) -> Self {
        Self { samples: Samples::new_sequential(rows), weights: None }
    }

    pub(super) fn weighted(self, weights: &[f64]) -> Self {
        Self { weights: Some(whole(weights)), ..self }
    }

    fn whole_weight(&self, row: usize) -> u64 {
        self.whole_weights().map_or(1, |weights| weights[row])
    }

    /// The rows that are not at their centroid, by decreasing distance from it, then by index.
    fn farthest_first(&self, centroids: &Centroids, labels: &[u32]) -> Vec<usize> {
        let mut far: Vec<(usize, Fraction)> = self
            .samples
            .rows
            .par_iter()
            .zip(labels)
            .enumerate()
            .map(|(row, (pixels, &label))| (row, centroids.squared_distance(pixels, label as usize)))
            .filter(|(row, distance)| distance.numerator > 0 && self.whole_weight(*row) > 0)
            .collect();
        far.sort_by(|a, b| b.1.compare(a.1).then(a.0.cmp(&b.0)));
        far.into_iter().map(|(row, _)| row).collect()
    }
}

impl Vectors for Bytes<'_> {
    type Centroids = Centroids;
    type Residual = ResidualBytes;
    type Stats = PartialStats;

    fn samples(&self) -> &Samples<'_> {
        &self.samples
    }

    fn step(&self) -> f64 {
        1.0
    }

    fn mean_variance(&self) -> f64 {
        self.samples.mean_variance()
    }

    fn whole_weights(&self) -> Option<&[u64]> {
        self.weights.as_ref().map(|(weights, _)| &weights[..])
    }

    fn at_rows(&self, rows: &[usize]) -> Centroids {
        Centroids::from_rows(self.samples.rows.view().select(Axis(0), rows).view())
    }

    fn at(&self, places: &Array2<f64>) -> Result<Centroids, Error> {
        Centroids::from_f64(places)
    }

    fn round(&self, centroids: &Centroids) -> (Rounded, ResidualBytes) {
        ResidualBytes::round(centroids)
    }

    /// Compares in 256ths, and where that does not decide, compares fractions.
    fn resolve_ties(
        &self,
        kernel: Kernel,
        centroids: &Centroids,
        lower: &ResidualBytes,
        row: usize,
        contenders: impl Iterator<Item = (usize, i64)>,
    ) -> Resolved {
        let (pixels, term) = (self.samples.rows.row(row), self.samples.shifted_norm(row));
        let (mut least, mut second) = (i64::MAX, i64::MAX);
        let scaled: Vec<(usize, i64)> = contenders
            .map(|(j, upper)| {
                let rest = kernel.long_dot(pixels, contiguous(lower.bytes.row(j)));
                let distance = lower.scaled_distance(j, term, upper, rest);
                second = second.min(distance.max(least));
                least = least.min(distance);
                (j, distance)
            })
            .collect();
        let limit = around(least, 2.0 * PARTS as f64 * lower.moved);
        let mut open = scaled.into_iter().filter(|&(_, distance)| distance as f64 <= limit).map(|(j, _)| j);
        let first = open.next().expect("the least is among them");
        let exact = |j| centroids.squared_distance(pixels, j);
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
        let distance = |scaled: i64| (scaled as f64).sqrt() / PARTS as f64;
        Resolved {
            nearest: u32::try_from(nearest).expect("fewer than 2^32 clusters"),
            distance: distance(least) + lower.moved,
            next: distance(second) - lower.moved,
        }
    }

    fn stats(&self, n_clusters: usize) -> PartialStats {
        PartialStats::new(n_clusters, self.samples.rows.ncols())
    }

    fn relabel(&self, stats: &mut PartialStats, labels: &mut [u32], nearest: &[u32]) -> bool {
        let (samples, mut any) = (&self.samples, false);
        let kernel = Kernel::detect();
        for (block, (labels, nearest)) in labels.chunks_mut(BLOCK).zip(nearest.chunks(BLOCK)).enumerate() {
            if labels == nearest {
                continue;
            }
            for (row, (label, &new)) in (block * BLOCK..).zip(labels.iter_mut().zip(nearest)) {
                if *label == new {
                    continue;
                }
                stats.relabel(kernel, samples, row, self.whole_weight(row), [*label, new]);
                *label = new;
                any = true;
            }
        }
        any
    }

    fn means(&self, stats: &PartialStats, previous: &Centroids, labels: &[u32]) -> Centroids {
        if stats.counts.iter().all(|&count| count > 0) {
            return stats.means(previous);
        }
        let far = self.farthest_first(previous, labels).into_iter().map(|row| Far {
            label: labels[row] as usize,
            weight: self.whole_weight(row),
            pixels: self.samples.rows.row(row),
        });
        stats.means_with(previous, far)
    }

    fn movement(&self, old: &Centroids, new: &Centroids) -> Vec<f64> {
        old.movement(new)
    }

    fn inertia(&self, stats: &PartialStats, centroids: &Centroids, _labels: &[u32]) -> f64 {
        stats.inertia(centroids) * self.weights.as_ref().map_or(1.0, |(_, unit)| *unit)
    }
}
