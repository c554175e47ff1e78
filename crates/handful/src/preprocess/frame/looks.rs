//! Candidates for the digit in a picture.
//!
//! Each reading of the ink is examined in up to four ways: all of it; without what touches the border, which may be a
//! shadow, the edge of a sheet or a part of another digit; without straight lines; and without both.

use ndarray::{Array2, ArrayView2};

use super::{
    blots::Blots,
    ink::{self, Reading, Shares, doubt_of_pieces},
    lines,
    region::Region,
    resize::reduce,
};

/// Pictures are examined at about this size, at which a stroke is several pixels wide.
pub(super) const WORKING_SIDE: usize = 140;
/// A digit that takes less than this share of a picture's longer side is examined again in more detail.
const SMALL_PART: f64 = 0.45;
/// Doubt about removing ink at the border.
const DOUBT_INNER: f32 = 1.5;
/// The same if little is left, or much is removed: the digit itself may be at the border.
const DOUBT_SMALL: f32 = 6.0;
const DOUBT_MUCH: f32 = 8.0;
/// "Little" is below this share of the picture's longer side; "much" is more than this share of the border.
const LITTLE: f32 = 0.4;
const MUCH: f32 = 0.3;
/// A line through the picture is a reason to remove it, unless what is left still touches the border: then the line may
/// be the bar of a 7 that was cropped to its bounding box.
const DOUBT_LINES: f32 = -1.0;
const DOUBT_LINES_OF_DIGIT: f32 = 8.0;

/// Ink that may be the digit.
pub(in crate::preprocess) struct Look {
    /// Strokes and their soft edges, from 0 to 1.
    pub(super) ink: Array2<f32>,
    /// Their region in `ink`.
    pub(super) region: Region,
    /// Their region in the picture.
    pub(super) place: Region,
    /// Evidence against it, in natural logarithms of odds.
    pub(super) doubt: f32,
}

impl Look {
    /// The same digit in more detail; `None` if there is no more detail.
    pub(super) fn nearer(&self, picture: ArrayView2<u8>) -> Option<Self> {
        let longer_side = picture.nrows().max(picture.ncols());
        if longer_side <= WORKING_SIDE || self.place.longer_side() as f64 >= SMALL_PART * longer_side as f64 {
            return None;
        }
        let nearby = self.place.with_margin(0.3, [picture.nrows(), picture.ncols()]);
        let look = looks(picture.slice(nearby.slice())).into_iter().next()?;
        Some(Self { doubt: self.doubt, ..look })
    }
}

/// Candidates for the digit in a picture, the most plausible first; empty if there is no ink.
pub(in crate::preprocess) fn looks(picture: ArrayView2<u8>) -> Vec<Look> {
    if picture.is_empty() {
        return Vec::new();
    }
    let reduced = reduce(picture, WORKING_SIDE);
    let scale =
        [picture.nrows() as f64 / reduced.nrows() as f64, picture.ncols() as f64 / reduced.ncols() as f64];
    let mut looks = Looks { scale, found: Vec::new() };
    for reading in ink::read(&reduced) {
        looks.add_all(reading);
    }
    looks.found.sort_by(|a, b| a.doubt.total_cmp(&b.doubt));
    looks.found
}

struct Looks {
    /// From the working size to that of the picture.
    scale: [f64; 2],
    found: Vec<Look>,
}

impl Looks {
    fn add_all(&mut self, reading: Reading) {
        self.add(&reading.ink, &reading.blots, &reading.blots.all(), reading.doubt);
        if !touches_border(&reading) {
            return;
        }
        self.add_inner(&reading);
        let mut without_lines = reading.ink;
        if lines::erase(&mut without_lines) {
            let rest = Reading::new(without_lines);
            let doubt = if touches_border(&rest) { DOUBT_LINES_OF_DIGIT } else { DOUBT_LINES };
            self.add(&rest.ink, &rest.blots, &rest.blots.all(), rest.doubt + doubt);
            self.add_inner(&rest);
        }
    }

    /// Without the blots that touch the border.
    fn add_inner(&mut self, Reading { ink, blots, .. }: &Reading) {
        let inner = blots.inner();
        let part = blots.region(&inner).longer_side() as f32 / ink.nrows().max(ink.ncols()) as f32;
        let mut doubt = doubt_of_pieces(&inner) + if part < LITTLE { DOUBT_SMALL } else { DOUBT_INNER };
        if Shares::of(ink).border > MUCH {
            doubt += DOUBT_MUCH;
        }
        self.add(ink, blots, &inner, doubt);
    }

    fn add(&mut self, ink: &Array2<f32>, blots: &Blots, chosen: &[bool], doubt: f32) {
        let region = blots.region(chosen);
        if !region.is_empty() {
            let ink = blots.keep(chosen, ink);
            self.found.push(Look { ink, region, place: region.scaled(self.scale), doubt });
        }
    }
}

fn touches_border(reading: &Reading) -> bool {
    let shape = [reading.ink.nrows(), reading.ink.ncols()];
    reading.blots.region(&reading.blots.all()).touches_border(shape)
}
