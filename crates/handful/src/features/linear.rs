//! Exact products of matrices of signed bytes and rows of unsigned bytes.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use crate::distance::{LANES, Lanes, OFFSET, PackedPoints, signed, sums};

/// Weights are a kernel's points, and rows are its queries. This is the other way round than their signs suggest, so
/// that the products of one row are contiguous.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    points: PackedPoints,
    /// For each output, the correction of its products with shifted rows.
    corrections: Vec<Lanes>,
}

impl Linear {
    /// From weights of shape (outputs, inputs).
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

    /// Writes the results of `of(first_output, products)` on each row's products, with the weights of up to 32 outputs
    /// at a time, into the rows of `out`, shape (rows, outputs). Products after the last output are meaningless.
    pub(super) fn map<T: Copy>(
        &self,
        x: ArrayView2<u8>,
        of: impl Fn(usize, Lanes) -> [T; LANES],
        out: ArrayViewMut2<T>,
    ) {
        // w·x = (w + 128)·(x - 128) + 128 Σw - 128 Σx + 128² n; intermediate values wrap, but the result is right.
        let shifts: Vec<i32> = sums(x).into_iter().map(|sum| narrow(OFFSET * sum)).collect();
        self.points.map(
            signed(x).view(),
            #[inline(always)]
            |first, row, products| {
                of(first, corrected(products, self.corrections[first / LANES], shifts[row]))
            },
            out,
        );
    }

    /// The products of rows and all weights, shape (rows, outputs).
    pub(super) fn products(&self, x: ArrayView2<u8>) -> Array2<i32> {
        let mut products = Array2::zeros((x.nrows(), self.points.dim().0));
        self.map(x, |_, products| products, products.view_mut());
        products
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
