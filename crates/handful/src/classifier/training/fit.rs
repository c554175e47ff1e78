//! Fits recipes.

use ndarray::{Array2, Axis};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::index};

use crate::{
    Dataset, KMeans,
    classifier::{Error, Model, Params, PrototypeParams, provenance::provenance},
    dataset::{OnDisk, RowSource},
    features::Vectorizer,
    kmeans::{DiskOptions, KMeansParams},
    neighbors::NearestNeighbors,
    progress::{Observer, Stage, Tally},
};

/// Maximum number of images from which features are learned.
pub(super) const MOST_IMAGES: usize = 1 << 17;
/// Number of images made between two reports.
const MADE_TOGETHER: usize = 1024;

/// A recipe with a progress callback: see [`Params::observer`].
#[derive(Clone, Debug)]
pub struct ObservedParams<'a> {
    params: &'a Params,
    observer: Observer,
}

impl ObservedParams<'_> {
    /// [`Params::fit`] that reports its progress.
    ///
    /// # Errors
    /// As [`Params::fit`]; if the observer breaks.
    pub fn fit(&self, images: &Dataset) -> Result<Model, Error> {
        self.params.fit_observed(images, &self.observer)
    }

    /// [`Params::fit_on_disk`] that reports its progress.
    ///
    /// # Errors
    /// As [`Params::fit_on_disk`]; if the observer breaks.
    #[doc(hidden)]
    pub fn fit_on_disk(&self, images: &OnDisk, options: &DiskOptions) -> Result<Model, Error> {
        self.params.fit_on_disk_observed(images, options, &self.observer)
    }

    /// [`fit`](Self::fit) with a calibration that is [measured](Params::calibrate) on these images, however many there
    /// are.
    ///
    /// # Errors
    /// As [`Params::calibrate`] and [`fit`](Self::fit).
    pub fn fit_calibrated(&self, images: &Dataset) -> Result<Model, Error> {
        self.params.fit_calibrated(images, &self.observer)
    }
}

impl Params {
    /// Checks that the recipe can be fitted to the images, as far as that does not depend on their pixels.
    ///
    /// # Errors
    /// If the recipe is invalid for images of this shape, or if there are images of only one class.
    pub fn check_images(&self, images: &Dataset) -> Result<(), Error> {
        self.check_counts(images.image_shape(), images.classes(), &self.counts(images)?)
    }

    /// Number of training images of each class, with those that the recipe adds.
    pub(super) fn counts(&self, images: &Dataset) -> Result<Vec<usize>, Error> {
        match &self.everyday {
            Some(everyday) => Ok(everyday.augment(images)?.class_counts()),
            None => Ok(images.class_counts()),
        }
    }

    /// [`check_images`](Self::check_images) for the given number of images of each class.
    pub(super) fn check_counts(
        &self,
        shape: [usize; 2],
        classes: &[String],
        counts: &[usize],
    ) -> Result<(), Error> {
        self.check(shape, classes.len()).map_err(Error::Params)?;
        let mut present = counts.iter().zip(classes).filter(|(count, _)| **count > 0);
        match (present.next(), present.next()) {
            (Some((_, class)), None) => Err(Error::OneClass { class: class.clone() }),
            _ => Ok(()),
        }
    }

    /// Number of images of a class from which features are learned as the recipe says; from fewer, it learns less.
    pub(super) fn enough_per_class(&self) -> usize {
        self.features.iter().map(|(_, features)| features.enough_per_class()).max().unwrap_or(1)
    }

    /// Fits the recipe to labelled images. Features are learned from at most 131,072 images; if there are more, from a
    /// fixed-seed sample in which each class has its share. Prototypes are computed from all images.
    ///
    /// One image of each class is enough. From few images, the model is smaller than the recipe says: a class has at
    /// most as many atoms and prototypes as images, there are fewer components than images, no more prototypes vote than
    /// there are, and discriminants have a larger ridge. If there are fewer than
    /// 4,096, and some class has fewer than the recipe has atoms or prototypes of it, the calibration is
    /// [measured](Self::calibrate) on these images; if a class has fewer than six, only blank images are outliers. A class
    /// of n images can win a vote of 2n - 1 neighbours, so no more vote.
    ///
    /// # Errors
    /// As [`check_images`](Self::check_images); if features or prototypes cannot be computed from the pixels of these
    /// images.
    pub fn fit(&self, images: &Dataset) -> Result<Model, Error> {
        self.observer(Observer::default()).fit(images)
    }

    /// The same recipe with a progress callback. It has the methods `fit`, as [`Params::fit`], and `fit_calibrated`, which
    /// always [measures](Self::calibrate) the calibration on the training images, however many there are.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use handful::{Dataset, classifier::Preset, progress::Observer};
    /// use ndarray::Array2;
    ///
    /// let images = Array2::from_shape_fn((8, 64), |(i, pixel)| if pixel / 32 == i % 2 { 255 } else { 0 });
    /// let labels = (0..8).map(|i| i % 2).collect();
    /// let data = Dataset::new(images, [8, 8], labels, vec!["top".into(), "bottom".into()])?;
    /// let observer = Observer::new(|progress| {
    ///     eprintln!("{progress:?}");
    ///     ControlFlow::Continue(())
    /// });
    /// let model = Preset::Notebook.params().observer(observer).fit(&data)?;
    /// assert_eq!(model.predict(data.images().view())?, data.labels());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn observer(&self, observer: Observer) -> ObservedParams<'_> {
        ObservedParams { params: self, observer }
    }

    pub(super) fn fit_observed(&self, images: &Dataset, observer: &Observer) -> Result<Model, Error> {
        self.check_images(images)?;
        if self.is_cut(&self.counts(images)?) {
            return self.for_few(images, observer)?.fit_as_it_is(images, observer);
        }
        self.fit_as_it_is(images, observer)
    }

    /// [`fit`](Self::fit) with the calibration of the recipe.
    pub(super) fn fit_as_it_is(&self, images: &Dataset, observer: &Observer) -> Result<Model, Error> {
        let original = images;
        let enlarged = self.enlarged(images, observer)?;
        let images = enlarged.as_ref().unwrap_or(images);
        let sample = self.rows_for_features(images.labels(), images.classes().len());
        let sample = sample.map(|rows| images.select(&rows));
        let vectorizer =
            Vectorizer::fit(&self.features, sample.as_ref().unwrap_or(images), self.seed, observer)?;
        let tally = Tally::new(observer, Stage::Features, images.n_samples());
        let vectors = vectorizer.transform_counted(images.images().view(), &tally)?;
        let vectors = images.with_images(vectors, [1, vectorizer.n_features_out()])?;
        let (prototypes, medoids) = match self.prototypes {
            PrototypeParams::All => {
                let own = (0..).take(vectors.n_samples()).collect();
                (vectors, own)
            }
            PrototypeParams::PerClass { n_clusters, n_init, max_iter } => {
                let kmeans = self.kmeans(n_clusters, n_init, max_iter);
                let prototypes = kmeans.observer(observer.clone()).fit_per_class(&vectors)?.dataset;
                let rows = vectors.images().view();
                let medoids = medoids(&prototypes, &rows, vectors.labels(), rows.nrows(), observer)?;
                (prototypes, medoids)
            }
        };
        let provenance = provenance(&original.images().view(), original.labels(), observer)?;
        let shape = images.image_shape();
        Model::new(self.clone(), shape, vectorizer, prototypes, medoids, provenance, observer)
    }
}

impl Params {
    /// The training images together with those that the recipe adds; `None` if it adds none.
    fn enlarged(&self, images: &Dataset, observer: &Observer) -> Result<Option<Dataset>, Error> {
        let Some(everyday) = &self.everyday else { return Ok(None) };
        let digits = everyday.augment(images)?;
        let n = digits.n_samples();
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        let n_pixels = n.checked_mul(images.n_features()).filter(|n| pixels.try_reserve_exact(*n).is_ok());
        if n_pixels.is_none() {
            return Err(Error::Params(format!("{n} training images do not fit in memory")));
        }
        for first in (0..n).step_by(MADE_TOGETHER) {
            let some = digits.rows(first..n.min(first + MADE_TOGETHER))?;
            pixels.extend(some.images().iter().copied());
            labels.extend(some.labels());
            observer.report(Stage::Augment, labels.len(), n)?;
        }
        let pixels = Array2::from_shape_vec((n, images.n_features()), pixels).expect("rows of one length");
        Ok(Some(Dataset::new(pixels, images.image_shape(), labels, images.classes().to_vec())?))
    }

    /// K-Means for the prototypes.
    pub(super) fn kmeans(&self, n_clusters: usize, n_init: usize, max_iter: usize) -> KMeansParams {
        let kmeans = KMeans::params(n_clusters).n_init(n_init).max_iter(max_iter).seed(self.seed);
        kmeans.fewer_in_small_classes()
    }

    /// The rows from which features are learned; `None` for all rows.
    pub(super) fn rows_for_features(&self, labels: &[u32], n_classes: usize) -> Option<Vec<usize>> {
        let n = labels.len();
        if n <= MOST_IMAGES {
            return None;
        }
        let mut of_class = vec![Vec::new(); n_classes];
        (0_u32..).zip(labels).for_each(|(row, &label)| of_class[label as usize].push(row));
        let mut rows = Vec::with_capacity(MOST_IMAGES);
        for (class, there) in (0..).zip(of_class) {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            // Distinct from the streams of K-Means, which count runs in their lower half.
            rng.set_stream(class << 32 | u64::from(u32::MAX));
            let share = there.len() * MOST_IMAGES / n;
            let wanted = share.max(self.enough_per_class()).min(there.len());
            rows.extend(index::sample(&mut rng, there.len(), wanted).iter().map(|i| there[i] as usize));
        }
        rows.sort_unstable();
        Some(rows)
    }
}

/// For each prototype, the nearest row of its class; on ties the first. Looks at up to `together` rows at a time.
pub(super) fn medoids(
    prototypes: &Dataset,
    rows: &impl RowSource,
    labels: &[u32],
    together: usize,
    observer: &Observer,
) -> Result<Vec<u32>, Error> {
    let (n, together, mut buffer) = (rows.shape().0, together.max(1), Vec::new());
    let mut best = vec![(u64::MAX, 0); prototypes.n_samples()];
    for first in (0..n).step_by(together) {
        let range = first..n.min(first.saturating_add(together));
        let some = rows.rows(range.clone(), &mut buffer)?;
        let mut of_class = vec![Vec::new(); prototypes.classes().len()];
        for row in range {
            of_class[labels[row] as usize].push(row - first);
        }
        for (own, there) in prototypes.rows_by_class().into_iter().zip(of_class) {
            if own.is_empty() || there.is_empty() {
                continue;
            }
            let index = NearestNeighbors::new(some.select(Axis(0), &there))?.observer(observer.clone());
            let found = index.kneighbors(prototypes.images().select(Axis(0), &own).view(), 1)?;
            for (prototype, (&distance, nearest)) in
                own.into_iter().zip(found.distances.iter().zip(found.indices))
            {
                if distance < best[prototype].0 {
                    best[prototype] = (distance, first + there[nearest]);
                }
            }
        }
    }
    Ok(best.into_iter().map(|(_, row)| u32::try_from(row).expect("fewer than 2^32 images")).collect())
}
