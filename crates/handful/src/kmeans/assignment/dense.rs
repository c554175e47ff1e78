//! The assignment step that compares rows with every centroid, but no more often than necessary.
//!
//! The kernels multiply bytes, so they receive each centroid rounded to bytes. That moves the centroid by a known
//! length, a few units for images, and changes its distance from a row by no more than that. If the gap between the
//! nearest and the second nearest is more than twice that length, the nearest is certain. The other rows, a few per
//! cent, are resolved one by one.
//!
//! The same gap is also how far centroids may move before another can become the nearest. This one number is kept for
//! every row (Hamerly 2010 keeps the two bounds whose difference it is), and a row is not examined again before it is
//! used up.

use ndarray::{Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, concatenate, s};
use rayon::prelude::*;

use crate::{
    distance::{CONTIGUOUS, Kernel, LANES, Lanes, Packed, Panel, Scratch, lanes, vectorize},
    kmeans::{
        assignment::resolve_ties::CentroidDistances,
        centroids::rounded::Rounded,
        samples::{PANELS, Samples},
        vectors::Vectors,
    },
};

/// The limit of a row that must be examined.
pub(in crate::kmeans) const NONE: f32 = f32::NEG_INFINITY;

/// What is known of every row since it was last examined.
pub(in crate::kmeans) struct Dense {
    /// Whether rows stay packed for the next step, which doubles the memory.
    keeps: bool,
    /// The packed rows; packed at first use.
    panels: Option<Vec<Panel>>,
    /// The drift at which the row's nearest centroid may change, shape (sets, n).
    limits: Array2<f32>,
    /// The movement of each centroid plus the largest movement of the others, summed over all steps, shape (sets, k).
    drifts: Array2<f64>,
}

impl Dense {
    pub(in crate::kmeans) fn new(n_samples: usize, n_sets: usize, n_clusters: usize) -> Self {
        let limits = Array2::from_elem((n_sets, n_samples), NONE);
        Self { keeps: true, panels: None, limits, drifts: Array2::zeros((n_sets, n_clusters)) }
    }

    /// For a single step: rows are packed when they are reached, and not kept.
    pub(in crate::kmeans) fn once(self) -> Self {
        Self { keeps: false, ..self }
    }

    /// Records how far the centroids of a set moved.
    pub(in crate::kmeans) fn moved(&mut self, set: usize, distances: &[f64]) {
        drift(self.drifts.row_mut(set), distances);
    }

    /// Updates `nearest`, shape (all sets, n), for some of the sets.
    pub(in crate::kmeans) fn assign<V: Vectors>(
        &mut self,
        kernel: Kernel,
        sets: &[(usize, CentroidDistances<V>)],
        mut nearest: ArrayViewMut2<u32>,
    ) {
        let samples = sets[0].1.samples();
        let drifts = rounded_up(&self.drifts);
        if self.keeps && self.panels.is_none() {
            self.panels = samples.pack();
        }
        let packed =
            samples.can_be_packed().then(|| pack(kernel, sets.iter().map(|(_, pairs)| pairs.rounded)));
        let step = Step { kernel, samples, sets, drifts: drifts.view(), packed: packed.as_ref() };
        let panels = self.panels.as_deref();
        let blocks = nearest.axis_chunks_iter_mut(Axis(1), PANELS * LANES).into_par_iter();
        let limits = self.limits.axis_chunks_iter_mut(Axis(1), PANELS * LANES);
        blocks.zip(limits).enumerate().for_each_init(
            Workspace::default,
            |workspace, (block, (nearest, limits))| {
                step.assign(workspace, panels, block * PANELS * LANES, nearest, limits);
            },
        );
    }
}

/// Adds to each centroid's total drift its own movement and the largest movement of the others.
pub(in crate::kmeans) fn drift(drifts: ArrayViewMut1<f64>, distances: &[f64]) {
    let farthest = (0..distances.len()).max_by(|&a, &b| distances[a].total_cmp(&distances[b]));
    let most = |of: &mut dyn Iterator<Item = (usize, &f64)>| of.fold(0.0, |most: f64, (_, &d)| most.max(d));
    let first = most(&mut distances.iter().enumerate());
    let second = most(&mut distances.iter().enumerate().filter(|&(j, _)| Some(j) != farthest));
    for (j, (drift, distance)) in drifts.into_iter().zip(distances).enumerate() {
        let others = if Some(j) == farthest { second } else { first };
        if distance + others > 0.0 {
            // Covers the rounding errors of the distances between bytes and of this sum.
            *drift += (distance + others) * (1.0 + 1e-9) + 1e-10;
        }
    }
}

/// Drifts in the precision of the limits.
#[expect(clippy::cast_possible_truncation, reason = "the factor rounds up")]
pub(in crate::kmeans) fn rounded_up(drifts: &Array2<f64>) -> Array2<f32> {
    drifts.mapv(|drift| (drift * (1.0 + 1e-6)) as f32)
}

/// Rounded centroids of one set, or of several sets one after the other, for the kernels.
pub(in crate::kmeans) fn pack<'a>(kernel: Kernel, sets: impl Iterator<Item = &'a Rounded>) -> Packed {
    let uppers: Vec<ArrayView2<i8>> = sets.map(|rounded| rounded.upper.view()).collect();
    let uppers = concatenate(Axis(0), &uppers).expect("all have as many features");
    Packed::new(kernel, uppers.view())
}

/// Memory that a thread reuses.
#[derive(Default)]
pub(in crate::kmeans) struct Workspace {
    dots: Vec<Lanes>,
    scratch: Scratch,
    panel: Panel,
    open: Vec<u32>,
}

/// One assignment step.
pub(in crate::kmeans) struct Step<'a, 'b, 's, V: Vectors> {
    pub(in crate::kmeans) kernel: Kernel,
    pub(in crate::kmeans) samples: &'a Samples<'s>,
    pub(in crate::kmeans) sets: &'a [(usize, CentroidDistances<'b, V>)],
    /// Rounded up.
    pub(in crate::kmeans) drifts: ArrayView2<'a, f32>,
    /// The centroids, unless rows are too long for the kernels' sums.
    pub(in crate::kmeans) packed: Option<&'a Packed>,
}

impl<V: Vectors> Step<'_, '_, '_, V> {
    /// Updates the rows from `first` on, where `first` is a whole number of panels. `nearest` and `limits` belong to
    /// these rows, shape (all sets, rows); `panels` to all rows, if they stay packed.
    pub(in crate::kmeans) fn assign(
        &self,
        workspace: &mut Workspace,
        panels: Option<&[Panel]>,
        first: usize,
        mut nearest: ArrayViewMut2<u32>,
        mut limits: ArrayViewMut2<f32>,
    ) {
        let Some(packed) = self.packed else { return self.measure_all(first, nearest) };
        let Workspace { dots, scratch, panel: own, open } = workspace;
        dots.resize(packed.len(), [0; LANES]);
        let rows = nearest.axis_chunks_iter_mut(Axis(1), LANES);
        let rows = rows.zip(limits.axis_chunks_iter_mut(Axis(1), LANES));
        for (first, (mut nearest, mut limits)) in (first..).step_by(LANES).zip(rows) {
            let n_open = self.find_open(nearest.view(), limits.view(), open);
            if f64::from(n_open) * self.kernel.costs().dots < (LANES * self.sets.len()) as f64 {
                self.assign_open(first, open, nearest.view_mut(), limits.view_mut());
                continue;
            }
            let panel = if let Some(panels) = panels {
                &panels[first / LANES]
            } else {
                own.pack(
                    self.samples.rows.view().slice(s![first..first + nearest.ncols(), ..]),
                    self.kernel.block(),
                );
                &*own
            };
            packed.multiply_all(panel, scratch, dots);
            self.assign_panel(first, dots, nearest, limits);
        }
    }

    /// For each set, the mask of a panel's rows whose nearest centroid may have changed. Returns the number of such
    /// rows.
    fn find_open(&self, nearest: ArrayView2<u32>, limits: ArrayView2<f32>, open: &mut Vec<u32>) -> u32 {
        open.clear();
        let k = self.drifts.ncols();
        open.extend(self.sets.iter().map(|(set, _)| {
            let drifts = self.drifts.row(*set);
            let of_lane = |(lane, (&j, &limit)): (usize, (&u32, &f32))| {
                // A row without a centroid has no limit.
                u32::from(limit <= drifts[(j as usize).min(k - 1)]) << lane
            };
            nearest.row(*set).iter().zip(limits.row(*set)).enumerate().map(of_lane).sum::<u32>()
        }));
        open.iter().map(|mask| mask.count_ones()).sum()
    }

    /// Finds the nearest centroids of the rows of a panel that must be examined.
    fn assign_open(
        &self,
        first: usize,
        open: &[u32],
        mut nearest: ArrayViewMut2<u32>,
        mut limits: ArrayViewMut2<f32>,
    ) {
        let mut dots = vec![0; self.drifts.ncols()];
        let of_set = |(&mask, set)| lanes(mask).map(move |lane| (lane, set));
        for (lane, (set, pairs)) in open.iter().zip(self.sets).flat_map(of_set) {
            let row = self.samples.rows.row(first + lane);
            let uppers = pairs.rounded.upper.as_slice().expect(CONTIGUOUS);
            self.kernel.dots(row, uppers, &mut dots);
            let (mut least, mut second, mut index) = (i64::MAX, i64::MAX, 0);
            for ((dot, norm), j) in dots.iter().zip(&pairs.rounded.norms).zip(0_u32..) {
                let key = norm - 2 * i64::from(*dot);
                second = second.min(key.max(least));
                index = if key < least { j } else { index };
                least = key.min(least);
            }
            let term = self.samples.shifted_norm(first + lane);
            let gap = gap(
                (least + term) as f32,
                second.saturating_add(term) as f32,
                margin(pairs.moved(first + lane)),
            );
            let found = (index, least, gap);
            (nearest[[*set, lane]], limits[[*set, lane]]) =
                self.conclude(*set, pairs, first + lane, found, |j| dots[j]);
        }
    }

    /// Finds the nearest centroids of a panel's rows, given their products with the centroids of all sets.
    fn assign_panel(
        &self,
        first: usize,
        dots: &[Lanes],
        mut nearest: ArrayViewMut2<u32>,
        mut limits: ArrayViewMut2<f32>,
    ) {
        let (mut terms, mut margins) = ([0; LANES], [0.0; LANES]);
        let rows = first..first + nearest.ncols();
        for (term, row) in terms.iter_mut().zip(rows.clone()) {
            *term = i32::try_from(self.samples.shifted_norm(row)).expect("at most 128² for each feature");
        }
        for ((set, pairs), dots) in self.sets.iter().zip(dots.chunks(self.drifts.ncols())) {
            for (to, row) in margins.iter_mut().zip(rows.clone()) {
                *to = margin(pairs.moved(row));
            }
            let (found, gaps) = vectorize!(self.kernel, {
                let found = Nearest::of(dots, &pairs.rounded.norms);
                (found, found.gaps(&terms, &margins))
            });
            for lane in 0..nearest.ncols() {
                let found = (found.index[lane].cast_unsigned(), found.least[lane].into(), gaps[lane]);
                (nearest[[*set, lane]], limits[[*set, lane]]) =
                    self.conclude(*set, pairs, first + lane, found, |j| dots[j][lane]);
            }
        }
    }

    /// Decides a row's nearest centroid and its limit, from the nearest rounded centroid, its key and the gap to the
    /// next.
    #[inline]
    fn conclude(
        &self,
        set: usize,
        pairs: &CentroidDistances<V>,
        row: usize,
        (index, least, gap): (u32, i64, f32),
        dot: impl Fn(usize) -> i32,
    ) -> (u32, f32) {
        if gap > 0.0 {
            return (index, self.limit(set, index, gap));
        }
        let limit = pairs.limit(row, least + self.samples.shifted_norm(row));
        let contenders = (0..self.drifts.ncols())
            .map(|j| (j, i64::from(dot(j))))
            .filter(|&(j, dot)| pairs.distance(row, j, dot) as f64 <= limit);
        let resolved = pairs.resolve_ties(row, contenders);
        let next = resolved.next.min(limit.sqrt() - pairs.moved(row));
        #[expect(clippy::cast_possible_truncation, reason = "the factor rounds down")]
        let gap = ((next - resolved.distance) * (1.0 - 1e-6)) as f32;
        (resolved.nearest, self.limit(set, resolved.nearest, gap))
    }

    /// The drift that uses up a gap, or slightly less.
    fn limit(&self, set: usize, nearest: u32, gap: f32) -> f32 {
        if gap > 0.0 { (gap + self.drifts[[set, nearest as usize]]) * (1.0 - 1e-6) } else { NONE }
    }

    /// For rows too long for the kernels' sums: computes every product one by one.
    fn measure_all(&self, first: usize, mut nearest: ArrayViewMut2<u32>) {
        for (lane, mut nearest) in nearest.columns_mut().into_iter().enumerate() {
            for (set, pairs) in self.sets {
                let all = (0..self.drifts.ncols()).map(|j| (j, pairs.upper(first + lane, j)));
                nearest[*set] = pairs.resolve_ties(first + lane, all).nearest;
            }
        }
    }
}

/// For each row of a panel, the nearest of some rounded centroids, and the distance of the second nearest. Keys are
/// squared distances without the row's own term.
#[derive(Clone, Copy)]
struct Nearest {
    least: Lanes,
    second: Lanes,
    index: Lanes,
}

#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
impl Nearest {
    #[inline(always)]
    fn of(dots: &[Lanes], norms: &[i64]) -> Self {
        let mut found = Self { least: [i32::MAX; LANES], second: [i32::MAX; LANES], index: [0; LANES] };
        for (index, (dots, &norm)) in (0..).zip(dots.iter().zip(norms)) {
            #[expect(clippy::cast_possible_truncation, reason = "at most 255² for each of NARROW features")]
            let norm = norm as i32;
            for (lane, dot) in dots.iter().enumerate() {
                let (key, least) = (norm - 2 * dot, found.least[lane]);
                found.second[lane] = found.second[lane].min(key.max(least));
                found.index[lane] = if key < least { index } else { found.index[lane] };
                found.least[lane] = key.min(least);
            }
        }
        found
    }

    #[inline(always)]
    fn gaps(&self, terms: &Lanes, margins: &[f32; LANES]) -> [f32; LANES] {
        let mut gaps = [0.0; LANES];
        for lane in 0..LANES {
            let distance = |key: i32| key.saturating_add(terms[lane]) as f32;
            gaps[lane] = gap(distance(self.least[lane]), distance(self.second[lane]), margins[lane]);
        }
        gaps
    }
}

/// Twice the change of a distance by rounding, or slightly more.
fn margin(moved: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounded up by the factor")]
    {
        (2.0 * moved) as f32 * 1.000_01
    }
}

/// A lower bound of the gap between the nearest and the second nearest centroid, from their squared distances and twice
/// the change of the distances by rounding. The factors cover the rounding errors of f32.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn gap(least: f32, second: f32, margin: f32) -> f32 {
    second.sqrt() * 0.999_999 - least.sqrt() * 1.000_001 - margin
}
