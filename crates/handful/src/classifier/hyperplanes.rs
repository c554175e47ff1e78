//! Local hyperplanes: k-nearest neighbours that fill the gaps between them (Vincent and Bengio 2001).

use nalgebra::{DMatrix, DVector};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// The neighbours of each class span a hyperplane, and an image belongs to the class whose hyperplane is nearest; a
/// ridge keeps it near its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hyperplanes {
    /// So many nearest prototypes, of all classes, are looked at.
    pub n_candidates: usize,
    /// So many of a class span its hyperplane.
    pub n_neighbors: usize,
    /// A class with fewer is out.
    pub least: usize,
    /// The ridge, in parts of the vectors' total variance.
    pub ridge: f64,
}

impl Hyperplanes {
    /// The most neighbours that span a hyperplane.
    const MOST_NEIGHBORS: usize = 1024;

    /// What makes no sense whatever the data.
    pub(super) fn check(self) -> Result<(), String> {
        let Self { n_candidates, n_neighbors, ridge, .. } = self;
        if n_candidates == 0 {
            return Err("n_candidates is 0: expected at least 1 prototype that is looked at".to_owned());
        }
        if !(1..=Self::MOST_NEIGHBORS).contains(&n_neighbors) {
            let most = Self::MOST_NEIGHBORS;
            return Err(format!("expected 1 to {most} neighbours a hyperplane, found {n_neighbors}"));
        }
        // The vectors' differences from their mean depend on one another.
        if ridge.is_finite() && ridge > 0.0 {
            Ok(())
        } else {
            Err(format!("expected a ridge above 0 for hyperplanes, found {ridge}"))
        }
    }

    /// The squared distance, with the ridge's cost, of a query to the hyperplane that some vectors span.
    ///
    /// With the mean m of the vectors, B their differences from it and r = q - m this is
    /// |r|² - (B r)ᵀ (B Bᵀ + λ I)⁻¹ (B r). O(n² d + n³) for n vectors.
    fn distance(query: &[u8], neighbors: &[&[u8]], ridge: f64) -> f64 {
        let (n, d) = (neighbors.len(), query.len());
        let mean: Vec<f64> = (0..d)
            .map(|i| neighbors.iter().map(|neighbor| f64::from(neighbor[i])).sum::<f64>() / n as f64)
            .collect();
        let differences = DMatrix::from_fn(d, n, |i, j| f64::from(neighbors[j][i]) - mean[i]);
        let residual = DVector::from_fn(d, |i, _| f64::from(query[i]) - mean[i]);
        let products = differences.tr_mul(&residual);
        let mut gram = differences.tr_mul(&differences);
        (0..n).for_each(|i| gram[(i, i)] += ridge);
        let explained = gram.cholesky().map_or(0.0, |factor| products.dot(&factor.solve(&products)));
        residual.norm_squared() - explained
    }

    /// For each class its distance, from the nearest prototypes in order; infinite for classes with too few.
    pub(super) fn distances(
        self,
        query: &[u8],
        nearest: impl Iterator<Item = usize>,
        vectors: ArrayView2<u8>,
        labels: &[u32],
        n_classes: usize,
        ridge: f64,
    ) -> Vec<f64> {
        let mut of_class: Vec<Vec<&[u8]>> = vec![Vec::new(); n_classes];
        for index in nearest {
            let neighbors = &mut of_class[labels[index] as usize];
            if neighbors.len() < self.n_neighbors {
                neighbors.push(vectors.row(index).to_slice().expect("rows are contiguous"));
            }
        }
        // If none has enough, those that have most.
        let most = of_class.iter().map(Vec::len).max().unwrap_or(0);
        let least = self.least.min(most).max(1);
        let distance = |neighbors: &Vec<&[u8]>| {
            if neighbors.len() < least { f64::INFINITY } else { Self::distance(query, neighbors, ridge) }
        };
        of_class.iter().map(distance).collect()
    }
}
