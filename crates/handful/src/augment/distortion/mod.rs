//! Distortions that make pictures of digits look as if they came from elsewhere.
//!
//! All of MNIST's images were made in one way: written with pens of similar width, scanned, reduced to few pixels and
//! put into a frame. Pictures from other sources have thin or thick strokes, fewer pixels or only black and white, uneven
//! light, gaps, and lines of a form; or every digit is stretched into a square. Here each of these happens with its own
//! probability. Then the digit is put into the frame, as pictures to be classified are:
//!
//! ```text
//! ink ──► stretched, rotated ──► strokes ──► scan ──► framed ──► displaced, noisy
//! ```

mod frame;
mod image;
mod scan;
mod strokes;
#[cfg(test)]
mod tests;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::{
    Error,
    error::{check_range, decimal},
    random::RandomNumbers,
};
use crate::{preprocess::Frame, step::to_byte};
use image::{Inverse, warp};

/// Images are enlarged by a factor between these before they are distorted.
const ENLARGED: [f32; 2] = [2.2, 3.4];
/// Height and width of the picture of an enlarged image, relative to those of the original. Larger, so that stretched
/// images fit in.
const CANVAS: usize = 5;

/// How often digits are distorted, and how much. A share is the probability of a distortion, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distortions {
    /// Maximum change of an image's ratio of width to height, as an exponent of e, 0 to 1.5. It does not apply to digits
    /// of the pen, which varies the ratio itself.
    pub aspect: f32,
    /// Maximum rotation of an image to either side in degrees, 0 to 45. It does not apply to digits of the pen.
    pub rotation: f32,
    /// Share of images with strokes of another width. It does not apply to digits of the pen.
    pub width: f32,
    /// Share of digits that are only an outline.
    pub outline: f32,
    /// Share of digits with gaps in their strokes.
    pub broken: f32,
    /// Share of digits that are crossed by lines.
    pub crossed: f32,
    /// Share of digits that are out of focus.
    pub soft: f32,
    /// Share of digits of few pixels.
    pub reduced: f32,
    /// Share, among the digits of few pixels, of those that are stretched into a square.
    pub squared: f32,
    /// Share of digits in black and white.
    pub binary: f32,
    /// Share of digits that are photographed on paper.
    pub photographed: f32,
    /// Share of digits that are moved, scaled and rotated within the frame.
    pub displaced: f32,
    /// Share of digits with noise.
    pub noisy: f32,
}

impl Default for Distortions {
    fn default() -> Self {
        Self {
            aspect: 0.45,
            rotation: 7.0,
            width: 0.5,
            outline: 0.04,
            broken: 0.1,
            crossed: 0.04,
            soft: 0.15,
            reduced: 0.3,
            squared: 0.25,
            binary: 0.2,
            photographed: 0.1,
            displaced: 0.05,
            noisy: 0.03,
        }
    }
}

impl Distortions {
    /// No distortions: digits are only framed.
    pub const NONE: Self = Self {
        aspect: 0.0,
        rotation: 0.0,
        width: 0.0,
        outline: 0.0,
        broken: 0.0,
        crossed: 0.0,
        soft: 0.0,
        reduced: 0.0,
        squared: 0.0,
        binary: 0.0,
        photographed: 0.0,
        displaced: 0.0,
        noisy: 0.0,
    };

    /// Checks that each parameter is in its range.
    ///
    /// # Errors
    /// [`Error::Range`] if one is not.
    pub fn check(&self) -> Result<(), Error> {
        check_range("aspect", decimal(self.aspect), 0.0..=1.5)?;
        check_range("rotation", decimal(self.rotation), 0.0..=45.0)?;
        for (name, share) in [
            ("width", self.width),
            ("outline", self.outline),
            ("broken", self.broken),
            ("crossed", self.crossed),
            ("soft", self.soft),
            ("reduced", self.reduced),
            ("squared", self.squared),
            ("binary", self.binary),
            ("photographed", self.photographed),
            ("displaced", self.displaced),
            ("noisy", self.noisy),
        ] {
            check_range(name, decimal(share), 0.0..=1.0)?;
        }
        Ok(())
    }

    /// An image of a data set, distorted and framed.
    pub(super) fn image(&self, image: ArrayView2<u8>, random: &mut RandomNumbers) -> Array2<u8> {
        let ink = self.enlarged(image, random);
        self.framed(ink, true, [image.nrows(), image.ncols()], random)
    }

    /// An image as ink of 0 to 1, enlarged, stretched and rotated.
    fn enlarged(&self, image: ArrayView2<u8>, random: &mut RandomNumbers) -> Array2<f32> {
        let ink = image.mapv(|value| f32::from(value) / 255.0);
        let size = random.between(ENLARGED[0], ENLARGED[1]);
        let aspect = libm::expf(0.5 * random.between(-self.aspect, self.aspect));
        let angle = random.between(-self.rotation, self.rotation).to_radians();
        let inverse = Inverse::of([size * aspect, size / aspect], angle, [0.0; 2]);
        warp(ink.view(), [CANVAS * image.nrows(), CANVAS * image.ncols()], inverse)
    }

    /// Ink of 0 to 1, distorted and then put into a frame of this shape.
    pub(super) fn framed(
        &self,
        mut ink: Array2<f32>,
        vary_width: bool,
        shape: [usize; 2],
        random: &mut RandomNumbers,
    ) -> Array2<u8> {
        if vary_width && random.with_probability(self.width) {
            ink = strokes::other_width(&ink, 0.8, random);
        }
        if random.with_probability(self.outline) {
            ink = strokes::outline(&ink, random);
        }
        if random.with_probability(self.broken) {
            ink = strokes::broken(&ink, random);
        }
        ink = cut_to_ink(&ink);
        if random.with_probability(self.crossed) {
            ink = strokes::crossed(&ink, random);
        }
        if random.with_probability(self.soft) {
            ink = scan::soft(&ink, 0.06, random);
        }
        if random.with_probability(self.reduced) {
            ink = scan::reduced(&ink, [9.0, 26.0], self.squared, random);
        }
        if random.with_probability(self.binary) {
            scan::binary(&mut ink, random);
        }
        let picture = if random.with_probability(self.photographed) {
            scan::photographed(&ink, random)
        } else {
            ink.mapv(|ink| to_byte(255.0 * ink))
        };
        self.misframed(Frame::new(shape).fit(picture.view()), random)
    }

    /// A framed image with what framing does not correct.
    fn misframed(&self, image: Array2<u8>, random: &mut RandomNumbers) -> Array2<u8> {
        let mut values = if random.with_probability(self.displaced) {
            frame::displaced(image.view(), random)
        } else {
            image.mapv(f32::from)
        };
        if random.with_probability(self.noisy) {
            frame::noisy(&mut values, random);
        }
        values.mapv(to_byte)
    }
}

/// The part of a picture with ink, and a margin of a tenth of it. Without ink, the whole picture.
fn cut_to_ink(ink: &Array2<f32>) -> Array2<f32> {
    let extent = |axis: Axis| {
        let has_ink = |line: ArrayView1<f32>| line.iter().any(|&ink| ink > 0.1);
        let first = ink.axis_iter(axis).position(has_ink);
        let last = ink.axis_iter(axis).rposition(has_ink);
        first.zip(last).map_or(0..ink.len_of(axis), |(first, last)| first..last + 1)
    };
    let (rows, columns) = (extent(Axis(0)), extent(Axis(1)));
    let margin = rows.len().max(columns.len()) / 10 + 2;
    let mut cut = Array2::zeros([rows.len() + 2 * margin, columns.len() + 2 * margin]);
    let middle = s![margin..margin + rows.len(), margin..margin + columns.len()];
    cut.slice_mut(middle).assign(&ink.slice(s![rows, columns]));
    cut
}
