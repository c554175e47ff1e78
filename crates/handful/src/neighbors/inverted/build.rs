//! How an inverted index is made: centroids of a sample, then every row to the list of its nearest one.

use std::{ops::Range, sync::Arc};

use ndarray::{Array2, ArrayView2, Axis, s};

use super::{
    Error, InvertedIndex, InvertedParams, Recall,
    lists::{Lists, Place},
};
use crate::{
    dataset::RowSource,
    distance::{Level, with_kernel},
    kmeans::{Centroids, Init, KMeans},
    neighbors::{
        Algorithm, NearestNeighbors,
        engine::{Searchable, all_terms},
        evenly,
        sketch::{self, Projection, Sketch, Tried},
    },
    progress::{Observer, Stage},
};

/// Rows for each list that the centroids are learned from, and iterations of K-Means.
const ROWS_PER_LIST: usize = 128;
const ITERATIONS: usize = 10;
/// Rows that are taken at a time, and the most bytes of them.
const BATCH: usize = 1 << 18;
const BATCH_BYTES: usize = 1 << 28;
/// Rows of which the recall is measured, and how many neighbours of each.
const RECALL_QUERIES: usize = 1000;
const RECALL_NEIGHBORS: usize = 3;
/// Values of a sketch, for rows of so many features at least: what is in the nearest lists is near, and twice the values that
/// tell it apart in a search of everything leave a third of it to be measured.
const VALUES: usize = 128;
const LEAST_FEATURES: usize = 512;
/// The most pairs of query and list that are ordered at a time.
const ORDERED: usize = 1 << 22;

impl InvertedParams {
    /// An index of rows, shape (n, `n_features`), which it copies: in memory, or where they are on disk.
    ///
    /// O(n · `n_lists` · `n_features`) at most, on all threads of the current rayon pool.
    ///
    /// # Errors
    /// If a parameter makes no sense for the rows, they cannot be read, or the observer breaks.
    #[expect(clippy::missing_panics_doc, reason = "rows come contiguous, and all are there")]
    pub fn fit(&self, rows: &impl RowSource) -> Result<InvertedIndex, Error> {
        let (n_samples, n_features) = rows.shape();
        let n_lists = self.checked_lists(n_samples)?;
        let sample = select(rows, &evenly(n_samples, n_samples.min(n_lists.saturating_mul(ROWS_PER_LIST))))?;
        let kmeans = KMeans::params(n_lists)
            .init(Init::Random)
            .max_iter(ITERATIONS)
            .seed(self.seed)
            .observer(self.observer.clone())
            .fit(sample.view())?;
        // Lists are those of centroids rounded to bytes, which queries are compared with as quickly as with rows.
        let centroids = kmeans.centroids.to_bytes();
        let level = Level::detect();
        let projection = projection(level, sample.view());
        let ones = vec![1; n_lists];
        let whole = Centroids::from_sums(centroids.mapv(u64::from), ones)?;
        let router = KMeans { centroids: whole, labels: Vec::new(), cluster_sizes: Vec::new(), ..kmeans };
        drop(sample);

        let mut labels = Vec::with_capacity(n_samples);
        batches(rows, &self.observer, |_, batch| {
            labels.extend(router.predict(batch)?);
            Ok(())
        })?;
        let mut starts = vec![0; n_lists + 1];
        for &label in &labels {
            starts[label as usize + 1] += 1;
        }
        (0..n_lists).for_each(|list| starts[list + 1] += starts[list]);

        let mut next = starts.clone();
        let (mut indices, mut placed) = (vec![0; n_samples], vec![0; n_samples * n_features]);
        batches(rows, &self.observer, |range, batch| {
            for (index, row) in range.zip(batch.outer_iter()) {
                let to = &mut next[labels[index] as usize];
                indices[*to] = index as u64;
                placed[*to * n_features..][..n_features].copy_from_slice(row.to_slice().expect("contiguous"));
                *to += 1;
            }
            Ok(())
        })?;
        let all = ArrayView2::from_shape((n_samples, n_features), &placed).expect("all rows");
        let terms = all_terms(all);
        let sketches = match &projection {
            Some(projection) => with_kernel!(level, |kernel| starts
                .windows(2)
                .map(|range| Sketch::new(kernel, all.slice(s![range[0]..range[1], ..]), projection))
                .collect()),
            None => Vec::new(),
        };
        let place = Place::Memory { indices, rows: placed, terms, sketches };
        let lists = Lists { starts, n_features, projection, place };
        let mut index = InvertedIndex {
            centroids: NearestNeighbors::with_algorithm(centroids, Algorithm::Auto)?,
            lists,
            recall: Recall { n_neighbors: 0, n_queries: 0, by_rank: vec![0; n_lists] },
            n_probe: n_lists,
            level,
            observer: self.observer.clone(),
        };
        index.recall = index.measured(rows, &labels)?;
        index.n_probe = self.n_probe.unwrap_or_else(|| index.recall.least(self.recall));
        Ok(index)
    }

    fn checked_lists(&self, n_samples: usize) -> Result<usize, Error> {
        let n_lists = self.n_lists.unwrap_or_else(|| n_samples.isqrt().max(1));
        if n_lists == 0 || (self.n_lists.is_some() && n_lists > n_samples) {
            return Err(Error::ListCount { n_lists, n_samples });
        }
        if let Some(n_probe) = self.n_probe.filter(|n_probe| !(1..=n_lists).contains(n_probe)) {
            return Err(Error::ProbeCount { n_probe, n_lists });
        }
        if !(self.recall > 0.0 && self.recall <= 1.0) {
            return Err(Error::Recall { recall: self.recall });
        }
        Ok(n_lists)
    }
}

impl InvertedIndex {
    /// The recall of rows of the data, each left out among its own neighbours; `labels` are the lists of all rows.
    fn measured(&self, rows: &impl RowSource, labels: &[u32]) -> Result<Recall, Error> {
        let (n_samples, n_lists) = (self.lists.n_samples(), self.lists.n_lists());
        let n_neighbors = RECALL_NEIGHBORS.min(n_samples - 1);
        let asked = evenly(n_samples, RECALL_QUERIES.min(n_samples));
        let mut by_rank = vec![0; n_lists];
        for asked in asked.chunks((ORDERED / n_lists).max(1)) {
            let queries = select(rows, asked)?;
            let order = self.centroids.kneighbors(queries.view(), n_lists)?.indices;
            let found = self.search(queries.view(), (n_neighbors + 1, n_lists), &self.observer)?.indices;
            let mut rank = vec![0; n_lists];
            for ((own, order), found) in asked.iter().zip(order.outer_iter()).zip(found.outer_iter()) {
                order.iter().enumerate().for_each(|(i, &list)| rank[list] = i);
                for &index in found.iter().filter(|&index| index != own).take(n_neighbors) {
                    by_rank[rank[labels[index] as usize]] += 1;
                }
            }
        }
        Ok(Recall { n_neighbors, n_queries: asked.len(), by_rank })
    }
}

/// The projection on the principal components of a sample, if sketches of such rows pay.
fn projection(level: Level, sample: ArrayView2<u8>) -> Option<Arc<Projection>> {
    with_kernel!(level, |kernel| {
        let (terms, trials) = (all_terms(sample), sample.select(Axis(0), &sketch::trials(sample.nrows())));
        let pairs = u8::pairs(kernel, sample, &terms, &(), trials.view());
        let tried = Tried::new(kernel, sample, &pairs, u8::EXACT_COST, sample)?;
        if sample.ncols() < LEAST_FEATURES {
            return Some(Arc::clone(tried.sketch().projection()));
        }
        Projection::with_values(kernel, sample, VALUES).map(Arc::new)
    })
}

fn select(rows: &impl RowSource, numbers: &[usize]) -> Result<Array2<u8>, Error> {
    let mut selected = Array2::zeros((numbers.len(), rows.shape().1));
    let mut buffer = Vec::new();
    for (mut to, &number) in selected.outer_iter_mut().zip(numbers) {
        to.assign(&rows.rows(number..number + 1, &mut buffer)?.row(0));
    }
    Ok(selected)
}

/// All rows, some at a time, with their numbers.
fn batches(
    rows: &impl RowSource,
    observer: &Observer,
    mut work: impl FnMut(Range<usize>, ArrayView2<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (n, d) = rows.shape();
    let (batch, mut buffer) = ((BATCH_BYTES / d.max(1)).clamp(1, BATCH), Vec::new());
    for first in (0..n).step_by(batch) {
        observer.report(Stage::Pass, first, n)?;
        let range = first..n.min(first + batch);
        work(range.clone(), rows.rows(range, &mut buffer)?)?;
    }
    Ok(observer.report(Stage::Pass, n, n)?)
}
