//! Exhaustive search: every query meets every point, and only what beats the k-th best so far is touched.

use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::{Neighbors, top_k::TopK};
use crate::{
    distance,
    progress::{Cancelled, Observer, Stage},
};

/// Queries that share one packing of the points: enough to make it cheap, few enough to stay in cache.
const QUERY_BLOCK: usize = 256;

/// The `k` nearest `points` of each query. `norms` are the points' squared lengths.
///
/// O(n m d) time for n points and m queries; memory beside the result: one block of queries per thread.
pub(super) fn scan(
    points: ArrayView2<u8>,
    norms: &[u64],
    queries: ArrayView2<u8>,
    k: usize,
    observer: &Observer,
) -> Result<Neighbors, Cancelled> {
    let m = queries.nrows();
    let block = m.div_ceil(rayon::current_num_threads()).clamp(1, QUERY_BLOCK);
    let done = AtomicUsize::new(0);
    observer.report(Stage::Search, 0, m)?;
    let blocks: Vec<_> = queries
        .axis_chunks_iter(Axis(0), block)
        .into_par_iter()
        .map(|queries| {
            let found = scan_block(points, norms, queries, k);
            let done = done.fetch_add(queries.nrows(), Ordering::Relaxed) + queries.nrows();
            observer.report(Stage::Search, done, m)?;
            Ok(found)
        })
        .collect::<Result<_, _>>()?;
    Ok(Neighbors::from_pairs(blocks.into_iter().flatten(), k))
}

fn scan_block(points: ArrayView2<u8>, norms: &[u64], queries: ArrayView2<u8>, k: usize) -> Vec<(u64, usize)> {
    let query_norms = distance::squared_norms(queries);
    let mut best: Vec<TopK> = std::iter::repeat_with(|| TopK::new(k)).take(queries.nrows()).collect();
    distance::for_each_tile(points, distance::widen(queries).view(), |query, first, dots| {
        let (best, query_norm) = (&mut best[query], query_norms[query]);
        let norms = &norms[first..norms.len().min(first + distance::LANES)];
        // All are whole numbers below 2^53: floats only because the dot products are.
        let squared = |norm: u64, dot: f64| (norm + query_norm) as f64 - 2.0 * dot;
        let threshold = best.threshold() as f64;
        if norms.iter().zip(dots).any(|(&norm, &dot)| squared(norm, dot) <= threshold) {
            for ((&norm, &dot), index) in norms.iter().zip(dots).zip(first..) {
                best.offer(distance::whole(squared(norm, dot)), index);
            }
        }
    });
    best.into_iter().flat_map(TopK::into_sorted).collect()
}
