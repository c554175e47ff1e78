//! Centroids as exact fractions.

pub(super) mod farthest;
pub(super) mod rounded;

use std::cmp::Ordering;

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::Error;
use crate::distance::{Kernel, contiguous, vectorize};

/// Number of separate partial sums, so that the compiler can use vector instructions.
pub(super) const WIDTH: usize = 16;

/// Given centroids are rounded to the nearest multiple of one over this.
const GIVEN_DENOMINATOR: u64 = 1 << 20;

/// Exact means of byte vectors: centroid j is `sums[j] / counts[j]`.
///
/// Whole sums have no rounding that could depend on the order in which rows are added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Centroids {
    pub(super) sums: Array2<u64>,
    /// Never zero.
    pub(super) counts: Vec<u64>,
}

impl Centroids {
    /// One centroid at each of these rows.
    pub(super) fn from_rows(rows: ArrayView2<u8>) -> Self {
        Self { sums: rows.mapv(u64::from), counts: vec![1; rows.nrows()] }
    }

    /// Centroids from sums, shape (`n_clusters`, `n_features`), and the number of rows, or their weight, in each
    /// cluster: the values of [`sums`](Self::sums) and [`counts`](Self::counts).
    ///
    /// # Errors
    /// [`Error::Zero`] if there is no centroid, [`Error::StatsShape`] if there is not one count per centroid, and
    /// [`Error::InitValue`] if a mean is not from 0 to 255.
    pub fn from_sums(sums: Array2<u64>, counts: Vec<u64>) -> Result<Self, Error> {
        if counts.is_empty() {
            return Err(Error::Zero { name: "n_clusters" });
        }
        if sums.nrows() != counts.len() {
            let expected = (counts.len(), sums.ncols());
            return Err(Error::StatsShape { expected, found: sums.dim() });
        }
        let is_mean =
            |row: usize, sum: u64| u128::from(sum) <= 255 * u128::from(counts[row]) && counts[row] > 0;
        match sums.indexed_iter().find(|&((row, _), &sum)| !is_mean(row, sum)) {
            Some(((row, column), &sum)) => {
                Err(Error::InitValue { row, column, value: sum as f64 / counts[row] as f64 })
            }
            None => Ok(Self { sums: sums.as_standard_layout().into_owned(), counts }),
        }
    }

    /// Sum of the rows of each centroid, shape (`n_clusters`, `n_features`).
    #[must_use]
    pub fn sums(&self) -> &Array2<u64> {
        &self.sums
    }

    /// Number of rows of each centroid, or their weight.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Centroids at the given positions, shape (`n_clusters`, `n_features`), each value rounded to the nearest multiple
    /// of 2⁻²⁰.
    ///
    /// # Errors
    /// [`Error::InitValue`] if a value is not from 0 to 255, [`Error::Zero`] if there is no centroid.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255 * 2^20")]
    pub fn from_f64(centroids: &Array2<f64>) -> Result<Self, Error> {
        if centroids.nrows() == 0 {
            return Err(Error::Zero { name: "n_clusters" });
        }
        let centroids = centroids.as_standard_layout();
        match centroids.indexed_iter().find(|(_, value)| !(0.0..=255.0).contains(*value)) {
            Some(((row, column), &value)) => Err(Error::InitValue { row, column, value }),
            None => Ok(Self {
                sums: centroids.mapv(|value| (value * GIVEN_DENOMINATOR as f64).round() as u64),
                counts: vec![GIVEN_DENOMINATOR; centroids.nrows()],
            }),
        }
    }

    /// Number of centroids.
    #[must_use]
    pub fn n_clusters(&self) -> usize {
        self.sums.nrows()
    }

    /// Length of each centroid.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.sums.ncols()
    }

    /// The centroids as floats, shape (`n_clusters`, `n_features`); each value is the correctly rounded quotient.
    #[must_use]
    pub fn to_f64(&self) -> Array2<f64> {
        Array2::from_shape_fn(self.sums.dim(), |(j, i)| self.sums[[j, i]] as f64 / self.counts[j] as f64)
    }

    /// The centroids rounded to the nearest byte, halves upwards: prototypes that can be searched exactly.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a mean of bytes is at most 255")]
    pub fn to_bytes(&self) -> Array2<u8> {
        Array2::from_shape_fn(self.sums.dim(), |(j, i)| {
            let (sum, count) = (u128::from(self.sums[[j, i]]), u128::from(self.counts[j]));
            ((2 * sum + count) / (2 * count)) as u8
        })
    }

    /// |to - from|² of each centroid; zero of those that stand still, and of no others.
    pub(super) fn movement(&self, to: &Self) -> Vec<f64> {
        let of_cluster = |j: usize| -> f64 {
            let (before, after) = (contiguous(self.sums.row(j)), contiguous(to.sums.row(j)));
            if self.counts[j] == to.counts[j] && before == after {
                return 0.0;
            }
            let (n, m) = (self.counts[j] as f64, to.counts[j] as f64);
            let squares = vectorize!(Kernel::detect(), {
                let mut sums = [0.0; WIDTH];
                for (before, after) in before.chunks(WIDTH).zip(after.chunks(WIDTH)) {
                    for (sum, (&old, &new)) in sums.iter_mut().zip(before.iter().zip(after)) {
                        *sum += (new as f64 / m - old as f64 / n).powi(2);
                    }
                }
                sums.iter().sum::<f64>()
            });
            let (n, m) = (u128::from(self.counts[j]), u128::from(to.counts[j]));
            let same = |(&old, &new): (&u64, &u64)| u128::from(old) * m == u128::from(new) * n;
            if squares == 0.0 && !before.iter().zip(after).all(same) { f64::MIN_POSITIVE } else { squares }
        };
        (0..self.n_clusters()).into_par_iter().map(of_cluster).collect()
    }

    /// The exact squared distance of `row` from centroid `j`: Σ (n x - s)² / n².
    pub(super) fn squared_distance<'a>(&self, row: impl IntoIterator<Item = &'a u8>, j: usize) -> Fraction {
        let count = i128::from(self.counts[j]);
        let scaled = row.into_iter().zip(self.sums.row(j)).map(|(&x, &sum)| {
            let difference = count * i128::from(x) - i128::from(sum);
            difference.unsigned_abs().pow(2)
        });
        Fraction { numerator: scaled.sum(), denominator: count.unsigned_abs().pow(2) }
    }

    /// Σ |x - c|² over the rows of a cluster, from their number, sum and sum of squares: with c = s/n, (n² Σ|x|² - 2n
    /// Σx·s + m|s|²) / n².
    pub(super) fn cluster_inertia(&self, j: usize, size: u64, sum: ArrayView1<u64>, squares: u128) -> f64 {
        let (count, size) = (u128::from(self.counts[j]), u128::from(size));
        let own = self.sums.row(j);
        let dot = |a: ArrayView1<u64>, b: ArrayView1<u64>| -> u128 {
            a.iter().zip(b).map(|(&x, &y)| u128::from(x) * u128::from(y)).sum()
        };
        let numerator = || {
            let of_rows =
                (count * count).checked_mul(squares)?.checked_add(size.checked_mul(dot(own, own))?)?;
            of_rows.checked_sub((2 * count).checked_mul(dot(sum, own))?)
        };
        let count_squared = (count * count) as f64;
        if let Some(numerator) = numerator() {
            return numerator as f64 / count_squared;
        }
        // Reached beyond some 10¹¹ rows, or as much weight.
        let of_centroid = (size as f64 / count_squared).mul_add(dot(own, own) as f64, squares as f64);
        (of_centroid - 2.0 * (dot(sum, own) as f64 / count as f64)).max(0.0)
    }
}

/// A non-negative fraction, compared exactly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fraction {
    pub(super) numerator: u128,
    pub(super) denominator: u128,
}

impl Fraction {
    /// Compares the whole parts, then the inverted remainders, as in Euclid's algorithm. It needs no products, so it
    /// cannot overflow.
    pub(super) fn compare(self, other: Self) -> Ordering {
        let (mut a, mut b, mut c, mut d) =
            (self.numerator, self.denominator, other.numerator, other.denominator);
        loop {
            let whole = (a / b).cmp(&(c / d));
            let (left, right) = (a % b, c % d);
            if whole.is_ne() || left == 0 || right == 0 {
                return whole.then(left.min(1).cmp(&right.min(1)));
            }
            // Compare d/right with b/left instead of left/b with right/d.
            (a, b, c, d) = (d, right, b, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fractions_compare_as_cross_products(a in 0_u64.., b in 1_u64.., c in 0_u64.., d in 1_u64..) {
            for (a, b, c, d) in [(a, b, c, d), (a % 9, b % 9 + 1, c % 9, d % 9 + 1), (a, b, a, b)] {
                let [a, b, c, d] = [a, b, c, d].map(u128::from);
                let (left, right) = (Fraction { numerator: a, denominator: b }, Fraction { numerator: c, denominator: d });
                prop_assert_eq!(left.compare(right), (a * d).cmp(&(c * b)));
            }
        }
    }

    #[test]
    fn fractions_too_large_for_cross_products_compare() {
        let near = |extra| Fraction { numerator: u128::MAX - 1 + extra, denominator: u128::MAX / 3 };
        assert_eq!(near(0).compare(near(1)), Ordering::Less);
        assert_eq!(near(1).compare(near(1)), Ordering::Equal);
    }

    #[test]
    fn sums_that_are_no_means_of_bytes_are_refused() {
        let centroids = Centroids::from_sums(array![[3, 510], [0, 1]], vec![2, 1]).unwrap();
        assert_eq!(centroids.to_f64(), array![[1.5, 255.0], [0.0, 1.0]]);
        let again = Centroids::from_sums(centroids.sums().clone(), centroids.counts().to_vec()).unwrap();
        assert_eq!(again, centroids);
        let error = |sums, counts: &[u64]| Centroids::from_sums(sums, counts.to_vec()).unwrap_err();
        assert!(matches!(error(array![[511]], &[2]), Error::InitValue { row: 0, column: 0, .. }));
        assert!(matches!(error(array![[1, 1]], &[0]), Error::InitValue { row: 0, .. }));
        assert!(matches!(error(array![[1], [2]], &[1]), Error::StatsShape { expected: (1, 1), .. }));
        assert!(matches!(error(Array2::zeros((0, 3)), &[]), Error::Zero { .. }));
    }

    #[test]
    fn bytes_are_rounded_halves_upwards() {
        let centroids = Centroids { sums: array![[0, 1, 2, 3, 765, 4]], counts: vec![3] };
        assert_eq!(centroids.to_bytes(), array![[0, 0, 1, 1, 255, 1]]);
        assert_eq!(Centroids { sums: array![[1, 3]], counts: vec![2] }.to_bytes(), array![[1, 2]]);
    }
}
