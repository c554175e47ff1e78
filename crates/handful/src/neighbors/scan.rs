//! Exhaustive search: every query meets every point, and only what beats the k-th best so far is touched.

use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::{Points, top_k::TopK};
use crate::{
    distance::{self, Kernel, LANES, OFFSET, Packed, Panel, Scratch},
    progress::{Cancelled, Observer, Stage},
};

/// Queries that share one packing of the points: enough to make it cheap, few enough to stay in cache.
const QUERY_BLOCK: usize = 2048;
/// Up to here a key, at most 255² for each dimension, fits 32 bits.
pub(super) const NARROW: usize = 32_768;

/// What |x - q|² has of a point alone once q is taken as signed bytes: |x|² - 256 Σx.
pub(super) fn point_terms(points: ArrayView2<u8>) -> Vec<i64> {
    let of_rows = |rows: ArrayView2<u8>| {
        let term = |(norm, sum): (u64, i64)| norm.cast_signed() - 2 * OFFSET * sum;
        distance::squared_norms(rows).into_iter().zip(distance::sums(rows)).map(term).collect::<Vec<_>>()
    };
    points.axis_chunks_iter(Axis(0), 1024).into_par_iter().flat_map_iter(of_rows).collect()
}

/// Answers blocks of queries on all threads.
pub(super) fn in_blocks(
    queries: ArrayView2<u8>,
    observer: &Observer,
    answer: impl Fn(ArrayView2<u8>) -> Vec<TopK> + Sync,
) -> Result<Vec<(u64, usize)>, Cancelled> {
    let m = queries.nrows();
    let block = m.div_ceil(rayon::current_num_threads()).clamp(1, QUERY_BLOCK);
    let done = AtomicUsize::new(0);
    observer.report(Stage::Search, 0, m)?;
    let blocks: Vec<Vec<(u64, usize)>> = queries
        .axis_chunks_iter(Axis(0), block)
        .into_par_iter()
        .map(|queries| {
            let found = answer(queries).into_iter().flat_map(TopK::into_sorted).collect();
            let done = done.fetch_add(queries.nrows(), Ordering::Relaxed) + queries.nrows();
            observer.report(Stage::Search, done, m)?;
            Ok(found)
        })
        .collect::<Result<_, _>>()?;
    Ok(blocks.concat())
}

/// The `k` nearest points of each query. O(n m d) for n points and m queries.
pub(super) fn scan<K: Kernel>(kernel: K, points: Points, queries: ArrayView2<u8>, k: usize) -> Vec<TopK> {
    if points.rows.ncols() > NARROW {
        return scan_wide(kernel, points, queries, k);
    }
    let query_norms = distance::squared_norms(queries);
    let packed = Packed::new(kernel, distance::signed(queries).view());
    let mut best: Vec<TopK> = query_norms.iter().map(|_| TopK::new(k)).collect();
    let mut thresholds = vec![i32::MAX; best.len()];
    let (mut panel, mut scratch) = (Panel::default(), Scratch::default());
    for (rows, (number, terms)) in
        points.rows.axis_chunks_iter(Axis(0), LANES).zip(points.terms.chunks(LANES).enumerate())
    {
        panel.pack(rows, K::BLOCK);
        let mut base = [i32::MAX; LANES];
        for (base, &term) in base.iter_mut().zip(terms) {
            *base = i32::try_from(term).expect("at most 128² for each dimension");
        }
        packed.multiply(&panel, &mut scratch, &base, &mut thresholds, |query, mask, dots| {
            let (best, norm) = (&mut best[query], query_norms[query]);
            for (lane, &term) in terms.iter().enumerate().filter(|(lane, _)| mask >> lane & 1 == 1) {
                let distance = term + norm.cast_signed() - 2 * i64::from(dots[lane]);
                best.offer(distance.cast_unsigned(), number * LANES + lane);
            }
            Some(narrow_threshold(best, norm))
        });
    }
    best
}

/// The largest key that may still enter. Points come in ascending order, so an equal distance is too late.
fn narrow_threshold(best: &TopK, query_norm: u64) -> i32 {
    match best.threshold() {
        u64::MAX => i32::MAX,
        worst => i32::try_from(worst.cast_signed() - 1 - query_norm.cast_signed()).unwrap_or(i32::MAX),
    }
}

/// For vectors whose keys need 64 bits.
fn scan_wide<K: Kernel>(kernel: K, points: Points, queries: ArrayView2<u8>, k: usize) -> Vec<TopK> {
    let query_norms = distance::squared_norms(queries);
    let mut best: Vec<TopK> = query_norms.iter().map(|_| TopK::new(k)).collect();
    distance::for_each_tile(kernel, points.rows, distance::signed(queries).view(), |query, first, dots| {
        for ((index, term), dot) in (first..).zip(&points.terms[first..]).zip(dots) {
            let distance = term + query_norms[query].cast_signed() - 2 * dot;
            best[query].offer(distance.cast_unsigned(), index);
        }
    });
    best
}
