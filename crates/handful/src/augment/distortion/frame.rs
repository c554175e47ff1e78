//! Distortions of images that have been framed: what framing does not correct.

use ndarray::{Array2, ArrayView2};

use super::image::{Inverse, warp};
use crate::augment::random::RandomNumbers;

/// Moved, scaled, and rotated by up to 23 degrees.
pub(super) fn displaced(image: ArrayView2<u8>, random: &mut RandomNumbers) -> Array2<f32> {
    let side = image.nrows().max(image.ncols()) as f32;
    let (scale, aspect) = (random.between(0.75, 1.12), libm::expf(random.between(-0.12, 0.12)));
    let offset = [random.between(-0.1, 0.1) * side, random.between(-0.1, 0.1) * side];
    let angle = random.between(-0.4, 0.4);
    let inverse = Inverse::of([scale * aspect, scale / aspect], angle, offset);
    warp(image.mapv(f32::from).view(), [image.nrows(), image.ncols()], inverse)
}

/// On grey ground.
pub(super) fn faint(image: &mut Array2<f32>, random: &mut RandomNumbers) {
    let ground = random.between(0.0, 120.0);
    let strength = random.between(0.4, 1.0) * (255.0 - ground) / 255.0;
    image.mapv_inplace(|value| ground + strength * value);
}

/// With noise in all pixels, or in some of them.
pub(super) fn noisy(image: &mut Array2<f32>, random: &mut RandomNumbers) {
    if random.with_probability(0.5) {
        let deviation = random.between(10.0, 70.0);
        image.mapv_inplace(|value| value + deviation * random.normal());
    } else {
        let share = random.between(0.01, 0.15);
        image.mapv_inplace(|value| match random.fraction() / share {
            part if part < 0.5 => 0.0,
            part if part < 1.0 => random.between(150.0, 255.0),
            _ => value,
        });
    }
}

/// Negative in a part: a disc, one side of a line, or a band.
pub(super) fn partly_negative(image: &mut Array2<f32>, random: &mut RandomNumbers) {
    let (height, width) = (image.nrows() as f32, image.ncols() as f32);
    let (x0, y0) = (random.between(0.2, 0.8) * width, random.between(0.2, 0.8) * height);
    let radius = random.between(0.12, 0.4) * height;
    let angle = random.between(0.8, 2.4);
    let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
    let kind = random.fraction();
    let is_inside = |x: f32, y: f32| {
        let (dx, dy) = (x - x0, y - y0);
        let across = cos * dx + sin * dy;
        match kind {
            k if k < 0.35 => dx * dx + dy * dy < radius * radius,
            k if k < 0.7 => (across > 0.0) == (kind < 0.5),
            _ => across.abs() < 0.7 * radius,
        }
    };
    for ((y, x), value) in image.indexed_iter_mut() {
        if is_inside(x as f32, y as f32) {
            *value = 255.0 - *value;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "whole numbers stay exact")]

    use proptest::prelude::*;

    use super::*;

    fn images() -> impl Strategy<Value = Array2<u8>> {
        (1_usize..30, 1_usize..30).prop_flat_map(|shape| {
            let values = proptest::collection::vec(any::<u8>(), shape.0 * shape.1);
            values.prop_map(move |values| Array2::from_shape_vec(shape, values).unwrap())
        })
    }

    /// How many pixels of an even image are other ones after noise.
    fn changed_by_noise(seed: u64) -> usize {
        let mut image = Array2::from_elem([28, 28], 100.0);
        noisy(&mut image, &mut RandomNumbers::new(seed, 0));
        image.iter().filter(|&&value| value != 100.0).count()
    }

    proptest! {
        #[test]
        fn displaced_images_keep_their_shape(image in images(), seed: u64) {
            let displaced = displaced(image.view(), &mut RandomNumbers::new(seed, 0));
            prop_assert_eq!(displaced.dim(), image.dim());
            let most = f32::from(image.iter().copied().max().unwrap());
            prop_assert!(displaced.iter().all(|value| (-0.001..=most + 0.001).contains(value)));
        }

        #[test]
        fn the_negative_of_the_same_part_is_the_image_again(image in images(), seed: u64) {
            let before = image.mapv(f32::from);
            let mut after = before.clone();
            partly_negative(&mut after, &mut RandomNumbers::new(seed, 0));
            for (&before, &after) in before.iter().zip(&after) {
                prop_assert!(after == before || after == 255.0 - before);
            }
            partly_negative(&mut after, &mut RandomNumbers::new(seed, 0));
            prop_assert_eq!(after, before);
        }

        #[test]
        fn the_part_that_is_negative_is_neither_nothing_nor_all(seed: u64) {
            let mut image = Array2::zeros([28, 28]);
            partly_negative(&mut image, &mut RandomNumbers::new(seed, 0));
            let share = image.sum() / (255.0 * 784.0);
            prop_assert!((0.005..0.995).contains(&share), "{share}");
        }

        #[test]
        fn faint_images_are_grey_in_the_same_order(image in images(), seed: u64) {
            let mut faint = image.mapv(f32::from);
            super::faint(&mut faint, &mut RandomNumbers::new(seed, 0));
            prop_assert!(faint.iter().all(|value| (0.0..=255.001).contains(value)));
            let mut pairs: Vec<(u8, f32)> = image.into_iter().zip(faint).collect();
            pairs.sort_by_key(|(before, _)| *before);
            prop_assert!(pairs.is_sorted_by(|a, b| a.1 <= b.1));
        }

        #[test]
        fn noise_is_in_all_pixels_or_in_some(seed: u64) {
            let n = changed_by_noise(seed);
            prop_assert!(!(200..=770).contains(&n), "{n}");
        }
    }

    #[test]
    fn noise_of_both_kinds_occurs() {
        let kinds =
            |is_kind: fn(usize) -> bool| (0..40).map(changed_by_noise).filter(|n| is_kind(*n)).count();
        assert!(kinds(|n| n > 770) > 8 && kinds(|n| n < 200) > 8);
    }
}
