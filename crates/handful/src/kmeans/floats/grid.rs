//! Floats as whole numbers, so that rows can be added to sums and subtracted again, in any order, without loss.
//!
//! Single precision leaves enough bits for that: for example, 60,000 grey values from 0 to 1 can be summed exactly in
//! 64 bits.

/// Maximum number of bits between the values and the smallest steps that f64 has for the largest of them.
const MOST_BITS: i32 = 50;
/// 1.5 · 2⁵²: adding it to a double of up to 2⁵¹ rounds that to a whole number, which is then in its lowest bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;
/// A unit, a power of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::kmeans) struct Grid {
    unit: f64,
    per_unit: f64,
}

impl Grid {
    /// The smallest unit for which sums of `n` values up to `largest` fit into 64 bits.
    pub(in crate::kmeans) fn new(largest: f64, n: usize) -> Option<Self> {
        let bits = (62 - n.next_power_of_two().ilog2().cast_signed()).min(MOST_BITS);
        let unit = libm::scalbn(1.0, libm::ilogb(largest).saturating_add(1 - bits));
        let per_unit = 1.0 / unit;
        (unit.is_normal() && per_unit.is_normal()).then_some(Self { unit, per_unit })
    }

    /// Whether the value, at most `largest` in size, is a multiple of the unit.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    #[expect(clippy::float_cmp, reason = "whole or not")]
    pub(in crate::kmeans) fn holds(self, value: f64) -> bool {
        let units = value * self.per_unit;
        units + WHOLE - WHOLE == units
    }

    /// The value in units, if it [is held](Self::holds).
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    pub(in crate::kmeans) fn whole(self, value: f64) -> i64 {
        (value * self.per_unit + WHOLE).to_bits().cast_signed() - WHOLE.to_bits().cast_signed()
    }

    /// The value of a sum in units, correctly rounded.
    pub(in crate::kmeans) fn value(self, sum: i64) -> f64 {
        sum as f64 * self.unit
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_are_exact(
            numerators in prop::collection::vec(-255_i32..256, 1..200),
            exponent in -100_i32..100,
        ) {
            let scale = |x: f64| libm::scalbn(x, exponent);
            #[expect(clippy::cast_possible_truncation, reason = "single precision is meant")]
            let values: Vec<f64> =
                numerators.iter().map(|&x| scale(f64::from((f64::from(x) / 255.0) as f32))).collect();
            let grid = Grid::new(scale(1.0), values.len()).expect("far from the ends");
            prop_assert!(values.iter().all(|&x| grid.holds(x)));
            let sum: i64 = values.iter().map(|&x| grid.whole(x)).sum();
            let expected: i64 = values.iter().map(|&x| libm::scalbn(x, 40 - exponent) as i64).sum();
            let expected = libm::scalbn(expected as f64, exponent - 40);
            prop_assert_eq!(grid.value(sum).to_bits(), expected.to_bits());
            prop_assert_eq!(values.iter().fold(sum, |sum, &x| sum - grid.whole(x)), 0);
        }
    }

    #[test]
    fn the_largest_sums_fit() {
        for n in [1, 2, 3, 60_000, 1 << 20] {
            for largest in [1.0, 1.5, 255.0, 1e-30, f64::from(f32::MAX)] {
                let grid = Grid::new(largest, n).expect("far from the ends");
                let whole = grid.whole(-largest);
                assert!(i64::try_from(n).unwrap().checked_mul(whole).is_some());
                assert!((grid.value(whole) + largest).abs() <= grid.unit / 2.0);
            }
        }
    }

    #[test]
    fn what_is_no_whole_number_is_not_held() {
        let grid = Grid::new(1.0, 60_000).expect("far from the ends");
        assert!(grid.holds(1.0 / 1024.0) && grid.holds(-1.0) && grid.holds(0.0));
        assert!(!grid.holds(1.0 / 3.0) && !grid.holds(1e-30));
        for largest in [0.0, f64::MIN_POSITIVE, 1e-300] {
            assert_eq!(Grid::new(largest, 10), None);
        }
    }
}
