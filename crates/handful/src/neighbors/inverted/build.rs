//! Creates an inverted index: every row goes to the list of its nearest centroid.

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use super::{
    Error, InvertedIndex, InvertedParams, Recall,
    lists::{Lists, Place},
    memory,
    router::{Division, Router, batches},
};
use crate::{
    dataset::RowSource,
    distance::{Kernel, all_shifted_norms, evenly},
    kmeans,
    neighbors::{
        Algorithm, NearestNeighbors, Neighbors,
        inverted::recall::{ORDERED, RECALL_NEIGHBORS, RECALL_QUERIES},
    },
    sketch::Sketch,
};

impl InvertedParams {
    /// Creates an index of rows, shape (n, `n_features`), such as a view of an array. It copies them into memory.
    ///
    /// O(n · `n_lists` · `n_features`) at most, on all threads of the current rayon pool.
    ///
    /// # Errors
    /// If a parameter is invalid for the rows, they cannot be read, or the observer breaks.
    pub fn fit(&self, rows: &impl RowSource) -> Result<InvertedIndex, Error> {
        let (n_samples, n_features) = rows.shape();
        let n_lists = self.checked_lists(rows.shape())?;
        let router = Router::learn(self, n_lists, rows, None)?;
        let batch = memory::batch(n_features);
        let Division { labels, starts } = router.divide(rows, batch, &self.observer)?;

        let (mut next, mut indices) = (starts.clone(), vec![0; n_samples]);
        let mut placed = Array2::zeros((n_samples, n_features));
        batches(rows, batch, &self.observer, |range, batch| {
            for (index, row) in range.zip(batch.outer_iter()) {
                let to = &mut next[labels[index] as usize];
                indices[*to] = index as u64;
                placed.row_mut(*to).assign(&row);
                *to += 1;
            }
            Ok(())
        })?;
        let terms = all_shifted_norms(placed.view());
        let sketches = match &router.projection {
            Some(projection) => {
                let kernel = Kernel::detect();
                starts
                    .par_windows(2)
                    .map(|range| Sketch::new(kernel, placed.slice(s![range[0]..range[1], ..]), projection))
                    .collect()
            }
            None => Vec::new(),
        };
        let rows_of_lists = placed.into_raw_vec_and_offset().0;
        let place = Place::Memory { indices, rows: rows_of_lists, terms, sketches };
        let lists = Lists { starts, n_features, projection: router.projection.clone(), place };
        self.index(router, lists, rows, &labels, |index, queries, k| {
            index.search(&queries, (k, n_lists), &self.observer)
        })
    }

    /// The index of all lists, with its recall. `labels` are the lists of all rows; `exact` finds all neighbours.
    pub(super) fn index(
        &self,
        router: Router,
        lists: Lists,
        rows: &impl RowSource,
        labels: &[u32],
        exact: impl FnOnce(&InvertedIndex, ArrayView2<u8>, usize) -> Result<Neighbors, Error>,
    ) -> Result<InvertedIndex, Error> {
        let Router { centroids, .. } = router;
        let n_lists = lists.n_lists();
        let mut index = InvertedIndex {
            centroids: NearestNeighbors::with_algorithm(centroids, Algorithm::Auto)?,
            lists,
            recall: Recall { n_neighbors: 0, n_queries: 0, by_rank: vec![0; n_lists] },
            n_probe: n_lists,
            memory_limit: None,
            observer: self.observer.clone(),
        };
        index.recall = index.measured(rows, labels, exact)?;
        index.n_probe = self.n_probe.unwrap_or_else(|| index.recall.least(self.recall));
        Ok(index)
    }

    /// The number of lists.
    pub(super) fn checked_lists(&self, (n_samples, n_features): (usize, usize)) -> Result<usize, Error> {
        let n_lists = self.n_lists.unwrap_or_else(|| (2 * n_samples.isqrt()).clamp(1, n_samples.max(1)));
        if n_lists == 0 || (self.n_lists.is_some() && n_lists > n_samples) {
            return Err(Error::ListCount { n_lists, n_samples });
        }
        if let Some(n_probe) = self.n_probe.filter(|n_probe| !(1..=n_lists).contains(n_probe)) {
            return Err(Error::ProbeCount { n_probe, n_lists });
        }
        if !(self.recall > 0.0 && self.recall <= 1.0) {
            return Err(Error::Recall { recall: self.recall });
        }
        if n_samples == 0 || n_features == 0 {
            return Err(kmeans::Error::Empty { n_samples, n_features }.into());
        }
        Ok(n_lists)
    }
}

impl InvertedIndex {
    /// The recall, measured on rows of the data, each of which is excluded from its own neighbours.
    fn measured(
        &self,
        rows: &impl RowSource,
        labels: &[u32],
        exact: impl FnOnce(&Self, ArrayView2<u8>, usize) -> Result<Neighbors, Error>,
    ) -> Result<Recall, Error> {
        let (n_samples, n_lists) = (self.lists.n_samples(), self.lists.n_lists());
        let n_neighbors = RECALL_NEIGHBORS.min(n_samples - 1);
        let asked = evenly(n_samples, RECALL_QUERIES.min(n_samples));
        let queries = rows.select_rows(&asked)?;
        let found = exact(self, queries.view(), n_neighbors + 1)?.indices;
        let (mut by_rank, mut rank) = (vec![0; n_lists], vec![0; n_lists]);
        for first in (0..asked.len()).step_by((ORDERED / n_lists).max(1)) {
            let some = first..asked.len().min(first + (ORDERED / n_lists).max(1));
            let order = self.centroids.kneighbors(queries.slice(s![some.clone(), ..]), n_lists)?.indices;
            for (query, order) in some.zip(order.outer_iter()) {
                order.iter().enumerate().for_each(|(i, &list)| rank[list] = i);
                let others = found.row(query).into_iter().filter(|&&index| index != asked[query]);
                for &index in others.take(n_neighbors) {
                    by_rank[rank[labels[index] as usize]] += 1;
                }
            }
        }
        Ok(Recall { n_neighbors, n_queries: asked.len(), by_rank })
    }
}
