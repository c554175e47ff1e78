//! Teaches a trained model more images, without training it again.
//!
//! Neighbours need no training: the vector of an image is a prototype at once. A single prototype would be outvoted by
//! those that the model has, so each image becomes as many prototypes as it takes to have a majority of the votes. Of `k`
//! that vote, it then decides about images of which it is one of the nearest `k / 2`, rounded up. Everything else stays
//! the same, also what the model takes for a digit.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use super::{Decision, Error, Model, Provenance};
use crate::{Dataset, progress::Observer};

impl Model {
    /// The same model with these images as further prototypes, in addition to those that it has. Their classes are
    /// recognised by name. A model with [pictures](Self::with_pictures) keeps theirs, too.
    ///
    /// O(images · prototypes).
    ///
    /// # Errors
    /// If the images have another shape than those of the model, or a class that the model does not have.
    ///
    /// ```
    /// # #[cfg(feature = "presets")] {
    /// use handful::{Dataset, classifier::{Origin, Preset}};
    /// use ndarray::Array2;
    ///
    /// // In this hand, a horizontal bar is a 1.
    /// let mut bar = Array2::<u8>::zeros((28, 28));
    /// bar.slice_mut(ndarray::s![12..15, 4..24]).fill(255);
    /// let mine = bar.into_shape_with_order((1, 784))?;
    /// let model = Preset::Small.trained()?;
    /// let taught = model.taught(&Dataset::new(mine.clone(), [28, 28], vec![0], vec!["1".into()])?)?;
    /// assert_eq!(taught.predict(mine.view())?, [1]);
    /// let voter = taught.explain(mine.view())?[0].neighbors[0];
    /// assert_eq!(taught.origin(voter.medoid), Origin::Taught(0));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn taught(&self, images: &Dataset) -> Result<Self, Error> {
        let [height, width] = self.image_shape();
        if images.image_shape() != [height, width] {
            return Err(Error::ImageShape { height, width, found: images.n_features() });
        }
        let mut labels = Vec::with_capacity(images.n_samples());
        for &label in images.labels() {
            labels.push(self.label_of(&images.classes()[label as usize])?);
        }
        let vectors = self.transform(images.images().view())?;
        let votes = self.votes_of_taught();
        let rows: Vec<usize> =
            (0..images.n_samples()).flat_map(|row| std::iter::repeat_n(row, votes)).collect();

        let old = &self.prototypes;
        let prototypes = stacked(old.images().view(), vectors.select(Axis(0), &rows).view());
        let labels = old.labels().iter().copied().chain(rows.iter().map(|&row| labels[row])).collect();
        let prototypes = Dataset::new(prototypes, old.image_shape(), labels, old.classes().to_vec())?;

        let n_trained = self.params.n_training_images(self.provenance().n_samples);
        let first = n_trained.saturating_add(self.provenance().n_taught);
        let medoid = |&row: &usize| {
            u32::try_from(first.saturating_add(row))
                .map_err(|_| Error::Params("expected fewer than 2^32 training images".to_owned()))
        };
        let more = rows.iter().map(medoid).collect::<Result<Vec<u32>, Error>>()?;
        let medoids = [&self.medoids[..], &more].concat();
        let pictures =
            self.pictures().map(|pictures| stacked(pictures, images.images().select(Axis(0), &rows).view()));
        let provenance = Provenance {
            n_taught: self.provenance().n_taught.saturating_add(images.n_samples()),
            // It was measured without them.
            validation_error: None,
            ..self.provenance().clone()
        };
        // Otherwise the new prototypes would raise the number of those that vote, if all do.
        let params = match self.params.decision {
            Decision::Votes { .. } => self.params.clone().with_n_neighbors(self.n_neighbors()),
            Decision::Hyperplanes(_) => self.params.clone(),
        };
        let vectorizer = Arc::clone(&self.vectorizer);
        let (shape, nobody) = (self.image_shape(), Observer::default());
        let taught = Self::new(params, shape, vectorizer, prototypes, medoids, provenance, &nobody)?;
        let mut taught = taught.with_checked_pictures(pictures);
        taught.label_type.clone_from(&self.label_type);
        Ok(taught)
    }

    /// Number of prototypes that an image becomes.
    fn votes_of_taught(&self) -> usize {
        match self.params.decision {
            Decision::Votes { .. } => self.n_neighbors() / 2 + 1,
            // A class with fewer would be excluded.
            Decision::Hyperplanes(hyperplanes) => hyperplanes.least.clamp(1, self.n_neighbors()),
        }
    }

    fn label_of(&self, class: &str) -> Result<u32, Error> {
        let found = self.classes().iter().position(|known| known == class);
        let unknown = || Error::UnknownClass { class: class.to_owned(), known: self.classes().join(", ") };
        found.and_then(|label| u32::try_from(label).ok()).ok_or_else(unknown)
    }
}

fn stacked(above: ArrayView2<u8>, below: ArrayView2<u8>) -> Array2<u8> {
    concatenate(Axis(0), &[above, below]).expect("rows of one length")
}
