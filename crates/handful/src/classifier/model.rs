//! Fitted recipes.

use std::sync::{Arc, OnceLock};

use ndarray::{Array2, ArrayView2};

use super::{Calibration, Decision, Error, Params, Preset, label_type};
use crate::{
    Dataset,
    classifier::Provenance,
    features::{Vectorizer, total_variance},
    neighbors::{InvertedIndex, Searcher},
    progress::Observer,
};

/// A fitted recipe: it predicts labels and explains them.
///
/// ```
/// use handful::{Dataset, classifier::{Calibration, Decision, IndexParams, Params, PrototypeParams}, features::FeatureParams};
/// use ndarray::array;
///
/// let classes = vec!["dark".into(), "bright".into()];
/// let data = Dataset::new(array![[0, 10], [5, 5], [240, 255]], [1, 2], vec![0, 0, 1], classes)?;
/// let params = Params {
///     features: vec![(1.0, FeatureParams::Pixels { deskew: None })],
///     prototypes: PrototypeParams::All,
///     decision: Decision::Votes { n_neighbors: 1 },
///     calibration: Calibration::default(),
///     seed: 0,
///     index: IndexParams::Exact,
///     everyday: None,
/// };
/// let model = params.fit(&data)?;
/// assert_eq!(model.predict(array![[20, 20], [200, 200]].view())?, [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) params: Params,
    pub(super) image_shape: [usize; 2],
    /// Shared with models that were taught, because it takes most of the memory of small models.
    pub(super) vectorizer: Arc<Vectorizer>,
    /// The vectors that vote, with their labels and the names of the classes.
    pub(super) prototypes: Dataset,
    /// For each prototype, the index of the training image nearest to it.
    pub(super) medoids: Vec<u32>,
    pub(super) index: Searcher,
    /// The prototypes of each class, indexed separately when probabilities are first requested.
    pub(super) of_class: OnceLock<Vec<Option<Searcher>>>,
    /// The mean squared distance of the prototypes from their mean.
    pub(super) unit: f64,
    pub(super) provenance: Provenance,
    /// The pixels of each prototype's medoid, if they are stored.
    pub(super) pictures: Option<Array2<u8>>,
    pub(super) label_type: Option<String>,
    pub(super) observer: Observer,
}

impl Model {
    pub(crate) fn new(
        params: Params,
        image_shape: [usize; 2],
        vectorizer: impl Into<Arc<Vectorizer>>,
        prototypes: Dataset,
        medoids: Vec<u32>,
        provenance: Provenance,
        observer: &Observer,
    ) -> Result<Self, Error> {
        let index = params.index.fit(prototypes.images().clone(), params.seed, observer)?;
        let unit = total_variance(prototypes.images().view()).max(f64::MIN_POSITIVE);
        let of_class = OnceLock::new();
        Ok(Self {
            params,
            image_shape,
            vectorizer: vectorizer.into(),
            prototypes,
            medoids,
            index,
            of_class,
            unit,
            provenance,
            pictures: None,
            label_type: None,
            observer: Observer::default(),
        })
    }

    /// The recipe.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The share of the true neighbours that an inverted index finds, measured on its own prototypes; `None` if the
    /// search is exact.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        self.index.inverted().map(InvertedIndex::recall)
    }

    /// The vectors that vote, labelled.
    #[must_use]
    pub fn prototypes(&self) -> &Dataset {
        &self.prototypes
    }

    /// For each prototype, the index of the training image nearest to it. [`origin`](Self::origin) says where that
    /// comes from.
    #[must_use]
    pub fn medoids(&self) -> &[u32] {
        &self.medoids
    }

    /// The names of the classes.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.prototypes.classes()
    }

    /// The type of the labels before they became names of classes: see [`with_label_type`](Self::with_label_type).
    /// `None` if there were only names.
    #[must_use]
    pub fn label_type(&self) -> Option<&str> {
        self.label_type.as_deref()
    }

    /// The same model with a note about the type of the labels, which its file stores: `str`, `object`, `bool`, `int8`
    /// to `uint64` or `float16` to `float64`, as NumPy names them. Another language can then restore the original
    /// labels.
    ///
    /// # Errors
    /// If there is no such type, or the names of the classes cannot be read as labels of it.
    pub fn with_label_type(self, label_type: &str) -> Result<Self, Error> {
        label_type::check(label_type, self.classes()).map_err(Error::Params)?;
        Ok(Self { label_type: Some(label_type.to_owned()), ..self })
    }

    /// The training set of the model.
    #[doc(hidden)]
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The same model with another calibration, such as a stricter [`novel`](Calibration::novel).
    ///
    /// # Errors
    /// [`Error::Params`] if a weight or the threshold is negative or not finite.
    pub fn with_calibration(self, calibration: Calibration) -> Result<Self, Error> {
        calibration.check().map_err(Error::Params)?;
        Ok(Self { params: Params { calibration, ..self.params }, ..self })
    }

    /// The same model with other notes about its training set.
    #[doc(hidden)]
    #[must_use]
    pub fn with_provenance(self, provenance: Provenance) -> Self {
        Self { provenance, ..self }
    }

    /// The same model with the preset's name and validation error among its notes, as far as they apply: the recipe
    /// must be the preset's, and the training set the one on which the preset was chosen.
    #[doc(hidden)]
    #[must_use]
    pub fn named_after(self, preset: Preset) -> Self {
        let is_preset = self.params == preset.params();
        let is_mnist = self.provenance.sha256 == Preset::CHOSEN_ON;
        let provenance = Provenance {
            preset: is_preset.then(|| preset.name().to_owned()),
            validation_error: (is_preset && is_mnist).then(|| preset.validation_error()),
            ..self.provenance
        };
        Self { provenance, ..self }
    }

    pub(crate) fn vectorizer(&self) -> &Vectorizer {
        &self.vectorizer
    }

    /// Height and width of the images that the model expects.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 2] {
        self.image_shape
    }

    /// Progress callback for predictions and pictures.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { index: self.index.observer(observer.clone()), observer, ..self }
    }

    /// The vectors of images, shape (n, length of a vector).
    ///
    /// # Errors
    /// If the shape of the images differs from that of the training images.
    pub fn transform(&self, images: ArrayView2<u8>) -> Result<Array2<u8>, Error> {
        self.check_shape(images)?;
        Ok(self.vectorizer.transform(images))
    }

    pub(super) fn check_shape(&self, images: ArrayView2<u8>) -> Result<(), Error> {
        let [height, width] = self.image_shape;
        match images.ncols() {
            found if found == height * width => Ok(()),
            found => Err(Error::ImageShape { height, width, found }),
        }
    }

    /// The label of each image, an index into [`classes`](Self::classes).
    ///
    /// # Errors
    /// If the shape of the images differs from that of the training images, or the observer breaks.
    pub fn predict(&self, images: ArrayView2<u8>) -> Result<Vec<u32>, Error> {
        let vectors = self.transform(images)?;
        let neighbors = self.index.kneighbors(vectors.view(), self.n_neighbors())?;
        Ok(self.decide(vectors.view(), &neighbors))
    }

    /// The probability of each class for each image, shape (n, classes).
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_proba(&self, images: ArrayView2<u8>) -> Result<Array2<f64>, Error> {
        let n_neighbors = self.n_neighbors();
        let found = self.vote(self.transform(images)?.view(), n_neighbors)?;
        Ok(self.params.calibration.probabilities(&found.evidence, &found.labels))
    }

    /// Number of prototypes that decide about an image: those that the recipe names, or all if there are fewer.
    #[must_use]
    pub fn n_neighbors(&self) -> usize {
        self.params.decision.n_neighbors().min(self.prototypes.n_samples())
    }

    pub(super) fn n_classes(&self) -> usize {
        self.classes().len()
    }
}

impl Decision {
    /// Number of neighbours that the decision needs.
    #[must_use]
    pub fn n_neighbors(&self) -> usize {
        match self {
            Self::Votes { n_neighbors } => *n_neighbors,
            Self::Hyperplanes(hyperplanes) => hyperplanes.n_candidates,
        }
    }
}
