//! Enlarges data sets with deformed images that look like other people's handwriting.
//!
//! An [`Augmenter`] scales, shears, rotates and translates an image slightly, and bends it as if the paper were rubber
//! (elastic deformations: Simard, Steinkraus and Platt 2003). The result is an endless data set, [`Augmented`]: first
//! the original images, then round after round of deformed ones, of which any part can be generated at any time.
//!
//! [`Distortions`] make images look as if they came from other sources. A [`Pen`] draws digits without any data set.
//! [`Everyday`] puts all three together: images, distorted copies of them, and drawn digits.

mod augmenter;
mod deformation;
mod distortion;
mod elastic;
mod error;
mod everyday;
mod pen;
mod random;
mod raster;
mod resemblance;
#[cfg(test)]
mod tests;

use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayViewMut1, Axis};
use rayon::prelude::*;

pub use augmenter::Augmenter;
pub use distortion::Distortions;
pub use error::Error;
pub use everyday::Everyday;
pub use pen::{Digits, Pen};

// Only the fit of a recipe needs these.
#[doc(hidden)]
pub use everyday::EverydayDigits;

use deformation::Deformer;
use random::RandomNumbers;

use crate::{Dataset, dataset, distance::Kernel, step::BATCH};

impl Augmenter {
    /// The endless data set for these images and a seed. Takes no time: rows are generated on request.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn augment(&self, data: &Dataset, seed: u64) -> Result<Augmented, Error> {
        self.check()?;
        let deformer = Deformer::new(self, data.image_shape());
        Ok(Augmented { data: data.clone(), deformer, distortions: self.distortions, seed })
    }
}

/// An endless data set: row i is image i mod n of the n original images. The first n rows are unchanged. All others are
/// deformed, and then distorted if the [`Augmenter`] says so.
///
/// Every class keeps its share. A deformed row depends only on the seed, i and its image. It is therefore the same bits
/// for any number of threads, on any machine, and whatever other rows are requested.
#[derive(Clone, Debug)]
pub struct Augmented {
    data: Dataset,
    deformer: Deformer,
    distortions: Option<Distortions>,
    seed: u64,
}

impl Augmented {
    /// Height and width of an image.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 2] {
        self.data.image_shape()
    }

    /// The names of the classes.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.data.classes()
    }

    fn class_counts(&self) -> Vec<usize> {
        self.data.class_counts()
    }

    fn n_sources(&self) -> usize {
        self.data.n_samples()
    }

    /// Number of pixels per image.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.data.n_features()
    }

    /// Generates these rows on all threads of the current rayon pool. O(pixels). Without distortions, it allocates only
    /// what it returns.
    ///
    /// # Errors
    /// [`dataset::Error::Inconsistent`] if the range is empty.
    #[expect(clippy::missing_panics_doc, reason = "rows are contiguous, and a remainder is a row")]
    pub fn rows(&self, rows: Range<u64>) -> Result<Dataset, dataset::Error> {
        let n_sources = self.data.n_samples() as u64;
        let source = |row: u64| usize::try_from(row % n_sources).expect("below the number of images");
        let labels: Vec<u32> = rows.clone().map(|row| self.data.labels()[source(row)]).collect();
        let mut images = Array2::zeros((labels.len(), self.data.n_features()));
        images.axis_chunks_iter_mut(Axis(0), BATCH).into_par_iter().enumerate().for_each(|(i, mut batch)| {
            let mut buffers = self.deformer.buffers();
            for (mut out, row) in batch.outer_iter_mut().zip(rows.start + (i * BATCH) as u64..) {
                let (out, image) = (out.as_slice_mut(), self.data.images().row(source(row)));
                let (out, image) = (out.expect("contiguous"), image.to_slice().expect("contiguous"));
                if row < n_sources {
                    out.copy_from_slice(image);
                    continue;
                }
                let mut random = RandomNumbers::new(self.seed, row);
                self.deformer.deform(Kernel::detect(), image, &mut random.0, &mut buffers, out);
                if let Some(distortions) = &self.distortions {
                    let deformed = ArrayView2::from_shape(self.data.image_shape(), &*out).expect("an image");
                    let distorted = distortions.image(deformed, &mut random);
                    ArrayViewMut1::from(out).assign(&distorted.flatten());
                }
            }
        });
        Dataset::new(images, self.data.image_shape(), labels, self.data.classes().to_vec())
    }
}
