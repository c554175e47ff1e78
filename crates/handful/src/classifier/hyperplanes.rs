//! Local hyperplanes: k-nearest neighbours, with the gaps between the neighbours filled (Vincent and Bengio 2001).

use nalgebra::{DMatrix, DVector};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// The neighbours of each class span a hyperplane, and an image belongs to the class with the nearest hyperplane. A
/// ridge penalty keeps the nearest point of the hyperplane close to the neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hyperplanes {
    /// Number of nearest prototypes, of all classes, that are considered; all if there are fewer.
    pub n_candidates: usize,
    /// Number of prototypes of a class that span its hyperplane.
    pub n_neighbors: usize,
    /// Classes with fewer considered prototypes are excluded, unless these are all that the class has.
    pub least: usize,
    /// The ridge, relative to the vectors' total variance.
    pub ridge: f64,
}

impl Hyperplanes {
    /// Maximum number of neighbours that span a hyperplane.
    const MOST_NEIGHBORS: usize = 1024;

    /// Checks the values as far as that is possible without the data.
    pub(super) fn check(self) -> Result<(), String> {
        let Self { n_candidates, n_neighbors, ridge, .. } = self;
        if n_candidates == 0 {
            return Err("n_candidates is 0: expected at least 1 candidate".to_owned());
        }
        if !(1..=Self::MOST_NEIGHBORS).contains(&n_neighbors) {
            let most = Self::MOST_NEIGHBORS;
            return Err(format!("expected 1 to {most} neighbours for each hyperplane, found {n_neighbors}"));
        }
        // The differences of the vectors from their mean are linearly dependent.
        if ridge.is_finite() && ridge > 0.0 {
            Ok(())
        } else {
            Err(format!("expected a ridge above 0 for hyperplanes, found {ridge}"))
        }
    }

    /// The squared distance of a query from the hyperplane that some vectors span, including the ridge penalty.
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

    /// The distance of each class, from the nearest prototypes in order; infinite for classes with too few. `counts` are
    /// the numbers of prototypes of each class.
    pub(super) fn distances(
        self,
        query: &[u8],
        nearest: impl Iterator<Item = usize>,
        vectors: ArrayView2<u8>,
        labels: &[u32],
        counts: &[usize],
        ridge: f64,
    ) -> Vec<f64> {
        let mut of_class: Vec<Vec<&[u8]>> = vec![Vec::new(); counts.len()];
        for index in nearest {
            let neighbors = &mut of_class[labels[index] as usize];
            if neighbors.len() < self.n_neighbors {
                neighbors.push(vectors.row(index).to_slice().expect("rows are contiguous"));
            }
        }
        // If no class has enough, the classes with most.
        let most = of_class.iter().map(Vec::len).max().unwrap_or(0);
        let least = self.least.min(most);
        let distance = |(neighbors, &count): (&Vec<&[u8]>, &usize)| {
            let is_out = neighbors.len() < least.min(count).max(1);
            if is_out { f64::INFINITY } else { Self::distance(query, neighbors, ridge) }
        };
        of_class.iter().zip(counts).map(distance).collect()
    }
}
