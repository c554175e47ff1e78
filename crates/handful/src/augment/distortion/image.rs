//! Operations on grey pictures.

use ndarray::{Array2, ArrayView2, Axis};

/// Maps a pixel (x, y) of the new picture to its source: `matrix` times (x, y), plus `offset`. Both are counted from the
/// middle of their picture.
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

/// A new picture, whose pixels come from where `Inverse` says, with bilinear interpolation. Outside the old picture,
/// values are 0.
pub(super) fn warp(
    picture: ArrayView2<f32>,
    shape: [usize; 2],
    Inverse { matrix: [[a, b], [c, d]], offset }: Inverse,
) -> Array2<f32> {
    let middle = |side: usize| (side as f32 - 1.0) / 2.0;
    let (from_y, from_x) = (middle(picture.nrows()), middle(picture.ncols()));
    let (to_y, to_x) = (middle(shape[0]), middle(shape[1]));
    let at = |y: i32, x: i32| match (usize::try_from(y), usize::try_from(x)) {
        (Ok(y), Ok(x)) => picture.get([y, x]).copied().unwrap_or(0.0),
        _ => 0.0,
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

/// Smooths a picture with a Gaussian of this deviation in pixels, which is above 0. Beyond a border, its pixels are
/// repeated.
pub(super) fn blur(picture: &Array2<f32>, deviation: f32) -> Array2<f32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
    let reach = (2.5 * deviation).ceil() as usize;
    let mut weights: Vec<f32> = (0..=2 * reach)
        .map(|i| (i as f32 - reach as f32) / deviation)
        .map(|x| libm::expf(-0.5 * x * x))
        .collect();
    let total: f32 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "whole pixels move exactly")]

    use proptest::prelude::*;

    use super::*;

    fn pictures() -> impl Strategy<Value = Array2<f32>> {
        (1_usize..20, 1_usize..20).prop_flat_map(|shape| {
            let values = proptest::collection::vec((0_u8..=255).prop_map(f32::from), shape.0 * shape.1);
            values.prop_map(move |values| Array2::from_shape_vec(shape, values).unwrap())
        })
    }

    proptest! {
        #[test]
        fn nothing_moves_by_the_identity(picture in pictures()) {
            let warped = warp(picture.view(), picture.dim().into(), Inverse::of([1.0; 2], 0.0, [0.0; 2]));
            prop_assert_eq!(warped, picture);
        }

        #[test]
        fn whole_pixels_move_whole(picture in pictures(), right in -5_i8..5, down in -5_i8..5) {
            let inverse = Inverse::of([1.0; 2], 0.0, [right, down].map(f32::from));
            let warped = warp(picture.view(), picture.dim().into(), inverse);
            for ((y, x), &found) in warped.indexed_iter() {
                let from = (y.checked_add_signed(-isize::from(down)), x.checked_add_signed(-isize::from(right)));
                let source = from.0.zip(from.1).and_then(|from| picture.get(from));
                prop_assert_eq!(found, source.copied().unwrap_or(0.0));
            }
        }

        #[test]
        fn half_a_turn_reverses_both_axes(picture in pictures()) {
            let inverse = Inverse::of([1.0; 2], std::f32::consts::PI, [0.0; 2]);
            let warped = warp(picture.view(), picture.dim().into(), inverse);
            let reversed = picture.slice(ndarray::s![..;-1, ..;-1]);
            prop_assert!(warped.iter().zip(reversed).all(|(warped, reversed)| (warped - reversed).abs() < 0.01));
        }

        #[test]
        fn warping_makes_no_value_greater(
            picture in pictures(), stretch in 0.2_f32..5.0, angle in -4.0_f32..4.0, offset in -9.0_f32..9.0,
        ) {
            let most = picture.iter().copied().fold(0.0, f32::max);
            let inverse = Inverse::of([stretch, 1.0 / stretch], angle, [offset; 2]);
            let warped = warp(picture.view(), [9, 13], inverse);
            prop_assert_eq!(warped.dim(), (9, 13));
            prop_assert!(warped.iter().all(|&value| (-0.001..=most + 0.001).contains(&value)));
        }

        #[test]
        fn blur_keeps_the_sum_of_ink_inside(picture in pictures(), deviation in 0.3_f32..3.0) {
            // 8 pixels are more than the Gaussian reaches.
            let (height, width) = picture.dim();
            let mut around = Array2::zeros([height + 16, width + 16]);
            around.slice_mut(ndarray::s![8..8 + height, 8..8 + width]).assign(&picture);
            let blurred = blur(&around, deviation);
            prop_assert_eq!(blurred.dim(), around.dim());
            prop_assert!((blurred.sum() - picture.sum()).abs() <= 1e-3 * picture.sum());
            let most = picture.iter().copied().fold(0.0, f32::max);
            prop_assert!(blurred.iter().all(|value| (0.0..=1.001 * most).contains(value)));
        }

        #[test]
        fn blur_does_not_change_even_ground(value in 0.0_f32..255.0, deviation in 0.3_f32..9.0) {
            let ground = Array2::from_elem([11, 6], value);
            prop_assert!(blur(&ground, deviation).iter().all(|blurred| (blurred - value).abs() < 0.001 * 255.0));
        }
    }
}
