//! How prototypes decide: by votes, or by the distance of each class's hyperplane.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::{Decision, Error, Hyperplanes, Model, confidence::Evidence};
use crate::{
    neighbors::{Neighbors, Searcher, TieBreak, Weights, votes},
    progress::Observer,
};

/// The nearest prototypes of images, and the resulting labels and evidence.
pub(super) struct Votes {
    pub(super) neighbors: Neighbors,
    pub(super) labels: Vec<u32>,
    pub(super) evidence: Evidence,
}

impl Model {
    /// Labels from neighbours.
    pub(super) fn decide(&self, vectors: ArrayView2<u8>, neighbors: &Neighbors) -> Vec<u32> {
        match self.params.decision {
            Decision::Votes { .. } => self.elect(neighbors),
            Decision::Hyperplanes(hyperplanes) => {
                nearest_class(self.hyperplane_distances(hyperplanes, vectors, neighbors).view())
            }
        }
    }

    /// The nearest prototypes of images, the labels that they decide, and the evidence for each class.
    pub(super) fn vote(&self, vectors: ArrayView2<u8>, n_neighbors: usize) -> Result<Votes, Error> {
        let neighbors = self.index.kneighbors(vectors, n_neighbors)?;
        let (labels, distances) = match self.params.decision {
            Decision::Votes { .. } => (self.elect(&neighbors), self.prototype_distances(vectors)?),
            Decision::Hyperplanes(hyperplanes) => {
                let distances = self.hyperplane_distances(hyperplanes, vectors, &neighbors);
                (nearest_class(distances.view()), distances)
            }
        };
        let evidence = Evidence::new(&neighbors, self.prototypes.labels(), distances, self.unit.sqrt());
        Ok(Votes { neighbors, labels, evidence })
    }

    fn elect(&self, voters: &Neighbors) -> Vec<u32> {
        let mut labels = Vec::with_capacity(voters.indices.nrows());
        let known = self.prototypes.labels();
        votes::for_each(voters, known, self.n_classes(), Weights::Uniform, |votes, of| {
            labels.push(votes::winner(votes, of, TieBreak::Nearest));
        });
        labels
    }

    /// The squared distance of each class's nearest prototype, shape (n, classes); infinite for a class without
    /// prototypes.
    fn prototype_distances(&self, vectors: ArrayView2<u8>) -> Result<Array2<f64>, Error> {
        let mut distances = Array2::from_elem((vectors.nrows(), self.n_classes()), f64::INFINITY);
        for (mut distances, index) in distances.columns_mut().into_iter().zip(self.of_class()?) {
            if let Some(index) = index {
                let nearest = index.kneighbors(vectors, 1)?.distances;
                distances.iter_mut().zip(nearest).for_each(|(to, x)| *to = x as f64);
            }
        }
        Ok(distances)
    }

    /// The prototypes of each class, indexed separately. They are created outside the lock: a thread that waits for
    /// other threads' part of the work might be given a task that requests them too.
    pub(super) fn of_class(&self) -> Result<&[Option<Searcher>], Error> {
        if self.of_class.get().is_none() {
            let of_rows = |rows: Vec<usize>| {
                let prototypes = (!rows.is_empty()).then(|| self.prototypes.images().select(Axis(0), &rows));
                let (index, nobody) = (self.params.index.of_part(), Observer::default());
                let search = |vectors| index.fit(vectors, self.params.seed, &nobody);
                prototypes.map(search).transpose()
            };
            let made = self.prototypes.rows_by_class().into_iter().map(of_rows);
            let made = made.collect::<Result<Vec<_>, Error>>()?;
            return Ok(self.of_class.get_or_init(|| made));
        }
        Ok(self.of_class.get().map_or(&[], Vec::as_slice))
    }

    /// The squared distance of each class's hyperplane, shape (n, classes). For a class with too few neighbours for a
    /// hyperplane it is more than that of the farthest neighbour; for a class without prototypes it is infinite.
    fn hyperplane_distances(
        &self,
        hyperplanes: Hyperplanes,
        vectors: ArrayView2<u8>,
        neighbors: &Neighbors,
    ) -> Array2<f64> {
        let (ridge, labels) = (hyperplanes.ridge * self.unit, self.prototypes.labels());
        let mut distances = Array2::zeros((vectors.nrows(), self.n_classes()));
        let counts = self.prototypes.class_counts();
        let rows = distances.outer_iter_mut().into_par_iter().zip(vectors.outer_iter());
        let nearest = neighbors.indices.outer_iter().into_par_iter().zip(neighbors.distances.outer_iter());
        rows.zip(nearest).for_each(|((mut distances, vector), (nearest, farthest))| {
            let beyond = (farthest[farthest.len() - 1] as f64).next_up();
            let found = hyperplanes.distances(
                vector.to_slice().expect("rows are contiguous"),
                nearest.iter().copied(),
                self.prototypes.images().view(),
                labels,
                &counts,
                ridge,
            );
            for (class, distance) in found.into_iter().enumerate() {
                let is_out = distance.is_infinite() && counts[class] > 0;
                distances[class] = if is_out { beyond } else { distance };
            }
        });
        distances
    }
}

fn nearest_class(distances: ArrayView2<f64>) -> Vec<u32> {
    let nearest = |distances: ArrayView1<f64>| {
        let better = |best: usize, i: usize| if distances[i] < distances[best] { i } else { best };
        u32::try_from((0..distances.len()).fold(0, better)).expect("few classes")
    };
    distances.outer_iter().map(nearest).collect()
}
