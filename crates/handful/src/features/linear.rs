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
            // 128 w + 128² for each of the n weights.
            narrow(weights.row(row).iter().map(|&weight| OFFSET * (i64::from(weight) + OFFSET)).sum())
        };
        let corrections = (0..weights.nrows()).step_by(LANES).map(|first| {
            let mut lanes = [0; LANES];
            (first..weights.nrows()).zip(&mut lanes).for_each(|(row, lane)| *lane = of_row(row));
            lanes
        });
        let shifted = weights.mapv(|weight| weight.cast_unsigned() ^ 0x80);
        Self { points: PackedPoints::new(shifted.view()), corrections: corrections.collect() }
    }

    /// Gives `sink(row, first_output, products)` what `of(first_output, products)` makes of each row's products with up
    /// to 32 outputs' weights at a time; behind the last output they mean nothing.
    pub(super) fn multiply<K: Kernel, T>(
        &self,
        kernel: K,
        x: ArrayView2<u8>,
        of: impl Fn(usize, Lanes) -> T,
        mut sink: impl FnMut(usize, usize, T),
    ) {
        // w·x = (w + 128)·(x - 128) + 128 Σw - 128 Σx + 128² n; wraps, and is right in the end.
        let shifts: Vec<i32> = sums(x).into_iter().map(|sum| narrow(OFFSET * sum)).collect();
        self.points.multiply(kernel, signed(x).view(), |first, products| {
            let corrections = &self.corrections[first / LANES];
            for (row, (products, shift)) in products.iter().zip(&shifts).enumerate() {
                let found = kernel.run(|| of(first, corrected(*products, *corrections, *shift)));
                sink(row, first, found);
            }
        });
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn corrected(mut products: Lanes, corrections: Lanes, shift: i32) -> Lanes {
    products.iter_mut().zip(corrections).for_each(|(product, correction)| {
        *product = product.wrapping_add(correction.wrapping_sub(shift));
    });
    products
}

/// The lowest 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "sums wrap until all is added")]
fn narrow(sum: i64) -> i32 {
    sum as i32
}
