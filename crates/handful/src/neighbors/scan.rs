//! Exhaustive search: compares every query with every point, and processes further only what beats the k-th best so
//! far.

use std::ops::Range;

use ndarray::{ArrayView2, Axis, s};

use super::{Tick, engine::PointDistances, top_k::TopK};
use crate::{
    distance::{self, Kernel, LANES, Lanes, Packed, Panel, Scratch, lanes},
    progress::Cancelled,
};

/// Up to this many dimensions, a key, at most 255² per dimension, fits into 32 bits.
pub(super) const NARROW: usize = 32_768;
/// With fewer queries, packing the points is not worthwhile.
const FEW: usize = 3;
/// Number of queries that stay in the second-level cache while panels are processed, and of panels that are packed at
/// once for all queries.
const QUERY_PART: usize = 1024;
const PANELS: usize = 8;

/// For each query, the nearest of some points that can enter `wanted`. O(n m d) for n points and m queries.
pub(super) fn scan(
    kernel: Kernel,
    points: ArrayView2<u8>,
    terms: &[i64],
    pairs: &impl PointDistances,
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
    let norms = distance::squared_norms(pairs.queries().view());
    let threshold = |query: usize, best: &TopK| match best.threshold() {
        u64::MAX => i32::MAX,
        worst => narrow(pairs.reach_squared(query, worst).saturating_sub(norms[query].cast_signed())),
    };
    let mut thresholds: Vec<i32> =
        best.iter().enumerate().map(|(query, best)| threshold(query, best)).collect();
    let packed: Vec<Packed> = distance::signed(pairs.queries().view())
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
            panel.pack(rows, kernel.block());
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

/// Computes every distance by definition.
fn one_by_one(
    pairs: &impl PointDistances,
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

/// A key in the range of the kernels; beyond that range, nothing or everything passes.
pub(super) fn narrow(key: i64) -> i32 {
    i32::try_from(key).unwrap_or(if key < 0 { i32::MIN } else { i32::MAX })
}
