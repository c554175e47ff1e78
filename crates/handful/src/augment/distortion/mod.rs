//! Distortions that make pictures of digits look as if they came from elsewhere.
//!
//! MNIST's images went all the same way: written with a pencil of one width, scanned, reduced, and put into a frame.
//! Other sources have thin and thick pens, few pixels, black and white, a square that every digit is stretched into,
//! photos in uneven light, gaps, and lines of a form. Here each happens with its own probability. Afterwards the digit
//! is put into the frame, as pictures to be classified are:
//!
//! ```text
//! ink ──► stretched ──► strokes ──► scan ──► framed ──► frame not as MNIST's
//! ```

mod frame;
mod image;
mod scan;
mod strokes;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::{Error, random::RandomNumbers};
use crate::{preprocess::Frame, step::to_byte};
use image::{Inverse, warp};

/// Least and greatest size of a pixel of an image when it is enlarged, before it is distorted.
const ENLARGED: [f32; 2] = [2.2, 3.4];
/// Side of the enlarged image, relative to the original.
const CANVAS: usize = 5;

/// How often digits are distorted, and how much. Shares are of all digits, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distortions {
    /// Greatest change of the ratio of width to height, as an exponent of e, 0 to 1.5.
    pub aspect: f32,
    /// Greatest rotation to either side in degrees, 0 to 45.
    pub rotation: f32,
    /// Share of digits with strokes of another width.
    pub width: f32,
    /// Share of digits of which there is only an outline.
    pub outline: f32,
    /// Share of digits with gaps in their strokes.
    pub broken: f32,
    /// Share of digits that are crossed by lines.
    pub crossed: f32,
    /// Share of digits that are out of focus.
    pub soft: f32,
    /// Share of digits of few pixels.
    pub reduced: f32,
    /// Share of those of few pixels that are stretched into a square.
    pub squared: f32,
    /// Share of digits in black and white.
    pub binary: f32,
    /// Share of digits that are photographed on paper.
    pub photographed: f32,
    /// Share of images whose frame is not as in MNIST: displaced, turned.
    pub displaced: f32,
    /// Share of images with noise.
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
            noisy: 0.01,
        }
    }
}

impl Distortions {
    /// None: digits are only framed.
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
        let shares = [
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
        ];
        let all = shares.map(|(name, share)| (name, share, 1.0));
        for (name, found, most) in
            all.into_iter().chain([("aspect", self.aspect, 1.5), ("rotation", self.rotation, 45.0)])
        {
            if !(0.0..=most).contains(&found) {
                return Err(Error::Range { name, least: 0.0, most: most.into(), found: found.into() });
            }
        }
        Ok(())
    }

    /// An image of a data set, distorted and framed.
    pub(super) fn image(&self, image: ArrayView2<u8>, random: &mut RandomNumbers) -> Array2<u8> {
        let ink = self.enlarged(image, random);
        self.framed(ink, true, [image.nrows(), image.ncols()], random)
    }

    /// An image as ink of 0 to 1, enlarged, stretched and turned.
    fn enlarged(&self, image: ArrayView2<u8>, random: &mut RandomNumbers) -> Array2<f32> {
        let ink = image.mapv(|value| f32::from(value) / 255.0);
        let size = random.between(ENLARGED[0], ENLARGED[1]);
        let aspect = libm::expf(0.5 * random.between(-self.aspect, self.aspect));
        let angle = random.between(-self.rotation, self.rotation).to_radians();
        let inverse = Inverse::of([size * aspect, size / aspect], angle, [0.0; 2]);
        warp(ink.view(), [CANVAS * image.nrows(), CANVAS * image.ncols()], inverse, 0.0)
    }

    /// Ink of 0 to 1, distorted and then put into a frame of a shape.
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
        ink = cut_to_ink(ink);
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

    /// An image whose frame is not as it should be.
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

/// The part of a picture with ink, with a margin of a tenth.
fn cut_to_ink(ink: Array2<f32>) -> Array2<f32> {
    let has_ink = |value: &&f32| **value > 0.1;
    let extent = |lines: Vec<usize>, n: usize| match (lines.first(), lines.last()) {
        (Some(&first), Some(&last)) => (first, last + 1),
        _ => (0, n),
    };
    let (height, width) = ink.dim();
    let (top, bottom) =
        extent((0..height).filter(|&y| ink.row(y).iter().find(has_ink).is_some()).collect(), height);
    let (left, right) =
        extent((0..width).filter(|&x| ink.column(x).iter().find(has_ink).is_some()).collect(), width);
    let margin = (bottom - top).max(right - left) / 10 + 2;
    let shape = [bottom - top + 2 * margin, right - left + 2 * margin];
    let mut cut = Array2::zeros(shape);
    cut.slice_mut(ndarray::s![margin..margin + bottom - top, margin..margin + right - left])
        .assign(&ink.slice(ndarray::s![top..bottom, left..right]));
    cut
}
