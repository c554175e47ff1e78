//! The rows to cluster, with precomputed values for each.

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use crate::distance::{self, Kernel, LANES, OFFSET, Panel, Rows, vectorize};

/// Number of panels per task: enough to amortise its overhead, few enough to share out six thousand rows.
pub(super) const PANELS: usize = 8;
/// Up to this many features, the difference of a centroid's squared norm and twice a dot product fits into 32 bits.
pub(super) const NARROW: usize = 16_384;

/// Rows of bytes, with what K-Means needs of each.
pub(super) struct Samples<'a> {
    pub(super) rows: Rows<'a, u8>,
    pub(super) norms: Vec<u64>,
    pub(super) sums: Vec<i64>,
    /// Length of the rounding error of each row, or slightly more; empty if rows are exact.
    lost: Vec<f32>,
}

impl<'a> Samples<'a> {
    /// `rows` must be in standard layout. O(n d) on all threads.
    pub(super) fn new(rows: ArrayView2<'a, u8>) -> Self {
        let chunks = || rows.axis_chunks_iter(Axis(0), PANELS * LANES).into_par_iter();
        let norms = chunks().flat_map_iter(distance::squared_norms).collect();
        let sums = chunks().flat_map_iter(distance::sums).collect();
        Self { rows: Rows::new(rows), norms, sums, lost: Vec::new() }
    }

    /// [`new`](Self::new) on this thread only, for few rows.
    pub(super) fn new_sequential(rows: ArrayView2<'a, u8>) -> Self {
        let (norms, sums) = (distance::squared_norms(rows), distance::sums(rows));
        Self { rows: Rows::new(rows), norms, sums, lost: Vec::new() }
    }

    /// Marks the bytes as rounded rows, with rounding errors of these lengths.
    pub(super) fn inexact(self, lost: Vec<f32>) -> Self {
        Self { lost, ..self }
    }

    pub(super) fn lost(&self, row: usize) -> f32 {
        self.lost.get(row).copied().unwrap_or_default()
    }

    /// The part of a squared distance that depends only on the row, if the other vector is taken as signed bytes.
    pub(super) fn shifted_norm(&self, row: usize) -> i64 {
        self.norms[row].cast_signed() - 2 * OFFSET * self.sums[row]
    }

    /// Whether rows are short enough for a single product.
    pub(super) fn can_be_packed(&self) -> bool {
        self.rows.ncols() <= NARROW
    }

    /// The rows for the kernels, if they can be packed; this doubles the memory.
    pub(super) fn pack(&self) -> Option<Vec<Panel>> {
        self.can_be_packed().then(|| pack(Kernel::detect(), self.rows.view()))
    }

    /// The variance of a feature, averaged over the features.
    pub(super) fn mean_variance(&self) -> f64 {
        let (n, d) = self.rows.dim();
        let kernel = Kernel::detect();
        let add = |mut sums: Vec<u64>, row: &[u8]| {
            vectorize!(kernel, sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += u64::from(x)));
            sums
        };
        let sums = self.rows.par_iter().with_min_len(PANELS * LANES).fold(|| vec![0; d], add);
        let sums = sums.reduce(|| vec![0; d], |a, b| a.iter().zip(b).map(|(a, b)| a + b).collect());
        let squares: u128 = self.norms.iter().map(|&norm| u128::from(norm)).sum();
        mean_variance(n as u64, squares, sums)
    }
}

/// The variance of a feature, averaged over the features, from the number of rows, the sum of their squared lengths and
/// the sum of each feature.
pub(super) fn mean_variance(n: u64, squares: u128, sums: Vec<u64>) -> f64 {
    let (d, n) = (sums.len() as f64, u128::from(n));
    let of_sums: u128 = sums.into_iter().map(|sum| u128::from(sum).pow(2)).sum();
    (n * squares - of_sums) as f64 / (n * n) as f64 / d
}

fn pack(kernel: Kernel, rows: ArrayView2<u8>) -> Vec<Panel> {
    let pack = |rows: ArrayView2<u8>| {
        let mut panel = Panel::default();
        panel.pack(rows, kernel.block());
        panel
    };
    rows.axis_chunks_iter(Axis(0), LANES).into_par_iter().map(pack).collect()
}
