//! Fits recipes to images that stay on disk, and takes pictures from them.

use ndarray::{Array2, Axis};

use super::fit::{MOST_IMAGES, medoids};
use crate::{
    Dataset,
    classifier::{Error, Model, Params, PrototypeParams, provenance::provenance},
    dataset::{OnDisk, RowSource},
    features::{FeatureParams, Vectorizer},
    kmeans::DiskOptions,
    progress::{Observer, Stage, Tally},
};

/// Number of bytes of rows among which medoids are searched for at once.
const BYTES: usize = 1 << 23;

impl Params {
    /// [`fit`](Self::fit) on images that stay on disk: the same model, to the last bit. Memory holds the images from
    /// which features are learned, and afterwards what [K-Means](crate::kmeans::KMeansParams::fit_on_disk) needs, or,
    /// if all images vote, three copies of their vectors. Vectors for K-Means are stored in a temporary file. A
    /// checkpoint is that of K-Means: features, if there are any to learn, are learned again.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); if images cannot be read, or the memory limit is too low.
    #[doc(hidden)]
    pub fn fit_on_disk(&self, images: &OnDisk, passes: &DiskOptions) -> Result<Model, Error> {
        self.observer(Observer::default()).fit_on_disk(images, passes)
    }

    pub(super) fn fit_on_disk_observed(
        &self,
        images: &OnDisk,
        passes: &DiskOptions,
        observer: &Observer,
    ) -> Result<Model, Error> {
        let (labels, classes) = images.labelled()?;
        self.check_on_disk()?;
        self.check_counts(images.image_shape(), classes, &images.class_counts())?;
        if self.is_cut(&images.class_counts()) {
            let (n, d) = images.shape();
            passes
                .check(3 * n as u64 * d as u64, &format!("the {n} images that the model is calibrated on"))?;
            let all: Vec<usize> = (0..n).collect();
            let pixels = select(images, &all, observer)?;
            let some = Dataset::new(pixels, images.image_shape(), labels.to_vec(), classes.to_vec())?;
            return self.for_few(&some, observer)?.fit_as_it_is_on_disk(images, passes, observer);
        }
        self.fit_as_it_is_on_disk(images, passes, observer)
    }

    fn fit_as_it_is_on_disk(
        &self,
        images: &OnDisk,
        passes: &DiskOptions,
        observer: &Observer,
    ) -> Result<Model, Error> {
        let (labels, classes) = images.labelled()?;
        let vectorizer = self.features_on_disk(images, passes, observer)?;
        let vectors = match &self.features[..] {
            [(_, FeatureParams::Pixels { deskew: None })] => None,
            _ => Some(vectors(&vectorizer, images, observer)?),
        };
        let vectors = vectors.as_ref().unwrap_or(images);
        let (prototypes, medoids) = match self.prototypes {
            PrototypeParams::All => {
                let (n, d) = vectors.shape();
                passes.check(
                    n as u64 * (d as u64 + 90),
                    &format!("the vectors of {n} images, which are all prototypes"),
                )?;
                let all: Vec<usize> = (0..n).collect();
                let all = select(vectors, &all, observer)?;
                let all = Dataset::new(all, [1, d], labels.to_vec(), classes.to_vec())?;
                let own = (0..).take(n).collect();
                (all, own)
            }
            PrototypeParams::PerClass { n_clusters, n_init, max_iter } => {
                let kmeans = self.kmeans(n_clusters, n_init, max_iter).observer(observer.clone());
                let found = kmeans.fit_per_class_on_disk(vectors, passes)?.dataset;
                let vector_shape = [1, vectorizer.n_features_out()];
                let prototypes = found.with_images(found.images().clone(), vector_shape)?;
                let together = BYTES / vectors.shape().1.max(1);
                let medoids = medoids(&prototypes, vectors, labels, together, observer)?;
                (prototypes, medoids)
            }
        };
        let provenance = provenance(images, labels, observer)?;
        let shape = images.image_shape();
        Model::new(self.clone(), shape, vectorizer, prototypes, medoids, provenance, observer)
    }

    /// Checks that the recipe takes the training images as they are.
    fn check_on_disk(&self) -> Result<(), Error> {
        if self.everyday.is_none() {
            return Ok(());
        }
        let problem = "expected a recipe that takes the training images as they are, because they stay on disk; found \
                       one that adds images to them, for which they must be in memory";
        Err(Error::Params(problem.to_owned()))
    }

    fn features_on_disk(
        &self,
        images: &OnDisk,
        passes: &DiskOptions,
        observer: &Observer,
    ) -> Result<Vectorizer, Error> {
        let (labels, classes) = images.labelled()?;
        let n_pixels = images.shape().1;
        let is_learned =
            |(_, features): &(f64, FeatureParams)| !matches!(features, FeatureParams::Pixels { .. });
        let rows = if self.features.iter().any(is_learned) {
            let rows = self.rows_for_features(labels, classes.len());
            let rows = rows.unwrap_or_else(|| (0..labels.len()).collect());
            let each = self.features.iter().map(|(_, features)| features.learning_bytes(n_pixels));
            let needed = rows.len() * (n_pixels + each.sum::<usize>());
            let what =
                format!("the {} images (at most {MOST_IMAGES}) that features are learned from", rows.len());
            passes.check(needed as u64, &what)?;
            rows
        } else {
            vec![0]
        };
        let some = Dataset::new(
            select(images, &rows, observer)?,
            images.image_shape(),
            rows.iter().map(|&row| labels[row]).collect(),
            classes.to_vec(),
        )?;
        Ok(Vectorizer::fit(&self.features, &some, self.seed, observer)?)
    }
}

impl Model {
    /// [`with_pictures`](Self::with_pictures) from images that stay on disk.
    ///
    /// # Errors
    /// As [`with_pictures`](Self::with_pictures); if images cannot be read.
    #[doc(hidden)]
    pub fn with_pictures_on_disk(self, learned_from: &OnDisk) -> Result<Self, Error> {
        self.params.check_on_disk()?;
        let labels = learned_from.labels().map_or(&[][..], |(labels, _)| labels);
        let medoids = self.medoids_in(&provenance(learned_from, labels, &self.observer)?)?;
        Ok(Self { pictures: Some(learned_from.select_rows(&medoids)?), ..self })
    }
}

fn vectors(vectorizer: &Vectorizer, images: &OnDisk, observer: &Observer) -> Result<OnDisk, Error> {
    let tally = Tally::new(observer, Stage::Pass, images.shape().0);
    images.map(|some| Ok(vectorizer.transform_counted(some, &tally)?))
}

/// The given rows, read some at a time.
fn select(images: &OnDisk, rows: &[usize], observer: &Observer) -> Result<Array2<u8>, Error> {
    const TOGETHER: usize = 4096;
    let tally = Tally::new(observer, Stage::Pass, rows.len());
    let mut selected = Array2::zeros((rows.len(), images.shape().1));
    for (rows, mut to) in rows.chunks(TOGETHER).zip(selected.axis_chunks_iter_mut(Axis(0), TOGETHER)) {
        to.assign(&images.select_rows(rows)?);
        tally.add(rows.len())?;
    }
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        classifier::Preset,
        dataset::{ReadOptions, Split, load_split},
        progress::tests::{reports, some_of},
    };

    /// Noisy bars, whose angle depends on their class, as a table. One class has fewer images than presets have
    /// prototypes.
    fn write(folder: &std::path::Path) -> std::path::PathBuf {
        let header: Vec<String> = (0..784).map(|pixel| format!("pixel{pixel}")).collect();
        let mut table = format!("label,{}\n", header.join(","));
        for i in 0..600_usize {
            let class = if i % 97 == 5 { 2 } else { i * 7 % 2 };
            let ink = |pixel: usize| {
                let (y, x) = (pixel / 28, pixel % 28);
                let at = [x, y, usize::midpoint(x, y)][class];
                let is_bar = (8 + i % 9..11 + i % 9).contains(&at) && (4..24).contains(&x.max(y));
                if is_bar { 200 + (i * pixel) % 50 } else { (i * 31 + pixel * 7) % 11 }
            };
            let pixels: Vec<String> = (0..784).map(|pixel| ink(pixel).to_string()).collect();
            table.extend([["x", "y", "z"][class], ",", &pixels.join(","), "\n"]);
        }
        let path = folder.join("train.csv");
        std::fs::write(&path, table).unwrap();
        path
    }

    #[test]
    fn models_are_the_same_to_the_last_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path());
        let in_memory = load_split(&path, Split::Train, &ReadOptions::default()).unwrap();
        let on_disk = OnDisk::open(&path, Split::Train, &ReadOptions::default()).unwrap();
        let all_vote = Params { prototypes: PrototypeParams::All, ..Preset::Pixels.params() };
        let of_pixels = Params {
            prototypes: PrototypeParams::PerClass { n_clusters: 12, n_init: 2, max_iter: 9 },
            ..Preset::Pixels.params()
        };
        for params in [Preset::Notebook.params(), of_pixels, Preset::Tiny.params(), all_vote] {
            let expected = params.fit(&in_memory).unwrap().with_pictures(&in_memory).unwrap();
            let passes = DiskOptions::default().memory_limit(256 << 20);
            let found = params.fit_on_disk(&on_disk, &passes).unwrap();
            let found = found.with_pictures_on_disk(&on_disk).unwrap();
            assert!(found.to_bytes().unwrap() == expected.to_bytes().unwrap(), "{params:?}");
            let passes = DiskOptions::default().memory_limit(1 << 20);
            let error = params.fit_on_disk(&on_disk, &passes).unwrap_err();
            assert!(error.to_string().contains("expected a memory limit of at least"), "{error}");
        }
    }

    #[test]
    fn a_fit_ends_at_the_report_at_which_the_observer_breaks() {
        let folder = tempfile::tempdir().unwrap();
        let on_disk = OnDisk::open(&write(folder.path()), Split::Train, &ReadOptions::default()).unwrap();
        let passes = DiskOptions::default().memory_limit(256 << 20);
        let all_vote = Params { prototypes: PrototypeParams::All, ..Preset::Tiny.params() };
        for params in [Preset::Tiny.params(), all_vote] {
            let fit = |observer: &Observer| {
                params.observer(observer.clone()).fit_on_disk(&on_disk, &passes).map(|_| ())
            };
            let (fitted, n) = reports(usize::MAX, fit);
            fitted.unwrap();
            for until in some_of(n) {
                let (ended, calls) = reports(until, fit);
                assert_eq!((ended.unwrap_err().to_string().as_str(), calls), ("cancelled", until));
            }
        }
    }

    #[test]
    fn of_many_images_features_see_a_sample_in_which_each_class_has_its_share() {
        let labels: Vec<u32> = (0..400_000).map(|i| if i % 10_000 == 77 { 2 } else { i % 2 }).collect();
        let params = Preset::Tiny.params();
        assert_eq!(params.rows_for_features(&labels[..MOST_IMAGES], 3), None);
        let rows = params.rows_for_features(&labels, 3).unwrap();
        assert!(rows.is_sorted_by(|a, b| a < b), "each once, in order");
        let count = |class: u32| rows.iter().filter(|&&row| labels[row] == class).count();
        assert_eq!(count(2), 15, "as many as there are atoms");
        assert!((65_000..=65_536).contains(&count(0)) && (65_000..=65_536).contains(&count(1)));
        assert_eq!(params.rows_for_features(&labels, 3), Some(rows.clone()));
        assert_ne!(Params { seed: 1, ..params }.rows_for_features(&labels, 3), Some(rows));
    }
}
