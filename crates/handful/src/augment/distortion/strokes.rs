//! Distortions of strokes: their width, gaps in them, outlines, and lines that cross them.

use ndarray::Array2;

use crate::{
    augment::{
        random::RandomNumbers,
        raster::{Dot, Nib, draw},
    },
    preprocess::{mean_stroke_width, narrowed, widened},
};

/// Wider or narrower, on both sides together, by up to `most` times the mean width of the strokes.
pub(super) fn other_width(ink: &Array2<f32>, most: f32, random: &mut RandomNumbers) -> Array2<f32> {
    let change = random.between(-most, most);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
    let radius = (0.5 * mean_stroke_width(ink.view()) as f32 * change.abs()).round() as usize;
    match (radius, change > 0.0) {
        (0, _) => ink.clone(),
        (_, true) => widened(ink.view(), radius),
        (_, false) => narrowed(ink.view(), radius),
    }
}

/// Only the outline, as in hollow type.
pub(super) fn outline(ink: &Array2<f32>, random: &mut RandomNumbers) -> Array2<f32> {
    let radius = if random.with_probability(0.5) { 1 } else { 2 };
    widened(ink.view(), radius) - narrowed(ink.view(), 1)
}

/// With gaps: curved lines without ink.
pub(super) fn broken(ink: &Array2<f32>, random: &mut RandomNumbers) -> Array2<f32> {
    let n_gaps = if random.with_probability(0.5) { 1 } else { 3 };
    let gaps = (0..n_gaps).map(|_| line(ink, [0.02, 0.07], random)).collect::<Vec<_>>();
    ink - &(covered(&gaps, ink) * ink)
}

/// Crossed by curved lines that belong to no digit.
pub(super) fn crossed(ink: &Array2<f32>, random: &mut RandomNumbers) -> Array2<f32> {
    let n_lines = 1 + usize::from(random.with_probability(0.4)) + usize::from(random.with_probability(0.3));
    let lines = (0..n_lines).map(|_| line(ink, [0.01, 0.06], random)).collect::<Vec<_>>();
    let lines = covered(&lines, ink) * random.between(0.4, 1.0);
    ndarray::Zip::from(ink).and(&lines).map_collect(|&ink, &line| ink.max(line))
}

/// A curved line somewhere in the picture. Its width is relative to the picture's height.
fn line(ink: &Array2<f32>, [thin, thick]: [f32; 2], random: &mut RandomNumbers) -> Vec<Dot> {
    let (height, width) = (ink.nrows() as f32, ink.ncols() as f32);
    let mut point = || (random.between(0.1, 0.9) * width, random.between(0.1, 0.9) * height);
    let (start, middle, end) = (point(), point(), point());
    let bend = random.between(0.0, 0.6);
    let pen = random.between(thin, thick) * height;
    let place = |i: u8| {
        let t = f32::from(i) / 8.0;
        let straight = |a: f32, b: f32| a + (b - a) * t;
        let by = 2.0 * bend * t * (1.0 - t);
        let (x, y) = (straight(start.0, end.0), straight(start.1, end.1));
        Dot { x: x + by * (middle.0 - x), y: y + by * (middle.1 - y), width: pen }
    };
    (0..=8).map(place).collect()
}

/// How much of each pixel the lines cover.
fn covered(lines: &[Vec<Dot>], like: &Array2<f32>) -> Array2<f32> {
    draw(lines, Nib::ROUND, [like.nrows(), like.ncols()]).mapv(|ink| f32::from(ink) / 255.0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "ink is 0 or 1")]

    use proptest::prelude::*;

    use super::{super::tests::inks, *};

    proptest! {
        #[test]
        fn strokes_become_wider_everywhere_or_narrower_everywhere(ink in inks(), seed: u64) {
            let other = other_width(&ink, 0.8, &mut RandomNumbers::new(seed, 0));
            let pairs = || other.iter().zip(&ink);
            prop_assert!(pairs().all(|(other, ink)| other >= ink) || pairs().all(|(other, ink)| other <= ink));
            prop_assert_eq!(other_width(&ink, 0.0, &mut RandomNumbers::new(seed, 0)), ink);
        }

        #[test]
        fn gaps_only_remove_ink(ink in inks(), seed: u64) {
            let broken = broken(&ink, &mut RandomNumbers::new(seed, 0));
            prop_assert!(broken.iter().zip(&ink).all(|(broken, ink)| (0.0..=*ink).contains(broken)));
        }

        #[test]
        fn lines_only_add_ink(ink in inks(), seed: u64) {
            let crossed = crossed(&ink, &mut RandomNumbers::new(seed, 0));
            prop_assert!(crossed.iter().zip(&ink).all(|(crossed, ink)| (*ink..=1.0).contains(crossed)));
        }

        #[test]
        fn gaps_and_lines_are_there(seed: u64) {
            let mut random = RandomNumbers::new(seed, 0);
            let (full, empty) = (Array2::ones([60, 50]), Array2::zeros([60, 50]));
            prop_assert!(broken(&full, &mut random).sum() < full.sum() - 0.5);
            prop_assert!(crossed(&empty, &mut random).sum() > 0.0);
        }

        #[test]
        fn the_outline_of_a_square_is_hollow(side in 8_usize..20, seed: u64) {
            let inside = |at: usize, margin: usize| (10 + margin..10 + side - margin).contains(&at);
            let square = Array2::from_shape_fn([40, 40], |(y, x)| f32::from(u8::from(inside(y, 0) && inside(x, 0))));
            let outline = outline(&square, &mut RandomNumbers::new(seed, 0));
            for ((y, x), &ink) in outline.indexed_iter() {
                let is_border = inside(y, 0) && inside(x, 0) && !(inside(y, 1) && inside(x, 1));
                let is_far = !(8..12 + side).contains(&y) || !(8..12 + side).contains(&x);
                prop_assert!(!is_border || ink == 1.0, "the square's border is ink");
                prop_assert!(!inside(y, 1) || !inside(x, 1) || ink == 0.0, "its inside is not");
                prop_assert!(!is_far || ink == 0.0, "nor what is far from it");
            }
        }
    }
}
