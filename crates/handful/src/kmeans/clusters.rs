//! The result of K-Means.

use super::{Centroids, KMeansParams};

/// The best run of K-Means; all fields belong to that one run.
///
/// ```
/// use handful::KMeans;
/// use ndarray::array;
///
/// let x = array![[1_u8, 2], [1, 4], [200, 7], [200, 9]];
/// let kmeans = KMeans::params(2).n_init(10).seed(0).fit(x.view())?;
/// assert_eq!(kmeans.inertia, 4.0);
/// assert_eq!(kmeans.predict(array![[0_u8, 0], [255, 255]].view())?, [kmeans.labels[0], kmeans.labels[2]]);
/// # Ok::<(), handful::kmeans::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans<C = Centroids> {
    /// The means of the clusters: exact for bytes, otherwise an array of shape (`n_clusters`, `n_features`).
    pub centroids: C,
    /// Index of the nearest centroid of each row; on ties the lowest index.
    pub labels: Vec<u32>,
    /// Number of rows in each cluster.
    pub cluster_sizes: Vec<u64>,
    /// Sum of squared distances of the rows to their centroids.
    pub inertia: f64,
    /// Number of Lloyd iterations until labels or centroids stopped changing.
    pub n_iter: usize,
}

impl KMeans {
    /// Greedy k-means++, one run, at most 300 iterations, `tol` 1e-4, seed 0.
    #[must_use]
    pub fn params(n_clusters: usize) -> KMeansParams {
        KMeansParams::new(n_clusters)
    }

    /// The clusters that have rows: all of them, unless there are fewer distinct rows than clusters.
    pub(super) fn nonempty(&self) -> impl Iterator<Item = usize> {
        (0..self.cluster_sizes.len()).filter(|&j| self.cluster_sizes[j] > 0)
    }
}
