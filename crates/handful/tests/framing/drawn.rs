//! Digits drawn here: wherever they are drawn, and on whatever paper, they look the same in the frame.

use handful::preprocess::Framing;
use ndarray::Array2;
use proptest::prelude::*;

use super::{judged, model};

/// Polylines in a box of height 1.
const DIGITS: [&[[f64; 2]]; 5] = [
    // 1, 2, 4 in one stroke, 5, 7.
    &[[0.25, 0.0], [0.15, 1.0]],
    &[[0.02, 0.2], [0.2, 0.0], [0.45, 0.05], [0.55, 0.3], [0.0, 1.0], [0.6, 0.95]],
    &[[0.4, 0.0], [0.0, 0.65], [0.65, 0.62], [0.45, 0.62], [0.5, 0.3], [0.45, 1.0]],
    &[[0.55, 0.0], [0.1, 0.03], [0.08, 0.42], [0.45, 0.45], [0.58, 0.7], [0.4, 0.97], [0.0, 0.92]],
    &[[0.0, 0.05], [0.6, 0.0], [0.25, 1.0]],
];
/// Half of a stroke's width.
const RADIUS: f64 = 0.06;

/// A digit `height` pixels high, antialiased, with a margin in pixels on the four sides (top, bottom, left, right).
fn drawn(digit: usize, height: f64, margins: [usize; 4], [paper, ink]: [u8; 2]) -> Array2<u8> {
    let points = DIGITS[digit];
    let unit = height / (1.0 + 2.0 * RADIUS);
    let widest = points.iter().map(|point| point[0]).fold(0.0, f64::max);
    let leftmost = points.iter().map(|point| point[0]).fold(1.0, f64::min);
    let width = unit * (widest - leftmost + 2.0 * RADIUS);
    let [top, bottom, left, right] = margins;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundred pixels")]
    let shape = (height.ceil() as usize + top + bottom, width.ceil() as usize + left + right);
    Array2::from_shape_fn(shape, |(y, x)| {
        let at = [
            (x as f64 + 0.5 - left as f64) / unit - RADIUS + leftmost,
            (y as f64 + 0.5 - top as f64) / unit - RADIUS,
        ];
        let distance =
            points.windows(2).map(|ends| distance(at, [ends[0], ends[1]])).fold(f64::MAX, f64::min);
        let share = ((RADIUS - distance) * unit + 0.5).clamp(0.0, 1.0);
        let grey = f64::from(paper) + share * (f64::from(ink) - f64::from(paper));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
        let byte = grey.round() as u8;
        byte
    })
}

fn distance([x, y]: [f64; 2], [[x0, y0], [x1, y1]]: [[f64; 2]; 2]) -> f64 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let along = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (x - x0 - along * dx).hypot(y - y0 - along * dy)
}

/// The share of the ink that is elsewhere.
fn difference(a: &Array2<u8>, b: &Array2<u8>) -> f64 {
    let ink = |image: &Array2<u8>| image.iter().map(|&value| f64::from(value)).sum::<f64>();
    let moved: f64 = a.iter().zip(b).map(|(&a, &b)| f64::from(a.abs_diff(b))).sum();
    moved / (ink(a) + ink(b)).max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_digit_looks_the_same_wherever_it_is_drawn(
        digit in 0..DIGITS.len(),
        height in 12.0..260.0_f64,
        margins in prop::array::uniform4(prop_oneof![0..3_usize, 0..60_usize]),
        paper: u8,
        contrast in 60..=255_i16,
        is_light: bool,
    ) {
        let contrast = if is_light { contrast } else { -contrast };
        let ink = i16::from(paper) + contrast;
        prop_assume!((0..=255).contains(&ink));
        let framer = judged(&model(), Framing::Always);
        let expected = framer.frame(drawn(digit, 140.0, [100; 4], [255, 0]).view()).unwrap();
        let picture = drawn(digit, height, margins, [paper, u8::try_from(ink).unwrap()]);
        let found = framer.frame(picture.view()).unwrap();
        // Strokes of a small digit are two pixels wide, and half of them is soft.
        let most = if height < 28.0 { 0.35 } else { 0.2 };
        let difference = difference(&found, &expected);
        prop_assert!(difference < most, "{difference}: {found}");
    }
}
