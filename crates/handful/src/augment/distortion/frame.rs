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
