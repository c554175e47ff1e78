//! K-Means on rows that stay where they are, for example in a file: seeded from some of them, then pass by pass.

pub(super) mod checkpoint;
pub(super) mod row_assignments;

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::{Centroids, Error, Farthest, Init, KMeans, KMeansParams, LloydRun, Prototypes, RowAssignments};
#[cfg(feature = "training")]
use crate::dataset::OnDisk;
use crate::{
    dataset::RowSource,
    distance::evenly,
    kmeans::{
        on_disk::{
            checkpoint::{Checkpoint, Identity},
            row_assignments::CHUNK_BYTES,
        },
        seeding::n_trials,
    },
    progress::Stage,
    tensor_file::hex,
};

/// Memory that the process uses before it begins, and what is not counted.
const BASE: u64 = 32 << 20;
/// Number of bytes of a row's sketch.
const SKETCH_BYTES: u64 = 80;
/// Number of rows in a job's checksum.
const CHECKED_ROWS: usize = 256;

/// Options for passes over rows on disk.
#[derive(Clone, Debug, Default)]
pub struct DiskOptions {
    memory_limit: Option<u64>,
    checkpoint: Option<PathBuf>,
}

impl DiskOptions {
    /// The most memory that the process may use, in bytes; no limit unless set.
    #[must_use]
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit: Some(bytes), ..self }
    }

    /// A file that stores the state of the job after each pass. If it exists, the job resumes from it.
    #[must_use]
    pub fn checkpoint(self, path: impl Into<PathBuf>) -> Self {
        Self { checkpoint: Some(path.into()), ..self }
    }

    /// Checks that `bytes` fit into the limit.
    pub(crate) fn check(&self, bytes: u64, what: &str) -> Result<(), Error> {
        let needed = BASE.saturating_add(bytes);
        match self.memory_limit {
            Some(limit) if needed > limit => Err(Error::Memory { what: what.to_owned(), needed, limit }),
            _ => Ok(()),
        }
    }
}

/// A job over groups of rows, each of which is clustered on its own.
struct Groups<'a, S> {
    params: &'a KMeansParams,
    data: &'a S,
    /// The group of each row, if there are several groups.
    of_rows: Option<Vec<u32>>,
    /// For each group, its number of rows, and the random stream and the parameters of its class.
    all: Vec<(usize, u32, KMeansParams)>,
}

impl KMeansParams {
    /// [`fit`](Self::fit) on rows that stay on disk: the same bits, in less memory. It needs about 30 bytes per row,
    /// and 8 more for each further run, in addition to two copies of the rows that seeding looks at, and to the sums of
    /// each cluster. With many clusters it needs 80 bytes per row more for sketches, if they fit into the limit.
    ///
    /// All runs advance together; each pass reads the rows that may have changed their nearest centroid.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); if rows cannot be read, the memory limit is too low, or the checkpoint belongs to another
    /// job.
    #[doc(hidden)]
    pub fn fit_on_disk(&self, data: &impl RowSource, passes: &DiskOptions) -> Result<KMeans, Error> {
        self.check_for(data.shape(), data.shape().0)?;
        let mut found = Groups::together(self, data).fit(passes)?;
        Ok(found.pop().expect("one group"))
    }

    /// Number of bytes that [`fit_on_disk`](Self::fit_on_disk) needs, without a checkpoint.
    pub(crate) fn memory_on_disk(&self, data: &impl RowSource) -> u64 {
        BASE.saturating_add(Groups::together(self, data).memory(None).0)
    }

    /// [`fit_per_class`](Self::fit_per_class) on rows that stay on disk, as in [`fit_on_disk`](Self::fit_on_disk). The
    /// classes are those that occur.
    ///
    /// # Errors
    /// As both; if there are no labels.
    #[cfg(feature = "training")]
    #[doc(hidden)]
    pub fn fit_per_class_on_disk(&self, data: &OnDisk, passes: &DiskOptions) -> Result<Prototypes, Error> {
        let (labels, names) = data.labelled()?;
        let counts = data.class_counts();
        // All of these occur.
        let classes: Vec<u32> = (0..).take(names.len()).collect();
        let with_counts: Vec<(u32, usize)> = classes.iter().copied().zip(counts.iter().copied()).collect();
        let params = self.for_classes(&with_counts, names, data.shape().1)?;
        let all = counts.into_iter().zip(classes.clone()).zip(params);
        let all = all.map(|((n, class), params)| (n, class, params)).collect();
        let of_rows = Some(labels.to_vec());
        let found = Groups { params: self, data, of_rows, all }.fit(passes)?;
        Prototypes::new(found, &classes, (data.image_shape(), names), labels)
    }
}

impl<'a, S: RowSource> Groups<'a, S> {
    /// All rows as one group.
    fn together(params: &'a KMeansParams, data: &'a S) -> Self {
        Self { params, data, of_rows: None, all: vec![(data.shape().0, 0, params.clone())] }
    }

    fn fit(&self, passes: &DiskOptions) -> Result<Vec<KMeans>, Error> {
        let (params, n_runs) = (self.params, self.params.n_runs());
        params.check_values()?;
        let checkpoint = match &passes.checkpoint {
            Some(path) => Some(Checkpoint::new(path, self.job()?)),
            None => None,
        };
        let (needed, what) = self.memory(checkpoint.as_ref());
        passes.check(needed, &what)?;
        let sketches = self.memory_of_sketches();
        let is_sketched = passes.check(needed.saturating_add(sketches), "sketches").is_ok();
        let saved = checkpoint.as_ref().map_or(Ok(None), Checkpoint::load)?;
        checkpoint.as_ref().map_or(Ok(()), Checkpoint::check_place)?;
        let shard = RowAssignments::new(self.data, self.of_rows.as_deref(), self.all.len(), n_runs);
        let shard = shard.sketched_passes(if is_sketched { params.sketched_steps() } else { 0 });
        let mut shard = shard.observer(params.observer.clone());
        let mut runs = match saved {
            Some(runs) => runs,
            None => self.start(&shard)?,
        };
        if let Some(checkpoint) = &checkpoint {
            checkpoint.save(&runs)?;
        }
        params.observer.report(Stage::Lloyd, 0, params.max_iter)?;
        while runs.iter().any(|run| !run.has_ended()) {
            // The beginning and the end are each reported once, outside this loop.
            let n_iter = runs.iter().map(LloydRun::n_iter).max().unwrap_or(0);
            if (1..params.max_iter).contains(&n_iter) {
                params.observer.report(Stage::Lloyd, n_iter, params.max_iter)?;
            }
            self.step(&mut shard, &mut runs)?;
            if let Some(checkpoint) = &checkpoint {
                checkpoint.save(&runs)?;
            }
        }
        // Runs that have ended according to a checkpoint have not seen any rows yet.
        shard.pass(self.data, &runs.iter().map(|run| Some(run.centroids())).collect::<Vec<_>>())?;
        params.observer.report(Stage::Lloyd, params.max_iter, params.max_iter)?;
        let is_other = |(set, run): (usize, &LloydRun)| run.stats.as_ref() != Some(shard.stats(set));
        if let Some(path) = passes.checkpoint.as_ref().filter(|_| runs.iter().enumerate().any(is_other)) {
            let problem =
                "this checkpoint was written for other images: delete it to start from the beginning";
            return Err(Error::Checkpoint { path: path.clone(), problem: problem.to_owned() });
        }
        Ok(self.best(&shard, runs))
    }

    /// One pass for all runs that have not ended.
    fn step(&self, shard: &mut RowAssignments, runs: &mut [LloydRun]) -> Result<(), Error> {
        let wanted: Vec<Option<&Centroids>> =
            runs.iter().map(|run| (!run.has_ended()).then(|| run.centroids())).collect();
        shard.pass(self.data, &wanted)?;
        for (set, run) in runs.iter_mut().enumerate().filter(|(_, run)| !run.has_ended()) {
            let stats = shard.stats(set).clone();
            let farthest = if run.wants_farthest(&stats) {
                shard.farthest(self.data, set, 0)?
            } else {
                Farthest::default()
            };
            run.step(stats, &farthest)?;
        }
        Ok(())
    }

    /// The starts of all runs.
    fn start(&self, shard: &RowAssignments) -> Result<Vec<LloydRun>, Error> {
        let params = self.params;
        let totals = if params.tol > 0.0 { Some(shard.totals(self.data)?) } else { None };
        let mut runs = Vec::new();
        for (group, (n, stream, of_group)) in self.all.iter().enumerate() {
            let tol = totals.as_ref().map_or(0.0, |totals| params.tol * totals[group].mean_variance());
            for run in 0..params.n_runs() {
                let centroids = if let Init::Given(places) = &of_group.init {
                    Centroids::from_f64(places)?
                } else {
                    let start = of_group.start(*n, *stream, run)?;
                    let rows = self.data.select_rows(&self.rows_of(group, start.rows()))?;
                    start.centroids(rows.view(), &params.observer)?
                };
                runs.push(LloydRun::new(centroids, params.max_iter, tol));
            }
        }
        Ok(runs)
    }

    /// Rows by their position in a group.
    fn rows_of(&self, group: usize, places: &[usize]) -> Vec<usize> {
        let Some(groups) = &self.of_rows else { return places.to_vec() };
        let rows: Vec<usize> = (0..groups.len()).filter(|&row| groups[row] as usize == group).collect();
        places.iter().map(|&place| rows[place]).collect()
    }

    /// For each group, the run with the lowest inertia; on ties the first.
    fn best(&self, shard: &RowAssignments, runs: Vec<LloydRun>) -> Vec<KMeans> {
        let (n_groups, n_runs) = (self.all.len(), self.params.n_runs());
        let mut best: Vec<(usize, f64)> = Vec::new();
        for runs in runs.chunks(n_runs) {
            let inertias = runs.iter().map(LloydRun::inertia).enumerate();
            best.push(inertias.min_by(|(_, a), (_, b)| a.total_cmp(b)).expect("at least one run"));
        }
        let mut labels: Vec<Vec<u32>> = self.all.iter().map(|(n, ..)| Vec::with_capacity(*n)).collect();
        for run in 0..n_runs {
            if best.iter().any(|(best, _)| *best == run) {
                for (row, label) in shard.labels(run).into_iter().enumerate() {
                    let group = self.of_rows.as_ref().map_or(0, |groups| groups[row] as usize);
                    if best[group].0 == run {
                        labels[group].push(label);
                    }
                }
            }
        }
        let mut runs: Vec<Option<LloydRun>> = runs.into_iter().map(Some).collect();
        (0..n_groups)
            .zip(labels)
            .map(|(group, labels)| {
                let (run, inertia) = best[group];
                let run = runs[group * n_runs + run].take().expect("taken once");
                let (cluster_sizes, n_iter) = (run.cluster_sizes().to_vec(), run.n_iter());
                KMeans { centroids: run.state.centroids, labels, cluster_sizes, inertia, n_iter }
            })
            .collect()
    }

    /// What identifies a checkpoint.
    fn job(&self) -> Result<Identity, Error> {
        let (n_samples, n_features) = self.data.shape();
        let (params, mut hash) = (self.params, Sha256::new());
        let rows = self.data.select_rows(&evenly(n_samples, CHECKED_ROWS.min(n_samples)))?;
        rows.iter().for_each(|&x| hash.update([x]));
        self.of_rows.iter().flatten().for_each(|group| hash.update(group.to_le_bytes()));
        let init = match &params.init {
            Init::KMeansPlusPlus => "k-means++".to_owned(),
            Init::Random => "random".to_owned(),
            Init::Given(places) => {
                let mut hash = Sha256::new();
                places.iter().for_each(|place| hash.update(place.to_le_bytes()));
                hex(&hash.finalize())
            }
        };
        Ok(Identity {
            n_clusters: params.n_clusters,
            n_features,
            n_samples,
            init,
            n_init: params.n_runs(),
            max_iter: params.max_iter,
            tol: params.tol,
            seed: params.seed,
            groups: self.all.iter().map(|(n, ..)| *n).collect(),
            data: hex(&hash.finalize()),
        })
    }

    /// Number of bytes of the sketches of all rows, without which the job is slower.
    fn memory_of_sketches(&self) -> u64 {
        let (n, n_runs) = (self.data.shape().0 as u64, self.params.n_runs() as u64);
        n.saturating_mul(SKETCH_BYTES + size_of::<i64>() as u64 * n_runs)
    }

    /// Number of bytes of everything except sketches, and what needs most of them.
    fn memory(&self, checkpoint: Option<&Checkpoint>) -> (u64, String) {
        let number = |n: usize| n as u128;
        let ((n, d), k) = (self.data.shape(), number(self.params.n_clusters));
        let (n, d, n_runs) = (number(n), number(d), number(self.params.n_runs()));
        let (n_sets, threads) = (number(self.all.len()) * n_runs, number(rayon::current_num_threads()));
        let largest = self.all.iter().map(|(n, ..)| *n).max().unwrap_or(0);
        // Per row: the label twice, its position, what each run knows of it, and finally its nearest centroid.
        let of_rows = n * (4 + 4 + 2 + 8 * n_runs + 16);
        // Per cluster, sums of eight bytes per feature: the centroids and the statistics, both also of the last pass,
        // and those of each thread.
        let of_sets = n_sets * k * d * (8 * (5 + threads) + 4) + threads * 3 * number(CHUNK_BYTES);
        let of_file = checkpoint.map_or(0, |checkpoint| 3 * u128::from(checkpoint.size()));
        let places = if self.of_rows.is_some() { 24 * number(largest) } else { 0 };
        let of_seeds = match self.params.init {
            Init::KMeansPlusPlus => {
                let seeds = largest.min(self.params.most_seeding_rows());
                let each = 2 * d + 8 * (number(n_trials(self.params.n_clusters)) + 5);
                number(seeds) * each + places + n_sets * k * d * 8
            }
            Init::Random => k * d + places,
            Init::Given(_) => 0,
        };
        let parts = [
            (of_rows, format!("{n} rows")),
            (of_sets + of_file, format!("{} clusters of {d} features", n_sets * k)),
            (
                of_seeds,
                "the rows that k-means++ chooses from (random starts need no memory for this)".to_owned(),
            ),
        ];
        let (_, what) = parts.into_iter().max_by_key(|(bytes, _)| *bytes).expect("three parts");
        let needed = of_rows + of_seeds.max(of_sets + of_file);
        (u64::try_from(needed).unwrap_or(u64::MAX), what)
    }
}

#[cfg(test)]
mod tests;
