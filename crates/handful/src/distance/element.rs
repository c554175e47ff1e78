//! The values of vectors, and the definition of the distance between vectors.

use std::fmt::Debug;

/// A value of a vector: `u8`, `f32` or `f64`.
pub trait Element: sealed::Sealed + Copy + Debug + Send + Sync + 'static {
    /// The type of squared distances: whole numbers between bytes, otherwise `f64`.
    type Distance: Copy + Debug + PartialOrd + Send + Sync;

    #[doc(hidden)]
    fn squared_euclidean(a: &[Self], b: &[Self]) -> Self::Distance;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

impl Element for u8 {
    type Distance = u64;

    fn squared_euclidean(a: &[Self], b: &[Self]) -> u64 {
        a.iter().zip(b).map(|(&x, &y)| u64::from(x.abs_diff(y)).pow(2)).sum()
    }
}

impl Element for f32 {
    type Distance = f64;

    fn squared_euclidean(a: &[Self], b: &[Self]) -> f64 {
        ordered_sum(a, b)
    }
}

impl Element for f64 {
    type Distance = Self;

    fn squared_euclidean(a: &[Self], b: &[Self]) -> f64 {
        ordered_sum(a, b)
    }
}

/// Number of partial sums over which the squares of a float distance are distributed, so that vector instructions can
/// add them.
const SUMS: usize = 16;

/// The squared distance in `f64`, always summed in the same order: value i is added to sum i mod 16. Then the upper
/// half of the sums is added to the lower half, until one sum is left.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
pub(crate) fn ordered_sum<A: Copy + Into<f64>, B: Copy + Into<f64>>(a: &[A], b: &[B]) -> f64 {
    debug_assert_eq!(a.len(), b.len(), "vectors of unequal length");
    let mut sums = [0.0; SUMS];
    let mut add = |a: &[A], b: &[B]| {
        for (sum, (&x, &y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            let difference: f64 = x.into() - y.into();
            *sum += difference * difference;
        }
    };
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<SUMS>(), b.as_chunks::<SUMS>());
    a.iter().zip(b).for_each(|(a, b)| add(a, b));
    add(a_rest, b_rest);
    let mut width = SUMS / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}
