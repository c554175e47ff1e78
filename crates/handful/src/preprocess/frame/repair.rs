//! Removes what hides a digit: ground of two kinds, thin lines, specks.

use ndarray::{Array2, ArrayView2};

use super::{
    resize::{enlarge, reduce, resize},
    stroke::{narrowed, widened},
};

/// Side of the picture in which the ground is found, and how far around a pixel it is looked for: strokes, of 2 to 4
/// pixels, cover less than half of that.
const GROUND_SIDE: usize = 28;
const GROUND_REACH: usize = 4;
/// Small digits are enlarged by this factor before thin lines are removed.
const ENLARGED: usize = 3;

/// The difference of each pixel from the median around it: light ink on black, whatever the ground is, even if it is
/// dark in one part and light in another.
pub(super) fn flattened(picture: ArrayView2<u8>) -> Array2<u8> {
    let small = reduce(picture, GROUND_SIDE);
    let ground = median(&small, GROUND_REACH);
    let ground = resize(ground.view(), [picture.nrows(), picture.ncols()]);
    let mut flat = Array2::zeros(picture.dim());
    for ((out, &value), &ground) in flat.iter_mut().zip(picture).zip(&ground) {
        *out = crate::step::to_byte((f32::from(value) - ground).abs());
    }
    flat
}

/// Without specks: the median of each pixel and its neighbours.
pub(super) fn despeckled(picture: ArrayView2<u8>, longest: usize) -> Array2<u8> {
    median(&reduce(picture, longest), 1).mapv(crate::step::to_byte)
}

/// Ink without lines that are thinner than `width` pixels, and the factor by which it was enlarged.
pub(super) fn opened(ink: ArrayView2<f32>, width: f64) -> (Array2<f32>, usize) {
    let factor = if width < 3.0 { ENLARGED } else { 1 };
    let larger =
        if factor == 1 { ink.to_owned() } else { enlarge(ink, [factor * ink.nrows(), factor * ink.ncols()]) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
    let radius = (0.5 * width * factor as f64).ceil() as usize;
    let rest = narrowed(larger.view(), radius);
    (widened(rest.view(), radius), factor)
}

/// The median of the pixels that are at most `reach` away in each direction.
fn median(picture: &Array2<f32>, reach: usize) -> Array2<f32> {
    let (height, width) = picture.dim();
    let mut around = Vec::with_capacity((2 * reach + 1).pow(2));
    Array2::from_shape_fn((height, width), |(y, x)| {
        around.clear();
        for y in y.saturating_sub(reach)..(y + reach + 1).min(height) {
            let columns = x.saturating_sub(reach)..(x + reach + 1).min(width);
            around.extend(columns.map(|x| picture[[y, x]]));
        }
        let middle = around.len() / 2;
        *around.select_nth_unstable_by(middle, f32::total_cmp).1
    })
}

#[cfg(test)]
mod tests {
    use ndarray::s;

    use super::*;

    /// A bar of 3 pixels, which stands.
    fn bar() -> Array2<u8> {
        Array2::from_shape_fn(
            (28, 28),
            |(y, x)| if (4..24).contains(&y) && (13..16).contains(&x) { 255 } else { 0 },
        )
    }

    #[test]
    fn ground_of_two_kinds_becomes_black() {
        let mut two = bar();
        two.slice_mut(s![14.., ..]).mapv_inplace(|value| 255 - value);
        let flat = flattened(two.view());
        let far = flat.iter().zip(&bar()).filter(|(a, b)| a.abs_diff(**b) > 64).count();
        assert!(far < 30, "{far} pixels differ");
    }

    #[test]
    fn specks_disappear() {
        let mut specked = bar();
        for (y, x) in [(2, 2), (9, 20), (25, 5), (10, 14)] {
            specked[[y, x]] = 255 - specked[[y, x]];
        }
        let clean = despeckled(specked.view(), 140);
        assert_eq!((clean[[2, 2]], clean[[9, 20]], clean[[10, 14]]), (0, 0, 255));
    }

    #[test]
    fn thin_lines_disappear_and_strokes_stay() {
        let mut ink = bar().mapv(|value| f32::from(value) / 255.0);
        ink.slice_mut(s![8, ..]).fill(1.0);
        let (rest, factor) = opened(ink.view(), 1.5);
        assert_eq!((factor, rest.nrows()), (3, 84));
        assert!(rest[[3 * 8 + 1, 10]] < 0.3, "the line");
        assert!(rest[[3 * 12, 3 * 14 + 1]] > 0.9, "the bar");
    }
}
