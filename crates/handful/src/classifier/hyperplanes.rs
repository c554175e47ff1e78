//! Local hyperplanes: k-nearest neighbours, with the gaps between the neighbours filled (Vincent and Bengio 2001).

use ndarray::{Array1, Array2, ArrayView2};
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
    ///
    /// All differences are multiplied by n, which makes them whole numbers: products of these are below 2⁵³, so exact
    /// in any order, and the distance is the same on every machine.
    fn distance(query: &[u8], neighbors: &[&[u8]], ridge: f64) -> f64 {
        let (n, d) = (neighbors.len(), query.len());
        let sums: Array1<f64> =
            (0..d).map(|i| neighbors.iter().map(|neighbor| f64::from(neighbor[i])).sum()).collect();
        let scaled = |x: u8, i: usize| f64::from(x) * n as f64 - sums[i];
        let differences = Array2::from_shape_fn((n, d), |(j, i)| scaled(neighbors[j][i], i));
        let residual: Array1<f64> = query.iter().enumerate().map(|(i, &x)| scaled(x, i)).collect();
        let square = (n * n) as f64;
        let mut gram = differences.dot(&differences.t()) / square;
        gram.diag_mut().mapv_inplace(|x| x + ridge);
        let explained = inverse_square(gram, differences.dot(&residual) / square).unwrap_or(0.0);
        residual.dot(&residual) / square - explained
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

/// bᵀ A⁻¹ b for a symmetric positive definite A; `None` if it is not. With A = L Lᵀ, this is |L⁻¹ b|² (Golub and Van
/// Loan 2013, 4.2). O(n³ / 3).
fn inverse_square(mut a: Array2<f64>, mut b: Array1<f64>) -> Option<f64> {
    let n = b.len();
    for j in 0..n {
        let pivot = a[[j, j]].sqrt();
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        b[j] /= pivot;
        for i in j + 1..n {
            a[[i, j]] /= pivot;
            b[i] -= a[[i, j]] * b[j];
        }
        for i in j + 1..n {
            for k in j + 1..=i {
                a[[i, k]] -= a[[i, j]] * a[[k, j]];
            }
        }
    }
    Some(b.dot(&b))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_distance_is_that_of_the_nearest_point_on_the_hyperplane() {
        // A line through two points, and a query beside it: without a ridge, the distance is that to the line.
        let distance = Hyperplanes::distance(&[10, 30], &[&[0, 10], &[100, 10]], 1e-9);
        assert!((distance - 400.0).abs() < 1e-6, "{distance}");
        // A large ridge leaves only the distance to the mean.
        let distance = Hyperplanes::distance(&[10, 30], &[&[0, 10], &[100, 10]], 1e12);
        assert!((distance - 2000.0).abs() < 1e-3, "{distance}");
        let distance = Hyperplanes::distance(&[3, 4], &[&[0, 0]], 1.0);
        assert!((distance - 25.0).abs() < 1e-12, "{distance}");
    }

    #[test]
    fn only_positive_definite_systems_have_a_solution() {
        let a = array![[4.0, 2.0], [2.0, 3.0]];
        // A⁻¹ b = [-0.125, 0.75], and b is [1, 2].
        assert!((inverse_square(a, array![1.0, 2.0]).unwrap() - 1.375).abs() < 1e-12);
        assert_eq!(inverse_square(array![[1.0, 2.0], [2.0, 1.0]], array![1.0, 1.0]), None);
        assert_eq!(inverse_square(array![[f64::NAN]], array![1.0]), None);
    }
}
