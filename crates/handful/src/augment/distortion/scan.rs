//! Distortions by cameras and scanners: resolution, sharpness, light and noise.

use ndarray::Array2;

use super::image::blur;
use crate::{augment::random::RandomNumbers, preprocess::resize, step::to_byte};

/// Resized so that the longer side has `least` to `most` pixels. With the probability `squared`, both sides have as many.
pub(super) fn reduced(
    ink: &Array2<f32>,
    [least, most]: [f32; 2],
    squared: f32,
    random: &mut RandomNumbers,
) -> Array2<f32> {
    let (height, width) = (ink.nrows() as f32, ink.ncols() as f32);
    let longer = random.between(least, most);
    let scale = longer / height.max(width);
    let shape = if random.with_probability(squared) { [longer; 2] } else { [scale * height, scale * width] };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
    let shape = shape.map(|side| (side.round() as usize).max(2));
    resize(ink.view(), shape).mapv(|value| value.clamp(0.0, 1.0))
}

/// Out of focus: smoothed by a Gaussian with a deviation of up to `most` times the height.
pub(super) fn soft(ink: &Array2<f32>, most: f32, random: &mut RandomNumbers) -> Array2<f32> {
    let deviation = random.between(0.2, 1.0) * most * ink.nrows() as f32;
    if deviation < 0.3 { ink.clone() } else { blur(ink, deviation) }
}

/// Black and white: ink of 0 or 1.
pub(super) fn binary(ink: &mut Array2<f32>, random: &mut RandomNumbers) {
    let most = ink.iter().copied().fold(0.0, f32::max);
    let threshold = most * random.between(0.25, 0.6);
    ink.mapv_inplace(|value| if value > threshold { 1.0 } else { 0.0 });
}

/// A photo of dark ink on light paper, in uneven light, with noise.
pub(super) fn photographed(ink: &Array2<f32>, random: &mut RandomNumbers) -> Array2<u8> {
    let (height, width) = (ink.nrows() as f32, ink.ncols() as f32);
    let (paper, contrast) = (random.between(140.0, 250.0), random.between(0.35, 1.0));
    let (shade_x, shade_y) = (random.between(-0.25, 0.25), random.between(-0.25, 0.25));
    let noise = random.between(0.0, 8.0);
    let mut picture = Array2::zeros(ink.dim());
    for (((y, x), &ink), out) in ink.indexed_iter().zip(&mut picture) {
        let light = 1.0 + shade_x * (x as f32 / width - 0.5) + shade_y * (y as f32 / height - 0.5);
        *out = to_byte(paper * light * (1.0 - contrast * ink) + noise * random.normal());
    }
    picture
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "sides are whole, and ink is 0 or 1")]

    use proptest::prelude::*;

    use super::{super::tests::inks, *};

    proptest! {
        #[test]
        fn reduced_ink_has_the_size_that_was_asked_for(
            ink in inks(), least in 9.0_f32..12.0, more in 0.0_f32..14.0, seed: u64,
        ) {
            let most = least + more;
            let sides = |squared| {
                let reduced = reduced(&ink, [least, most], squared, &mut RandomNumbers::new(seed, 0));
                assert!(reduced.iter().all(|value| (0.0..=1.0).contains(value)));
                [reduced.nrows() as f32, reduced.ncols() as f32]
            };
            let [height, width] = sides(0.0);
            prop_assert!((least.round()..=most.round()).contains(&height.max(width)));
            let ratio = ink.nrows() as f32 / ink.ncols() as f32;
            let expected = if ratio > 1.0 { [height, height / ratio] } else { [width * ratio, width] };
            for (found, expected) in [height, width].into_iter().zip(expected) {
                prop_assert!(found == 2.0 || (found - expected).abs() <= 1.0, "{found}, not {expected}");
            }
            let [height, width] = sides(1.0);
            prop_assert_eq!(height, width);
            prop_assert!((least.round()..=most.round()).contains(&height));
        }

        #[test]
        fn soft_ink_has_the_same_size_and_no_more_contrast(ink in inks(), seed: u64) {
            let soft = soft(&ink, 0.06, &mut RandomNumbers::new(seed, 0));
            prop_assert_eq!(soft.dim(), ink.dim());
            let most = ink.iter().copied().fold(0.0, f32::max);
            prop_assert!(soft.iter().all(|value| (0.0..=most + 1e-5).contains(value)));
        }

        #[test]
        fn binary_ink_is_0_or_1(ink in inks(), seed: u64) {
            let mut binary = ink.clone();
            super::binary(&mut binary, &mut RandomNumbers::new(seed, 0));
            let most = ink.iter().copied().fold(0.0, f32::max);
            for (&value, &ink) in binary.iter().zip(&ink) {
                prop_assert!(value == 0.0 || value == 1.0);
                // What is darkest stays, and paper stays.
                prop_assert!(value == 1.0 || ink < most || most == 0.0);
                prop_assert!(value == 0.0 || ink > 0.0);
            }
        }

        #[test]
        fn ink_is_darker_than_paper_in_a_photo(seed: u64) {
            let is_ink = |(y, x): (usize, usize)| (x + y).is_multiple_of(2);
            let ink = Array2::from_shape_fn([20, 30], |at| if is_ink(at) { 1.0 } else { 0.0 });
            let photo = photographed(&ink, &mut RandomNumbers::new(seed, 0));
            prop_assert_eq!(photo.dim(), ink.dim());
            let mean = |of_ink: bool| {
                let pixels = photo.indexed_iter().filter(|(at, _)| is_ink(*at) == of_ink);
                pixels.map(|(_, &value)| f64::from(value)).sum::<f64>() / 300.0
            };
            prop_assert!(mean(true) < 0.75 * mean(false), "{} on {}", mean(true), mean(false));
        }
    }
}
