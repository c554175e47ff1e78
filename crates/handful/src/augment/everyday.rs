//! Digits as people bring them: those of a data set, distorted copies of them, and digits that the pen draws.

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Augmented, Augmenter, Digits, Distortions, Error, Pen, resemblance::are_digits};
use crate::{Dataset, dataset};

/// Enlarges a data set by what it lacks: other handwriting, print, and pictures from other sources.
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
/// A row depends only on the parameters and its own image. It is therefore the same bits for any number of threads, on
/// any machine, and whatever other rows are requested.
#[derive(Clone, Debug)]
pub struct EverydayDigits {
    copies: Augmented,
    n_copies: usize,
    drawn: Digits,
    n_drawn: usize,
    /// The label of each digit; empty if none is drawn.
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

    /// Number of images made of `n` if digits are drawn; otherwise there are fewer.
    pub(crate) fn most_samples(&self, n: usize) -> usize {
        n.saturating_mul((self.copies as usize).saturating_add(1)).saturating_add(self.drawn as usize)
    }

    /// The larger data set. Rows are made on request. This looks only at some images, to see whether they are digits.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    #[doc(hidden)]
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
        let label = |digit: String| (0..).zip(data.classes()).find(|(_, class)| **class == digit);
        let labels: Option<Vec<u32>> =
            Digits::classes().into_iter().map(|digit| label(digit).map(|(label, _)| label)).collect();
        let labels = labels.filter(|labels| are_digits(data, labels)).unwrap_or_default();
        Ok(EverydayDigits {
            copies: deformed.augment(data, self.seed)?,
            n_copies: data.n_samples() * (1 + self.copies as usize),
            drawn,
            n_drawn: if labels.is_empty() { 0 } else { self.drawn as usize },
            labels,
        })
    }
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
        let n_rounds = self.n_copies / self.copies.n_sources();
        let mut counts: Vec<usize> =
            self.copies.class_counts().iter().map(|count| n_rounds * count).collect();
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
    /// [`dataset::Error::Inconsistent`] if the range is empty, or goes beyond the number of images.
    pub fn rows(&self, rows: Range<usize>) -> Result<Dataset, dataset::Error> {
        if rows.end > self.n_samples() {
            let problem = format!("expected rows up to {}, found {rows:?}", self.n_samples());
            return Err(dataset::Error::Inconsistent(problem));
        }
        let n = self.n_copies;
        let copies = rows.start.min(n)..rows.end.min(n);
        let drawn = rows.start.max(n) - n..rows.end.max(n) - n;
        if drawn.is_empty() {
            return self.copies.rows(copies.start as u64..copies.end as u64);
        }
        let drawn = self.drawn(drawn.start as u64..drawn.end as u64)?;
        if copies.is_empty() {
            return Ok(drawn);
        }
        let copies = self.copies.rows(copies.start as u64..copies.end as u64)?;
        Dataset::join([("copies", copies), ("drawn digits", drawn)])
    }

    /// Drawn digits, with the labels of the data set.
    fn drawn(&self, rows: Range<u64>) -> Result<Dataset, dataset::Error> {
        let drawn = self.drawn.rows(rows)?;
        let labels = drawn.labels().iter().map(|&digit| self.labels[digit as usize]).collect();
        let classes = self.copies.classes().to_vec();
        Dataset::new(drawn.images().clone(), drawn.image_shape(), labels, classes)
    }
}
