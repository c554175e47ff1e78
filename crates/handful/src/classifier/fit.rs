//! Learning a recipe.

use ndarray::Axis;

use super::{Error, Model, Params, PrototypeParams};
use crate::{
    Dataset, KMeans, features::Vectorizer, model_file::Provenance, neighbors::NearestNeighbors,
    progress::Observer,
};

impl Params {
    /// Learns from labelled images.
    ///
    /// # Errors
    /// If features or prototypes cannot be made of these images, or there are fewer prototypes than voters.
    pub fn fit(&self, images: &Dataset) -> Result<Model, Error> {
        self.fit_observed(images, &Observer::default())
    }

    /// [`fit`](Self::fit), telling how far it is.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); if the observer breaks.
    pub fn fit_observed(&self, images: &Dataset, observer: &Observer) -> Result<Model, Error> {
        self.check(images.image_shape(), images.classes().len()).map_err(Error::Params)?;
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
