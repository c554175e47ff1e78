//! Errors of parameters, and the check of their ranges.

use std::ops::RangeInclusive;

/// An error in the parameters of deformations, distortions or the pen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter that is NaN, or outside the range in which anything of an image is left.
    #[error("{name} is {found}: expected a number from {least} to {most}")]
    Range {
        /// The parameter.
        name: &'static str,
        /// Its minimum.
        least: f64,
        /// Its maximum.
        most: f64,
        /// The value given.
        found: f64,
    },
    /// A digit without a style.
    #[error("expected at least one style for each digit, found none for {digit}")]
    NoStyle {
        /// The digit.
        digit: u8,
    },
}

/// Checks that a parameter is in its range.
pub(super) fn check_range(name: &'static str, found: f64, range: RangeInclusive<f64>) -> Result<(), Error> {
    if range.contains(&found) {
        return Ok(());
    }
    Err(Error::Range { name, least: *range.start(), most: *range.end(), found })
}

/// The number that a float stands for in decimals: 0.2, where a conversion gives 0.20000000298023224.
pub(super) fn decimal(value: f32) -> f64 {
    value.to_string().parse().expect("a float is written as a float is read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_decimal_is_the_same_float(bits: u32) {
            let value = f32::from_bits(bits);
            #[expect(clippy::cast_possible_truncation, reason = "back to what it was")]
            let back = decimal(value) as f32;
            prop_assert!(back.total_cmp(&value).is_eq() || value.is_nan() && back.is_nan());
            prop_assert_eq!(decimal(value).to_string(), value.to_string());
        }
    }
}
