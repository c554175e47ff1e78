//! A fitted recipe.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::{Decision, Error, Params, PrototypeParams, confidence::Evidence};
use crate::{
    Dataset, KMeans,
    features::Vectorizer,
    model_file::Provenance,
    neighbors::{NearestNeighbors, Neighbors, TieBreak, Weights, votes},
    progress::Observer,
};

/// Neighbours that say how sure a verdict is, if fewer vote.
const WITNESSES: usize = 30;

/// A fitted recipe: images to labels, and why.
///
/// ```
/// use handful::{Dataset, classifier::{Calibration, Decision, Params, PrototypeParams}, features::FeatureParams};
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
/// };
/// let model = params.fit(&data)?;
/// assert_eq!(model.predict(array![[20, 20], [200, 200]].view())?, [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    params: Params,
    image_shape: [usize; 2],
    vectorizer: Vectorizer,
    /// Vectors with the labels and classes of what they stand for.
    prototypes: Dataset,
    /// For each prototype the training image that is nearest to it.
    medoids: Vec<u32>,
    index: NearestNeighbors,
    /// The mean squared distance of the prototypes from their mean.
    unit: f64,
    provenance: Provenance,
}

/// Why an image got its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The verdict, an index into the classes.
    pub label: u32,
    /// Its probability.
    pub confidence: f64,
    /// Whether it is like anything learned; always where that was not calibrated.
    pub is_digit: bool,
    /// The probability of each class.
    pub probabilities: Vec<f64>,
    /// The prototypes that decided, nearest first.
    pub neighbors: Vec<Voter>,
}

/// A prototype near an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Its number.
    pub prototype: usize,
    /// Its class.
    pub label: u32,
    /// Its squared distance, in the model's space.
    pub distance: u64,
    /// The training image that is nearest to it: its picture.
    pub medoid: u32,
}

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
        if self.features.is_empty() {
            return Err(Error::NoFeatures);
        }
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

impl Model {
    pub(crate) fn new(
        params: Params,
        image_shape: [usize; 2],
        vectorizer: Vectorizer,
        prototypes: Dataset,
        medoids: Vec<u32>,
        provenance: Provenance,
    ) -> Result<Self, Error> {
        let (found, wanted) = (prototypes.n_samples(), params.decision.n_neighbors());
        if wanted == 0 || wanted > found {
            return Err(
                crate::neighbors::Error::NeighborCount { n_neighbors: wanted, n_samples: found }.into()
            );
        }
        let index = NearestNeighbors::new(prototypes.images().clone())?;
        let unit = spread(prototypes.images().view()).max(f64::MIN_POSITIVE);
        Ok(Self { params, image_shape, vectorizer, prototypes, medoids, index, unit, provenance })
    }

    /// The recipe.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The vectors that vote, labelled.
    #[must_use]
    pub fn prototypes(&self) -> &Dataset {
        &self.prototypes
    }

    /// For each prototype the number of the training image that is nearest to it.
    #[must_use]
    pub fn medoids(&self) -> &[u32] {
        &self.medoids
    }

    /// The names of the classes.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.prototypes.classes()
    }

    /// What it was learned from.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The same model with other notes on what it was learned from.
    #[must_use]
    pub fn with_provenance(self, provenance: Provenance) -> Self {
        Self { provenance, ..self }
    }

    pub(crate) fn vectorizer(&self) -> &Vectorizer {
        &self.vectorizer
    }

    /// Height and width of the images that it knows.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 2] {
        self.image_shape
    }

    /// Whom predictions tell how far they are.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { index: self.index.observer(observer), ..self }
    }

    /// The vectors of images, shape (n, length of a vector).
    ///
    /// # Errors
    /// If the images are of another shape than those it was fitted on.
    pub fn transform(&self, images: ArrayView2<u8>) -> Result<Array2<u8>, Error> {
        let [height, width] = self.image_shape;
        if images.ncols() != height * width {
            return Err(Error::ImageShape { height, width, found: images.ncols() });
        }
        Ok(self.vectorizer.transform(images))
    }

    /// The label of each image, an index into [`classes`](Self::classes).
    ///
    /// # Errors
    /// If the images are of another shape than those it was fitted on, or the observer breaks.
    pub fn predict(&self, images: ArrayView2<u8>) -> Result<Vec<u32>, Error> {
        let vectors = self.transform(images)?;
        let neighbors = self.index.kneighbors(vectors.view(), self.params.decision.n_neighbors())?;
        Ok(self.decide(vectors.view(), &neighbors))
    }

    /// The probability of each class for each image, shape (n, classes).
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_proba(&self, images: ArrayView2<u8>) -> Result<Array2<f64>, Error> {
        let found = self.witnesses(images)?;
        Ok(self.params.calibration.probabilities(&found.evidence, &found.labels))
    }

    /// The share of the votes that each class has for each image, shape (n, classes): what there is before
    /// calibration.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn vote_shares(&self, images: ArrayView2<u8>) -> Result<Array2<f64>, Error> {
        Ok(self.witnesses(images)?.evidence.votes)
    }

    /// How unlike everything learned each image is: the squared distance to what is nearest, in the model's own measure;
    /// infinite where there is nothing to see.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn outlier_scores(&self, images: ArrayView2<u8>) -> Result<Vec<f64>, Error> {
        let vectors = self.transform(images)?;
        if let Some(scores) = self.vectorizer.outlier_scores(images) {
            return Ok(scores);
        }
        let nearest = self.index.kneighbors(vectors.view(), 1)?.distances;
        let score = |(image, distance): (ndarray::ArrayView1<u8>, u64)| {
            let is_flat = image.iter().all(|&pixel| pixel == image[0]);
            if is_flat { f64::INFINITY } else { distance as f64 / self.unit }
        };
        Ok(images.outer_iter().zip(nearest).map(score).collect())
    }

    /// Why each image gets its label.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn explain(&self, images: ArrayView2<u8>) -> Result<Vec<Explanation>, Error> {
        let found = self.witnesses(images)?;
        let probabilities = self.params.calibration.probabilities(&found.evidence, &found.labels);
        let voters = self.params.decision.n_neighbors();
        let novel = self.params.calibration.novel;
        let scores = self.outlier_scores(images)?;
        let of_row = |(row, &label): (usize, &u32)| {
            let nearest =
                found.neighbors.indices.row(row).into_iter().zip(found.neighbors.distances.row(row));
            let voter = |(&prototype, &distance): (&usize, &u64)| Voter {
                prototype,
                label: self.prototypes.labels()[prototype],
                distance,
                medoid: self.medoids[prototype],
            };
            Explanation {
                label,
                confidence: probabilities[[row, label as usize]],
                is_digit: novel == 0.0 || scores[row] <= novel,
                probabilities: probabilities.row(row).to_vec(),
                neighbors: nearest.take(voters).map(voter).collect(),
            }
        };
        Ok(found.labels.iter().enumerate().map(of_row).collect())
    }

    fn n_classes(&self) -> usize {
        self.classes().len()
    }

    /// Labels from neighbours, of which those that decide come first.
    fn decide(&self, vectors: ArrayView2<u8>, neighbors: &Neighbors) -> Vec<u32> {
        match self.params.decision {
            Decision::Votes { n_neighbors } => {
                let mut labels = Vec::with_capacity(vectors.nrows());
                let voters = neighbors.nearest(n_neighbors);
                votes::for_each(
                    &voters,
                    self.prototypes.labels(),
                    self.n_classes(),
                    Weights::Uniform,
                    |votes, of| {
                        labels.push(votes::winner(votes, of, TieBreak::Nearest));
                    },
                );
                labels
            }
            Decision::Hyperplanes(_) => {
                let least = |distances: Vec<f64>| {
                    let better =
                        |best: usize, i: usize| if distances[i] < distances[best] { i } else { best };
                    u32::try_from((0..distances.len()).fold(0, better)).expect("few classes")
                };
                self.hyperplanes(vectors, neighbors).into_iter().map(least).collect()
            }
        }
    }

    /// For each image and class the distance of its hyperplane.
    fn hyperplanes(&self, vectors: ArrayView2<u8>, neighbors: &Neighbors) -> Vec<Vec<f64>> {
        let Decision::Hyperplanes(hyperplanes) = self.params.decision else { return Vec::new() };
        let ridge = hyperplanes.ridge * self.unit;
        (0..vectors.nrows())
            .into_par_iter()
            .map(|row| {
                hyperplanes.distances(
                    vectors.row(row).to_slice().expect("rows are contiguous"),
                    neighbors.indices.row(row).iter().copied().take(hyperplanes.n_candidates),
                    self.prototypes.images().view(),
                    self.prototypes.labels(),
                    self.n_classes(),
                    ridge,
                )
            })
            .collect()
    }

    /// The nearest prototypes of images, the labels that they decide on, and what speaks for each class.
    pub(super) fn witnesses(&self, images: ArrayView2<u8>) -> Result<Witnesses, Error> {
        let vectors = self.transform(images)?;
        let deciding = self.params.decision.n_neighbors();
        let n_neighbors = deciding.max(WITNESSES).min(self.prototypes.n_samples());
        let neighbors = self.index.kneighbors(vectors.view(), n_neighbors)?;
        let labels = self.decide(vectors.view(), &neighbors);
        let mut evidence =
            Evidence::new(&neighbors, self.prototypes.labels(), deciding, self.n_classes(), self.unit);
        if matches!(self.params.decision, Decision::Hyperplanes(_)) {
            evidence.measure(&self.hyperplanes(vectors.view(), &neighbors), self.unit);
        }
        Ok(Witnesses { neighbors, labels, evidence })
    }
}

/// What an image's nearest prototypes say.
pub(super) struct Witnesses {
    neighbors: Neighbors,
    pub(super) labels: Vec<u32>,
    pub(super) evidence: Evidence,
}

impl Decision {
    /// Neighbours that it looks at.
    #[must_use]
    pub fn n_neighbors(&self) -> usize {
        match self {
            Self::Votes { n_neighbors } => *n_neighbors,
            Self::Hyperplanes(hyperplanes) => hyperplanes.n_candidates,
        }
    }
}

/// The mean squared distance of rows from their mean.
fn spread(rows: ArrayView2<u8>) -> f64 {
    let n = rows.nrows() as f64;
    let of_column = |column: ndarray::ArrayView1<u8>| {
        let sum: u64 = column.iter().map(|&x| u64::from(x)).sum();
        let squares: u64 = column.iter().map(|&x| u64::from(x).pow(2)).sum();
        squares as f64 / n - (sum as f64 / n).powi(2)
    };
    rows.columns().into_iter().map(of_column).sum()
}
