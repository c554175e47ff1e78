//! Learning a recipe.

use ndarray::Axis;

use super::{Error, Model, Params, PrototypeParams};
use crate::{
    Dataset, KMeans, dataset,
    features::{self, FeatureParams, Vectorizer},
    model_file::Provenance,
    neighbors::{self, NearestNeighbors},
    progress::Observer,
};

impl Params {
    /// Whether there are enough of these images to learn from: what does not depend on what they show is told before any
    /// work.
    ///
    /// # Errors
    /// If the recipe makes no sense for images of this shape, if a class with images has fewer than the recipe wants
    /// prototypes or atoms of it, if there is one class and discriminants are wanted, or if there are fewer prototypes
    /// than voters.
    pub fn check_images(&self, images: &Dataset) -> Result<(), Error> {
        self.check(images.image_shape(), images.classes().len()).map_err(Error::Params)?;
        let counts = images.class_counts();
        let present = || counts.iter().zip(images.classes()).filter(|(count, _)| **count > 0);
        let n_classes = present().count();
        let (per_class, n_prototypes) = match self.prototypes {
            PrototypeParams::All => (1, images.n_samples()),
            PrototypeParams::PerClass { n_clusters, .. } => {
                (n_clusters, n_clusters.saturating_mul(n_classes))
            }
        };
        let atoms = self.features.iter().map(|(_, features)| features.least_per_class());
        let expected = atoms.fold(per_class, usize::max);
        if let Some((&found, class)) = present().min_by_key(|(count, _)| **count)
            && found < expected
        {
            return Err(dataset::Error::ClassTooSmall { class: class.clone(), expected, found }.into());
        }
        let tells_apart = |(_, features): &_| matches!(features, FeatureParams::Discriminants(_));
        if n_classes < 2 && self.features.iter().any(tells_apart) {
            return Err(features::Error::OneClass.into());
        }
        let n_neighbors = self.decision.n_neighbors();
        if n_neighbors > n_prototypes {
            let error = neighbors::Error::NeighborCount { n_neighbors, n_samples: n_prototypes };
            return Err(error.into());
        }
        Ok(())
    }

    /// Learns from labelled images.
    ///
    /// # Errors
    /// As [`check_images`](Self::check_images); if features or prototypes cannot be made of what these images show.
    pub fn fit(&self, images: &Dataset) -> Result<Model, Error> {
        self.fit_observed(images, &Observer::default())
    }

    /// [`fit`](Self::fit), telling how far it is.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); if the observer breaks.
    pub fn fit_observed(&self, images: &Dataset, observer: &Observer) -> Result<Model, Error> {
        self.check_images(images)?;
        let vectorizer = Vectorizer::fit(&self.features, images, self.seed, observer)?;
        let vectors = vectorizer.transform(images.images().view());
        let vectors = images.with_images(vectors, [1, vectorizer.n_features_out()])?;
        let (prototypes, medoids) = match self.prototypes {
            PrototypeParams::All => {
                let own = (0..).take(vectors.n_samples()).collect();
                (vectors, own)
            }
            PrototypeParams::PerClass { n_clusters, n_init, max_iter } => {
                let kmeans = KMeans::params(n_clusters).n_init(n_init).max_iter(max_iter).seed(self.seed);
                let prototypes = kmeans.observer(observer.clone()).fit_per_class(&vectors)?.dataset;
                let medoids = medoids(&prototypes, &vectors)?;
                (prototypes, medoids)
            }
        };
        let provenance = Provenance::of(images);
        Model::new(self.clone(), images.image_shape(), vectorizer, prototypes, medoids, provenance)
    }
}

/// The training row of each prototype's class that is nearest to it.
fn medoids(prototypes: &Dataset, vectors: &Dataset) -> Result<Vec<u32>, Error> {
    let mut medoids = vec![0; prototypes.n_samples()];
    for (own, rows) in prototypes.rows_by_class().into_iter().zip(vectors.rows_by_class()) {
        if own.is_empty() {
            continue;
        }
        let of_class = NearestNeighbors::new(vectors.images().select(Axis(0), &rows))?;
        let nearest = of_class.kneighbors(prototypes.images().select(Axis(0), &own).view(), 1)?;
        for (prototype, nearest) in own.into_iter().zip(nearest.indices) {
            medoids[prototype] = u32::try_from(rows[nearest]).expect("fewer than 2^32 images");
        }
    }
    Ok(medoids)
}
