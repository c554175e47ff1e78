//! Distortions of images that are framed, but not as MNIST's digits: displaced, turned, with noise.

use ndarray::{Array2, ArrayView2};

use super::image::{Inverse, warp};
use crate::augment::random::RandomNumbers;

/// At another place and size, turned.
pub(super) fn displaced(image: ArrayView2<u8>, random: &mut RandomNumbers) -> Array2<f32> {
    let side = image.nrows().max(image.ncols()) as f32;
    let (scale, aspect) = (random.between(0.75, 1.12), libm::expf(random.between(-0.12, 0.12)));
    let offset = [random.between(-0.1, 0.1) * side, random.between(-0.1, 0.1) * side];
    let angle = random.between(-0.4, 0.4);
    let inverse = Inverse::of([scale * aspect, scale / aspect], angle, offset);
    warp(image.mapv(f32::from).view(), [image.nrows(), image.ncols()], inverse, 0.0)
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
