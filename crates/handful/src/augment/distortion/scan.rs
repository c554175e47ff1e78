//! Distortions by cameras and scanners: resolution, sharpness, light and noise.

use ndarray::Array2;

use super::image::blur;
use crate::{augment::random::RandomNumbers, preprocess::resize, step::to_byte};

/// At a resolution of `least` to `most` pixels of the longer side. A share of pictures is stretched into a square.
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

/// Out of focus, by a deviation of up to `most` of the height.
pub(super) fn soft(ink: &Array2<f32>, most: f32, random: &mut RandomNumbers) -> Array2<f32> {
    let deviation = random.between(0.2, 1.0) * most * ink.nrows() as f32;
    if deviation < 0.3 { ink.clone() } else { blur(ink, deviation) }
}

/// Black and white.
pub(super) fn binary(ink: &mut Array2<f32>, random: &mut RandomNumbers) {
    let most = ink.iter().copied().fold(0.0, f32::max);
    let threshold = most * random.between(0.25, 0.6);
    ink.mapv_inplace(|value| if value > threshold { 1.0 } else { 0.0 });
}

/// The picture of ink on paper, under light that may be uneven, with noise.
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
