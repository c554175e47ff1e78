//! Rows that are visited pass by pass: in a file, or one machine's share of them.
//!
//! Nearest centroids are found in the same way as for rows in memory. With few centroids, each row keeps how far the
//! centroids may move before another can be the nearest (see `dense`). A pass then reads and examines only the rows for
//! which that is used up. With many centroids, a sketch of each row is kept, if it is worthwhile, and a pass reads all
//! rows (see `sketched`).

mod chunk;
mod plan;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use ndarray::Array2;

pub(in crate::kmeans) use chunk::CHUNK_BYTES;
use chunk::{Chunk, Found, Part, Prepared, Workspaces, chunk_rows};

use crate::{
    dataset::RowSource,
    distance::Kernel,
    kmeans::{
        Centroids, Error, Farthest, PartialStats,
        assignment::{dense::drift, resolve_ties::NOWHERE, sketched::pays},
        bytes::Bytes,
        vectors::Vectors,
    },
    progress::{Observer, Stage},
    sketch::Projection,
};

/// Rows of one or several groups, each of which is clustered on its own, by the same number of runs.
///
/// ```
/// use handful::kmeans::{Centroids, RowAssignments};
/// use ndarray::array;
///
/// let x = array![[1_u8], [2], [9]];
/// let mut shard = RowAssignments::new(&x.view(), None, 1, 1);
/// shard.pass(&x.view(), &[Some(&Centroids::from_f64(&array![[0.0], [8.0]])?)])?;
/// assert_eq!((shard.stats(0).counts(), shard.labels(0)), (&[2, 1][..], vec![0, 0, 1]));
/// # Ok::<(), handful::kmeans::Error>(())
/// ```
pub struct RowAssignments {
    n_samples: usize,
    n_features: usize,
    n_groups: usize,
    chunks: Vec<Mutex<Chunk>>,
    /// Ordered by group, then by run.
    sets: Vec<Set>,
    /// For each group, how rows are sketched, if they are; decided in the first pass.
    projections: Option<Vec<Option<Arc<Projection>>>>,
    /// Number of passes in which a sketch may be useful.
    sketched_passes: usize,
    observer: Observer,
}

/// The centroids of a run in a group.
#[derive(Default)]
struct Set(Option<Last>);

/// The last pass.
struct Last {
    centroids: Centroids,
    /// The total drift of the centroids, shape (1, `n_clusters`).
    drifts: Array2<f64>,
    /// The centroids that did not move before the last pass.
    still: Vec<bool>,
    /// The result of the pass.
    stats: PartialStats,
}

impl RowAssignments {
    /// For rows that no pass has visited yet. `groups` gives the group of each row, below `n_groups`, if there are
    /// several groups.
    ///
    /// Needs 2 bytes per row, and 8 for each run. With sketches, which are used for many clusters if they are
    /// worthwhile, it needs 80 bytes per row more, and 4 for each run.
    ///
    /// # Panics
    /// If the number of groups given is not the number of rows.
    #[must_use]
    pub fn new(source: &impl RowSource, groups: Option<&[u32]>, n_groups: usize, n_runs: usize) -> Self {
        let (n, d) = source.shape();
        assert!(groups.is_none_or(|groups| groups.len() == n), "expected a group for each row");
        let size = chunk_rows(d);
        let chunk = |first: usize| {
            let rows = first..n.min(first + size);
            let mut parts = vec![Vec::new(); n_groups];
            for (place, row) in (0..).zip(rows.clone()) {
                parts[groups.map_or(0, |groups| groups[row] as usize)].push(place);
            }
            let part = |mut rows: Vec<u16>| {
                rows.shrink_to_fit();
                Part::new(rows, n_runs)
            };
            Mutex::new(Chunk { rows, parts: parts.into_iter().map(part).collect() })
        };
        Self {
            n_samples: n,
            n_features: d,
            n_groups,
            chunks: (0..n).step_by(size).map(chunk).collect(),
            sets: (0..n_groups * n_runs).map(|_| Set::default()).collect(),
            projections: None,
            sketched_passes: usize::MAX,
            observer: Observer::default(),
        }
    }

    /// Progress callback for passes.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// Number of passes in which a sketch of the rows may be useful; 0 if it needs too much memory.
    pub(in crate::kmeans) fn sketched_passes(self, sketched_passes: usize) -> Self {
        Self { sketched_passes, ..self }
    }

    /// Finds the nearest centroid of every row. `centroids` lists the runs of each group, group by group, with `None`
    /// for a run that has ended. The rows must be the same in each pass.
    ///
    /// O(n · `n_clusters` · `n_features`) for each run at most, on all threads of the current rayon pool. Rows whose
    /// nearest centroid cannot have changed are skipped.
    ///
    /// # Errors
    /// [`Error::FeatureCount`] if the number of features differs, or if rows cannot be read. The next pass of the runs
    /// that took part then examines all rows.
    ///
    /// # Panics
    /// If the number of centroids is not the number of runs of all groups.
    pub fn pass(&mut self, source: &impl RowSource, centroids: &[Option<&Centroids>]) -> Result<(), Error> {
        assert_eq!(centroids.len(), self.sets.len(), "expected centroids for each run of each group");
        for centroids in centroids.iter().flatten() {
            let (expected, found) = (centroids.n_features(), self.n_features);
            if found != expected {
                return Err(Error::FeatureCount { expected, found });
            }
        }
        let mut moved: Vec<Option<&Centroids>> = Vec::new();
        for (set, &centroids) in self.sets.iter_mut().zip(centroids) {
            moved.push(centroids.filter(|centroids| set.moved_to(centroids)));
        }
        let done = self.pass_with(Kernel::detect(), source, &moved);
        if done.is_err() {
            self.forget(&moved);
        }
        done
    }

    fn pass_with(
        &mut self,
        kernel: Kernel,
        source: &impl RowSource,
        centroids: &[Option<&Centroids>],
    ) -> Result<(), Error> {
        if self.projections.is_none() {
            let projections = self.plan(kernel, source, centroids)?;
            for (group, projection) in projections.iter().enumerate().filter(|(_, found)| found.is_some()) {
                self.use_sketches(group, projection.is_some());
            }
            self.projections = Some(projections);
        }
        let (projections, n_runs) = (self.projections.as_deref().unwrap_or_default(), self.n_runs());
        let mut prepared: Vec<Option<Prepared>> = Vec::new();
        for (number, (set, centroids)) in self.sets.iter().zip(centroids).enumerate() {
            prepared.push(centroids.zip(set.0.as_ref()).map(|(centroids, last)| {
                match &projections[number / n_runs] {
                    Some(projection) => Prepared::sketched(kernel, centroids, projection, &last.still),
                    None => Prepared::dense(kernel, centroids, &last.drifts),
                }
            }));
        }
        let nothing = || Found { stats: self.no_stats(centroids), costs: vec![(0, 0); self.n_groups] };
        let found = self.each_chunk(
            || (nothing(), Workspaces::default()),
            |(found, room), chunk| chunk.pass(kernel, source, &prepared, found, room),
        )?;
        let mut costs = vec![(0, 0); self.n_groups];
        for (found, _) in found {
            for (set, stats) in self.sets.iter_mut().zip(found.stats) {
                if let (Some(last), Some(stats)) = (&mut set.0, stats) {
                    last.stats.merge(&stats);
                }
            }
            for (all, (pairs, measured)) in costs.iter_mut().zip(found.costs) {
                *all = (all.0 + pairs, all.1 + measured);
            }
        }
        for (group, (pairs, measured)) in costs.into_iter().enumerate() {
            if pairs > 0 && !pays(kernel, pairs, measured, self.n_features) {
                self.projections.iter_mut().for_each(|projections| projections[group] = None);
                self.use_sketches(group, false);
            }
        }
        Ok(())
    }

    fn n_runs(&self) -> usize {
        self.sets.len() / self.n_groups
    }

    /// Processes all chunks on all threads, each of which has its own workspace.
    fn each_chunk<R: Send>(
        &self,
        room: impl Fn() -> R + Sync,
        work: impl Fn(&mut R, &mut Chunk) -> Result<(), Error> + Sync,
    ) -> Result<Vec<R>, Error> {
        let next = AtomicUsize::new(0);
        let all = rayon::broadcast(|_| {
            let mut room = room();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = self.chunks.get(number) else { break };
                let mut chunk = chunk.lock().expect("no panic while locked");
                let told = self.observer.report(Stage::Pass, chunk.rows.start, self.n_samples);
                if let Err(error) = told.map_err(Error::from).and_then(|()| work(&mut room, &mut chunk)) {
                    next.store(self.chunks.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
            Ok(room)
        });
        all.into_iter().collect()
    }

    fn no_stats(&self, centroids: &[Option<&Centroids>]) -> Vec<Option<PartialStats>> {
        let none = |centroids: &Centroids| PartialStats::new(centroids.n_clusters(), self.n_features);
        centroids.iter().map(|centroids| centroids.map(none)).collect()
    }

    /// The result of the last pass of a set. Run r of group g, with n runs per group, is set g n + r.
    ///
    /// # Panics
    /// If there was no pass.
    #[must_use]
    pub fn stats(&self, set: usize) -> &PartialStats {
        &self.last(set).stats
    }

    fn last(&self, set: usize) -> &Last {
        self.sets[set].0.as_ref().expect("a pass has been made")
    }

    /// For each row of any group, the nearest centroid in the last pass of run `run` of its group.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "no lock is poisoned")]
    pub fn labels(&self, run: usize) -> Vec<u32> {
        let mut labels = Vec::with_capacity(self.n_samples);
        for chunk in &self.chunks {
            let chunk = chunk.lock().expect("no panic while locked");
            labels.resize(chunk.rows.end, NOWHERE);
            for part in &chunk.parts {
                for (&place, &nearest) in part.rows.iter().zip(part.nearest.row(run)) {
                    labels[chunk.rows.start + usize::from(place)] = nearest;
                }
            }
        }
        labels
    }

    /// The rows of a set that are farthest from the centroids of its last pass. Their numbers start with `first`.
    ///
    /// # Errors
    /// If rows cannot be read.
    ///
    /// # Panics
    /// If there was no pass.
    pub fn farthest(&self, source: &impl RowSource, set: usize, first: u64) -> Result<Farthest, Error> {
        let Last { centroids, .. } = self.last(set);
        let n_runs = self.n_runs();
        let (group, run) = (set / n_runs, set % n_runs);
        let none = || (Farthest::new(centroids.n_clusters()), Vec::new());
        let found = self.each_chunk(none, |(farthest, buffer), chunk| {
            let part = &chunk.parts[group];
            if !part.rows.is_empty() {
                let rows = source.rows(chunk.rows.clone(), buffer)?;
                for (&place, &nearest) in part.rows.iter().zip(part.nearest.row(run)) {
                    let number = first + (chunk.rows.start + usize::from(place)) as u64;
                    farthest.offer(centroids, nearest, number, rows.row(place.into()));
                }
            }
            Ok(())
        })?;
        let mut all = Farthest::new(centroids.n_clusters());
        for (farthest, _) in found {
            all.merge(farthest);
        }
        Ok(all)
    }

    /// For each group, the statistics of its rows as a single cluster.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn totals(&self, source: &impl RowSource) -> Result<Vec<PartialStats>, Error> {
        let none = || vec![PartialStats::new(1, self.n_features); self.n_groups];
        let kernel = Kernel::detect();
        let found = self.each_chunk(
            || (none(), Vec::new()),
            |(totals, buffer), chunk| {
                let rows = source.rows(chunk.rows.clone(), buffer)?;
                let bytes = Bytes::new_sequential(rows);
                for (total, part) in totals.iter_mut().zip(&chunk.parts) {
                    for &place in &part.rows {
                        total.add(kernel, 0, bytes.samples(), place.into(), 1);
                    }
                }
                Ok(())
            },
        )?;
        let mut all = none();
        for (totals, _) in found {
            all.iter_mut().zip(&totals).for_each(|(all, total)| all.merge(total));
        }
        Ok(all)
    }

    /// Forgets all passes of the runs that took part in the last one.
    fn forget(&mut self, centroids: &[Option<&Centroids>]) {
        let n_runs = self.n_runs();
        for (number, set) in self.sets.iter_mut().enumerate().filter(|(set, _)| centroids[*set].is_some()) {
            set.0 = None;
            for chunk in &mut self.chunks {
                let part = &mut chunk.get_mut().expect("no panic while locked").parts[number / n_runs];
                part.forget(number % n_runs);
            }
        }
    }
}

impl Set {
    /// Records the new centroids. Returns whether a pass is necessary, which it is not if they are those of the last
    /// pass.
    fn moved_to(&mut self, centroids: &Centroids) -> bool {
        let n_clusters = centroids.n_clusters();
        let Some(last) = &mut self.0 else {
            let stats = PartialStats::new(n_clusters, centroids.n_features());
            let (drifts, still) = (Array2::zeros((1, n_clusters)), vec![false; n_clusters]);
            self.0 = Some(Last { centroids: centroids.clone(), drifts, still, stats });
            return true;
        };
        if last.centroids == *centroids {
            return false;
        }
        let distances: Vec<f64> = last.centroids.movement(centroids).into_iter().map(f64::sqrt).collect();
        drift(last.drifts.row_mut(0), &distances);
        last.still = distances.iter().map(|&distance| distance == 0.0).collect();
        last.centroids.clone_from(centroids);
        true
    }
}
