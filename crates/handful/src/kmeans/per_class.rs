//! K-Means within each class: the labelled centroids replace the training set.

use std::sync::{Arc, Mutex};

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use rayon::prelude::*;

use super::{Centroids, Error, Init, KMeans, KMeansParams, fit::Job};
use crate::{
    Dataset,
    distance::Kernel,
    kmeans::{assignment::shared_sketch, bytes::Bytes},
    progress::Stage,
    sketch::Projection,
};

/// Labelled prototypes: the centroids of all classes, ordered by class, then by cluster.
#[derive(Clone, Debug)]
pub struct Prototypes {
    /// The centroids rounded to bytes, labelled with their class: the training set of a classifier.
    pub dataset: Dataset,
    /// Number of images in the cluster of each prototype.
    pub cluster_sizes: Vec<u64>,
    /// Index of the prototype of each training image.
    pub labels: Vec<u32>,
    /// The clustering of each class that has images, in the order of the classes.
    pub clusterings: Vec<KMeans>,
}

impl Prototypes {
    /// From clusterings, one for each of these classes, of images with these labels.
    pub(super) fn new(
        clusterings: Vec<KMeans>,
        classes: &[u32],
        (image_shape, names): ([usize; 2], &[String]),
        labels: &[u32],
    ) -> Result<Self, Error> {
        let (mut images, mut prototype_classes, mut cluster_sizes) = (Vec::new(), Vec::new(), Vec::new());
        // For each class, the prototype of each cluster, and the clusters of its images.
        let mut found: Vec<Option<(Vec<u32>, std::slice::Iter<u32>)>> = vec![None; names.len()];
        for (&class, clustering) in classes.iter().zip(&clusterings) {
            let bytes = clustering.centroids.to_bytes();
            let mut prototype_of = vec![0; clustering.cluster_sizes.len()];
            for j in clustering.nonempty() {
                prototype_of[j] = u32::try_from(prototype_classes.len()).expect("fewer than 2^32 prototypes");
                images.extend(bytes.row(j));
                prototype_classes.push(class);
                cluster_sizes.push(clustering.cluster_sizes[j]);
            }
            found[class as usize] = Some((prototype_of, clustering.labels.iter()));
        }
        let prototype = |&class: &u32| {
            let (prototype_of, clusters) = found[class as usize].as_mut().expect("a class with images");
            prototype_of[*clusters.next().expect("a cluster for each image") as usize]
        };
        let labels = labels.iter().map(prototype).collect();
        let n_features = image_shape[0] * image_shape[1];
        let images = Array2::from_shape_vec((prototype_classes.len(), n_features), images)
            .expect("a row for each prototype");
        let dataset = Dataset::new(images, image_shape, prototype_classes, names.to_vec())?;
        Ok(Self { dataset, cluster_sizes, labels, clusterings })
    }

    /// Summed over the classes.
    #[must_use]
    pub fn inertia(&self) -> f64 {
        self.clusterings.iter().map(|clustering| clustering.inertia).sum()
    }

    /// Number of Lloyd iterations of the best runs, summed over the classes.
    #[must_use]
    pub fn n_iter(&self) -> usize {
        self.clusterings.iter().map(|clustering| clustering.n_iter).sum()
    }

    /// The prototypes before rounding, shape (`n_prototypes`, `n_features`).
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "all classes have as many features")]
    pub fn centroids(&self) -> Array2<f64> {
        let nonempty = |clustering: &KMeans| {
            let rows: Vec<usize> = clustering.nonempty().collect();
            clustering.centroids.to_f64().select(Axis(0), &rows)
        };
        let parts: Vec<_> = self.clusterings.iter().map(nonempty).collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        concatenate(Axis(0), &views).expect("all have as many features")
    }
}

impl KMeansParams {
    /// Clusters the images of each class on their own: `n_clusters` prototypes per class. Classes without images have
    /// none, and a cluster that stays empty (if a class has fewer distinct images) gives none. Given initial centroids
    /// are ordered by class, shape (classes with images · `n_clusters`, `n_features`).
    ///
    /// # Errors
    /// As [`fit`](Self::fit); [`Error::TooManyClustersForClass`] if a class has fewer images.
    #[expect(clippy::missing_panics_doc, reason = "there is a row for each prototype")]
    pub fn fit_per_class(&self, dataset: &Dataset) -> Result<Prototypes, Error> {
        let rows: Vec<(u32, Vec<usize>)> =
            (0..).zip(dataset.rows_by_class()).filter(|(_, rows)| !rows.is_empty()).collect();
        let counts: Vec<(u32, usize)> = rows.iter().map(|(class, rows)| (*class, rows.len())).collect();
        let per_class = self.for_classes(&counts, dataset.classes(), dataset.n_features())?;
        let projection =
            self.shared_projection(dataset.images().view(), rows.iter().map(|(_, rows)| rows.len()));
        let (done, total) = (Mutex::new(0), rows.len() * self.n_runs());
        self.observer.report(Stage::Runs, 0, total)?;
        let clusterings = rows
            .par_iter()
            .zip(&per_class)
            .map(|((class, rows), params)| {
                let images = dataset.images().select(Axis(0), rows);
                let job = Job { stream: *class, projection: projection.as_ref() };
                params.run(&Bytes::new(images.view()), job, || {
                    // Reported under the lock, so that reports come in order.
                    let mut done = done.lock().expect("no panic while locked");
                    *done += 1;
                    Ok(self.observer.report(Stage::Runs, *done, total)?)
                })
            })
            .collect::<Result<Vec<KMeans>, Error>>()?;

        let classes: Vec<u32> = rows.iter().map(|(class, _)| *class).collect();
        let (shape, names) = (dataset.image_shape(), dataset.classes());
        Prototypes::new(clusterings, &classes, (shape, names), dataset.labels())
    }

    /// The projection for sketches of the images, if a sketch may be worthwhile for each class.
    fn shared_projection(
        &self,
        images: ArrayView2<u8>,
        class_sizes: impl Iterator<Item = usize>,
    ) -> Option<Arc<Projection>> {
        let shape = (class_sizes.min()?, images.ncols());
        let pays = shared_sketch::may_pay(shape, self.n_clusters, self.sketched_steps());
        let found = || Projection::new(Kernel::detect(), images);
        pays.then(found).flatten().map(Arc::new)
    }

    /// The parameters for each of these classes, given with their numbers of images.
    pub(super) fn for_classes(
        &self,
        counts: &[(u32, usize)],
        names: &[String],
        n_features: usize,
    ) -> Result<Vec<Self>, Error> {
        if self.fewer_in_small_classes {
            let capped = |&(_, n): &(u32, usize)| Self { n_clusters: self.n_clusters.min(n), ..self.clone() };
            return Ok(counts.iter().map(capped).collect());
        }
        if let Some(&(class, n_samples)) = counts.iter().min_by_key(|(_, n_samples)| *n_samples)
            && self.n_clusters > n_samples
        {
            let class = names[class as usize].clone();
            return Err(Error::TooManyClustersForClass { n_clusters: self.n_clusters, class, n_samples });
        }
        self.split_init(counts.len(), n_features)
    }

    fn split_init(&self, n_classes: usize, n_features: usize) -> Result<Vec<Self>, Error> {
        let Init::Given(all) = &self.init else {
            return Ok(vec![self.clone(); n_classes]);
        };
        let (expected, found) = ((n_classes * self.n_clusters, n_features), all.dim());
        if found != expected {
            return Err(Error::InitShape { expected, found });
        }
        Centroids::from_f64(all)?;
        let of_class = |class: usize| {
            let rows = s![class * self.n_clusters..(class + 1) * self.n_clusters, ..];
            self.clone().init(Init::Given(all.slice(rows).to_owned()))
        };
        Ok((0..n_classes).map(of_class).collect())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn dataset() -> Dataset {
        let images = array![[0_u8], [200], [10], [210], [5], [250]];
        let classes = ["low", "none", "high"].map(String::from).to_vec();
        Dataset::new(images, [1, 1], vec![0, 2, 0, 2, 0, 2], classes).unwrap()
    }

    #[test]
    fn prototypes_carry_the_class_of_their_images() {
        let found = KMeans::params(2).n_init(3).fit_per_class(&dataset()).unwrap();
        assert_eq!(found.dataset.labels(), [0, 0, 2, 2]);
        assert_eq!(found.cluster_sizes.iter().sum::<u64>(), 6);
        assert_eq!(found.labels[1], found.labels[3], "200 and 210 belong together");
        assert_ne!(found.labels[1], found.labels[5], "250 does not");
        assert_eq!(found.inertia().to_bits(), (12.5_f64 + 50.0).to_bits());
        assert_eq!(found.centroids().dim(), (4, 1));
    }

    #[test]
    fn given_centroids_stand_class_by_class() {
        let params = KMeans::params(1).max_iter(1).init(Init::Given(array![[1.0], [220.0]]));
        assert_eq!(params.fit_per_class(&dataset()).unwrap().dataset.images(), array![[5], [220]]);
        let one_too_few = KMeans::params(2).init(Init::Given(array![[1.0], [2.0], [3.0]]));
        assert!(matches!(one_too_few.fit_per_class(&dataset()), Err(Error::InitShape { .. })));
    }

    #[test]
    fn empty_clusters_are_no_prototypes() {
        let images = array![[7_u8], [7], [7], [9]];
        let data = Dataset::new(images, [1, 1], vec![0, 0, 0, 1], vec!["a".into(), "b".into()]).unwrap();
        let found = KMeans::params(1).fit_per_class(&data).unwrap();
        assert_eq!((found.dataset.labels(), &found.labels[..]), (&[0, 1][..], &[0, 0, 0, 1][..]));
        let only_a = data.select(&[0, 1, 2]);
        let found = KMeans::params(3).fit_per_class(&only_a).unwrap();
        assert_eq!(found.dataset.images(), array![[7]]);
        assert_eq!(found.centroids(), array![[7.0]]);
        assert_eq!((found.labels, found.cluster_sizes), (vec![0; 3], vec![3]));
    }

    #[test]
    fn a_class_with_fewer_images_than_clusters_is_named() {
        let error = KMeans::params(4).fit_per_class(&dataset()).unwrap_err();
        assert!(error.to_string().contains("at most 3"), "{error}");
        assert!(error.to_string().contains("low"), "{error}");
    }
}
