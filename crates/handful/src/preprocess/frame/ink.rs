//! Decides which of a picture's pixels are ink.
//!
//! Two kinds of readings compete:
//!
//! 1. Most of the picture is paper, lit unevenly perhaps. A robust fit finds the paper whatever its grey value is, and
//!    even faint ink stands out from it. This is right for photos, scans, and drawings with paper around them.
//! 2. There are two groups of grey values, and either of them is ink. This is right for a digit that was cropped to its
//!    bounding box, which can be more than half ink.
//!
//! The first reading is certain if it is consistent: its ink is a small part of the picture and of its border, and not
//! in the corners. Otherwise all readings are returned, ordered by the evidence for them.

use ndarray::Array2;

use super::{
    blots::Blots,
    groups::{self, Groups},
    paper::{Paper, SAME_GREY},
};

/// The first reading is certain if its ink is at most this share of the picture, of its border, and of its corners.
const CERTAIN: Shares = Shares { whole: 0.3, border: 0.2, corners: 0.1 };
/// Weights of ink at the border, of ink in the corners, and of ink in several pieces as evidence against a reading.
/// They come from a logistic regression that separates ink from paper in training digits cropped to their bounding box
/// (`benches/redrawn`), so doubt is in natural logarithms of odds.
const DOUBT_BORDER: f32 = 5.0;
const DOUBT_CORNERS: f32 = 9.0;
const DOUBT_PIECES: f32 = 4.0;
/// Noise is less than this share of the contrast between two groups of grey values.
const MOST_NOISE: f32 = 1.0 / 8.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polarity {
    DarkInk,
    LightInk,
}

/// The ink of a picture, and the evidence against it.
pub(super) struct Reading {
    /// 0 is paper, 1 is ink of full strength.
    pub(super) ink: Array2<f32>,
    pub(super) blots: Blots,
    pub(super) doubt: f32,
}

impl Reading {
    pub(super) fn new(ink: Array2<f32>) -> Self {
        let blots = Blots::find(&ink);
        let Shares { border, corners, .. } = Shares::of(&ink);
        let doubt = DOUBT_BORDER * border + DOUBT_CORNERS * corners + doubt_of_pieces(&blots.all());
        Self { ink, blots, doubt }
    }
}

/// Evidence against the chosen blots because they are several.
pub(super) fn doubt_of_pieces(chosen: &[bool]) -> f32 {
    let n_pieces = chosen.iter().filter(|is_chosen| **is_chosen).count();
    DOUBT_PIECES * (1.0 + n_pieces as f32).ln()
}

/// All plausible readings, the most plausible first; none if the picture shows nothing.
pub(super) fn read(picture: &Array2<f32>) -> Vec<Reading> {
    let mostly_paper = mostly_paper(picture).map(Reading::new);
    if let Some(reading) = &mostly_paper
        && Shares::of(&reading.ink).is_within(&CERTAIN)
    {
        return mostly_paper.into_iter().collect();
    }
    let mut readings: Vec<Reading> = two_groups(picture).into_iter().map(Reading::new).collect();
    readings.extend(mostly_paper);
    readings.sort_by(|a, b| a.doubt.total_cmp(&b.doubt));
    readings
}

/// Ink is what differs from the paper, on the side (darker or lighter) with more of it.
fn mostly_paper(picture: &Array2<f32>) -> Option<Array2<f32>> {
    let paper = Paper::fit(picture, [f32::NEG_INFINITY, f32::INFINITY])?;
    let difference = paper.subtract_from(picture);
    let floor = floor(paper.noise);
    let excess = |sign: f32| difference.iter().map(|value| (sign * value - floor).max(0.0)).sum::<f32>();
    let polarity = if excess(1.0) >= excess(-1.0) { Polarity::LightInk } else { Polarity::DarkInk };
    ink(difference, paper.noise, polarity)
}

/// The dark group as ink, and the light group as ink.
fn two_groups(picture: &Array2<f32>) -> Vec<Array2<f32>> {
    let Groups { threshold, contrast } = Groups::of(picture);
    if contrast <= SAME_GREY.max(2.5 * groups::noise(picture)) {
        return Vec::new();
    }
    let read = |(polarity, greys)| {
        let paper = Paper::fit(picture, greys)?;
        ink(paper.subtract_from(picture), paper.noise.min(MOST_NOISE * contrast), polarity)
    };
    let papers = [
        (Polarity::DarkInk, [threshold, f32::INFINITY]),
        (Polarity::LightInk, [f32::NEG_INFINITY, threshold]),
    ];
    papers.into_iter().filter_map(read).collect()
}

/// Differences in grey up to this are not ink.
fn floor(noise: f32) -> f32 {
    (2.5 * noise).max(SAME_GREY)
}

/// Differences from the paper as ink; `None` if they are no more than noise.
fn ink(mut difference: Array2<f32>, noise: f32, polarity: Polarity) -> Option<Array2<f32>> {
    let sign = if polarity == Polarity::LightInk { 1.0 } else { -1.0 };
    difference.mapv_inplace(|value| (sign * value).max(0.0));
    let full = full_strength(&difference, floor(noise))?;
    let cut = if noise > 1.0 { (2.0 * noise / full).min(0.5) } else { 0.0 };
    difference.mapv_inplace(|value| ((value / full - cut) / (1.0 - cut)).clamp(0.0, 1.0));
    Some(difference)
}

/// The strength of the strongest ink, except for a twentieth of the strong pixels.
fn full_strength(values: &Array2<f32>, floor: f32) -> Option<f32> {
    let most = values.iter().copied().fold(0.0, f32::max);
    if most <= 2.0 * floor {
        return None;
    }
    let mut strong: Vec<f32> = values.iter().copied().filter(|&value| value > 0.5 * most).collect();
    let place = strong.len() - 1 - strong.len() / 20;
    Some(*strong.select_nth_unstable_by(place, f32::total_cmp).1)
}

/// Ink's share of the picture, of the pixels at its border, and of its four corners.
pub(super) struct Shares {
    whole: f32,
    pub(super) border: f32,
    corners: f32,
}

impl Shares {
    pub(super) fn of(ink: &Array2<f32>) -> Self {
        let (bottom, right) = (ink.nrows() - 1, ink.ncols() - 1);
        let rows = [0, bottom].map(|y| ink.row(y));
        let columns = [0, right].map(|x| ink.column(x));
        let border = rows.iter().chain(&columns);
        let n_border: usize = border.clone().map(ndarray::ArrayBase::len).sum();
        let corners = [[0, 0], [0, right], [bottom, 0], [bottom, right]].map(|place| ink[place]);
        Self {
            whole: ink.mean().unwrap_or(0.0),
            border: border.map(|line| line.sum()).sum::<f32>() / n_border as f32,
            corners: corners.iter().sum::<f32>() / 4.0,
        }
    }

    fn is_within(&self, most: &Self) -> bool {
        self.whole <= most.whole && self.border <= most.border && self.corners <= most.corners
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring, which is a digit 0: of outer radius 1 and inner radius `inner` in a picture of half-width `1 + margin`.
    fn ring(side: usize, inner: f32, margin: f32, paper: f32, ink: f32) -> Array2<f32> {
        let half = side as f32 / 2.0;
        Array2::from_shape_fn((side, side), |(y, x)| {
            let coordinate = |at: usize| (at as f32 + 0.5 - half) / half * (1.0 + margin);
            let radius = coordinate(y).hypot(coordinate(x));
            if (inner..=1.0).contains(&radius) { ink } else { paper }
        })
    }

    #[test]
    fn paper_around_a_digit_leaves_no_doubt() {
        for (paper, ink) in [(255.0, 0.0), (0.0, 255.0), (127.0, 60.0), (90.0, 160.0)] {
            let readings = read(&ring(50, 0.7, 0.6, paper, ink));
            assert_eq!(readings.len(), 1, "{paper}, {ink}");
            assert_eq!(readings[0].ink, ring(50, 0.7, 0.6, 0.0, 1.0));
        }
    }

    #[test]
    fn a_digit_cropped_to_its_box_is_ink_even_where_most_is_ink() {
        // 70 % of the picture is ink.
        for (paper, ink) in [(255.0, 0.0), (0.0, 255.0), (127.0, 60.0), (90.0, 160.0)] {
            let readings = read(&ring(50, 0.3, 0.0, paper, ink));
            assert!(readings.len() > 1, "{paper}, {ink}");
            assert_eq!(readings[0].ink, ring(50, 0.3, 0.0, 0.0, 1.0));
        }
    }

    #[test]
    fn nothing_is_read_where_nothing_is_written() {
        for value in [0.0, 128.0, 255.0] {
            assert!(read(&Array2::from_elem((30, 20), value)).is_empty());
        }
        let light = Array2::from_shape_fn((80, 80), |(y, x)| 100.0 + y as f32 + 0.5 * x as f32);
        assert!(read(&light).is_empty(), "a shadow is no ink");
    }
}
