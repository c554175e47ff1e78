//! Assigns rows to lists: learns centroids from a sample, then finds the list of every row.

use std::{ops::Range, sync::Arc};

use ndarray::{Array2, ArrayView2, Axis};

use super::{Error, InvertedParams, sample::Sample};
use crate::{
    dataset::RowSource,
    distance::{Kernel, Rows, all_shifted_norms, evenly},
    kmeans::{Centroids, DiskOptions, Init, KMeans, KMeansParams},
    neighbors::{
        engine::Searchable,
        sketched::{TestedSketch, trials},
    },
    progress::{Observer, Stage},
    sketch::{LEAST_SAMPLES, Projection},
};

/// Number of rows per list from which the centroids are learned, and number of K-Means iterations.
const ROWS_PER_LIST: usize = 64;
const ITERATIONS: usize = 10;
/// Maximum number of rows on which a sketch is tried; fewer if they would have too many bytes.
const TRIED: usize = 1 << 15;
const TRIED_BYTES: usize = 1 << 25;
/// Number of values of a sketch, for rows with at least this many features. The rows in the nearest lists are near, so a
/// sketch rules out fewer of them. With twice as many values as in a search of everything, a third of them is left to
/// be measured.
const VALUES: usize = 128;
const LEAST_FEATURES: usize = 512;

/// What assigns rows to lists.
pub(super) struct Router {
    kmeans: KMeans,
    /// The centroids of the lists, rounded to bytes, so that queries are compared with them as quickly as with rows.
    pub(super) centroids: Array2<u8>,
    pub(super) projection: Option<Arc<Projection>>,
}

/// The list of each row.
pub(super) struct Division {
    pub(super) labels: Vec<u32>,
    /// Index of the first row of each list, and the end of the last list.
    pub(super) starts: Vec<usize>,
}

impl InvertedParams {
    /// The K-Means that creates `n_lists` lists.
    pub(super) fn kmeans(&self, n_lists: usize) -> KMeansParams {
        KMeans::params(n_lists)
            .init(Init::Random)
            .max_iter(ITERATIONS)
            .seed(self.seed)
            .observer(self.observer.clone())
    }
}

/// The rows from which the centroids of `n_lists` lists are learned.
pub(super) fn sample<S: RowSource>(rows: &S, n_lists: usize) -> Sample<'_, S> {
    let n = rows.shape().0;
    Sample { rows, numbers: evenly(n, n.min(n_lists.saturating_mul(ROWS_PER_LIST))) }
}

/// The number of rows of this shape on which a sketch is tried.
pub(super) fn tried((n_samples, n_features): (usize, usize)) -> usize {
    n_samples.min((TRIED_BYTES / n_features.max(1)).clamp(LEAST_SAMPLES, TRIED))
}

impl Router {
    /// Learns `n_lists` lists. The sample is read into memory, unless K-Means is to make passes over it, which gives
    /// the same result.
    pub(super) fn learn(
        params: &InvertedParams,
        n_lists: usize,
        rows: &impl RowSource,
        passes: Option<&DiskOptions>,
    ) -> Result<Self, Error> {
        let (sample, kmeans) = (sample(rows, n_lists), params.kmeans(n_lists));
        let kmeans = match passes {
            None => kmeans.fit(rows.select_rows(&sample.numbers)?.view())?,
            Some(passes) => kmeans.fit_on_disk(&sample, passes)?,
        };
        let tried = evenly(rows.shape().0, tried(rows.shape()));
        let projection = projection(rows.select_rows(&tried)?.view());
        let centroids = kmeans.centroids.to_bytes();
        let whole = Centroids::from_sums(centroids.mapv(u64::from), vec![1; n_lists])?;
        let kmeans = KMeans { centroids: whole, labels: Vec::new(), cluster_sizes: Vec::new(), ..kmeans };
        Ok(Self { kmeans, centroids, projection })
    }

    /// Finds the list of every row, batch by batch.
    pub(super) fn divide(
        &self,
        rows: &impl RowSource,
        batch: usize,
        observer: &Observer,
    ) -> Result<Division, Error> {
        let n_lists = self.centroids.nrows();
        let (mut labels, mut starts) = (Vec::with_capacity(rows.shape().0), vec![0; n_lists + 1]);
        batches(rows, batch, observer, |_, batch| {
            labels.extend(self.kmeans.predict(batch)?);
            Ok(())
        })?;
        for &label in &labels {
            starts[label as usize + 1] += 1;
        }
        (0..n_lists).for_each(|list| starts[list + 1] += starts[list]);
        Ok(Division { labels, starts })
    }
}

/// The projection on the principal components of some rows, if sketches of such rows are worthwhile.
fn projection(rows: ArrayView2<u8>) -> Option<Arc<Projection>> {
    let kernel = Kernel::detect();
    let (terms, trials) = (all_shifted_norms(rows), rows.select(Axis(0), &trials(rows.nrows())));
    let pairs = u8::pairs(kernel, Rows::new(rows), &terms, &(), Rows::new(trials.view()));
    let tried = TestedSketch::new(kernel, rows, &pairs, u8::EXACT_COST, rows)?;
    if rows.ncols() < LEAST_FEATURES {
        return Some(Arc::clone(tried.sketch().projection()));
    }
    Projection::with_values(kernel, rows, VALUES).map(Arc::new)
}

/// All rows, batch by batch, with their numbers.
pub(super) fn batches(
    rows: &impl RowSource,
    batch: usize,
    observer: &Observer,
    mut work: impl FnMut(Range<usize>, ArrayView2<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (n, mut buffer) = (rows.shape().0, Vec::new());
    for first in (0..n).step_by(batch) {
        observer.report(Stage::Pass, first, n)?;
        let range = first..n.min(first + batch);
        work(range.clone(), rows.rows(range, &mut buffer)?)?;
    }
    Ok(observer.report(Stage::Pass, n, n)?)
}
