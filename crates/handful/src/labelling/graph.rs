//! The graph of nearest neighbours.

use ndarray::{ArcArray2, Array2, ArrayView2};
use rayon::prelude::*;

use super::{tree::contiguous, vector::Vector};
use crate::{distance::ordered_sum, neighbors::Error, progress::Observer};

/// Number of neighbours of each vector. A vector may have more, because it may be a neighbour of others.
const N_NEIGHBORS: usize = 10;
/// The neighbour whose distance is the scale around a vector: the seventh, as Zelnik-Manor and Perona propose.
const SCALE: usize = 7;

/// The nearest neighbours of each vector, with weights for spreading.
///
/// The affinity of two neighbours is exp(-d² / (s t)), where d is their distance, and s and t are the distances of both
/// to their seventh neighbours (Zelnik-Manor and Perona, Self-tuning spectral clustering, 2004): what is near depends on
/// how dense the vectors are. Weights are affinities divided by the square roots of the degrees of both.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    /// Where the neighbours of each vector start; one more than there are vectors.
    starts: Vec<usize>,
    neighbors: Vec<u32>,
    weights: Vec<f32>,
}

/// The nearest other rows of each row of `x`, shape (n, up to 10), by exact search.
fn nearest_others<T: Vector>(x: &ArcArray2<T>, observer: &Observer) -> Result<Array2<u32>, Error> {
    let n = x.nrows();
    let k = N_NEIGHBORS.min(n - 1);
    let found = T::nearest_points(x.clone(), x.view(), k + 1, observer)?;
    let mut others = Array2::zeros((n, k));
    for (row, (mut others, found)) in others.outer_iter_mut().zip(found.outer_iter()).enumerate() {
        // A row may be missing among its own neighbours if it has many duplicates.
        let found = found.iter().filter(|&&other| other != row);
        let number = |&row: &usize| u32::try_from(row).expect("fewer than 2³² rows");
        others.iter_mut().zip(found).for_each(|(other, found)| *other = number(found));
    }
    Ok(others)
}

impl Graph {
    /// Searches the neighbours of the rows of `x`.
    ///
    /// # Errors
    /// If a float is not finite, or the observer breaks.
    pub(super) fn fit<T: Vector>(x: &ArcArray2<T>, observer: &Observer) -> Result<Self, Error> {
        let others = nearest_others(x, observer)?;
        Ok(Self::new(x.view(), others.view()))
    }

    /// From the nearest other rows of each row of `x`, nearest first.
    fn new<T: Vector>(x: ArrayView2<T>, others: ArrayView2<u32>) -> Self {
        let (n, k) = others.dim();
        let squared = |row: usize, other: u32| ordered_sum_of(&x, row, other as usize);
        let scales: Vec<f64> = (0..n)
            .into_par_iter()
            .map(|row| if k == 0 { 0.0 } else { squared(row, others[[row, SCALE.min(k) - 1]]).sqrt() })
            .collect();
        // Vectors with many duplicates have no scale of their own.
        let least = scales.iter().sum::<f64>() / n as f64 * 1e-3;
        let scale = |row: usize| scales[row].max(least);
        let affinity = |row: usize, other: u32| {
            let product = scale(row) * scale(other as usize);
            if product > 0.0 { (-squared(row, other) / product).exp() } else { 1.0 }
        };

        let mut edges: Vec<Vec<u32>> = others.outer_iter().map(|others| others.to_vec()).collect();
        for (row, others) in (0_u32..).zip(others.outer_iter()) {
            others.iter().for_each(|&other| edges[other as usize].push(row));
        }
        edges.par_iter_mut().for_each(|edges| {
            edges.sort_unstable();
            edges.dedup();
        });
        let mut affinities: Vec<Vec<f64>> = edges
            .par_iter()
            .enumerate()
            .map(|(row, edges)| edges.iter().map(|&other| affinity(row, other)).collect())
            .collect();
        let degrees: Vec<f64> =
            affinities.iter().map(|row| row.iter().sum::<f64>().max(f64::MIN_POSITIVE)).collect();
        affinities.par_iter_mut().zip(&edges).enumerate().for_each(|(row, (affinities, edges))| {
            for (affinity, &other) in affinities.iter_mut().zip(edges) {
                *affinity /= (degrees[row] * degrees[other as usize]).sqrt();
            }
        });
        let ends = edges.iter().scan(0, |end, edges| {
            *end += edges.len();
            Some(*end)
        });
        #[expect(clippy::cast_possible_truncation, reason = "weights of 24 bits are precise enough")]
        let weights = affinities.iter().flatten().map(|&weight| weight as f32).collect();
        Self { starts: [0].into_iter().chain(ends).collect(), neighbors: edges.concat(), weights }
    }

    /// Number of vectors.
    pub(super) fn n_samples(&self) -> usize {
        self.starts.len() - 1
    }

    /// The neighbours of a vector, with their weights.
    pub(super) fn of(&self, row: usize) -> impl Iterator<Item = (usize, f32)> {
        let range = self.starts[row]..self.starts[row + 1];
        let neighbors = self.neighbors[range.clone()].iter().map(|&other| other as usize);
        neighbors.zip(self.weights[range].iter().copied())
    }
}

fn ordered_sum_of<T: Vector>(x: &ArrayView2<T>, a: usize, b: usize) -> f64 {
    ordered_sum(contiguous(x, a), contiguous(x, b))
}
