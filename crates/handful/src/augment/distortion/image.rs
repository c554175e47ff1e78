//! Operations on grey pictures.

use ndarray::{Array2, ArrayView2, Axis};

/// Maps a pixel of the new picture to its source: `matrix` times (x, y), plus `offset`, all from the pictures' middles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inverse {
    pub(super) matrix: [[f32; 2]; 2],
    pub(super) offset: [f32; 2],
}

impl Inverse {
    /// The inverse of stretching by `[x, y]`, then rotating by an angle in radians, then moving by `offset`.
    pub(super) fn of(stretch: [f32; 2], angle: f32, offset: [f32; 2]) -> Self {
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        let matrix = [[cos / stretch[0], sin / stretch[0]], [-sin / stretch[1], cos / stretch[1]]];
        let [[a, b], [c, d]] = matrix;
        let [x, y] = offset;
        Self { matrix, offset: [-(a * x + b * y), -(c * x + d * y)] }
    }
}

/// Moves pixels to another place, with bilinear interpolation. Outside the picture, the value is `outside`.
pub(super) fn warp(
    picture: ArrayView2<f32>,
    shape: [usize; 2],
    Inverse { matrix: [[a, b], [c, d]], offset }: Inverse,
    outside: f32,
) -> Array2<f32> {
    let middle = |side: usize| (side as f32 - 1.0) / 2.0;
    let (from_y, from_x) = (middle(picture.nrows()), middle(picture.ncols()));
    let (to_y, to_x) = (middle(shape[0]), middle(shape[1]));
    let at = |y: i32, x: i32| match (usize::try_from(y), usize::try_from(x)) {
        (Ok(y), Ok(x)) => picture.get([y, x]).copied().unwrap_or(outside),
        _ => outside,
    };
    Array2::from_shape_fn(shape, |(row, column)| {
        let (x, y) = (column as f32 - to_x, row as f32 - to_y);
        let x_there = a * x + b * y + offset[0] + from_x;
        let y_there = c * x + d * y + offset[1] + from_y;
        let (left, top) = (x_there.floor(), y_there.floor());
        let (right_part, lower_part) = (x_there - left, y_there - top);
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is outside")]
        let (left, top) = (left as i32, top as i32);
        let across = |y: i32| {
            let (here, next) = (at(y, left), at(y, left.saturating_add(1)));
            here + (next - here) * right_part
        };
        let (upper, lower) = (across(top), across(top.saturating_add(1)));
        upper + (lower - upper) * lower_part
    })
}

/// Smooths a picture with a Gaussian of this deviation in pixels. Beyond a border, its pixels are repeated.
pub(super) fn blur(picture: &Array2<f32>, deviation: f32) -> Array2<f32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
    let reach = (2.5 * deviation).ceil() as usize;
    let mut weights: Vec<f32> = (0..=2 * reach)
        .map(|i| (i as f32 - reach as f32) / deviation)
        .map(|x| libm::expf(-0.5 * x * x))
        .collect();
    let total: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    let mut blurred = picture.clone();
    for axis in [Axis(0), Axis(1)] {
        let source = blurred.clone();
        let last = source.len_of(axis) - 1;
        for (i, mut line) in blurred.axis_iter_mut(axis).enumerate() {
            line.fill(0.0);
            for (k, &weight) in weights.iter().enumerate() {
                let from = (i + k).saturating_sub(reach).min(last);
                line.scaled_add(weight, &source.index_axis(axis, from));
            }
        }
    }
    blurred
}
