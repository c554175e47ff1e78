//! The deformation of one image: where each pixel comes from, and its value there.
//!
//! Floats are added, multiplied and rounded in one fixed order, and sines come from `libm`, so the bits are the same on
//! every machine.

use rand::{Rng, rngs::ChaCha8Rng};

use super::{Augmenter, elastic::Smoothing};
use crate::{
    distance::{Kernel, vectorize},
    step::to_byte,
};

/// Inverse of the standard deviation of the uniform distribution from -1 to 1.
const PER_DEVIATION: f64 = 1.732_050_807_568_877_2;

/// Deforms images of a given shape.
#[derive(Clone, Debug)]
pub(super) struct Deformer {
    params: Augmenter,
    shape: [usize; 2],
    /// For the height and for the width.
    smoothing: [Smoothing; 2],
}

/// Memory that is reused for all images.
pub(super) struct Buffers {
    /// The image, surrounded by empty pixels.
    framed: Vec<f32>,
    /// Displacements on the grid; smoothed along the width; the same with the axes exchanged; smoothed along both axes.
    /// Each row of the last holds first the vertical, then the horizontal displacements.
    noise: Vec<f32>,
    across: Vec<f32>,
    turned: Vec<f32>,
    field: Vec<f32>,
}

/// Maps pixel (x, y), counted from the middle, to its source: `matrix` times (x, y), minus `offset`.
struct Affine {
    matrix: [[f32; 2]; 2],
    offset: [f32; 2],
}

/// A uniform number from -1 to 1.
fn draw(rng: &mut ChaCha8Rng) -> f64 {
    f64::from(rng.next_u32().cast_signed()) / 2_147_483_648.0
}

impl Affine {
    /// Scaled, then sheared, then rotated, then translated.
    #[expect(clippy::cast_possible_truncation, reason = "rounded to floats")]
    fn draw(params: &Augmenter, [height, width]: [usize; 2], rng: &mut ChaCha8Rng) -> Self {
        let mut up_to = |most: f64| most * draw(rng);
        let (tall, wide) = (1.0 + up_to(params.scale), 1.0 + up_to(params.scale));
        let slope = up_to(params.shear);
        let angle = up_to(params.rotation).to_radians();
        let (down, right) = (up_to(params.translation), up_to(params.translation));
        let (sin, cos) = (libm::sin(angle), libm::cos(angle));
        // The inverse mapping: rotated back, sheared back, and scaled back.
        let matrix = [[(cos - slope * sin) / wide, (sin + slope * cos) / wide], [-sin / tall, cos / tall]];
        let offset = [right * width as f64, down * height as f64];
        Self { matrix: matrix.map(|row| row.map(|x| x as f32)), offset: offset.map(|x| x as f32) }
    }
}

impl Deformer {
    pub(super) fn new(params: &Augmenter, shape: [usize; 2]) -> Self {
        let smoothing = shape.map(|n_pixels| Smoothing::new(n_pixels, params.smoothness));
        Self { params: *params, shape, smoothing }
    }

    pub(super) fn buffers(&self) -> Buffers {
        let [height, width] = self.shape;
        let [down, along] = [&self.smoothing[0], &self.smoothing[1]].map(Smoothing::n_points);
        Buffers {
            framed: vec![0.0; (height + 3) * (width + 3)],
            noise: vec![0.0; along * 2 * down],
            across: vec![0.0; width * 2 * down],
            turned: vec![0.0; down * 2 * width],
            field: vec![0.0; height * 2 * width],
        }
    }

    /// Writes the deformed image, with parameters drawn from the generator, to `out`. Pixels from outside the image are
    /// empty.
    pub(super) fn deform(
        &self,
        kernel: Kernel,
        image: &[u8],
        rng: &mut ChaCha8Rng,
        buffers: &mut Buffers,
        out: &mut [u8],
    ) {
        let affine = Affine::draw(&self.params, self.shape, rng);
        if self.params.elastic > 0.0 {
            self.draw_noise(rng, &mut buffers.noise);
        }
        vectorize!(kernel, {
            if self.params.elastic > 0.0 {
                self.smooth(buffers);
            }
            self.resample(image, &affine, buffers, out);
        });
    }

    /// For each grid point along the width, the vertical and then the horizontal displacements along the height.
    #[expect(clippy::cast_possible_truncation, reason = "rounded to floats")]
    fn draw_noise(&self, rng: &mut ChaCha8Rng, noise: &mut [f32]) {
        let deviations =
            self.shape.map(|length| (self.params.elastic * PER_DEVIATION * length as f64) as f32);
        let n_points = self.smoothing[0].n_points();
        for column in noise.chunks_exact_mut(2 * n_points) {
            for (part, deviation) in column.chunks_exact_mut(n_points).zip(deviations) {
                part.fill_with(|| rng.next_u32().cast_signed() as f32 * (deviation / 2_147_483_648.0));
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    fn smooth(&self, Buffers { noise, across, turned, field, .. }: &mut Buffers) {
        let [down, along] = &self.smoothing;
        let (width, n_points) = (along.n_pixels(), down.n_points());
        along.spread(noise, 2 * n_points, across);
        for (x, column) in across.chunks_exact(2 * n_points).enumerate() {
            for (part, column) in column.chunks_exact(n_points).enumerate() {
                for (row, &value) in turned.chunks_exact_mut(2 * width).zip(column) {
                    row[part * width + x] = value;
                }
            }
        }
        down.spread(turned, 2 * width, field);
    }

    /// Bilinear interpolation.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the frame")]
    fn resample(&self, image: &[u8], affine: &Affine, buffers: &mut Buffers, out: &mut [u8]) {
        let [height, width] = self.shape;
        let Buffers { framed, field, .. } = buffers;
        let stride = width + 3;
        for (framed, row) in framed[stride..].chunks_exact_mut(stride).zip(image.chunks_exact(width)) {
            framed[1..=width].iter_mut().zip(row).for_each(|(to, &pixel)| *to = f32::from(pixel));
        }
        let (bottom, end) = (height as f32, width as f32);
        let (middle_y, middle_x) = ((bottom - 1.0) / 2.0, (end - 1.0) / 2.0);
        let [[xx, xy], [yx, yy]] = affine.matrix;
        let rows = out.chunks_exact_mut(width).zip(field.chunks_exact(2 * width));
        for (r, (out, displacements)) in rows.enumerate() {
            let y = r as f32 - middle_y;
            let (left_x, left_y) =
                (xy * y + (middle_x - affine.offset[0]), yy * y + (middle_y - affine.offset[1]));
            let (down, right) = displacements.split_at(width);
            for (c, (out, (down, right))) in out.iter_mut().zip(down.iter().zip(right)).enumerate() {
                let x = c as f32 - middle_x;
                let from_x = (xx * x + left_x + right).max(-1.0).min(end) + 1.0;
                let from_y = (yx * x + left_y + down).max(-1.0).min(bottom) + 1.0;
                let (column, row) = (from_x as u32, from_y as u32);
                let (right_part, lower_part) = (from_x - column as f32, from_y - row as f32);
                let at = row as usize * stride + column as usize;
                let (upper, lower) = (&framed[at..at + 2], &framed[at + stride..at + stride + 2]);
                let upper = upper[0] + (upper[1] - upper[0]) * right_part;
                let lower = lower[0] + (lower[1] - lower[0]) * right_part;
                *out = to_byte(upper + (lower - upper) * lower_part);
            }
        }
    }
}
