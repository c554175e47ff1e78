//! Distances between vectors: exact between bytes, and never stored as a matrix.
//!
//! Searches do not compare vectors pair by pair. They use
//!
//! ```text
//! |x - q|² = |x|² + |q|² - 2 x·q
//! ```
//!
//! where the norms are known, and the dot products, which are nearly all the work, are computed a tile at a time.
//! Points are unsigned bytes, and queries are signed ones (a byte minus 128), because the fastest instructions multiply
//! these types. The caller processes each tile in its *sink*; no matrix of distances is ever stored:
//!
//! ```text
//!   points, 32 side by side ──►┌────────┐    top-k below a threshold   neighbors::scan
//!                              │  tile  │──► nearest one               kmeans::assignment
//!   queries ──────────────────►└────────┘    all values                kmeans::seeding
//! ```
//!
//! A [`Level`] names the instruction set. It is detected once, and every level gives the same whole numbers. This is
//! the only module with unsafe code.

#[cfg(target_arch = "x86_64")]
mod amx_permission;
mod element;
mod instruction_set;
mod kernel;
mod level;
mod packed;
mod panel;
mod points;
mod rows;
mod scalar;
mod scale;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

pub use element::Element;
pub(crate) use element::ordered_sum;
pub use level::Level;

pub(crate) use instruction_set::Scratch;
pub(crate) use kernel::{Kernel, prefetch, vectorize};
pub(crate) use packed::{Packed, for_each_tile};
pub(crate) use panel::{LANES, Lanes, MOST_DIMENSIONS, Panel, lanes};
pub(crate) use points::PackedPoints;
pub(crate) use rows::Rows;
pub(crate) use scale::{Float, LARGEST, Scale, largest};

/// The squared Euclidean distance, by definition.
///
/// O(d). Between bytes it is exact for any length. Between floats it is the sum in `f64`, always in the same order, so
/// that all callers get the same bits.
///
/// ```
/// use handful::distance::squared_euclidean;
///
/// assert_eq!(squared_euclidean(&[0_u8, 3], &[4, 0]), 25);
/// assert_eq!(squared_euclidean(&[0.0, 0.3], &[0.4, 0.0]), 0.25);
/// ```
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn squared_euclidean<T: Element>(a: &[T], b: &[T]) -> T::Distance {
    assert_eq!(a.len(), b.len(), "distance of vectors of unequal length");
    T::squared_euclidean(a, b)
}

/// The squared length of every row.
pub(crate) fn squared_norms(rows: ArrayView2<u8>) -> Vec<u64> {
    totals(rows, |x| u32::from(x).pow(2))
}

/// The sum of every row.
pub(crate) fn sums(rows: ArrayView2<u8>) -> Vec<i64> {
    totals(rows, u32::from).into_iter().map(u64::cast_signed).collect()
}

fn totals(rows: ArrayView2<u8>, of_byte: impl Fn(u8) -> u32) -> Vec<u64> {
    let rows = rows.as_standard_layout();
    let mut totals = vec![0; rows.nrows()];
    vectorize!(Kernel::detect(), {
        for (total, row) in totals.iter_mut().zip(Rows::new(rows.view()).iter()) {
            // 65,536 squares of bytes fit into 32 bits.
            for part in row.chunks(65_536) {
                *total += u64::from(part.iter().map(|&x| of_byte(x)).sum::<u32>());
            }
        }
    });
    totals
}

/// Bytes as queries: minus [`OFFSET`], so that they are signed.
pub(crate) fn signed(rows: ArrayView2<u8>) -> Array2<i8> {
    rows.as_standard_layout().mapv(|byte| (byte ^ 0x80).cast_signed())
}

/// Subtracted from a byte to make it signed.
pub(crate) const OFFSET: i64 = 128;

/// The part of |x - q|² that depends only on the point, with q in signed bytes: |x|² - 256 Σx.
pub(crate) fn shifted_norms(points: ArrayView2<u8>) -> Vec<i64> {
    let term = |(norm, sum): (u64, i64)| norm.cast_signed() - 2 * OFFSET * sum;
    squared_norms(points).into_iter().zip(sums(points)).map(term).collect()
}

/// [`shifted_norms`], on all threads.
pub(crate) fn all_shifted_norms(points: ArrayView2<u8>) -> Vec<i64> {
    const CHUNK: usize = 1024;
    points.axis_chunks_iter(Axis(0), CHUNK).into_par_iter().flat_map_iter(shifted_norms).collect()
}

/// `count` of the numbers below `n`, evenly spaced.
pub(crate) fn evenly(n: usize, count: usize) -> Vec<usize> {
    (0..count).map(|i| i * n / count).collect()
}

/// Message of `expect` for rows that must be contiguous.
pub(crate) const CONTIGUOUS: &str = "rows are contiguous";

pub(crate) fn contiguous<T>(row: ArrayView1<'_, T>) -> &[T] {
    row.to_slice().expect(CONTIGUOUS)
}
