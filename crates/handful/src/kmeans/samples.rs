//! The rows to cluster, with precomputed values for each.

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use crate::distance::{self, CONTIGUOUS, Kernel, LANES, MOST_DIMENSIONS, OFFSET, Panel, vectorize};

/// Number of panels per task: enough to amortise its overhead, few enough to share out six thousand rows.
pub(super) const PANELS: usize = 8;
/// Up to this many features, the difference of a centroid's squared norm and twice a dot product fits into 32 bits.
pub(super) const NARROW: usize = 16_384;

/// Rows of bytes, with what K-Means needs of each.
pub(super) struct Samples<'a> {
    values: &'a [u8],
    shape: (usize, usize),
    pub(super) norms: Vec<u64>,
    pub(super) sums: Vec<i64>,
    /// Length of the rounding error of each row, or slightly more; empty if rows are exact.
    lost: Vec<f32>,
}

impl<'a> Samples<'a> {
    /// `rows` must be in standard layout. O(n d) on all threads.
    pub(super) fn new(rows: ArrayView2<'a, u8>) -> Self {
        let chunks = || rows.axis_chunks_iter(Axis(0), PANELS * LANES).into_par_iter();
        Self {
            values: rows.to_slice().expect(CONTIGUOUS),
            shape: rows.dim(),
            norms: chunks().flat_map_iter(distance::squared_norms).collect(),
            sums: chunks().flat_map_iter(distance::sums).collect(),
            lost: Vec::new(),
        }
    }

    /// [`new`](Self::new) on this thread only, for few rows.
    pub(super) fn new_sequential(rows: ArrayView2<'a, u8>) -> Self {
        Self {
            values: rows.to_slice().expect(CONTIGUOUS),
            shape: rows.dim(),
            norms: distance::squared_norms(rows),
            sums: distance::sums(rows),
            lost: Vec::new(),
        }
    }

    pub(super) fn rows(&self) -> ArrayView2<'_, u8> {
        ArrayView2::from_shape(self.shape, self.values).expect("the shape of the rows given")
    }

    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.values[row * self.shape.1..][..self.shape.1]
    }

    /// Marks the bytes as rounded rows, with rounding errors of these lengths.
    pub(super) fn inexact(self, lost: Vec<f32>) -> Self {
        Self { lost, ..self }
    }

    pub(super) fn lost(&self, row: usize) -> f32 {
        self.lost.get(row).copied().unwrap_or_default()
    }

    /// The dot product of a row with a vector of the same length, however long.
    pub(super) fn dot(&self, kernel: Kernel, row: usize, signed: &[i8]) -> i64 {
        let row = self.row(row);
        let parts = row.chunks(MOST_DIMENSIONS).zip(signed.chunks(MOST_DIMENSIONS));
        parts.map(|(row, signed)| i64::from(kernel.dot(row, signed))).sum()
    }

    /// The part of a squared distance that depends only on the row, if the other vector is taken as signed bytes.
    pub(super) fn shifted_norm(&self, row: usize) -> i64 {
        self.norms[row].cast_signed() - 2 * OFFSET * self.sums[row]
    }

    /// Whether rows are short enough for a single product.
    pub(super) fn can_be_packed(&self) -> bool {
        self.shape.1 <= NARROW
    }

    /// The rows for the kernels, if they can be packed; this doubles the memory.
    pub(super) fn pack(&self) -> Option<Vec<Panel>> {
        self.can_be_packed().then(|| pack(Kernel::detect(), self.rows()))
    }

    /// The variance of a feature, averaged over the features.
    pub(super) fn mean_variance(&self) -> f64 {
        let (n, d) = self.shape;
        let sums = self
            .rows()
            .axis_chunks_iter(Axis(0), PANELS * LANES)
            .into_par_iter()
            .fold(
                || vec![0; d],
                |mut sums, rows| {
                    let kernel = Kernel::detect();
                    for row in rows.outer_iter() {
                        let row = row.to_slice().expect(CONTIGUOUS);
                        vectorize!(
                            kernel,
                            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += u64::from(x))
                        );
                    }
                    sums
                },
            )
            .reduce(|| vec![0; d], |a, b| a.iter().zip(b).map(|(a, b)| a + b).collect());
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
