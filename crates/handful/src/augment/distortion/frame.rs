//! Distortions of images that are framed, but not as MNIST's digits: displaced, turned, on other ground, with noise.

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

/// Negative in a part: a disc, the upper or lower half, or a band that does not stand.
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
