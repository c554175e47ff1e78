//! Distances between byte vectors, exact, and never stored.
//!
//! Searches do not compare vectors pair by pair. They use
//!
//! ```text
//! |x - q|² = |x|² + |q|² - 2 x·q
//! ```
//!
//! where the norms are known and the dot products, where all the work is, come a tile at a time from
//! `for_each_tile`. What becomes of a tile is the caller's matter, its *sink*; no matrix of distances
//! is ever held:
//!
//! ```text
//!   points, 8 side by side ──►┌────────┐     top-k below a threshold   neighbors::scan
//!                             │  tile  │──►  nearest one               kmeans::assign
//!   queries ─────────────────►└────────┘     all values                kmeans::init
//! ```
//!
//! This module is the boundary behind which the kernel can be exchanged: callers see row numbers and
//! dot products, never how operands are packed.

mod panel;

use ndarray::{ArrayView1, ArrayView2};

pub(crate) use panel::{LANES, RELATIVE_ERROR, for_each_tile, widen};

/// The instruction set that the kernel uses on this machine: `scalar`, plain Rust as compiled.
#[must_use]
pub fn level() -> &'static str {
    "scalar"
}

/// The squared Euclidean distance, by its definition.
///
/// O(d), exact for any length.
///
/// ```
/// assert_eq!(handful::distance::squared_euclidean(&[0, 3], &[4, 0]), 25);
/// ```
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn squared_euclidean(a: &[u8], b: &[u8]) -> u64 {
    assert_eq!(a.len(), b.len(), "distance of vectors of unequal length");
    a.iter().zip(b).map(|(&x, &y)| u64::from(x.abs_diff(y)).pow(2)).sum()
}

/// The squared length of every row.
pub(crate) fn squared_norms(rows: ArrayView2<u8>) -> Vec<u64> {
    rows.outer_iter().map(squared_norm).collect()
}

fn squared_norm(row: ArrayView1<u8>) -> u64 {
    row.iter().map(|&x| u64::from(x).pow(2)).sum()
}

/// A squared distance or dot product of bytes that came as a float.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
pub(crate) fn whole(sum_of_products: f64) -> u64 {
    sum_of_products as u64
}
