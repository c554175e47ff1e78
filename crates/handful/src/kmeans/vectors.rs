//! The operations on vectors that K-Means needs: for bytes with their exact means, and for floats.

use ndarray::Array2;

use super::{Error, samples::Samples};
use crate::{distance::Kernel, kmeans::centroids::rounded::Rounded};

/// Rows, and the operations in which bytes and floats differ.
pub(super) trait Vectors: Sync {
    type Centroids: Clone + Send + Sync;
    /// What settling needs of centroids besides their upper bytes.
    type Residual: Send + Sync;
    /// The data from which the clusters' means are computed.
    type Stats: Send + Sync;

    /// The rows as bytes.
    fn samples(&self) -> &Samples<'_>;

    /// The value of one step of a byte. Rounding errors of rows and centroids are in steps.
    fn step(&self) -> f64;

    fn mean_variance(&self) -> f64;

    /// Weights of the rows for drawing the initial centroids, unless all are equal.
    fn whole_weights(&self) -> Option<&[u64]>;

    /// Centroids at these rows.
    fn at_rows(&self, rows: &[usize]) -> Self::Centroids;

    /// Centroids at these positions.
    fn at(&self, places: &Array2<f64>) -> Result<Self::Centroids, Error>;

    fn round(&self, centroids: &Self::Centroids) -> (Rounded, Self::Residual);

    /// The nearest of some centroids, which are given in ascending order, each with the product of the row and its
    /// upper bytes.
    fn resolve_ties(
        &self,
        kernel: Kernel,
        centroids: &Self::Centroids,
        fine: &Self::Residual,
        row: usize,
        contenders: impl Iterator<Item = (usize, i64)>,
    ) -> Resolved;

    fn stats(&self, n_clusters: usize) -> Self::Stats;

    /// Moves the rows whose label has changed. Returns whether there were any.
    fn relabel(&self, stats: &mut Self::Stats, labels: &mut [u32], nearest: &[u32]) -> bool;

    /// The mean of each cluster. Empty clusters move to the rows farthest from their centroids; those for which there
    /// is no such row keep their previous mean.
    fn means(&self, stats: &Self::Stats, previous: &Self::Centroids, labels: &[u32]) -> Self::Centroids;

    /// |new - old|² of each centroid.
    fn movement(&self, old: &Self::Centroids, new: &Self::Centroids) -> Vec<f64>;

    /// Sum of squared distances of the rows to their centroids.
    fn inertia(&self, stats: &Self::Stats, centroids: &Self::Centroids, labels: &[u32]) -> f64;
}

/// The nearest of some centroids. Distances are in steps of the rows' bytes.
pub(super) struct Resolved {
    pub(super) nearest: u32,
    /// Its distance, or slightly more.
    pub(super) distance: f64,
    /// The distance of the second nearest, or slightly less.
    pub(super) next: f64,
}

/// Weights as whole numbers, and the value of one unit. Whole weights stay as they are; others are rounded to the
/// nearest multiple of 2⁻²⁰ of the largest, but never to zero unless they are zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 2^20")]
pub(super) fn whole(weights: &[f64]) -> (Vec<u64>, f64) {
    const LARGEST: f64 = (1 << 20) as f64;
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest <= LARGEST && weights.iter().all(|weight| weight.fract() == 0.0) {
        return (weights.iter().map(|&weight| weight as u64).collect(), 1.0);
    }
    let nearest = |&weight: &f64| ((weight / largest * LARGEST).round() as u64).max((weight > 0.0).into());
    (weights.iter().map(nearest).collect(), largest / LARGEST)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, array};
    use proptest::prelude::*;

    use super::*;
    use crate::kmeans::{Centroids, Init, KMeans, assignment::assign_once, bytes::Bytes};

    proptest! {
        #[test]
        fn a_whole_weight_is_as_good_as_so_many_rows(
            bytes in prop::collection::vec(any::<u8>(), 8..90),
            weights in prop::collection::vec(0_u8..4, 45),
            k in 1_usize..5,
        ) {
            let n = bytes.len() / 2;
            let x = Array2::from_shape_fn((n, 2), |(i, j)| bytes[2 * i + j]);
            let repeated: Vec<usize> = (0..n).flat_map(|i| vec![i; weights[i].into()]).collect();
            let weights: Vec<f64> = weights[..n].iter().copied().map(f64::from).collect();
            prop_assume!(weights.iter().filter(|&&weight| weight > 0.0).count() >= k);
            let start = x.select(Axis(0), &(0..k).map(|j| j * n / k).collect::<Vec<_>>()).mapv(f64::from);
            let repeated = x.select(Axis(0), &repeated);
            // An empty cluster takes one row of several, or a row of their weight.
            let first = assign_once(&Bytes::new(repeated.view()), k, &Centroids::from_f64(&start)?);
            prop_assume!((0..k as u32).all(|j| first.contains(&j)));

            let params = KMeans::params(k).init(Init::Given(start)).max_iter(1).tol(0.0);
            let (same, found) = (params.fit(repeated.view())?, params.fit_weighted(x.view(), &weights)?);
            prop_assert_eq!(&found.centroids, &same.centroids);
            prop_assert_eq!(found.inertia.to_bits(), same.inertia.to_bits());
            prop_assert_eq!(found.labels, same.predict(x.view())?);
        }
    }

    #[test]
    fn weights_of_any_kind_pull_the_means() {
        let x = array![[0_u8], [10], [200]];
        let start = Init::Given(array![[0.0], [200.0]]);
        let params = KMeans::params(2).init(start).tol(0.0);
        for weights in [[1.0, 3.0, 2.0], [0.25, 0.75, 1e-3]] {
            let found = params.fit_weighted(x.view(), &weights).unwrap();
            assert!((found.centroids.to_f64()[[0, 0]] - 7.5).abs() < 1e-4, "{:?}", found.centroids);
            assert!((found.inertia - 75.0 * weights[0]).abs() < 1e-3);
            let floats = params.fit_weighted(x.mapv(f64::from).view(), &weights).unwrap();
            assert_eq!((floats.centroids[[0, 0]], floats.inertia), (7.5, 75.0 * weights[0]));
            assert_eq!(floats.labels, found.labels);
        }
    }

    #[test]
    fn weights_may_be_tiny_or_far_apart() {
        let x = array![[0_u8], [10], [200]];
        for weights in [[1e-305, 1e-305, 1e-305], [1.0, 1e-9, 1e-9], [1e150, 1.0, 1e-150]] {
            let bytes = KMeans::params(3).fit_weighted(x.view(), &weights).unwrap();
            let floats = KMeans::params(3).fit_weighted(x.mapv(f64::from).view(), &weights).unwrap();
            assert_eq!((bytes.inertia, bytes.cluster_sizes), (0.0, vec![1; 3]));
            assert_eq!(floats.cluster_sizes, [1; 3]);
            assert!(floats.centroids.iter().all(|x| x.is_finite()));
        }
    }

    #[test]
    fn rows_without_weight_are_never_drawn_but_labelled() {
        let x = Array2::from_shape_fn((60, 1), |(i, _)| (4 * i) as u8);
        let weights: Vec<f64> = (0..60).map(|i| if i % 20 == 7 { 0.5 } else { 0.0 }).collect();
        for init in [Init::KMeansPlusPlus, Init::Random] {
            let found = KMeans::params(3).init(init.clone()).fit_weighted(x.view(), &weights).unwrap();
            let mut centroids = found.centroids.to_f64().into_raw_vec_and_offset().0;
            centroids.sort_by(f64::total_cmp);
            assert_eq!((centroids, found.inertia), (vec![28.0, 108.0, 188.0], 0.0));
            assert_eq!(found.labels, found.predict(x.view()).unwrap());
            let error = KMeans::params(4).init(init).fit_weighted(x.view(), &weights).unwrap_err();
            assert!(matches!(error, Error::TooManyClusters { n_samples: 3, .. }), "{error}");
        }
        // Nor where those that have one are all the same.
        let x = array![[0_u8], [0], [5]];
        for seed in 0..20 {
            let found = KMeans::params(2).seed(seed).fit_weighted(x.view(), &[1.0, 1.0, 0.0]).unwrap();
            assert_eq!(found.centroids.to_f64(), array![[0.0], [0.0]]);
        }
    }

    #[test]
    fn wrong_weights_are_errors() {
        let x = Array2::<u8>::zeros((3, 1));
        let fit = |weights: &[f64]| KMeans::params(1).fit_weighted(x.view(), weights).unwrap_err();
        assert!(matches!(fit(&[1.0; 2]), Error::WeightCount { expected: 3, found: 2 }));
        for wrong in [-1.0, f64::NAN, f64::INFINITY, 1e151] {
            assert!(matches!(fit(&[1.0, wrong, 1.0]), Error::Weight { row: 1, .. }));
        }
        assert!(matches!(fit(&[0.0; 3]), Error::TooManyClusters { n_samples: 0, .. }));
    }
}
