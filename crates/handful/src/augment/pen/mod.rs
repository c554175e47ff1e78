//! A synthetic pen: it draws digits as people of many countries write them, and as machines print them.
//!
//! No data set has all the world's handwriting: MNIST's writers, for example, draw a 1 as a bar, which others draw with
//! an upstroke as long as the bar. Here every way to write a digit is a line of a table (`styles.txt`): some strokes
//! through control points. The pen draws a style with a hand of its own each time.

mod handwriting;
mod params;
mod styles;

use std::ops::Range;

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::{
    Distortions, Error,
    random::RandomNumbers,
    raster::{Dot, draw},
};
use crate::{Dataset, dataset};
use handwriting::Handwriting;
pub use params::Pen;
use styles::{Style, styles};

/// Least and greatest length of a digit's longer side, in pixels, and the side of its picture.
const LENGTH: [f32; 2] = [40.0, 100.0];
const SIDE: usize = 140;

impl Pen {
    /// The endless data set of this pen, of all styles.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn digits(&self, seed: u64) -> Result<Digits, Error> {
        self.check()?;
        Ok(Digits {
            pen: *self,
            seed,
            styles: styles().iter().collect(),
            shape: [SIDE, SIDE],
            distortions: None,
        })
    }

    /// The digit and the name of every style, ordered by digit. The name says how the digit is written, such as `bar`,
    /// `long-upstroke` or `print-serif`; each digit has it once.
    pub fn styles() -> impl Iterator<Item = (u8, &'static str)> {
        styles().iter().map(|style| (style.digit, &style.name[..]))
    }
}

/// An endless data set of drawn digits: white ink on black pictures of 140 x 140 pixels, unless they are
/// [framed](Self::framed). Row i is the digit i mod 10.
///
/// A row depends only on the pen, the styles, the seed and i. It is therefore the same bits for any number of threads, on
/// any machine, and whatever other rows are requested.
#[derive(Clone, Debug)]
pub struct Digits {
    pen: Pen,
    seed: u64,
    styles: Vec<&'static Style>,
    /// Height and width of an image.
    shape: [usize; 2],
    /// `None` if images are not framed.
    distortions: Option<Distortions>,
}

impl Digits {
    /// Keeps only some styles, by digit and name. [`Pen::styles`] lists them; names of print begin with `print`.
    ///
    /// ```
    /// use handful::augment::Pen;
    ///
    /// let print = Pen::default().digits(0)?.only(|_, name| name.starts_with("print"))?;
    /// let long_upstrokes = Pen::default().digits(0)?.only(|digit, name| digit != 1 || name == "long-upstroke")?;
    /// # Ok::<(), handful::augment::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoStyle`] if a digit has none left.
    pub fn only(mut self, wanted: impl Fn(u8, &str) -> bool) -> Result<Self, Error> {
        self.styles.retain(|style| wanted(style.digit, &style.name));
        match (0..10).find(|digit| self.styles.iter().all(|style| style.digit != *digit)) {
            Some(digit) => Err(Error::NoStyle { digit }),
            None => Ok(self),
        }
    }

    /// Height and width of an image.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The names of the classes: `0` to `9`.
    #[must_use]
    pub fn classes() -> Vec<String> {
        (0..10).map(|digit| digit.to_string()).collect()
    }

    /// Draws distorted digits, and puts them into a frame of `[height, width]` pixels.
    ///
    /// # Errors
    /// As [`Distortions::check`].
    pub fn framed(self, shape: [usize; 2], distortions: Distortions) -> Result<Self, Error> {
        distortions.check()?;
        Ok(Self { shape, distortions: Some(distortions), ..self })
    }

    /// Draws these rows on all threads of the current rayon pool.
    ///
    /// # Errors
    /// [`dataset::Error::Inconsistent`] if the range is empty.
    #[expect(clippy::missing_panics_doc, reason = "a digit is below 10")]
    pub fn rows(&self, rows: Range<u64>) -> Result<Dataset, dataset::Error> {
        let labels: Vec<u32> = rows.clone().map(|row| u32::try_from(row % 10).expect("below 10")).collect();
        let mut images = Array2::zeros((labels.len(), self.shape[0] * self.shape[1]));
        images.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(i, mut image)| {
            image.assign(&self.draw(rows.start + i as u64).flatten());
        });
        Dataset::new(images, self.shape, labels, Self::classes())
    }

    /// The image of one row.
    fn draw(&self, row: u64) -> Array2<u8> {
        let mut random = RandomNumbers::new(self.seed, row);
        let of_digit: Vec<&Style> =
            self.styles.iter().copied().filter(|style| u64::from(style.digit) == row % 10).collect();
        let style = random.choose(&of_digit, |style| style.weight);
        let Handwriting { strokes, nib } =
            Handwriting::draw(&self.pen, style, &mut random).scaled(&mut random);
        let picture = draw(&strokes, nib, [SIDE, SIDE]);
        match &self.distortions {
            // The width is not varied: the pen draws strokes of any width.
            Some(distortions) => {
                let ink = picture.mapv(|ink| f32::from(ink) / 255.0);
                distortions.framed(ink, false, self.shape, &mut random)
            }
            None => picture,
        }
    }
}

impl Handwriting {
    /// In pixels, in the middle of the picture.
    fn scaled(self, random: &mut RandomNumbers) -> Self {
        let [left, top, right, bottom] = self.bounds();
        let scale = random.between(LENGTH[0], LENGTH[1]) / (bottom - top).max(right - left);
        let middle = 0.5 * SIDE as f32;
        let (x, y) = (0.5 * (left + right), 0.5 * (top + bottom));
        let place = |dot: Dot| Dot {
            x: middle + scale * (dot.x - x),
            y: middle + scale * (dot.y - y),
            width: scale * dot.width,
        };
        let strokes =
            self.strokes.into_iter().map(|stroke| stroke.into_iter().map(place).collect()).collect();
        Self { strokes, nib: self.nib }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_depends_on_nothing_but_the_seed_and_its_number() {
        let digits = Pen::default().digits(3).unwrap();
        let all = digits.rows(0..60).unwrap();
        let alone = |row: u64| digits.rows(row..row + 1).unwrap();
        for row in [0, 17, 59] {
            assert_eq!(all.images().row(row), alone(row as u64).images().row(0));
            assert_eq!(all.labels()[row] as usize, row % 10);
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(pool.install(|| digits.rows(0..60).unwrap()).images(), all.images());
        assert_ne!(Pen::default().digits(4).unwrap().rows(0..60).unwrap().images(), all.images());
    }

    #[test]
    fn every_style_stays_within_the_picture_and_leaves_ink() {
        let heavy = Pen { width: [0.2, 0.3], slant: 1.0, aspect: 0.8, rotation: 30.0, ..Pen::default() };
        for (digit, name) in Pen::styles() {
            let digits = heavy.digits(5).unwrap();
            let digits = digits.only(|other, style| other != digit || style == name).unwrap();
            for row in 0..5 {
                let drawn = digits.draw(u64::from(digit) + 10 * row);
                assert!(drawn.iter().any(|&ink| ink == 255), "{digit} {name}");
                let edges = [drawn.row(0), drawn.row(SIDE - 1), drawn.column(0), drawn.column(SIDE - 1)];
                assert!(edges.iter().all(|edge| edge.iter().all(|&ink| ink == 0)), "{digit} {name}");
            }
        }
    }

    #[test]
    fn a_digit_without_styles_is_an_error() {
        let only = |wanted: fn(u8, &str) -> bool| Pen::default().digits(0).unwrap().only(wanted);
        assert!(only(|_, name| name.starts_with("print")).is_ok());
        let error = only(|digit, name| digit != 7 && name == "print").unwrap_err();
        assert_eq!(error.to_string(), "expected at least one style for each digit, found none for 7");
    }

    #[test]
    fn the_table_has_ones_with_every_upstroke() {
        let ones: Vec<&str> = Pen::styles().filter(|(digit, _)| *digit == 1).map(|(_, name)| name).collect();
        for name in
            ["bar", "short-upstroke", "long-upstroke", "longest-upstroke", "foot", "upstroke-and-foot"]
        {
            assert!(ones.contains(&name), "{name}");
        }
    }

    #[test]
    fn names_of_print_say_so() {
        for style in styles() {
            assert_eq!(style.is_print, style.name.starts_with("print"), "{} {}", style.digit, style.name);
        }
    }

    #[test]
    fn a_style_is_drawn_as_often_as_its_weight_says() {
        let of_one: Vec<&Style> = styles().iter().filter(|style| style.digit == 1).collect();
        let total: u32 = of_one.iter().map(|style| style.weight).sum();
        let mut random = RandomNumbers::new(0, 0);
        let mut n_bars = 0;
        for _ in 0..10_000 {
            n_bars += u32::from(random.choose(&of_one, |style| style.weight).name == "bar");
        }
        let share = f64::from(n_bars) / 10_000.0;
        assert!((share - 4.0 / f64::from(total)).abs() < 0.01, "{share}");
    }

    #[test]
    fn framed_digits_have_the_size_of_the_frame() {
        let framed = Pen::default().digits(0).unwrap().framed([20, 30], Distortions::NONE).unwrap();
        let rows = framed.rows(0..20).unwrap();
        assert_eq!((framed.image_shape(), rows.image_shape()), ([20, 30], [20, 30]));
        for image in rows.images().outer_iter() {
            assert!(image.iter().any(|&ink| ink > 128), "ink");
            assert_eq!((image[0], image[599]), (0, 0), "paper in the corners");
        }
        let wrong = Distortions { noisy: 2.0, ..Distortions::NONE };
        assert!(framed.framed([28, 28], wrong).is_err());
    }

    #[test]
    fn parameters_out_of_range_are_errors_that_name_them() {
        let pen = Pen::default();
        for (wrong, expected) in [
            (Pen { jitter: 0.3, ..pen }, "jitter is 0.3: expected a number from 0 to 0.2"),
            (
                Pen { width: [0.001, 0.1], ..pen },
                "the least width is 0.001: expected a number from 0.01 to 0.5",
            ),
            (
                Pen { width: [0.2, 0.1], ..pen },
                "the greatest width is 0.1: expected a number from 0.2 to 0.5",
            ),
            (Pen { pressure: 1.0, ..pen }, "pressure is 1: expected a number from 0 to 0.9"),
            (Pen { aspect: f32::NAN, ..pen }, "aspect is NaN: expected a number from 0 to 1.5"),
            (Pen { slant: -0.1, ..pen }, "slant is -0.1: expected a number from 0 to 2"),
            (Pen { rotation: f32::INFINITY, ..pen }, "rotation is inf: expected a number from 0 to 45"),
            (Pen { hooks: 1.1, ..pen }, "hooks is 1.1: expected a number from 0 to 1"),
        ] {
            assert_eq!(wrong.digits(0).unwrap_err().to_string(), expected);
        }
        let widest = Pen { jitter: 0.2, width: [0.5, 0.5], pressure: 0.9, ..pen };
        assert!(widest.digits(0).is_ok());
    }
}
