//! Initial centroids.

mod greedy;
mod shares;

use ndarray::{ArrayView2, Axis};
use rand::{rngs::ChaCha8Rng, seq::index};

use crate::{
    kmeans::{Centroids, Error, Init, KMeansParams, params::ROWS_PER_CLUSTER, samples::Samples},
    progress::Observer,
};
pub(super) use greedy::n_trials;
use greedy::seed_together;

/// Maximum number of distances that runs keep in memory together.
const DISTANCES_TOGETHER: usize = 1 << 22;

/// Distinct rows, drawn uniformly, or by weight.
pub(super) fn random(
    n_samples: usize,
    n_clusters: usize,
    weights: Option<&[u64]>,
    rng: &mut ChaCha8Rng,
) -> Vec<usize> {
    match weights {
        None => index::sample(rng, n_samples, n_clusters),
        Some(weights) => index::sample_weighted(rng, n_samples, |row| weights[row] as f64, n_clusters)
            .expect("as many rows have a weight"),
    }
    .into_vec()
}

/// Greedy k-means++ (Arthur and Vassilvitskii 2007, §2.2 and §7; with 2 + ln k tries per step). The first centroid is a
/// random row. For each next one, several rows are drawn with probability proportional to their squared distance from
/// the centroids so far, and the one that lowers the sum of these distances most is taken. Rows count as often as their
/// weight says.
///
/// One run for each of `rngs`. The runs advance together, so that rows are read once for several. If there are more
/// than `most` rows, each run works on a uniform sample of `most` rows that have a weight. Distances are those between
/// the rows' bytes, which are whole, so the draw is exact and does not depend on threads. O(n k d log k) per run.
pub(super) fn k_means_plus_plus(
    samples: &Samples,
    (n_clusters, most): (usize, usize),
    weights: Option<&[u64]>,
    rngs: &mut [ChaCha8Rng],
    observer: &Observer,
) -> Result<Vec<Vec<usize>>, Error> {
    let n = samples.rows.nrows();
    if n > most {
        let with_weight = |weights: &[u64]| (0..n).filter(|&row| weights[row] > 0).collect::<Vec<_>>();
        let there = weights.map(with_weight);
        let of_sample = |rng: &mut ChaCha8Rng| {
            let rows = sample(n, most, there.as_deref(), rng);
            let sample = samples.rows.view().select(Axis(0), &rows);
            let weights: Option<Vec<u64>> =
                weights.map(|weights| rows.iter().map(|&row| weights[row]).collect());
            let (sample, rng) = (Samples::new(sample.view()), std::slice::from_mut(rng));
            let chosen = k_means_plus_plus(&sample, (n_clusters, most), weights.as_deref(), rng, observer)?;
            Ok(chosen[0].iter().map(|&i| rows[i]).collect())
        };
        return rngs.iter_mut().map(of_sample).collect();
    }
    let together = (DISTANCES_TOGETHER / (n * n_trials(n_clusters))).max(1);
    let mut chosen = Vec::with_capacity(rngs.len());
    for rngs in rngs.chunks_mut(together) {
        chosen.extend(seed_together(samples, n_clusters, weights, rngs, observer)?);
    }
    Ok(chosen)
}

/// A uniform sample of `enough` rows, or of those listed in `there`, in ascending order.
fn sample(n: usize, enough: usize, there: Option<&[usize]>, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut rows = match there {
        None => index::sample(rng, n, enough).into_vec(),
        Some(there) if there.len() <= enough => there.to_vec(),
        Some(there) => index::sample(rng, there.len(), enough).iter().map(|i| there[i]).collect(),
    };
    rows.sort_unstable();
    rows
}

/// Where a run starts, for callers that store the rows elsewhere. It says which rows it needs, and computes the
/// centroids from them. They are the ones that [`fit`](crate::kmeans::KMeansParams::fit) starts from.
///
/// ```
/// use handful::{KMeans, progress::Observer};
/// use ndarray::{Array2, Axis};
///
/// let x = Array2::from_shape_fn((100, 3), |(i, j)| (7 * i + j) as u8);
/// let start = KMeans::params(4).seed(1).start(x.nrows(), 0, 0)?;
/// let rows = x.select(Axis(0), start.rows());
/// let centroids = start.centroids(rows.view(), &Observer::default())?;
/// assert_eq!(centroids.n_clusters(), 4);
/// # Ok::<(), handful::kmeans::Error>(())
/// ```
#[derive(Debug)]
pub struct Start {
    n_clusters: usize,
    rows: Vec<usize>,
    /// The generator if more draws among the rows follow; `None` if the rows are the centroids.
    rng: Option<ChaCha8Rng>,
}

impl Start {
    /// With k-means++, which looks at no more than `most` rows.
    pub(super) fn far_apart(n: usize, (n_clusters, most): (usize, usize), mut rng: ChaCha8Rng) -> Self {
        let rows = if n > most { sample(n, most, None, &mut rng) } else { (0..n).collect() };
        Self { n_clusters, rows, rng: Some(rng) }
    }

    /// At rows drawn uniformly.
    pub(super) fn at_random(n: usize, n_clusters: usize, mut rng: ChaCha8Rng) -> Self {
        Self { n_clusters, rows: random(n, n_clusters, None, &mut rng), rng: None }
    }

    /// The rows that are needed.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The centroids, given the requested rows in their order, shape (`rows().len()`, `n_features`). O(rows ·
    /// `n_clusters` · `n_features` · log `n_clusters`) at most, on all threads of the current rayon pool.
    ///
    /// # Errors
    /// [`Error::RowCount`] if the number of rows is not the number requested, or the observer breaks.
    pub fn centroids(self, rows: ArrayView2<u8>, observer: &Observer) -> Result<Centroids, Error> {
        if rows.nrows() != self.rows.len() || rows.ncols() == 0 {
            return Err(Error::RowCount { expected: self.rows.len(), found: rows.dim() });
        }
        let rows = rows.as_standard_layout();
        let Some(mut rng) = self.rng else { return Ok(Centroids::from_rows(rows.view())) };
        let samples = Samples::new(rows.view());
        let rngs = std::slice::from_mut(&mut rng);
        let chosen = k_means_plus_plus(&samples, (self.n_clusters, usize::MAX), None, rngs, observer)?;
        Ok(Centroids::from_rows(rows.select(Axis(0), &chosen[0]).view()))
    }
}

impl KMeansParams {
    /// Maximum number of rows that seeding looks at.
    pub(super) fn most_seeding_rows(&self) -> usize {
        self.seeding_rows.max(ROWS_PER_CLUSTER.saturating_mul(self.n_clusters))
    }

    /// Where run number `run` over `n_samples` rows starts. Stream 0 gives the start of [`fit`](Self::fit), and the
    /// number of a class that of [`fit_per_class`](Self::fit_per_class). Given centroids start from
    /// [`Centroids::from_f64`].
    ///
    /// # Errors
    /// If there are fewer rows than clusters, or no clusters.
    ///
    /// # Panics
    /// If the centroids are given.
    #[doc(hidden)]
    pub fn start(&self, n_samples: usize, stream: u32, run: usize) -> Result<Start, Error> {
        let n_clusters = self.n_clusters;
        if n_clusters == 0 {
            return Err(Error::Zero { name: "n_clusters" });
        }
        if n_clusters > n_samples {
            return Err(Error::TooManyClusters { n_clusters, n_samples });
        }
        let rng = self.rng(stream, run);
        Ok(match self.init {
            Init::KMeansPlusPlus => Start::far_apart(n_samples, (n_clusters, self.most_seeding_rows()), rng),
            Init::Random => Start::at_random(n_samples, n_clusters, rng),
            Init::Given(_) => panic!("given centroids are where they are"),
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use rand::SeedableRng;

    use super::*;
    use crate::kmeans::params::SEEDING_ROWS;

    fn seeded(x: &Array2<u8>, n_clusters: usize, seed: u64) -> Array2<u8> {
        // The result is the same alone and beside another run.
        let samples = Samples::new(x.view());
        let choose = |seeds: &[u64]| {
            let mut rngs: Vec<_> = seeds.iter().map(|&seed| ChaCha8Rng::seed_from_u64(seed)).collect();
            k_means_plus_plus(&samples, (n_clusters, SEEDING_ROWS), None, &mut rngs, &Observer::default())
                .expect("not cancelled")
        };
        let chosen = choose(&[seed]).remove(0);
        assert_eq!(choose(&[seed + 1, seed])[1], chosen);
        x.select(Axis(0), &chosen)
    }

    #[test]
    fn every_far_group_gets_a_centroid() {
        let x = array![[0_u8, 0], [1, 0], [0, 1], [200, 0], [201, 0], [0, 200], [0, 201], [255, 255]];
        for seed in 0..20 {
            let mut groups: Vec<_> = seeded(&x, 4, seed)
                .outer_iter()
                .map(|centroid| (centroid[0] > 100, centroid[1] > 100))
                .collect();
            groups.sort_unstable();
            assert_eq!(groups, [(false, false), (false, true), (true, false), (true, true)], "seed {seed}");
        }
    }

    #[test]
    fn more_clusters_than_distinct_rows_repeat_rows() {
        let x = array![[5_u8], [5], [5]];
        assert_eq!(seeded(&x, 3, 0), x);
    }

    #[test]
    fn beyond_the_limit_a_sample_is_looked_at() {
        let x = Array2::from_shape_fn((SEEDING_ROWS + 1000, 1), |(i, _)| if i % 3 == 0 { 200 } else { 10 });
        let found = seeded(&x, 2, 0);
        assert_eq!(found, seeded(&x, 2, 0));
        assert_eq!(found.sum(), 210);
    }
}
