//! Clustering of floats. Rounding to bytes shows which centroids may be the nearest; the remaining ones are measured in
//! `f64`, in one fixed order.

pub(super) mod grid;
pub(super) mod rows;
pub(super) mod sums;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array2, ArrayView1, Axis};
use rayon::prelude::*;

use super::{Error, samples::Samples, vectors::Vectors};
use crate::{
    distance::{Float, Kernel, Rows, contiguous, ordered_sum, vectorize},
    kmeans::{
        centroids::rounded::Rounded,
        floats::{
            rows::{Floats, check, quantise},
            sums::{BLOCK, Stats},
        },
        vectors::Resolved,
    },
};

impl<T: Float> Floats<'_, T> {
    fn distance(&self, kernel: Kernel, centroids: &Array2<f64>, row: usize, j: usize) -> f64 {
        vectorize!(kernel, ordered_sum(self.rows.row(row), contiguous(centroids.row(j))))
    }

    /// Sums a number per row, block by block.
    fn total(&self, of_row: impl Fn(usize) -> f64 + Sync) -> f64 {
        let rows: Vec<usize> = (0..self.rows.nrows()).collect();
        let blocks: Vec<f64> =
            rows.par_chunks(BLOCK).map(|rows| rows.iter().map(|&row| of_row(row)).sum()).collect();
        blocks.into_iter().sum()
    }

    /// The rows that are not at their centroid, by decreasing distance from it, then by index.
    fn farthest_first(&self, centroids: &Array2<f64>, labels: &[u32]) -> Vec<usize> {
        let kernel = Kernel::detect();
        let distance = |(row, &j): (usize, &u32)| (row, self.distance(kernel, centroids, row, j as usize));
        let mut far: Vec<(usize, f64)> = labels
            .par_iter()
            .enumerate()
            .map(distance)
            .filter(|(row, distance)| *distance > 0.0 && self.weight(*row) > 0.0)
            .collect();
        far.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        far.into_iter().map(|(row, _)| row).collect()
    }
}

impl<T: Float> Vectors for Floats<'_, T> {
    type Centroids = Array2<f64>;
    type Residual = ();
    type Stats = Stats;

    fn samples(&self) -> &Samples<'_> {
        &self.samples
    }

    fn step(&self) -> f64 {
        self.scale.step()
    }

    fn mean_variance(&self) -> f64 {
        let every: Vec<usize> = (0..self.rows.nrows()).collect();
        let n = every.len() as f64;
        let mean: Vec<f64> = self.sum(&every, |_| 1.0).into_iter().map(|sum| sum / n).collect();
        let kernel = Kernel::detect();
        let of_all = self.total(|row| vectorize!(kernel, ordered_sum(self.rows.row(row), &mean)));
        of_all / n / self.rows.ncols() as f64
    }

    fn whole_weights(&self) -> Option<&[u64]> {
        self.weights.as_ref().map(|(_, whole)| &whole[..])
    }

    fn at_rows(&self, rows: &[usize]) -> Array2<f64> {
        self.rows.view().select(Axis(0), rows).mapv(Into::into)
    }

    fn at(&self, places: &Array2<f64>) -> Result<Array2<f64>, Error> {
        let places = places.as_standard_layout().into_owned();
        check(Rows::new(places.view()))?;
        Ok(places)
    }

    fn round(&self, centroids: &Array2<f64>) -> (Rounded, ()) {
        let (bytes, lost) = quantise(Rows::new(centroids.view()), self.scale);
        let norms = bytes.outer_iter().map(|row| row.iter().map(|&x| i64::from(x).pow(2)).sum()).collect();
        let moved = lost.into_iter().fold(0.0, f32::max).into();
        (Rounded { upper: bytes.mapv(|x| (x ^ 0x80).cast_signed()), norms, moved }, ())
    }

    fn resolve_ties(
        &self,
        kernel: Kernel,
        centroids: &Array2<f64>,
        (): &(),
        row: usize,
        contenders: impl Iterator<Item = (usize, i64)>,
    ) -> Resolved {
        let (mut nearest, mut least, mut second) = (0, f64::INFINITY, f64::INFINITY);
        for (j, _) in contenders {
            let distance = self.distance(kernel, centroids, row, j);
            second = second.min(distance.max(least));
            (nearest, least) = if distance < least { (j, distance) } else { (nearest, least) };
        }
        // As in a search (`neighbors::floats`): sums and squares lose no more than this.
        let share = (self.rows.ncols() + 16) as f64 * f64::EPSILON;
        let step = self.scale.step();
        let least_normal = f64::MIN_POSITIVE.sqrt();
        Resolved {
            nearest: u32::try_from(nearest).expect("fewer than 2^32 clusters"),
            distance: (least.sqrt() * (1.0 + share) + least_normal) / step,
            next: (second.sqrt() * (1.0 - share) - least_normal) / step,
        }
    }

    fn stats(&self, n_clusters: usize) -> Stats {
        self.no_sums(n_clusters)
    }

    fn relabel(&self, stats: &mut Stats, labels: &mut [u32], nearest: &[u32]) -> bool {
        self.move_rows(stats, labels, nearest)
    }

    fn means(&self, stats: &Stats, previous: &Array2<f64>, labels: &[u32]) -> Array2<f64> {
        let mut sums = stats.sums();
        let (mut weights, mut sizes) = (stats.weights.clone(), stats.sizes.clone());
        let empty: Vec<usize> = (0..sizes.len()).filter(|&j| sizes[j] == 0).collect();
        let mut far =
            if empty.is_empty() { Vec::new() } else { self.farthest_first(previous, labels) }.into_iter();
        let mut taken = BTreeSet::new();
        for j in empty {
            // A cluster's only row stays, because taking it would empty another cluster.
            if let Some(row) = far.find(|&row| sizes[labels[row] as usize] > 1) {
                (sizes[labels[row] as usize], sizes[j]) = (sizes[labels[row] as usize] - 1, 1);
                weights[j] = self.weight(row);
                let values = sums.row_mut(j).into_iter().zip(self.rows.row(row));
                values.for_each(|(sum, &x)| *sum = self.weight(row) * x.into());
                taken.insert(row);
            }
        }
        // The sums of the remaining rows are recomputed: subtracting a large row would cancel the small ones.
        let mut left: BTreeMap<u32, Vec<usize>> =
            taken.iter().map(|&row| (labels[row], Vec::new())).collect();
        for (row, label) in labels.iter().enumerate() {
            let stays = self.weight(row) > 0.0 && !taken.contains(&row);
            if stays && let Some(rows) = left.get_mut(label) {
                rows.push(row);
            }
        }
        for (label, rows) in left {
            let sum = self.sum(&rows, |row| self.weight(row));
            sums.row_mut(label as usize).assign(&ArrayView1::from(&sum));
            weights[label as usize] = rows.iter().map(|&row| self.weight(row)).sum();
        }
        for (j, mut sums) in sums.outer_iter_mut().enumerate() {
            if sizes[j] == 0 {
                sums.assign(&previous.row(j));
            } else {
                sums.mapv_inplace(|sum| sum / weights[j]);
            }
        }
        sums
    }

    fn movement(&self, old: &Array2<f64>, new: &Array2<f64>) -> Vec<f64> {
        let of_cluster = |(old, new): (&[f64], &[f64])| {
            let squares = ordered_sum(old, new);
            if squares == 0.0 && old != new { f64::MIN_POSITIVE } else { squares }
        };
        Rows::new(old.view()).iter().zip(Rows::new(new.view()).iter()).map(of_cluster).collect()
    }

    fn inertia(&self, _stats: &Stats, centroids: &Array2<f64>, labels: &[u32]) -> f64 {
        let kernel = Kernel::detect();
        self.total(|row| self.weight(row) * self.distance(kernel, centroids, row, labels[row] as usize))
    }
}
