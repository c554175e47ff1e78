//! Pictures of prototypes: the training images nearest to them, kept in the model or found again.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::{Error, Model, Provenance, provenance::provenance};
use crate::Dataset;

impl Model {
    /// The picture of each prototype, shape (prototypes, pixels): the pixels of the training image nearest to it.
    /// `None` unless they were stored: see [`with_pictures`](Self::with_pictures).
    #[must_use]
    pub fn pictures(&self) -> Option<ArrayView2<'_, u8>> {
        self.pictures.as_ref().map(|pictures| pictures.view())
    }

    /// The same model with pictures of its prototypes, taken from its training images. Neighbours can then be shown
    /// without the training set.
    ///
    /// # Errors
    /// If these are not its training images, or the observer breaks.
    pub fn with_pictures(self, learned_from: &Dataset) -> Result<Self, Error> {
        let images = learned_from.images().view();
        let medoids = self.medoids_in(&provenance(&images, learned_from.labels(), &self.observer)?)?;
        let pictures = self.training_images(learned_from, &medoids)?;
        Ok(Self { pictures: Some(pictures), ..self })
    }

    /// These images of the training set, such as [`medoids`](Self::medoids), where `learned_from` is what the recipe was
    /// fitted to. If the recipe enlarges the training set, the images that it adds are made again.
    ///
    /// # Errors
    /// If the images cannot be made.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn training_images(&self, learned_from: &Dataset, rows: &[usize]) -> Result<Array2<u8>, Error> {
        let Some(everyday) = &self.params.everyday else {
            return Ok(learned_from.images().select(Axis(0), rows));
        };
        let digits = everyday.augment(learned_from)?;
        let made: Vec<Dataset> =
            rows.par_iter().map(|&row| digits.rows(row..row + 1)).collect::<Result<_, _>>()?;
        let pixels = made.iter().flat_map(|made| made.images().iter().copied()).collect();
        let shape = (rows.len(), learned_from.n_features());
        Ok(Array2::from_shape_vec(shape, pixels).expect("images of one size"))
    }

    /// The rows of the medoids in images, which must be the training images.
    pub(super) fn medoids_in(&self, images: &Provenance) -> Result<Vec<usize>, Error> {
        let own = &self.provenance;
        let n_samples = self.params.n_training_images(images.n_samples);
        let is_out = |&medoid: &u32| medoid as usize >= n_samples;
        if (images.n_samples, &images.sha256) != (own.n_samples, &own.sha256)
            || self.medoids.iter().any(is_out)
        {
            return Err(Error::OtherImages);
        }
        Ok(self.medoids.iter().map(|&medoid| medoid as usize).collect())
    }

    pub(crate) fn with_checked_pictures(self, pictures: Option<Array2<u8>>) -> Self {
        Self { pictures, ..self }
    }
}
