//! Digits as people bring them: those of a data set, distorted copies of them, and digits drawn by the pen.

use std::ops::Range;

use ndarray::{Array1, Array2, Axis, s};
use serde::{Deserialize, Serialize};

use super::{Augmented, Augmenter, Digits, Distortions, Error, Pen};
use crate::{Dataset, dataset, distance::evenly};

/// Number of images of a data set, and of drawn digits, that show whether both are digits.
const LOOKED_AT: usize = 2000;
const DRAWN_FOR_LOOK: u64 = 200;

/// Enlarges a data set by what it lacks: other hands, print, and pictures from other sources.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Everyday {
    /// Number of distorted copies of each image.
    pub copies: u32,
    /// Number of digits drawn by the pen. None is drawn if the classes are not `0` to `9`, or if the images do not look
    /// like digits: other data sets number their classes, too.
    pub drawn: u32,
    /// How copies and drawn digits are distorted.
    pub distortions: Distortions,
    /// Seed of all random choices.
    pub seed: u64,
}

/// The data set that [`Everyday`] makes: first the original images, unchanged, then their copies, then drawn digits.
///
/// A row depends only on the parameters and its own image.
#[derive(Clone, Debug)]
pub struct EverydayDigits {
    copies: Augmented,
    n_copies: usize,
    drawn: Digits,
    n_drawn: usize,
    /// The label of each digit.
    labels: Vec<u32>,
}

impl Everyday {
    /// Checks the parameters.
    ///
    /// # Errors
    /// As [`Distortions::check`].
    pub fn check(&self) -> Result<(), Error> {
        self.distortions.check()
    }

    /// Number of images made of `n`, if the classes are digits.
    pub(crate) fn most_samples(&self, n: usize) -> usize {
        n.saturating_mul(1 + self.copies as usize).saturating_add(self.drawn as usize)
    }

    /// The larger data set. Takes no time: rows are made on request.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn augment(&self, data: &Dataset) -> Result<EverydayDigits, Error> {
        let deformed = Augmenter {
            rotation: 0.0,
            scale: 0.08,
            shear: 0.2,
            translation: 0.0,
            distortions: Some(self.distortions),
            ..Augmenter::default()
        };
        let drawn = Pen::default().digits(self.seed)?.framed(data.image_shape(), self.distortions)?;
        let labels = (0..10).map(|digit: u32| {
            let label = data.classes().iter().position(|class| *class == digit.to_string())?;
            u32::try_from(label).ok()
        });
        let labels: Vec<u32> = labels.collect::<Option<_>>().unwrap_or_default();
        let labels = if labels.is_empty() || !are_digits(data, &labels) { Vec::new() } else { labels };
        Ok(EverydayDigits {
            copies: deformed.augment(data, self.seed)?,
            n_copies: data.n_samples() * (1 + self.copies as usize),
            drawn,
            n_drawn: if labels.is_empty() { 0 } else { self.drawn as usize },
            labels,
        })
    }
}

/// Whether the images look like digits: the nearest class mean recognises more than a quarter of some drawn digits. With
/// MNIST it is more than half, with garments a tenth, as by chance.
fn are_digits(data: &Dataset, labels: &[u32]) -> bool {
    let some = data.select(&evenly(data.n_samples(), data.n_samples().min(LOOKED_AT)));
    let means: Vec<Option<Array1<f64>>> = labels
        .iter()
        .map(|label| {
            let own: Vec<usize> = (0..some.n_samples()).filter(|&row| some.labels()[row] == *label).collect();
            (!own.is_empty())
                .then(|| some.images().select(Axis(0), &own).mapv(f64::from).mean_axis(Axis(0)))
                .flatten()
        })
        .collect();
    let drawn = Pen::default().digits(0).and_then(|pen| pen.framed(data.image_shape(), Distortions::NONE));
    let Ok(Ok(drawn)) = drawn.map(|pen| pen.rows(0..DRAWN_FOR_LOOK)) else { return false };
    let is_right = |row: &usize| {
        let image = drawn.images().row(*row).mapv(f64::from);
        let distance = |mean: &Option<Array1<f64>>| {
            mean.as_ref().map_or(f64::INFINITY, |mean| (&image - mean).mapv(|x| x * x).sum())
        };
        let distances: Vec<f64> = means.iter().map(distance).collect();
        let nearest = (0..10).min_by(|&a, &b| distances[a].total_cmp(&distances[b]));
        nearest == Some(drawn.labels()[*row] as usize)
    };
    4 * (0..drawn.n_samples()).filter(is_right).count() > drawn.n_samples()
}

impl EverydayDigits {
    /// Number of images.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.n_copies + self.n_drawn
    }

    /// Number of images in each class.
    #[must_use]
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = self.copies.class_counts();
        counts.iter_mut().for_each(|count| *count *= self.n_copies / self.copies.n_sources());
        for (digit, &label) in self.labels.iter().enumerate() {
            counts[label as usize] += (self.n_drawn + 9 - digit) / 10;
        }
        counts
    }

    /// With only some styles of the pen, by digit and name.
    ///
    /// # Errors
    /// [`Error::NoStyle`] if a digit has none left.
    pub fn only(self, wanted: impl Fn(u8, &str) -> bool) -> Result<Self, Error> {
        Ok(Self { drawn: self.drawn.only(wanted)?, ..self })
    }

    /// Makes these rows on all threads of the current rayon pool.
    ///
    /// # Errors
    /// [`dataset::Error::Inconsistent`] if the range is empty.
    pub fn rows(&self, rows: Range<usize>) -> Result<Dataset, dataset::Error> {
        let copies = rows.start.min(self.n_copies) as u64..rows.end.min(self.n_copies) as u64;
        let drawn = (rows.start.max(self.n_copies) - self.n_copies) as u64
            ..(rows.end.max(self.n_copies) - self.n_copies) as u64;
        if drawn.is_empty() {
            return self.copies.rows(copies);
        }
        let drawn = self.drawn.rows(drawn)?;
        let labels = drawn.labels().iter().map(|&digit| self.labels[digit as usize]);
        if copies.is_empty() {
            let classes = self.copies.classes().to_vec();
            return Dataset::new(drawn.images().clone(), drawn.image_shape(), labels.collect(), classes);
        }
        let copies = self.copies.rows(copies)?;
        let mut images = Array2::zeros((rows.len(), copies.n_features()));
        images.slice_mut(s![..copies.n_samples(), ..]).assign(copies.images());
        images.slice_mut(s![copies.n_samples().., ..]).assign(drawn.images());
        let labels = copies.labels().iter().copied().chain(labels).collect();
        Dataset::new(images, copies.image_shape(), labels, copies.classes().to_vec())
    }
}
