//! Digits drawn here: wherever they are drawn, and on whatever paper, they look the same in the frame.

use std::sync::LazyLock;

use handful::preprocess::{Framer, Framing};
use ndarray::Array2;
use proptest::{prelude::*, test_runner::RngSeed};

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

/// The share of the ink that is elsewhere, if the image is moved by a pixel at most: where the centre of mass is near the
/// edge of a pixel, a little more ink on one side rounds it to the next.
fn difference(found: &Array2<u8>, expected: &Array2<u8>) -> f64 {
    let ink = |image: &Array2<u8>| image.iter().map(|&value| f64::from(value)).sum::<f64>();
    let moved = |down: usize, right: usize| {
        let at = |(y, x): (usize, usize)| (y + down).checked_sub(1).zip((x + right).checked_sub(1));
        let pixel = |place| at(place).and_then(|(y, x)| found.get((y, x))).copied().unwrap_or(0);
        expected.indexed_iter().map(|(place, value)| f64::from(value.abs_diff(pixel(place)))).sum::<f64>()
    };
    let shifts = (0..3).flat_map(|down| (0..3).map(move |right| (down, right)));
    let least = shifts.map(|(down, right)| moved(down, right)).fold(f64::MAX, f64::min);
    least / (ink(found) + ink(expected)).max(1.0)
}

static FRAMER: LazyLock<Framer> = LazyLock::new(|| judged(&model(), Framing::Always));
/// Each digit in the middle of a large white page.
static EXPECTED: LazyLock<Vec<Array2<u8>>> = LazyLock::new(|| {
    let page = |digit| drawn(digit, 140.0, [100; 4], [255, 0]);
    (0..DIGITS.len()).map(|digit| FRAMER.frame(page(digit).view()).expect("any picture")).collect()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, rng_seed: RngSeed::Fixed(0), ..ProptestConfig::default() })]

    #[test]
    fn a_digit_looks_the_same_wherever_it_is_drawn(
        digit in 0..DIGITS.len(),
        height in 8.0..260.0_f64,
        margins in prop::array::uniform4(prop_oneof![0..3_usize, 0..60_usize]),
        paper: u8,
        contrast in 60..=255_i16,
        is_light: bool,
    ) {
        let contrast = if is_light { contrast } else { -contrast };
        let ink = i16::from(paper) + contrast;
        prop_assume!((0..=255).contains(&ink));
        let picture = drawn(digit, height, margins, [paper, u8::try_from(ink).unwrap()]);
        let found = FRAMER.frame(picture.view()).unwrap();
        // The strokes of a digit of 8 pixels are one pixel wide.
        let most = match height { ..12.0 => 0.4, ..28.0 => 0.3, _ => 0.2 };
        let difference = difference(&found, &EXPECTED[digit]);
        prop_assert!(difference < most, "{difference}: {found}");
    }
}
