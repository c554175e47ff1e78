//! One step of K-Means for rows that arrive in batches, from files or from other machines.

use ndarray::{Array2, ArrayView2, Axis};

use crate::{
    distance::{CONTIGUOUS, Kernel, vectorize},
    kmeans::{
        Error, Farthest,
        assignment::resolve_ties::NOWHERE,
        centroids::{
            Centroids,
            farthest::{Far, relocate},
        },
        samples::{Samples, mean_variance},
    },
};

/// The statistics that K-Means needs from a batch of rows: for each centroid, how many rows are nearest to it, their
/// sum, and the sum of their squared lengths. All are whole numbers, so the bits do not depend on how rows are split
/// into batches or in which order these are merged. Sums wrap, so that the change caused by moving rows can be stored
/// as a difference.
///
/// ```
/// use handful::kmeans::{Centroids, PartialStats};
/// use ndarray::array;
///
/// let centroids = Centroids::from_f64(&array![[0.0], [100.0]])?;
/// // 3 and 90 on one machine, 5 and 110 on another.
/// let mut stats = PartialStats::from_parts(vec![1, 1], array![[3], [90]], vec![9, 8100])?;
/// stats.merge(&PartialStats::from_parts(vec![1, 1], array![[5], [110]], vec![25, 12_100])?);
/// assert_eq!(stats.means(&centroids).to_f64(), array![[4.0], [100.0]]);
/// assert_eq!(stats.inertia(&centroids), 9.0 + 100.0 + 25.0 + 100.0);
/// # Ok::<(), handful::kmeans::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialStats {
    pub(in crate::kmeans) counts: Vec<u64>,
    pub(in crate::kmeans) sums: Array2<u64>,
    /// Σ |x|².
    pub(in crate::kmeans) squares: Vec<u128>,
}

impl PartialStats {
    pub(in crate::kmeans) fn new(n_clusters: usize, n_features: usize) -> Self {
        Self {
            counts: vec![0; n_clusters],
            sums: Array2::zeros((n_clusters, n_features)),
            squares: vec![0; n_clusters],
        }
    }

    /// Statistics from counts, sums, shape (`n_clusters`, `n_features`), and squares: the values of
    /// [`counts`](Self::counts), [`sums`](Self::sums) and [`squares`](Self::squares).
    ///
    /// # Errors
    /// [`Error::StatsShape`] if there is not one of each per cluster.
    pub fn from_parts(counts: Vec<u64>, sums: Array2<u64>, squares: Vec<u128>) -> Result<Self, Error> {
        let expected = (counts.len(), sums.ncols());
        if sums.nrows() != counts.len() || squares.len() != counts.len() {
            let rows = if sums.nrows() == counts.len() { squares.len() } else { sums.nrows() };
            return Err(Error::StatsShape { expected, found: (rows, sums.ncols()) });
        }
        Ok(Self { counts, sums: sums.as_standard_layout().into_owned(), squares })
    }

    /// Number of rows in each cluster.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Sum of each cluster's rows, shape (`n_clusters`, `n_features`).
    #[must_use]
    pub fn sums(&self) -> ArrayView2<'_, u64> {
        self.sums.view()
    }

    /// Sum of the squared lengths of each cluster's rows.
    #[must_use]
    pub fn squares(&self) -> &[u128] {
        &self.squares
    }

    /// Adds the statistics of other rows, computed with the same centroids.
    ///
    /// # Panics
    /// If the number of clusters or features differs.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.sums.dim(), other.sums.dim(), "statistics of other clusters");
        self.sums.zip_mut_with(&other.sums, |sum, other| *sum = sum.wrapping_add(*other));
        self.counts
            .iter_mut()
            .zip(&other.counts)
            .for_each(|(count, other)| *count = count.wrapping_add(*other));
        let squares = self.squares.iter_mut().zip(&other.squares);
        squares.for_each(|(squares, other)| *squares = squares.wrapping_add(*other));
    }

    /// The variance of the features over the rows of all clusters, averaged over the features. `tol` is relative to it.
    #[must_use]
    pub fn mean_variance(&self) -> f64 {
        mean_variance(
            self.counts.iter().sum(),
            self.squares.iter().sum(),
            self.sums.sum_axis(Axis(0)).to_vec(),
        )
    }

    /// Sum of squared distances of the rows to the centroids to which they were assigned.
    ///
    /// # Panics
    /// If the number of centroids differs from the number of clusters.
    #[must_use]
    pub fn inertia(&self, centroids: &Centroids) -> f64 {
        assert_eq!(self.counts.len(), centroids.n_clusters(), "a centroid for each cluster");
        let of_cluster = |j| centroids.cluster_inertia(j, self.counts[j], self.sums.row(j), self.squares[j]);
        (0..self.counts.len()).map(of_cluster).sum()
    }

    /// The mean of each cluster; a cluster without rows keeps its previous mean.
    ///
    /// # Panics
    /// If the number of centroids differs from the number of clusters.
    #[must_use]
    pub fn means(&self, previous: &Centroids) -> Centroids {
        assert_eq!(self.counts.len(), previous.n_clusters(), "a centroid for each cluster");
        let mut means = Centroids { sums: self.sums.clone(), counts: self.counts.clone() };
        for j in (0..self.counts.len()).filter(|&j| self.counts[j] == 0) {
            means.counts[j] = previous.counts[j];
            means.sums.row_mut(j).assign(&previous.sums.row(j));
        }
        means
    }

    /// [`means`](Self::means), with empty clusters moved to the rows farthest from their centroids, which are given by
    /// decreasing distance. Clusters for which there is no such row keep their previous mean.
    pub(in crate::kmeans) fn means_with<'a>(
        &self,
        previous: &Centroids,
        farthest: impl IntoIterator<Item = Far<'a>>,
    ) -> Centroids {
        let mut means = self.means(previous);
        let empty = (0..self.counts.len()).filter(|&j| self.counts[j] == 0);
        relocate(&mut means, empty, farthest.into_iter());
        means
    }

    /// [`means_with`](Self::means_with) the farthest of rows that arrived in batches.
    pub(in crate::kmeans) fn means_far(&self, previous: &Centroids, farthest: &Farthest) -> Centroids {
        self.means_with(previous, farthest.candidates())
    }

    /// Moves a row of this weight from one cluster to another, or adds it if it had no label.
    pub(in crate::kmeans) fn relabel(
        &mut self,
        kernel: Kernel,
        samples: &Samples,
        row: usize,
        weight: u64,
        [old, new]: [u32; 2],
    ) {
        if old == new {
            return;
        }
        let weight = weight.cast_signed();
        if old != NOWHERE {
            self.add(kernel, old as usize, samples, row, -weight);
        }
        self.add(kernel, new as usize, samples, row, weight);
    }

    /// Adds a row to a cluster, or removes it if the weight is negative.
    pub(in crate::kmeans) fn add(
        &mut self,
        kernel: Kernel,
        j: usize,
        samples: &Samples,
        row: usize,
        weight: i64,
    ) {
        self.counts[j] = self.counts[j].wrapping_add_signed(weight);
        let square = i128::from(weight) * i128::from(samples.norms[row]);
        self.squares[j] = self.squares[j].wrapping_add_signed(square);
        let (sums, pixels) = (self.sums.row_mut(j).into_slice().expect(CONTIGUOUS), samples.rows.row(row));
        vectorize!(kernel, {
            let each = sums.iter_mut().zip(pixels);
            each.for_each(|(sum, &x)| *sum = sum.wrapping_add_signed(weight * i64::from(x)));
        });
    }
}

#[cfg(test)]
mod tests {
    use ndarray::s;
    use proptest::prelude::*;

    use super::*;

    fn partial_stats(x: ArrayView2<u8>, centroids: &Centroids) -> PartialStats {
        let mut stats = PartialStats::new(centroids.n_clusters(), centroids.n_features());
        for row in x.outer_iter() {
            let distances = (0..centroids.n_clusters()).map(|j| centroids.squared_distance(row, j));
            let nearest = distances.enumerate().min_by(|(_, a), (_, b)| a.compare(*b)).expect("a cluster").0;
            let one = row.insert_axis(Axis(0));
            let square = row.iter().map(|&x| u128::from(x).pow(2)).sum();
            let (mut counts, mut squares) = (vec![0; stats.counts.len()], vec![0; stats.counts.len()]);
            let mut sums = Array2::zeros(stats.sums.raw_dim());
            (counts[nearest], squares[nearest]) = (1, square);
            sums.row_mut(nearest).assign(&one.row(0).mapv(u64::from));
            stats.merge(&PartialStats { counts, sums, squares });
        }
        stats
    }
    use crate::kmeans::{Init, KMeans};

    proptest! {
        #[test]
        fn batches_merge_to_the_same_bits_and_step_as_lloyd_does(
            bytes in prop::collection::vec(any::<u8>(), 24..240),
            k in 1_usize..6,
            cuts in prop::collection::vec(0_usize..80, 0..4),
        ) {
            let n = bytes.len() / 3;
            let x = Array2::from_shape_fn((n, 3), |(i, j)| bytes[3 * i + j]);
            let start = Array2::from_shape_fn((k, 3), |(i, j)| f64::from(x[[i * n / k, j]]));
            let centroids = Centroids::from_f64(&start)?;
            let whole = partial_stats(x.view(), &centroids);

            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(n)).chain([0, n]).collect();
            cuts.sort_unstable();
            let mut merged = PartialStats::new(k, 3);
            for batch in cuts.windows(2).rev() {
                merged.merge(&partial_stats(x.slice(s![batch[0]..batch[1], ..]), &centroids));
            }
            prop_assert_eq!(&merged, &whole);
            prop_assert_eq!(whole.counts().iter().sum::<u64>(), n as u64);

            if whole.counts().iter().all(|&count| count > 0) {
                let step = KMeans::params(k).init(Init::Given(start)).max_iter(1).fit(x.view())?;
                prop_assert_eq!(&whole.means(&centroids), &step.centroids);
                let after = partial_stats(x.view(), &step.centroids);
                prop_assert_eq!(after.inertia(&step.centroids).to_bits(), step.inertia.to_bits());
            }
        }
    }

    #[test]
    fn wrong_values_are_an_error() {
        let error = Centroids::from_f64(&Array2::from_elem((1, 1), 300.0)).unwrap_err();
        assert!(error.to_string().contains("from 0 to 255, found 300"), "{error}");
    }
}
