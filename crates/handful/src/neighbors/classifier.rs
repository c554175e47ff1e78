//! The k-nearest-neighbours classifier (Fix and Hodges 1951; Cover and Hart 1967).

use ndarray::{Array2, ArrayView2};

use super::{Error, NearestNeighbors, Neighbors, TieBreak, Weights, votes};
use crate::{dataset::Dataset, progress::Observer};

/// How a [`KNeighborsClassifier`] votes; created by [`KNeighborsClassifier::params`].
#[derive(Clone, Debug)]
pub struct KNeighborsParams {
    n_neighbors: usize,
    weights: Weights,
    tie_break: TieBreak,
    observer: Observer,
}

impl KNeighborsParams {
    /// Weight of a neighbour's vote; uniform unless set.
    #[must_use]
    pub fn weights(self, weights: Weights) -> Self {
        Self { weights, ..self }
    }

    /// Which class wins a tie; that of the nearest neighbour unless set.
    #[must_use]
    pub fn tie_break(self, tie_break: TieBreak) -> Self {
        Self { tie_break, ..self }
    }

    /// Progress callback for searches.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// A classifier whose neighbours are the images of `dataset`, which it shares.
    ///
    /// # Errors
    /// [`Error::NeighborCount`] if the data set has fewer images than `n_neighbors`, or `n_neighbors` is 0.
    pub fn fit(&self, dataset: &Dataset) -> Result<KNeighborsClassifier, Error> {
        let n_samples = dataset.n_samples();
        if self.n_neighbors == 0 || self.n_neighbors > n_samples {
            return Err(Error::NeighborCount { n_neighbors: self.n_neighbors, n_samples });
        }
        Ok(KNeighborsClassifier {
            index: NearestNeighbors::new(dataset.images().clone())?.observer(self.observer.clone()),
            labels: dataset.labels().to_vec(),
            n_classes: dataset.classes().len(),
            params: self.clone(),
        })
    }
}

/// Predicts the class that the nearest neighbours vote for.
///
/// One search is enough for labels and probabilities: call [`kneighbors`](Self::kneighbors) once, then
/// [`predict_from`](Self::predict_from) and [`predict_proba_from`](Self::predict_proba_from).
///
/// ```
/// use handful::{Dataset, KNeighborsClassifier};
/// use ndarray::array;
///
/// let classes = vec!["dark".into(), "bright".into()];
/// let data = Dataset::new(array![[0], [10], [240], [255]], [1, 1], vec![0, 0, 1, 1], classes)?;
/// let model = KNeighborsClassifier::params(3).fit(&data)?;
/// assert_eq!(model.predict(array![[20_u8], [200]].view())?, [0, 1]);
/// assert_eq!(model.predict_proba(array![[20_u8]].view())?[[0, 0]], 2.0 / 3.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct KNeighborsClassifier {
    index: NearestNeighbors,
    labels: Vec<u32>,
    n_classes: usize,
    params: KNeighborsParams,
}

impl KNeighborsClassifier {
    /// Uniform votes of the `n_neighbors` nearest; ties go to the nearest.
    #[must_use]
    pub fn params(n_neighbors: usize) -> KNeighborsParams {
        KNeighborsParams {
            n_neighbors,
            weights: Weights::default(),
            tie_break: TieBreak::default(),
            observer: Observer::default(),
        }
    }

    /// The neighbours that vote on each row of `x`, shape (n, `n_features`).
    ///
    /// # Errors
    /// If the number of features differs, or the observer breaks.
    pub fn kneighbors(&self, x: ArrayView2<u8>) -> Result<Neighbors, Error> {
        self.index.kneighbors(x, self.params.n_neighbors)
    }

    /// The label of each row of `x`: an index into the classes of the data set.
    ///
    /// # Errors
    /// As [`kneighbors`](Self::kneighbors).
    pub fn predict(&self, x: ArrayView2<u8>) -> Result<Vec<u32>, Error> {
        Ok(self.predict_from(&self.kneighbors(x)?))
    }

    /// Each class's share of the votes, shape (n, `n_classes`); rows sum to 1.
    ///
    /// # Errors
    /// As [`kneighbors`](Self::kneighbors).
    pub fn predict_proba(&self, x: ArrayView2<u8>) -> Result<Array2<f64>, Error> {
        Ok(self.predict_proba_from(&self.kneighbors(x)?))
    }

    /// [`predict`](Self::predict) from neighbours that this classifier found.
    ///
    /// # Panics
    /// If they are from elsewhere: an index is out of range, or there are no neighbours.
    #[must_use]
    pub fn predict_from(&self, neighbors: &Neighbors) -> Vec<u32> {
        let mut labels = Vec::with_capacity(neighbors.indices.nrows());
        votes::for_each(neighbors, &self.labels, self.n_classes, self.params.weights, |votes, voters| {
            labels.push(votes::winner(votes, voters, self.params.tie_break));
        });
        labels
    }

    /// [`predict_proba`](Self::predict_proba) from neighbours that this classifier found.
    ///
    /// # Panics
    /// As [`predict_from`](Self::predict_from).
    #[must_use]
    pub fn predict_proba_from(&self, neighbors: &Neighbors) -> Array2<f64> {
        let mut shares = Vec::with_capacity(neighbors.indices.nrows() * self.n_classes);
        votes::for_each(neighbors, &self.labels, self.n_classes, self.params.weights, |votes, _| {
            let total: f64 = votes.iter().sum();
            shares.extend(votes.iter().map(|votes| votes / total));
        });
        Array2::from_shape_vec((neighbors.indices.nrows(), self.n_classes), shares)
            .expect("a share for each row and class")
    }
}
