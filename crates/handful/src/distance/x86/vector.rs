//! The operations of an instruction set.

use crate::distance::panel::GROUP;

/// A register of 32-bit sums, one per point, for `WIDTH` points.
///
/// # Safety
/// Every method requires the instruction set; `points`, `below` and `store` require a pointer that is valid for `WIDTH`
/// elements, `query` one that is valid for `WORDS`.
pub(super) trait Vector: Copy {
    const WIDTH: usize;
    /// Number of words that a query's group takes.
    const WORDS: usize;
    /// The values of `WIDTH` points in one group.
    type Points: Copy;
    /// A query's values in one group, broadcast to every point.
    type Query: Copy;

    unsafe fn zero() -> Self;
    unsafe fn points(points: *const [u8; GROUP]) -> Self::Points;
    unsafe fn query(words: *const i32) -> Self::Query;
    unsafe fn multiply_add(self, points: Self::Points, query: Self::Query) -> Self;
    /// The lanes in which `base` minus twice the sum is at most `threshold`.
    unsafe fn below(self, base: *const i32, threshold: i32) -> u32;
    unsafe fn store(self, to: *mut i32);
}

/// Even and odd values separately, as 16-bit halves: `madd` of these cannot saturate, while that of bytes could.
pub(super) fn pairs(group: [i8; GROUP]) -> [i32; 2] {
    let pair = |low: i8, high: i8| i32::from(low) & 0xffff | i32::from(high) << 16;
    [pair(group[0], group[2]), pair(group[1], group[3])]
}

pub(super) fn products(point: &[u8], query: &[i8]) -> i32 {
    point.iter().zip(query).map(|(&x, &q)| i32::from(x) * i32::from(q)).sum()
}
