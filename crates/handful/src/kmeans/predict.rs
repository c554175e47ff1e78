//! The nearest centroids of new rows.

use ndarray::{Array2, ArrayView2};

use super::{Clusterable, Error, KMeans};

impl KMeans {
    /// The nearest centroid of each row of `x`, shape (n, `n_features`).
    ///
    /// # Errors
    /// [`Error::FeatureCount`] if the number of features differs.
    pub fn predict(&self, x: ArrayView2<u8>) -> Result<Vec<u32>, Error> {
        let expected = self.centroids.n_features();
        if x.ncols() != expected {
            return Err(Error::FeatureCount { expected, found: x.ncols() });
        }
        u8::nearest(x, self.centroids.n_clusters(), &self.centroids)
    }
}

impl KMeans<Array2<f64>> {
    /// The nearest centroid of each row of `x`, shape (n, `n_features`).
    ///
    /// # Errors
    /// [`Error::FeatureCount`] if the number of features differs, [`Error::Value`] if a value is not finite.
    pub fn predict<T: Clusterable<Centroids = Array2<f64>>>(
        &self,
        x: ArrayView2<T>,
    ) -> Result<Vec<u32>, Error> {
        let (n_clusters, expected) = self.centroids.dim();
        if x.ncols() != expected {
            return Err(Error::FeatureCount { expected, found: x.ncols() });
        }
        T::nearest(x, n_clusters, &self.centroids.as_standard_layout().into_owned())
    }
}
