//! Decides exactly which of a few centroids is the nearest to a row.

use crate::{
    distance::{Kernel, contiguous},
    kmeans::{
        centroids::rounded::Rounded,
        samples::Samples,
        vectors::{Resolved, Vectors},
    },
};

/// The label of a row that has none yet.
pub(in crate::kmeans) const NOWHERE: u32 = u32::MAX;

/// The rows, and the centroids to compare them with.
pub(in crate::kmeans) struct CentroidDistances<'a, V: Vectors> {
    pub(in crate::kmeans) kernel: Kernel,
    vectors: &'a V,
    centroids: &'a V::Centroids,
    pub(in crate::kmeans) rounded: &'a Rounded,
    fine: &'a V::Residual,
}

/// A centroid that a row was compared with.
#[derive(Clone, Copy)]
pub(in crate::kmeans) struct Measured {
    pub(in crate::kmeans) j: usize,
    /// The dot product of the row with the centroid's upper bytes.
    pub(in crate::kmeans) upper: i64,
    /// The squared distance between the rounded row and the rounded centroid.
    pub(in crate::kmeans) distance: i64,
}

impl<'a, V: Vectors> CentroidDistances<'a, V> {
    /// `rounding` must be that of the centroids.
    pub(in crate::kmeans) fn new(
        kernel: Kernel,
        vectors: &'a V,
        centroids: &'a V::Centroids,
        (rounded, fine): &'a (Rounded, V::Residual),
    ) -> Self {
        Self { kernel, vectors, centroids, rounded, fine }
    }

    pub(in crate::kmeans) fn samples(&self) -> &Samples<'_> {
        self.vectors.samples()
    }

    /// Compares a rounded row with a rounded centroid.
    #[inline]
    pub(in crate::kmeans) fn measure(&self, row: usize, j: usize) -> Measured {
        let upper = self.upper(row, j);
        Measured { j, upper, distance: self.distance(row, j, upper) }
    }

    /// The dot product of a row with a centroid's upper bytes.
    #[inline]
    pub(in crate::kmeans) fn upper(&self, row: usize, j: usize) -> i64 {
        self.kernel.long_dot(self.samples().rows.row(row), contiguous(self.rounded.upper.row(j)))
    }

    /// The squared distance between a rounded row and a rounded centroid, from their dot product.
    #[inline]
    pub(in crate::kmeans) fn distance(&self, row: usize, j: usize, upper: i64) -> i64 {
        self.rounded.norms[j] + self.samples().shifted_norm(row) - 2 * upper
    }

    /// The largest change of a row's distance from a centroid by rounding.
    pub(in crate::kmeans) fn moved(&self, row: usize) -> f64 {
        self.rounded.moved + f64::from(self.samples().lost(row))
    }

    /// The largest squared distance at which a rounded centroid may be the nearest, if another has this squared
    /// distance.
    pub(in crate::kmeans) fn limit(&self, row: usize, squared_distance: i64) -> f64 {
        around(squared_distance, 2.0 * self.moved(row))
    }

    /// The nearest of some centroids, which are given in ascending order, each with the product of the row and its
    /// upper bytes.
    pub(in crate::kmeans) fn resolve_ties(
        &self,
        row: usize,
        contenders: impl Iterator<Item = (usize, i64)>,
    ) -> Resolved {
        self.vectors.resolve_ties(self.kernel, self.centroids, self.fine, row, contenders)
    }
}

/// The square of a distance increased by `margin`, or slightly more, to cover rounding errors.
#[inline]
pub(in crate::kmeans) fn around(squared_distance: i64, margin: f64) -> f64 {
    ((squared_distance as f64).sqrt() + margin).powi(2) * (1.0 + 1e-12) + 1.0
}
