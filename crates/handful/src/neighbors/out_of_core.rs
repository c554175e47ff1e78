//! Neighbours among points that stay on disk. They are read block by block, and compared with queries that are in
//! memory.

use std::{
    mem,
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use ndarray::{Array2, ArrayView2, s};

use super::{
    Algorithm, Error, Neighbors, StreamedSearch,
    index::{BLOCK_BYTES, SCANNED_BLOCK},
    streamed::Plan,
};
use crate::{
    dataset::{self, RowSource},
    distance::evenly,
    progress::{Observer, Stage},
    sketch::{Basis, LEAST_FEATURES, LEAST_SAMPLES},
};

/// Memory that the process uses before it begins, and what is not counted.
pub(super) const BASE: u64 = 32 << 20;
/// Larger blocks, in bytes, are not faster.
const MOST_BYTES: u64 = 1 << 27;
/// Minimum number of points per block, and of queries at a time, for efficiency. Half as many points can still be
/// sketched.
const LEAST_POINTS: u64 = 2 * LEAST_SAMPLES as u64;
const LEAST_QUERIES: u64 = 4096;
/// Number of bytes per point for a sketch and terms.
const OF_POINT: u64 = 96;
/// Number of bytes per query besides its pixels and neighbours.
const OF_QUERY: u64 = 192;
/// Number of bytes per thread besides its queries' pixels.
const OF_THREAD: u64 = 4 << 20;
/// Number of bytes that are copied at once, so that they stay in cache.
const READ_BYTES: usize = 1 << 20;

/// Searches rows that stay where they are, such as those of [`OnDisk`](crate::dataset::OnDisk).
///
/// Points are read block by block, one block ahead of the search. All queries are in memory if they fit. Otherwise they
/// are split into groups, and the points are read once for each group. The result is the same as that of
/// [`NearestNeighbors`](super::NearestNeighbors), to the bit, in about the same time.
///
/// ```
/// use handful::{
///     dataset::{OnDisk, Split},
///     neighbors::OutOfCore,
/// };
/// use ndarray::array;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("train.csv");
/// std::fs::write(&path, "label,pixel0,pixel1,pixel2,pixel3\n0,0,0,0,0\n1,3,4,0,0\n0,10,0,0,0\n")?;
/// let points = OnDisk::open(&path, Split::Train, &Default::default())?;
/// let queries = array![[4_u8, 4, 0, 0]];
/// let found = OutOfCore::default().memory_limit(1 << 30).kneighbors(&points, &queries.view(), 2)?;
/// assert_eq!((found.indices, found.distances), (array![[1, 0]], array![[1, 32]]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct OutOfCore {
    algorithm: Algorithm,
    memory_limit: Option<u64>,
    observer: Observer,
}

impl OutOfCore {
    /// The search algorithm; the answers are the same.
    #[must_use]
    pub fn algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// The most memory that the process may use, in bytes. Without a limit, it uses some 300 MB in addition to the
    /// queries and their neighbours.
    #[must_use]
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit: Some(bytes), ..self }
    }

    /// Progress callback for the search.
    #[must_use]
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// The `n_neighbors` nearest points of each query, equal to sorting all points by (squared distance, index), in at
    /// most O(`n_queries` · `n_samples` · `n_features`), on all threads of the current rayon pool and one thread that
    /// reads.
    ///
    /// # Errors
    /// If `n_neighbors` is not 1 to `n_samples`, the numbers of features differ, rows cannot be read, the memory limit
    /// is too low, or the observer breaks.
    pub fn kneighbors(
        &self,
        points: &impl RowSource,
        queries: &impl RowSource,
        n_neighbors: usize,
    ) -> Result<Neighbors, Error> {
        let ((n_samples, expected), (_, found)) = (points.shape(), queries.shape());
        if n_neighbors == 0 || n_neighbors > n_samples {
            return Err(Error::NeighborCount { n_neighbors, n_samples });
        }
        if found != expected {
            return Err(Error::FeatureCount { expected, found });
        }
        let parts = self.parts(points.shape(), queries.shape().0, n_neighbors)?;
        self.in_parts(points, queries, n_neighbors, parts)
    }

    /// Searches with the given numbers of points and of queries per block.
    pub(super) fn in_parts(
        &self,
        points: &impl RowSource,
        queries: &impl RowSource,
        n_neighbors: usize,
        parts: Parts,
    ) -> Result<Neighbors, Error> {
        let ((n, _), (m, _)) = (points.shape(), queries.shape());
        let done = AtomicUsize::new(0);
        let tick = |pairs: usize| {
            let done = done.fetch_add(pairs, Ordering::Relaxed) + pairs;
            self.observer.report(Stage::Search, done / n, m)
        };
        self.observer.report(Stage::Search, 0, m)?;
        let mut all = Neighbors {
            distances: Array2::zeros((m, n_neighbors)),
            indices: Array2::zeros((m, n_neighbors)),
        };
        let (mut plan, mut buffer) = (self.plan(points)?, Vec::new());
        for rows in blocks(m, parts.queries) {
            let queries = queries.rows(rows.clone(), &mut buffer)?;
            let mut search = StreamedSearch::new(queries, n_neighbors).plan(plan);
            each_block(points, parts.points, |block| search.offer_with(block, &tick))?;
            let found = (all.distances.slice_mut(s![rows.clone(), ..]), all.indices.slice_mut(s![rows, ..]));
            plan = search.finish_into(found.0, found.1);
        }
        Ok(all)
    }

    /// Takes a sample of all points, because the first ones may be unlike the others.
    fn plan(&self, points: &impl RowSource) -> Result<Plan, Error> {
        let (n, d) = points.shape();
        if self.algorithm == Algorithm::Brute {
            return Ok(Plan::Brute);
        }
        if n < LEAST_SAMPLES || d < LEAST_FEATURES {
            return Ok(Plan::Open { sample: None });
        }
        let rows = evenly(n, Basis::sample_size(n, d));
        let (mut sample, mut buffer) = (Array2::zeros((rows.len(), d)), Vec::new());
        for (mut to, row) in sample.outer_iter_mut().zip(rows) {
            to.assign(&points.rows(row..row + 1, &mut buffer)?.row(0));
        }
        Ok(Plan::Open { sample: Some(sample) })
    }

    /// Number of points and queries in memory at a time.
    fn parts(&self, (n, d): (usize, usize), m: usize, k: usize) -> Result<Parts, Error> {
        let costs = Costs::new((n, d), m, k);
        let [n, d, m] = [n, d, m].map(|x| x as u64);
        let most = (MOST_BYTES / d.max(1)).max(LEAST_POINTS);
        let Some(limit) = self.memory_limit else { return Ok(Parts::new((n, most), (m, m))) };
        let Costs { fixed, of_point, of_query, points, queries } = costs;
        let needed = costs.least();
        if needed > limit {
            let what =
                format!("{m} queries and their neighbours, beside blocks of {points} vectors of {d} bytes");
            return Err(Error::Memory { what, needed, limit });
        }
        let rest = limit - fixed;
        let for_queries = (m * of_query).min((rest / 2).max(queries * of_query));
        let points = ((rest - for_queries) / of_point).clamp(points, most.max(points));
        let queries = (rest - points * of_point) / of_query;
        Ok(Parts::new((n, points), (m, queries)))
    }
}

/// Bytes that a search needs.
pub(super) struct Costs {
    fixed: u64,
    of_point: u64,
    of_query: u64,
    /// Minimum number of points in memory at a time.
    points: u64,
    queries: u64,
}

impl Costs {
    /// For n points with d features, m queries and k neighbours.
    pub(super) fn new((n, d): (usize, usize), m: usize, k: usize) -> Self {
        let sample = if d > 0 { Basis::sample_size(n, d) * d } else { 0 } as u64;
        let [n, d, m, k, threads] = [n, d, m, k, rayon::current_num_threads()].map(|x| x as u64);
        // Neighbours are copied once more when they are written; labels need 4 bytes.
        let of_neighbors = 24 * m * k + 4 * (n + m);
        let of_threads = threads * (OF_THREAD + 2 * (BLOCK_BYTES as u64).min(SCANNED_BLOCK as u64 * d));
        Self {
            fixed: BASE + of_neighbors + of_threads + 12 * sample,
            of_point: 2 * d + OF_POINT,
            of_query: d + OF_QUERY + 32 * k.next_power_of_two(),
            points: n.min(LEAST_POINTS),
            queries: m.min(LEAST_QUERIES),
        }
    }

    /// The minimum number of bytes.
    pub(super) fn least(&self) -> u64 {
        self.fixed + self.points * self.of_point + self.queries * self.of_query
    }
}

/// Numbers of rows in memory at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) points: usize,
    pub(super) queries: usize,
}

impl Parts {
    /// Splits points and queries into as few equal parts as possible, from (number of rows, maximum per part).
    fn new(points: (u64, u64), queries: (u64, u64)) -> Self {
        let alike = |(n, most): (u64, u64)| {
            let rows = n.div_ceil(n.div_ceil(most.max(1)).max(1)).max(1);
            usize::try_from(rows).expect("no more than there are")
        };
        Self { points: alike(points), queries: alike(queries) }
    }
}

/// Splits `n` rows into blocks of `size`.
fn blocks(n: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(size).map(move |first| first..n.min(first + size))
}

/// Processes block after block, while the next one is read.
fn each_block(
    source: &impl RowSource,
    size: usize,
    mut work: impl FnMut(ArrayView2<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (n, d) = source.shape();
    let (mut block, mut ahead) = (Vec::new(), Vec::new());
    read(source, 0..size.min(n), &mut block)?;
    for rows in blocks(n, size) {
        let next = rows.end..n.min(rows.end + size);
        let (done, have_read) = thread::scope(|scope| {
            let reader = scope.spawn(|| read(source, next, &mut ahead));
            let done = work(ArrayView2::from_shape((rows.len(), d), &block).expect("whole rows"));
            (done, reader.join().expect("no panic in reading"))
        });
        done?;
        have_read?;
        mem::swap(&mut block, &mut ahead);
    }
    Ok(())
}

/// Copies rows into the buffer `into`.
fn read(source: &impl RowSource, rows: Range<usize>, into: &mut Vec<u8>) -> Result<(), dataset::Error> {
    let d = source.shape().1;
    into.clear();
    into.reserve_exact(rows.len() * d);
    let mut buffer = Vec::new();
    for some in blocks(rows.len(), (READ_BYTES / d.max(1)).max(1)) {
        let found = source.rows(rows.start + some.start..rows.start + some.end, &mut buffer)?;
        into.extend_from_slice(found.as_slice().expect("rows in standard layout"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
