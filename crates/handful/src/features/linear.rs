//! Matrices of signed bytes, multiplied with rows of unsigned bytes exactly.

use ndarray::ArrayView2;

use crate::distance::{Kernel, LANES, Lanes, OFFSET, PackedPoints, signed, sums};

/// Weights as a kernel's points, and rows as its queries: the other way round than their signs suggest, so that one
/// row's products stand side by side.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    points: PackedPoints,
    /// For each output what its products with shifted rows lack.
    corrections: Vec<Lanes>,
}

impl Linear {
    /// Of weights of shape (outputs, inputs).
    pub(super) fn new(weights: ArrayView2<i8>) -> Self {
        let of_row = |row: usize| {
            let sum: i64 = weights.row(row).iter().map(|&weight| i64::from(weight)).sum();
            narrow(OFFSET * sum + OFFSET * OFFSET * weights.ncols() as i64)
        };
        let corrections = (0..weights.nrows()).step_by(LANES).map(|first| {
            let mut lanes = [0; LANES];
            (first..weights.nrows()).zip(&mut lanes).for_each(|(row, lane)| *lane = of_row(row));
            lanes
        });
        let shifted = weights.mapv(|weight| weight.cast_unsigned() ^ 0x80);
        Self { points: PackedPoints::new(shifted.view()), corrections: corrections.collect() }
    }

    /// Gives `sink(row, first_output, products)` the products of each row of `x` with up to 32 outputs' weights at a
    /// time; behind the last output they mean nothing.
    pub(super) fn multiply<K: Kernel>(
        &self,
        kernel: K,
        x: ArrayView2<u8>,
        mut sink: impl FnMut(usize, usize, &Lanes),
    ) {
        // w·x = (w + 128)·(x - 128) + 128 Σw - 128 Σx + 128² n; wraps, and is right in the end.
        let shifts: Vec<i32> = sums(x).into_iter().map(|sum| narrow(OFFSET * sum)).collect();
        self.points.multiply(kernel, signed(x).view(), |row, first, dots| {
            let mut products = *dots;
            let corrections = &self.corrections[first / LANES];
            products.iter_mut().zip(corrections).for_each(|(product, correction)| {
                *product = product.wrapping_add(correction.wrapping_sub(shifts[row]));
            });
            sink(row, first, &products);
        });
    }
}

/// The lowest 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "sums wrap until all is added")]
fn narrow(sum: i64) -> i32 {
    sum as i32
}
