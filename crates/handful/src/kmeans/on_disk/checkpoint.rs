//! The state of a job of many passes, in a file from which the job can resume.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use ndarray::{Array2, ArrayView1, Axis, concatenate, s};
use serde::{Deserialize, Serialize};

use crate::{
    kmeans::{Centroids, Error, LloydRun, PartialStats, lloyd::state::LloydState},
    tensor_file::{self, Reader, Writer, sealed},
};

const KEY: &str = "handful.kmeans";
/// Maximum number of bytes of a file besides its numbers: names, the job, and some per run.
const REST: u64 = 1 << 20;
const REST_OF_RUN: u64 = 256;

/// What identifies a job: a job can resume from the checkpoint of an identical one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::kmeans) struct Identity {
    pub(in crate::kmeans) n_clusters: usize,
    pub(in crate::kmeans) n_features: usize,
    pub(in crate::kmeans) n_samples: usize,
    /// `k-means++`, `random`, or a checksum of the centroids given.
    pub(in crate::kmeans) init: String,
    pub(in crate::kmeans) n_init: usize,
    pub(in crate::kmeans) max_iter: usize,
    pub(in crate::kmeans) tol: f64,
    pub(in crate::kmeans) seed: u64,
    /// Number of images of each class that is clustered on its own; one number if all are clustered together.
    pub(in crate::kmeans) groups: Vec<usize>,
    /// A checksum of some of the rows.
    pub(in crate::kmeans) data: String,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    job: Identity,
    runs: Vec<Run>,
}

#[derive(Serialize, Deserialize)]
struct Run {
    tol: f64,
    n_iter: usize,
    converged: bool,
    ended: bool,
    has_stats: bool,
}

/// The checkpoint file of a job.
pub(in crate::kmeans) struct Checkpoint {
    path: PathBuf,
    job: Identity,
}

impl Checkpoint {
    pub(in crate::kmeans) fn new(path: &Path, job: Identity) -> Self {
        Self { path: path.to_owned(), job }
    }

    fn n_runs(&self) -> usize {
        self.job.groups.len() * self.job.n_init
    }

    /// Number of bytes of the file's arrays: centroids and statistics, which consist of sums, counts and, for the
    /// statistics, squares.
    pub(in crate::kmeans) fn size(&self) -> u64 {
        let clusters = (self.n_runs() as u64).saturating_mul(self.job.n_clusters as u64);
        clusters.saturating_mul((2 * self.job.n_features as u64 + 4) * 8)
    }

    /// Checks before any work that the file exists, or can be created.
    pub(in crate::kmeans) fn check_place(&self) -> Result<(), Error> {
        let place = File::options().append(true).create(true).open(self.partial());
        place.map(|_| ()).map_err(|error| self.problem(format!("cannot be written: {error}")))
    }

    /// Where the next checkpoint is written; a later save replaces what a killed process leaves there.
    fn partial(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        self.path.with_file_name(name)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.partial())?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(self.partial(), &self.path)
    }

    /// Writes the runs. The file is always either the previous or the new one.
    pub(in crate::kmeans) fn save(&self, runs: &[LloydRun]) -> Result<(), Error> {
        let nothing = PartialStats::new(self.job.n_clusters, self.job.n_features);
        let stats: Vec<&PartialStats> =
            runs.iter().map(|run| run.stats.as_ref().unwrap_or(&nothing)).collect();
        let joined = |parts: Vec<&Array2<u64>>| {
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            concatenate(Axis(0), &views).expect("all have as many features")
        };
        let mut tensors = Writer::default();
        let mut put = |name: &str, values: Vec<u64>| tensors.put(name.to_owned(), ArrayView1::from(&values));
        put("counts", runs.iter().flat_map(|run| run.centroids().counts.clone()).collect());
        put("stats.counts", stats.iter().flat_map(|stats| stats.counts.clone()).collect());
        let squares = || stats.iter().flat_map(|stats| stats.squares.iter());
        #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
        put("stats.squares.low", squares().map(|&square| square as u64).collect());
        put("stats.squares.high", squares().map(|&square| (square >> 64) as u64).collect());
        tensors.put("sums".to_owned(), joined(runs.iter().map(|run| &run.centroids().sums).collect()).view());
        tensors.put("stats.sums".to_owned(), joined(stats.iter().map(|stats| &stats.sums).collect()).view());
        let runs = runs.iter().map(|run| Run {
            tol: run.state.tol,
            n_iter: run.state.n_iter,
            converged: run.state.converged,
            ended: run.state.ended,
            has_stats: run.stats.is_some(),
        });
        let metadata = Metadata { job: self.job.clone(), runs: runs.collect() };
        let json = serde_json::to_string(&metadata).map_err(|error| self.problem(error.to_string()))?;
        let bytes =
            sealed::seal(KEY, &json, &tensors.finish()).map_err(|error| self.problem(error.to_string()))?;
        self.write(&bytes).map_err(|error| self.problem(format!("cannot be written: {error}")))
    }

    /// The saved runs; `None` if there is no file yet.
    pub(in crate::kmeans) fn load(&self) -> Result<Option<Vec<LloydRun>>, Error> {
        let cannot = |error: io::Error| self.problem(format!("cannot be read: {error}"));
        let found = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found.map_err(cannot)?,
        };
        if !found.is_file() {
            return Err(self.problem("expected a regular file, found a folder or a device".to_owned()));
        }
        let other = || {
            self.problem(
                "this is not a checkpoint of this job: name another file, or delete this one".to_owned(),
            )
        };
        let damaged = |error: tensor_file::Error| {
            self.problem(format!(
                "this is not a complete checkpoint of K-Means ({error}): delete it to start from the beginning"
            ))
        };
        let most = self.size().saturating_add(REST + REST_OF_RUN * self.n_runs() as u64);
        let mut bytes = Vec::new();
        crate::dataset::open(&self.path)
            .map_err(cannot)?
            .take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(cannot)?;
        if bytes.len() as u64 > most {
            return Err(other());
        }
        let entry = sealed::metadata(KEY, &bytes).map_err(damaged)?.ok_or_else(other)?;
        let (json, tensors) = sealed::open(&entry, &bytes).map_err(damaged)?;
        let Metadata { job, runs } = serde_json::from_str(&json)
            .map_err(|error| damaged(tensor_file::Error::Content(error.to_string())))?;
        if job != self.job || runs.len() != self.n_runs() {
            return Err(other());
        }
        self.runs(&tensors, &runs).map(Some).map_err(damaged)
    }

    fn runs(&self, tensors: &Reader, runs: &[Run]) -> Result<Vec<LloydRun>, tensor_file::Error> {
        let (k, d) = (self.job.n_clusters, self.job.n_features);
        let n = runs.len() * k;
        let numbers = |name: &str| tensors.array1::<u64>(name, Some(n));
        let sums = |name: &str| tensors.array2::<u64>(name, [Some(n), Some(d)]);
        let (counts, stats_counts) = (numbers("counts")?, numbers("stats.counts")?);
        let (low, high) = (numbers("stats.squares.low")?, numbers("stats.squares.high")?);
        let (sums, stats_sums) = (sums("sums")?, sums("stats.sums")?);
        let content = |error: Error| tensor_file::Error::Content(error.to_string());
        let of_run = |(number, run): (usize, &Run)| {
            let rows = s![number * k..(number + 1) * k, ..];
            let range = number * k..(number + 1) * k;
            let part = |values: &ndarray::Array1<u64>| values.slice(s![range.clone()]).to_vec();
            let centroids =
                Centroids::from_sums(sums.slice(rows).to_owned(), part(&counts)).map_err(content)?;
            let squares = part(&low).into_iter().zip(part(&high));
            let squares = squares.map(|(low, high)| u128::from(high) << 64 | u128::from(low)).collect();
            let stats =
                PartialStats::from_parts(part(&stats_counts), stats_sums.slice(rows).to_owned(), squares)
                    .map_err(content)?;
            let &Run { tol, n_iter, converged, ended, has_stats } = run;
            let state = LloydState { centroids, max_iter: self.job.max_iter, tol, n_iter, converged, ended };
            let steps = LloydRun { state, stats: has_stats.then_some(stats) };
            let n = self.job.groups[number / self.job.n_init];
            if steps.makes_sense(n as u64) {
                Ok(steps)
            } else {
                Err(tensor_file::Error::Content(format!("the progress of run {number} is impossible")))
            }
        };
        runs.iter().enumerate().map(of_run).collect()
    }

    fn problem(&self, problem: String) -> Error {
        Error::Checkpoint { path: self.path.clone(), problem }
    }
}
