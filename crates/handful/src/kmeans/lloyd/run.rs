//! Lloyd's iteration for callers that process the rows elsewhere. The caller reports what a pass over the rows found,
//! and receives the centroids for the next pass.

use crate::kmeans::{Centroids, Error, Farthest, PartialStats, lloyd::state::LloydState};

/// A run of K-Means, pass by pass: over files, or over other machines.
///
/// Given the [`PartialStats`] of all rows, it reaches the same centroids, inertia and number of iterations as
/// [`fit`](crate::kmeans::KMeansParams::fit), bit for bit.
///
/// ```
/// use handful::kmeans::{Centroids, Farthest, RowAssignments, LloydRun};
/// use ndarray::array;
///
/// let x = array![[0_u8], [2], [10], [12]];
/// let mut run = LloydRun::new(Centroids::from_f64(&array![[0.0], [1.0]])?, 300, 0.0);
/// // All rows are one machine's; of several the statistics are merged.
/// let mut shard = RowAssignments::new(&x.view(), None, 1, 1);
/// while !run.has_ended() {
///     shard.pass(&x.view(), &[Some(run.centroids())])?;
///     run.step(shard.stats(0).clone(), &Farthest::default())?;
/// }
/// assert_eq!((run.centroids().to_f64(), run.inertia(), run.n_iter()), (array![[1.0], [11.0]], 4.0, 3));
/// # Ok::<(), handful::kmeans::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LloydRun {
    pub(in crate::kmeans) state: LloydState<Centroids>,
    /// Statistics of the last pass.
    pub(in crate::kmeans) stats: Option<PartialStats>,
}

impl LloydRun {
    /// A run from these centroids, of at most `max_iter` iterations. It ends when the sum of their squared movements is
    /// at most `tol`: the [parameter](crate::kmeans::KMeansParams::tol) times the rows' [mean
    /// variance](PartialStats::mean_variance).
    #[must_use]
    pub fn new(start: Centroids, max_iter: usize, tol: f64) -> Self {
        Self { state: LloydState::new(start, max_iter, tol), stats: None }
    }

    /// The centroids for the next pass; at the end, the result.
    #[must_use]
    pub fn centroids(&self) -> &Centroids {
        &self.state.centroids
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state.ended
    }

    /// Number of iterations done.
    #[must_use]
    pub fn n_iter(&self) -> usize {
        self.state.n_iter
    }

    /// Sum of squared distances of the rows to the centroids to which the last pass assigned them; 0 before the first
    /// pass.
    #[must_use]
    pub fn inertia(&self) -> f64 {
        self.stats.as_ref().map_or(0.0, |stats| stats.inertia(&self.state.centroids))
    }

    /// Number of rows in each cluster in the last pass; empty before the first pass.
    #[must_use]
    pub fn cluster_sizes(&self) -> &[u64] {
        self.stats.as_ref().map_or(&[], |stats| stats.counts())
    }

    /// Whether [`step`](Self::step) needs the rows that are farthest from their centroids, because there are empty
    /// clusters that move to them.
    #[must_use]
    pub fn wants_farthest(&self, stats: &PartialStats) -> bool {
        !self.state.is_last_pass() && self.stats.as_ref() != Some(stats) && stats.counts.contains(&0)
    }

    /// Whether a run over `n_samples` rows can be in this state, as far as that can be checked without the rows.
    pub(in crate::kmeans) fn makes_sense(&self, n_samples: u64) -> bool {
        const LARGEST: u64 = u64::MAX / 255;
        let LloydState { centroids, max_iter, tol, n_iter, converged, ended } = &self.state;
        let has_begun = *converged || *ended || *n_iter > 0;
        let of_stats = |stats: &PartialStats| {
            let is_sum = |row: usize, sum: u64| sum <= 255 * stats.counts[row];
            let n = stats.counts.iter().try_fold(0_u64, |n, &count| n.checked_add(count));
            n == Some(n_samples)
                && n_samples <= LARGEST
                && stats.sums.indexed_iter().all(|((row, _), &sum)| is_sum(row, sum))
        };
        n_iter <= max_iter
            && tol.is_finite()
            && *tol >= 0.0
            && centroids.counts.iter().all(|&count| count <= n_samples.max(1 << 20))
            && self.stats.as_ref().map_or(!has_begun, of_stats)
    }

    /// Continues with what a pass with the [`centroids`](Self::centroids) found in all rows. The farthest rows are used
    /// only if they are [wanted](Self::wants_farthest).
    ///
    /// # Errors
    /// [`Error::StatsShape`] if the shape of the statistics differs from that of the centroids.
    pub fn step(&mut self, stats: PartialStats, farthest: &Farthest) -> Result<(), Error> {
        let (expected, found) = (self.centroids().sums.dim(), stats.sums.dim());
        if found != expected {
            return Err(Error::StatsShape { expected, found });
        }
        // If the statistics are equal, no label has changed either. Equal statistics give equal inertia, so every row
        // that moved was at a tie, and moved to a lower index. The highest cluster that lost rows would then have
        // gained none.
        let is_at_rest = self.stats.as_ref() == Some(&stats);
        self.state.step(is_at_rest, |centroids| {
            let means = stats.means_far(centroids, farthest);
            let squares = centroids.movement(&means);
            (means, squares)
        });
        self.stats = Some(stats);
        Ok(())
    }
}
