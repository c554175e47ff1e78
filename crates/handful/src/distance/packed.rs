//! Queries packed for a kernel, and the multiplication of panels by them.

use std::ops::Range;

use ndarray::{ArrayView2, Axis};

use super::{
    instruction_set::{MOST_QUERIES, Scratch},
    kernel::{Kernel, Tiling},
    panel::{GROUP, LANES, Lanes, MOST_DIMENSIONS, Panel},
};

/// Queries in a kernel's format: whole tiles, possibly one of half as many, and the rest one by one.
pub(crate) struct Packed {
    kernel: Kernel,
    tiling: Tiling,
    words: Vec<i32>,
    n: usize,
    groups: usize,
}

impl Packed {
    /// # Panics
    /// If the rows are longer than [`MOST_DIMENSIONS`].
    pub(crate) fn new(kernel: Kernel, queries: ArrayView2<i8>) -> Self {
        let (n, d) = queries.dim();
        assert!(d <= MOST_DIMENSIONS, "{d} dimensions are too many for 32-bit sums");
        let queries = queries.as_standard_layout();
        let values = queries.as_slice().expect("in standard layout");
        let tiling = kernel.tiling();
        let groups = d.div_ceil(GROUP).next_multiple_of(tiling.block);
        let n_queries: usize = tiling.tiles(n).map(|tile| tiling.size(&tile)).sum();
        let mut packed =
            Self { kernel, tiling, words: vec![0; n_queries * groups * tiling.words], n, groups };
        for tile in tiling.tiles(n) {
            let range = packed.words_of(&tile);
            let values = &values[tile.start * d..tile.end * d];
            kernel.store(values, d, tiling.size(&tile), &mut packed.words[range]);
        }
        packed
    }

    /// The range of a tile's words.
    fn words_of(&self, tile: &Range<usize>) -> Range<usize> {
        let words = self.groups * self.tiling.words;
        tile.start * words..(tile.start + self.tiling.size(tile)) * words
    }

    /// Number of queries.
    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// The products of a panel and all queries, one per query.
    pub(crate) fn multiply_all(&self, panel: &Panel, scratch: &mut Scratch, dots: &mut [Lanes]) {
        let Scratch { tile, floats } = scratch;
        let panel = self.kernel.ready(panel, self.n, floats);
        for queries in self.tiling.tiles(self.n) {
            let words = &self.words[self.words_of(&queries)];
            let thresholds = &[i32::MAX; MOST_QUERIES][..queries.len()];
            self.kernel.multiply(panel, words, &[0; LANES], thresholds, tile);
            dots[queries.clone()].copy_from_slice(&tile.dots[..queries.len()]);
        }
    }

    /// Multiplies all queries by a panel. If the key of any point, its `base` minus twice the dot product, is at most
    /// the query's threshold, `sink(query, mask, dots)` receives the mask of such points and their dot products, and
    /// may return a new threshold for the query. The sink must not let this thread run other tasks, because a kernel's
    /// registers keep their shape meanwhile.
    pub(crate) fn multiply(
        &self,
        panel: &Panel,
        scratch: &mut Scratch,
        base: &Lanes,
        thresholds: &mut [i32],
        mut sink: impl FnMut(usize, u32, &Lanes) -> Option<i32>,
    ) {
        assert_eq!(thresholds.len(), self.n, "a threshold for each query");
        let Scratch { tile, floats } = scratch;
        let panel = self.kernel.ready(panel, self.n, floats);
        for queries in self.tiling.tiles(self.n) {
            let words = &self.words[self.words_of(&queries)];
            let thresholds = &mut thresholds[queries.clone()];
            self.kernel.multiply(panel, words, base, thresholds, tile);
            for ((query, threshold), (mask, dots)) in queries
                .zip(thresholds)
                .zip(tile.masks.iter().zip(&tile.dots))
                .filter(|(_, (mask, _))| **mask != 0)
            {
                if let Some(new) = sink(query, *mask, dots) {
                    *threshold = new;
                }
            }
        }
    }
}

impl Tiling {
    /// The range of queries in each tile.
    fn tiles(self, n: usize) -> impl Iterator<Item = Range<usize>> {
        let mut first = 0;
        std::iter::from_fn(move || {
            let size = match n - first {
                0 => return None,
                rest if rest >= self.queries => self.queries,
                rest if rest >= self.least => rest.min(self.half),
                _ => 1,
            };
            first += size;
            Some(first - size..first)
        })
    }

    /// The number of queries with which a kernel multiplies a tile; if it is more than there are, the rest are zeros.
    fn size(self, tile: &Range<usize>) -> usize {
        match tile.len() {
            1 => 1,
            n if n <= self.half => self.half,
            _ => self.queries,
        }
    }
}

/// Passes to `sink(query, first_point, dots)` the dot products of each query and up to 32 points at a time: `dots[i]`
/// belongs to point `first_point + i`. Points come in ascending order, and for each 32 of them all queries in ascending
/// order. Vectors may have any length.
pub(crate) fn for_each_tile(
    kernel: Kernel,
    points: ArrayView2<u8>,
    queries: ArrayView2<i8>,
    mut sink: impl FnMut(usize, usize, &[i64]),
) {
    assert_eq!(points.ncols(), queries.ncols(), "points and queries of unequal length");
    let packed: Vec<Packed> =
        queries.axis_chunks_iter(Axis(1), MOST_DIMENSIONS).map(|part| Packed::new(kernel, part)).collect();
    let (mut panel, mut scratch) = (Panel::default(), Scratch::default());
    let mut thresholds = vec![i32::MAX; queries.nrows()];
    let mut totals = vec![[0_i64; LANES]; queries.nrows()];
    for (number, rows) in points.axis_chunks_iter(Axis(0), LANES).enumerate() {
        totals.fill([0; LANES]);
        for (part, packed) in rows.axis_chunks_iter(Axis(1), MOST_DIMENSIONS).zip(&packed) {
            panel.pack(part, kernel.block());
            packed.multiply(&panel, &mut scratch, &[0; LANES], &mut thresholds, |query, _, dots| {
                for (total, &dot) in totals[query].iter_mut().zip(dots) {
                    *total += i64::from(dot);
                }
                None
            });
        }
        for (query, totals) in totals.iter().enumerate() {
            sink(query, number * LANES, &totals[..rows.nrows()]);
        }
    }
}
