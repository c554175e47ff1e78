//! The memory needed to create an index in a file, and to search it.

use super::{BLOCK, BLOCK_BYTES, BLOCK_PROBES, Error, InvertedIndex, InvertedParams, lists, recall, router};
use crate::{
    dataset::RowSource,
    kmeans::DiskOptions,
    neighbors::{
        self,
        out_of_core::{BASE, Costs},
    },
    sketch::Basis,
};

/// Maximum number of rows per batch, their maximum number of bytes, and the minimum number that is worthwhile.
const BATCH: usize = 1 << 18;
const BATCH_BYTES: usize = 1 << 28;
const LEAST_BATCH: usize = 4096;
/// Number of bytes per row besides its pixels, while its list is searched for, and while lists are created.
const OF_ROW: u64 = 128;
/// Number of bytes per list besides its centroid, and per query for each list that it probes.
const OF_LIST: u64 = 128;
const OF_PROBE: u64 = 64;

/// How an index is created within a limit.
pub(super) struct Plan {
    /// `Some` if the sample from which centroids are learned does not fit.
    pub(super) passes: Option<DiskOptions>,
    /// Number of rows per batch.
    pub(super) batch: usize,
    /// The memory limit of the search that measures the recall.
    pub(super) search: Option<u64>,
}

/// Number of rows per batch without a memory limit.
pub(super) fn batch(n_features: usize) -> usize {
    (BATCH_BYTES / n_features.max(1)).clamp(1, BATCH)
}

/// Number of bytes of an index without its rows: for each centroid, the sums with which rows are compared, its bytes,
/// and a sketch.
fn of_lists(n_lists: u64, n_features: u64) -> u64 {
    n_lists * (24 * n_features + OF_LIST)
}

/// Number of bytes of the parts of lists that threads read at a time, with their sketches.
fn of_parts() -> u64 {
    2 * (rayon::current_num_threads() * lists::PART_BYTES) as u64
}

fn check(needed: u64, limit: u64, what: impl FnOnce() -> String) -> Result<(), Error> {
    if needed <= limit {
        return Ok(());
    }
    Err(neighbors::Error::Memory { what: what(), needed, limit }.into())
}

impl Plan {
    /// For rows that may have a label each.
    pub(super) fn new(
        params: &InvertedParams,
        n_lists: usize,
        rows: &impl RowSource,
        limit: Option<u64>,
    ) -> Result<Self, Error> {
        let shape = rows.shape();
        let most = batch(shape.1);
        let Some(limit) = limit else { return Ok(Self { passes: None, batch: most, search: None }) };
        let (sample, n_queries) = (router::sample(rows, n_lists), recall::RECALL_QUERIES.min(shape.0));
        let tried = router::tried(shape) as u64;
        let [n, d, k, threads] = [shape.0, shape.1, n_lists, rayon::current_num_threads()].map(|x| x as u64);
        // Per row, the label and the list. Per cluster, sums, twice, and those of each thread, of which the allocator
        // keeps some.
        let (labels, lists, of_row) = (8 * n, of_lists(k, d) + 16 * k * d, d + OF_ROW);
        let clusters = sample.shape().0 as u64 * (d + of_row) + k * d * (8 * (5 + threads) + 4);
        let in_memory = BASE + labels + clusters;
        let in_passes = labels + params.kmeans(n_lists).memory_on_disk(&sample);
        let held = BASE + labels + lists;
        let least = n.min(LEAST_BATCH.min(most) as u64);
        let components = 12 * d * Basis::sample_size(shape.0, shape.1) as u64;
        let recall = labels + lists + Costs::new(shape, n_queries, recall::RECALL_NEIGHBORS + 1).least();
        let steps = [
            in_memory.min(in_passes),
            held + tried * of_row + components,
            held + (least * of_row).max(of_parts()).max(recall::ORDERED as u64 * OF_PROBE),
            recall,
        ];
        let needed = steps.into_iter().max().expect("four steps");
        check(needed, limit, || format!("{n_lists} lists of {n} vectors of {d} bytes"))?;
        let fitting = usize::try_from((limit - held) / of_row).unwrap_or(most);
        Ok(Self {
            passes: (in_memory > limit).then(DiskOptions::default),
            batch: fitting.clamp(1, most),
            search: Some(limit - labels - lists),
        })
    }
}

impl InvertedIndex {
    /// Number of queries, out of `m`, that each thread searches for together.
    pub(super) fn queries_together(&self, m: usize, (k, n_probe): (usize, usize)) -> Result<usize, Error> {
        let threads = rayon::current_num_threads();
        let (n_lists, n_features) = (self.n_lists(), self.n_features());
        let mut most = BLOCK.min(BLOCK_BYTES / n_features.max(1)).min(BLOCK_PROBES / n_probe).max(1);
        if let Some(limit) = self.memory_limit {
            let [m, k, d, n_probe] = [m, k, n_features, n_probe].map(|x| x as u64);
            // The results are transposed, and copied once more when they are written.
            let found = m * (64 + 96 * k);
            let fixed = BASE + of_lists(n_lists as u64, d) + found + of_parts();
            let of_query = threads as u64 * (3 * (d + OF_ROW) + 64 * k + OF_PROBE * n_probe);
            check(fixed + of_query, limit, || {
                format!("{m} queries and their neighbours in {n_lists} lists")
            })?;
            most = most.min(usize::try_from((limit - fixed) / of_query).unwrap_or(most));
        }
        Ok(m.div_ceil(m.div_ceil(most).next_multiple_of(threads).max(1)).max(1))
    }
}
