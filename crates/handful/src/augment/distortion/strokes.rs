//! Distortions of strokes: their width, gaps in them, outlines, and lines that cross them.

use ndarray::Array2;

use crate::{
    augment::{
        random::RandomNumbers,
        raster::{Dot, Nib, draw},
    },
    preprocess::{mean_stroke_width, narrowed, widened},
};

/// Wider or narrower by up to `most` of the stroke's width on both sides together.
pub(super) fn other_width(ink: &Array2<f32>, most: f32, random: &mut RandomNumbers) -> Array2<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "a few pixels")]
    let width = mean_stroke_width(ink.view()) as f32;
    let change = random.between(-most, most);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
    let radius = (0.5 * width * change.abs()).round() as usize;
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

/// With gaps: thin lines and dots where the pen left no ink.
pub(super) fn broken(ink: &Array2<f32>, random: &mut RandomNumbers) -> Array2<f32> {
    let n_gaps = if random.with_probability(0.5) { 1 } else { 3 };
    let gaps = (0..n_gaps).map(|_| line(ink, [0.02, 0.07], random)).collect::<Vec<_>>();
    ink - &(covered(&gaps, ink) * ink)
}

/// Crossed by lines that belong to no digit.
pub(super) fn crossed(ink: &Array2<f32>, random: &mut RandomNumbers) -> Array2<f32> {
    let n_lines = 1 + usize::from(random.with_probability(0.4)) + usize::from(random.with_probability(0.3));
    let lines = (0..n_lines).map(|_| line(ink, [0.01, 0.06], random)).collect::<Vec<_>>();
    let lines = covered(&lines, ink) * random.between(0.4, 1.0);
    ndarray::Zip::from(ink).and(&lines).map_collect(|&ink, &line| ink.max(line))
}

/// A curved line that crosses the picture, with a width relative to its height.
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
