//! Functions of the distances to the atoms of a dictionary.

use crate::{
    distance::{LANES, Lanes},
    step::{WHOLE, to_byte},
};

/// The function of the distances to the atoms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// 255 exp(-d² / 2 `variance`), so that only near atoms count (Broomhead and Lowe 1988).
    RadialBasis {
        /// In squared units of the bytes.
        variance: f32,
    },
    /// How much nearer an atom is than the mean of all, otherwise 0 (Coates, Ng and Lee 2011).
    Triangle,
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
pub(super) fn roots(distances: Lanes) -> [f32; LANES] {
    let mut roots = [0.0; LANES];
    roots.iter_mut().zip(distances).for_each(|(root, distance)| *root = (distance as f32).sqrt());
    roots
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
pub(super) fn radial_basis(distances: Lanes, scale: f32) -> [u8; LANES] {
    let mut bytes = [0; LANES];
    for (byte, distance) in bytes.iter_mut().zip(distances) {
        *byte = to_byte(255.0 * power_of_half(distance as f32 * scale));
    }
    bytes
}

/// 2^-`x` for x of 0 or more, to 1e-5: the nearest whole number goes into the exponent, the rest into a polynomial. It
/// uses plain arithmetic, so that all levels agree.
#[inline(always)]
fn power_of_half(x: f32) -> f32 {
    const COEFFICIENTS: [f32; 5] = [1.000_000_2, -0.693_121, 0.240_218_65, -0.055_922_027, 0.009_685_711];
    let x = x.min(120.0);
    let rounded = x + WHOLE;
    let part = x - (rounded - WHOLE);
    let mut sum = 0.0;
    for coefficient in COEFFICIENTS.into_iter().rev() {
        sum = sum * part + coefficient;
    }
    sum * f32::from_bits(1.0_f32.to_bits().wrapping_sub(rounded.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_library() {
        for i in 0..10_000_u16 {
            let x = f32::from(i) / 700.0;
            assert!((power_of_half(x) - (-x).exp2()).abs() < 1e-5, "{x}");
        }
        assert!(power_of_half(1e9) < 1e-30);
    }
}
