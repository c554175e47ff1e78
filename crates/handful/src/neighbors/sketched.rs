//! The `k` nearest points of a batch of queries, found with a sketch of the points.

#[cfg(test)]
mod tests;

use std::{ops::Range, sync::Arc};

use ndarray::ArrayView2;

use crate::{
    distance::{Kernel, LANES, Packed, Scratch, evenly, lanes},
    neighbors::{
        Tick,
        engine::PointDistances,
        scan::{NARROW, narrow},
        top_k::TopK,
    },
    progress::Cancelled,
    sketch::{LEAST_FEATURES, LEAST_SAMPLES, PANELS, Projection, Sketch, SketchedQueries},
};

/// Minimum number of rows from which a query gets its first threshold, and number of rows per neighbour.
const SEED_ROWS: usize = 2048;
const SEED_ROWS_PER_NEIGHBOR: usize = 8;
/// Number of candidates after which thresholds are updated at the latest.
const MOST_CANDIDATES: usize = 1 << 15;
/// Number of candidates by which points are prefetched.
const PREFETCH: usize = 4;
/// Number of queries with which a sketch is tried, and of their neighbours.
const TRIALS: usize = 32;
const TRIAL_NEIGHBORS: usize = 5;
/// Fewer queries are limited by memory bandwidth rather than by products.
const FEW: usize = 4;

/// The points with which a sketch is tried.
pub(in crate::neighbors) fn trials(n_samples: usize) -> Vec<usize> {
    evenly(n_samples, TRIALS.min(n_samples))
}

/// How points are sketched, and the measured benefit.
#[derive(Clone, Debug)]
pub(in crate::neighbors) struct SketchPlan {
    projection: Arc<Projection>,
    /// The share of the points with which trial queries had to be compared.
    looked_at: f64,
}

impl SketchPlan {
    /// A sketch of other points, which are assumed to be similar to those that were tried.
    pub(in crate::neighbors) fn follow(&self, kernel: Kernel, rows: ArrayView2<u8>) -> TestedSketch {
        TestedSketch { sketch: Sketch::new(kernel, rows, &self.projection), recipe: self.clone() }
    }
}

/// A sketch that has been tried.
#[derive(Debug)]
pub(in crate::neighbors) struct TestedSketch {
    sketch: Sketch,
    recipe: SketchPlan,
}

impl TestedSketch {
    /// The sketch of points if it is worthwhile: in trials, it rules out enough of them. `pairs` compares the
    /// [`trials`] with all points; directions are computed from the points in `sample`.
    pub(in crate::neighbors) fn new(
        kernel: Kernel,
        rows: ArrayView2<u8>,
        pairs: &impl PointDistances,
        exact_cost: f64,
        sample: ArrayView2<u8>,
    ) -> Option<Self> {
        let (n, d) = rows.dim();
        if n < LEAST_SAMPLES || !(LEAST_FEATURES..=NARROW).contains(&d) {
            return None;
        }
        let projection = Arc::new(Projection::new(kernel, sample)?);
        let sketch = Sketch::new(kernel, rows, &projection);
        let wanted = vec![TopK::new(TRIAL_NEIGHBORS); TRIALS];
        let looked_at =
            Search::new(kernel, &sketch, pairs, &wanted).stream(0..n, &|_| Ok(())).expect("not cancelled").1;
        let looked_at = looked_at as f64 / (TRIALS * n) as f64;
        let tried = Self { sketch, recipe: SketchPlan { projection, looked_at } };
        let pays = [1, usize::MAX].into_iter().any(|queries| tried.pays(kernel, queries, exact_cost, d));
        pays.then_some(tried)
    }

    pub(in crate::neighbors) fn recipe(&self) -> &SketchPlan {
        &self.recipe
    }

    pub(in crate::neighbors) fn sketch(&self) -> &Sketch {
        &self.sketch
    }

    /// Whether this number of queries finds its neighbours faster with the sketch than without. Costs are in products
    /// of a dense scan; an exact distance costs `exact_cost` times as much as one between bytes.
    pub(in crate::neighbors) fn pays(
        &self,
        kernel: Kernel,
        queries: usize,
        exact_cost: f64,
        d: usize,
    ) -> bool {
        let costs = kernel.costs();
        let [tile, exact] = if queries < FEW { costs.single } else { costs.batch };
        let n_values = self.sketch.projection().n_values() as f64;
        n_values + tile + exact * exact_cost * self.recipe.looked_at * (d as f64) < 0.9 * d as f64
    }
}

/// A search for the nearest points of some queries.
pub(in crate::neighbors) struct Search<'a, P> {
    sketch: &'a Sketch,
    pairs: &'a P,
    /// The results to fill, which are still empty.
    wanted: &'a [TopK],
    packed: Packed,
    queries: SketchedQueries,
    /// Known before the stream begins.
    thresholds: Vec<i32>,
}

impl<'a, P: PointDistances> Search<'a, P> {
    /// Sketches the queries, and gives each a distance to beat: the limit in `wanted`, or else the largest distance of
    /// the points with the `k` smallest bounds among the first rows.
    pub(in crate::neighbors) fn new(
        kernel: Kernel,
        sketch: &'a Sketch,
        pairs: &'a P,
        wanted: &'a [TopK],
    ) -> Self {
        let queries = SketchedQueries::new(kernel, sketch.projection(), pairs.queries());
        Self::of_sketched(kernel, sketch, pairs, wanted, queries)
    }

    /// [`new`](Self::new) for queries that have been sketched before.
    pub(in crate::neighbors) fn of_sketched(
        kernel: Kernel,
        sketch: &'a Sketch,
        pairs: &'a P,
        wanted: &'a [TopK],
        queries: SketchedQueries,
    ) -> Self {
        let packed = Packed::new(kernel, queries.values.view());
        let mut search = Self { sketch, pairs, wanted, thresholds: Vec::new(), queries, packed };
        let limits = wanted.iter().map(TopK::threshold);
        let is_open = limits.clone().any(|limit| limit == u64::MAX);
        let has_seeds = sketch.n_samples() >= wanted.first().map_or(1, TopK::k);
        let limits = if is_open && has_seeds { search.seeds() } else { limits.collect() };
        search.thresholds =
            limits.into_iter().enumerate().map(|(query, limit)| search.threshold(query, limit)).collect();
        search
    }

    /// For each query, a distance within which the nearest points certainly are.
    fn seeds(&self) -> Vec<u64> {
        let k = self.wanted.first().map_or(1, TopK::k);
        let mut seeds = vec![TopK::new(k); self.wanted.len()];
        let seed_panels = SEED_ROWS.max(SEED_ROWS_PER_NEIGHBOR * k).div_ceil(LANES);
        let (mut scratch, mut thresholds) = (Scratch::default(), vec![i32::MAX; self.wanted.len()]);
        for (number, panel) in self.sketch.panels().iter().take(seed_panels).enumerate() {
            let base = &panel.squares;
            self.packed.multiply(&panel.values, &mut scratch, base, &mut thresholds, |query, mask, dots| {
                let seeds = &mut seeds[query];
                for lane in lanes(mask).take_while(|lane| number * LANES + lane < self.sketch.n_samples()) {
                    let key = i64::from(base[lane]) - 2 * i64::from(dots[lane]) - i64::from(i32::MIN);
                    seeds.offer(key.cast_unsigned(), number * LANES + lane);
                }
                match seeds.threshold() {
                    u64::MAX => None,
                    worst => i32::try_from(worst.cast_signed() + i64::from(i32::MIN) - 1).ok(),
                }
            });
        }
        let farthest = |(query, seeds): (usize, TopK)| {
            let distances = seeds.into_sorted().into_iter().map(|(_, row)| self.pairs.distance(query, row));
            distances.max().expect("k is at least 1").min(self.wanted[query].threshold())
        };
        seeds.into_iter().enumerate().map(farthest).collect()
    }

    /// The nearest among some points, beginning with the first of a panel, and the number of points that were measured.
    pub(in crate::neighbors) fn stream(
        &self,
        range: Range<usize>,
        tick: Tick,
    ) -> Result<(Vec<TopK>, usize), Cancelled> {
        let Self { sketch, pairs, .. } = self;
        let mut best = self.wanted.to_vec();
        let mut looked_at = 0;
        let (mut thresholds, mut scratch) = (self.thresholds.clone(), Scratch::default());
        let mut candidates: Vec<(usize, usize, i32)> = Vec::new();
        let mut seen = range.start;
        let panels = range.start / LANES..range.end.div_ceil(LANES);
        for number in panels.clone() {
            let panel = &sketch.panels()[number];
            self.packed.multiply(
                &panel.values,
                &mut scratch,
                &panel.squares,
                &mut thresholds,
                |query, mask, dots| {
                    let there = lanes(mask).take_while(|lane| number * LANES + lane < range.end);
                    let key = |lane: usize| panel.squares[lane].wrapping_sub(2_i32.wrapping_mul(dots[lane]));
                    candidates.extend(there.map(|lane| (query, number * LANES + lane, key(lane))));
                    None
                },
            );
            let last = number + 1 == panels.end || (number + 1).is_multiple_of(PANELS);
            if !last && candidates.len() < MOST_CANDIDATES {
                continue;
            }
            for (i, &(query, row, key)) in candidates.iter().enumerate() {
                if let Some(&(_, soon, _)) = candidates.get(i + PREFETCH) {
                    pairs.prefetch(soon);
                }
                // A neighbour found in the meantime may have ruled it out.
                if key > thresholds[query] {
                    continue;
                }
                looked_at += 1;
                let before = best[query].threshold();
                let Some(distance) = pairs.distance_within(query, row, before) else { continue };
                best[query].offer(distance, row);
                let after = best[query].threshold();
                if after < before {
                    let threshold = self.threshold(query, after);
                    thresholds[query] = thresholds[query].min(threshold);
                }
            }
            candidates.clear();
            if last {
                let end = range.end.min((number + 1) * LANES);
                tick(best.len() * (end - seen))?;
                seen = end;
            }
        }
        Ok((best, looked_at))
    }

    /// The largest key of a point within this squared distance.
    fn threshold(&self, query: usize, squared_distance: u64) -> i32 {
        let reach = self.pairs.reach(query, squared_distance);
        let most = self.sketch.most(reach, self.queries.lost[query]);
        narrow(most.saturating_sub(self.queries.rest[query].into()))
    }
}
