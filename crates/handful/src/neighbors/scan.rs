//! Exhaustive search: every query meets every point, and only what beats the k-th best so far is touched.

use std::ops::Range;

use ndarray::{ArrayView2, Axis, s};

use super::{Tick, engine::Pairs, top_k::TopK};
use crate::{
    distance::{self, Kernel, LANES, Lanes, Packed, Panel, Scratch, lanes},
    progress::Cancelled,
};

/// Up to here a key, at most 255² for each dimension, fits 32 bits.
pub(super) const NARROW: usize = 32_768;
/// Fewer queries are not worth packing the points for.
const FEW: usize = 3;
/// Queries that stay in the second cache while panels go by, and panels that are packed at once for all.
const QUERY_PART: usize = 1024;
const PANELS: usize = 8;

/// The nearest of some points for each query that can enter what is `wanted`. O(n m d) for n points and m queries.
pub(super) fn scan<K: Kernel>(
    kernel: K,
    points: ArrayView2<u8>,
    terms: &[i64],
    pairs: &impl Pairs,
    wanted: &[TopK],
    range: Range<usize>,
    tick: Tick,
) -> Result<Vec<TopK>, Cancelled> {
    let (m, d) = pairs.queries().dim();
    let mut best = wanted.to_vec();
    if m < FEW || d > NARROW {
        one_by_one(pairs, range, &mut best, tick)?;
        return Ok(best);
    }
    let norms = distance::squared_norms(pairs.queries());
    let threshold = |query: usize, best: &TopK| match best.threshold() {
        u64::MAX => i32::MAX,
        worst => narrow(pairs.reach_squared(query, worst).saturating_sub(norms[query].cast_signed())),
    };
    let mut thresholds: Vec<i32> =
        best.iter().enumerate().map(|(query, best)| threshold(query, best)).collect();
    let packed: Vec<Packed<K>> = distance::signed(pairs.queries())
        .axis_chunks_iter(Axis(0), QUERY_PART)
        .map(|part| Packed::new(kernel, part))
        .collect();
    let mut panels: Vec<(Panel, Lanes)> = vec![(Panel::default(), [0; LANES]); PANELS];
    let mut scratch = Scratch::default();
    for first in range.clone().step_by(PANELS * LANES) {
        let bytes = points.slice(s![first..range.end.min(first + PANELS * LANES), ..]);
        let terms = terms[first..].chunks(LANES);
        for ((panel, base), (rows, terms)) in
            panels.iter_mut().zip(bytes.axis_chunks_iter(Axis(0), LANES).zip(terms))
        {
            panel.pack(rows, K::BLOCK);
            *base = [i32::MAX; LANES];
            base.iter_mut().zip(&terms[..rows.nrows()]).for_each(|(base, &term)| *base = narrow(term));
        }
        let there = bytes.nrows().div_ceil(LANES);
        for (part, packed) in packed.iter().enumerate() {
            let thresholds = &mut thresholds[part * QUERY_PART..];
            let thresholds = &mut thresholds[..packed.len()];
            for (number, (panel, base)) in panels[..there].iter().enumerate() {
                packed.multiply(panel, &mut scratch, base, thresholds, |query, mask, dots| {
                    let query = part * QUERY_PART + query;
                    for lane in lanes(mask).take_while(|lane| first + number * LANES + lane < range.end) {
                        let row = first + number * LANES + lane;
                        best[query].offer(pairs.distance_of_dot(query, row, dots[lane]), row);
                    }
                    Some(threshold(query, &best[query]))
                });
            }
        }
        tick(m * bytes.nrows())?;
    }
    Ok(best)
}

/// Measures every distance as it is defined.
fn one_by_one(
    pairs: &impl Pairs,
    range: Range<usize>,
    best: &mut [TopK],
    tick: Tick,
) -> Result<(), Cancelled> {
    const AHEAD: usize = 4;
    for row in range.clone() {
        pairs.prefetch((row + AHEAD).min(range.end - 1));
        for (query, best) in best.iter_mut().enumerate() {
            let distance = pairs.distance(query, row);
            if distance <= best.threshold() {
                best.offer(distance, row);
            }
        }
        let done = row + 1 - range.start;
        if done.is_multiple_of(PANELS * LANES) || row + 1 == range.end {
            tick(best.len() * ((done - 1) % (PANELS * LANES) + 1))?;
        }
    }
    Ok(())
}

/// A key as the kernels take it; beyond their range nothing passes, or everything.
pub(super) fn narrow(key: i64) -> i32 {
    i32::try_from(key).unwrap_or(if key < 0 { i32::MIN } else { i32::MAX })
}
