//! Everything about the images that does not depend on the answers, and what follows from the answers.

use ndarray::{ArcArray2, Array2, ArrayView2, Axis};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

use super::{
    answers::Answers,
    error::Error,
    graph::Graph,
    questions::{self, Question},
    spread::{self, Source, Spread},
    tree::Tree,
    vector::Vector,
};
use crate::progress::Observer;

/// Neighbours whose shares are averaged for a new vector.
const N_NEIGHBORS: usize = 5;

/// Parameters of labelling; created by [`ClusterLabeler::params`].
#[derive(Clone, Debug)]
pub struct ClusterLabelerParams {
    n_clusters: usize,
    seed: u64,
    observer: Observer,
}

/// Vectors of images, grouped and connected, so that a few answers label them all.
///
/// ```
/// use handful::labelling::{Answers, ClusterLabeler};
/// use ndarray::Array2;
///
/// // Two clouds of 30 vectors.
/// let x = Array2::from_shape_fn((60, 2), |(i, j)| if i < 30 { 10 + i % 7 + j } else { 200 + i % 5 + j } as u8);
/// let labeler = ClusterLabeler::params(2).fit(x)?;
/// let mut answers = Answers::default();
/// for question in labeler.questions(&answers) {
///     // A person looks at the image and names it.
///     answers.label(question.image, if question.image < 30 { 0 } else { 1 });
/// }
/// let spread = labeler.spread(&answers, 2)?;
/// assert!((0..60).all(|image| spread.labels[image] == Some(u32::from(image >= 30))));
/// # Ok::<(), handful::labelling::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClusterLabeler<T: Vector = u8> {
    params: ClusterLabelerParams,
    vectors: ArcArray2<T>,
    tree: Tree,
    graph: Graph,
}

impl ClusterLabelerParams {
    /// Seed of the random choices; 0 unless set.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Progress callback.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// Groups vectors and connects neighbours. `x` has shape (n, `n_features`): bytes, or floats whose features have
    /// comparable scales. The time is that of a K-Means with up to a thousand clusters and of an exact search of ten
    /// neighbours of each vector.
    ///
    /// # Errors
    /// If there are fewer vectors than clusters, a float is not finite, or the observer breaks.
    pub fn fit<T: Vector>(&self, x: impl Into<ArcArray2<T>>) -> Result<ClusterLabeler<T>, Error> {
        let vectors: ArcArray2<T> = x.into().as_standard_layout().into_owned().into();
        let tree = Tree::fit(vectors.view(), self.n_clusters, self.seed, &self.observer)?;
        let graph = Graph::fit(&vectors, &self.observer)?;
        Ok(ClusterLabeler { params: self.clone(), vectors, tree, graph })
    }
}

impl ClusterLabeler {
    /// Labelling that first asks about `n_clusters` images.
    #[must_use]
    pub fn params(n_clusters: usize) -> ClusterLabelerParams {
        ClusterLabelerParams { n_clusters, seed: 0, observer: Observer::default() }
    }
}

impl<T: Vector> ClusterLabeler<T> {
    /// Progress callback for later work.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { params: self.params.observer(observer), ..self }
    }

    /// Number of images that are asked about first.
    #[must_use]
    pub fn n_clusters(&self) -> usize {
        self.params.n_clusters
    }

    /// Number of vectors.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.vectors.nrows()
    }

    /// The medoids to name next, the one of the largest cluster first. Empty when every cluster has an answer and none
    /// has different answers: then the [`doubtful`](Self::doubtful) images come next.
    #[must_use]
    pub fn questions(&self, answers: &Answers) -> Vec<Question> {
        questions::medoids(&self.tree, self.vectors.view(), self.params.n_clusters, answers)
    }

    /// The images of a [`Question`]'s cluster, those nearest to its mean first.
    #[must_use]
    pub fn members(&self, cluster: usize) -> Vec<usize> {
        self.tree.by_nearness(self.vectors.view(), cluster)
    }

    /// Up to `n` images whose labels would settle the most doubt, the most useful first.
    #[must_use]
    pub fn doubtful(&self, spread: &Spread, n: usize, is_answered: impl Fn(usize) -> bool) -> Vec<usize> {
        questions::doubtful(&self.tree, self.vectors.view(), spread, n, &is_answered)
    }

    /// All images in a random order. The first of them, once named, are a fair sample for an
    /// [`Estimate`](super::Estimate).
    #[must_use]
    pub fn sample(&self) -> Vec<usize> {
        let mut images: Vec<usize> = (0..self.n_samples()).collect();
        images.shuffle(&mut ChaCha8Rng::seed_from_u64(self.params.seed));
        images
    }

    /// Spreads the answers to all images. Images with an answer keep it.
    ///
    /// # Errors
    /// [`Error::NoAnswers`] or [`Error::NoSuchImage`]; if the observer breaks.
    ///
    /// # Panics
    /// If an answer's label is not below `n_classes`.
    pub fn spread(&self, answers: &Answers, n_classes: usize) -> Result<Spread, Error> {
        let n_samples = self.n_samples();
        if let Some((found, _)) = answers.iter().find(|&(image, _)| image >= n_samples) {
            return Err(Error::NoSuchImage { found, n_samples });
        }
        if answers.is_empty() {
            return Err(Error::NoAnswers);
        }
        assert!(answers.n_classes() <= n_classes, "labels below {n_classes}");
        // Images that were set aside are a class of their own, so that they hold back the others.
        let (rows, classes): (Vec<usize>, Vec<usize>) = answers
            .iter()
            .map(|(image, label)| (image, label.map_or(n_classes, |label| label as usize)))
            .unzip();
        let answered = self.vectors.select(Axis(0), &rows).into_shared();
        let nearest = T::nearest_points(answered, self.vectors.view(), 1, &self.params.observer)?;
        let nearest = nearest.into_raw_vec_and_offset().0;
        let mut weights = vec![0_u32; rows.len()];
        for &source in &nearest {
            weights[source] += 1;
        }
        let source = |((&row, &class), &weight): ((&usize, &usize), &u32)| {
            // An answer that is nearest to none, not even to itself, has a duplicate with another answer.
            Source { row, class, weight: weight.max(1) as f32 }
        };
        let sources: Vec<Source> = rows.iter().zip(&classes).zip(&weights).map(source).collect();
        let otherwise: Vec<usize> = nearest.into_iter().map(|source| classes[source]).collect();
        let aside = answers.has_aside().then_some(n_classes);
        let columns = n_classes + usize::from(aside.is_some());
        Ok(spread::spread(&self.graph, &sources, columns, aside, &otherwise))
    }

    /// The share of each class for new vectors: the mean over the five nearest of the vectors that were labelled.
    /// Shape (number of queries, columns of [`Spread::shares`]).
    ///
    /// # Errors
    /// If the queries have another number of features, or a float is not finite.
    pub fn predict_proba(&self, spread: &Spread, queries: ArrayView2<T>) -> Result<Array2<f64>, Error> {
        let n_neighbors = N_NEIGHBORS.min(self.n_samples());
        let found = T::nearest_points(self.vectors.clone(), queries, n_neighbors, &self.params.observer)?;
        let mut shares = Array2::zeros((queries.nrows(), spread.shares.ncols()));
        for (mut shares, neighbors) in shares.outer_iter_mut().zip(found.outer_iter()) {
            for &neighbor in neighbors {
                let of_neighbor = spread.shares.row(neighbor);
                shares.iter_mut().zip(of_neighbor).for_each(|(sum, &share)| *sum += f64::from(share));
            }
            shares /= neighbors.len() as f64;
        }
        Ok(shares)
    }
}
