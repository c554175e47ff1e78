//! Queries packed for a kernel, and the multiplication of panels by them.

use std::ops::Range;

use ndarray::{ArrayView2, Axis};

use super::kernel::{GROUP, Kernel, LANES, Lanes, MOST_DIMENSIONS, MOST_QUERIES, Panel, Scratch};

/// Queries in a kernel's format: tiles of `K::QUERIES`, possibly one of half as many, and the rest one by one.
pub(crate) struct Packed<K: Kernel> {
    kernel: K,
    words: Vec<K::Word>,
    n: usize,
    groups: usize,
}

impl<K: Kernel> Packed<K> {
    /// # Panics
    /// If the rows are longer than [`MOST_DIMENSIONS`].
    pub(crate) fn new(kernel: K, queries: ArrayView2<i8>) -> Self {
        let (n, d) = queries.dim();
        assert!(d <= MOST_DIMENSIONS, "{d} dimensions are too many for 32-bit sums");
        let queries = queries.as_standard_layout();
        let values = queries.as_slice().expect("in standard layout");
        let groups = d.div_ceil(GROUP).next_multiple_of(K::BLOCK);
        let n_words = tiles::<K>(n).map(|tile| size::<K>(&tile) * groups).sum();
        let mut words = vec![kernel.word([0; GROUP]); n_words];
        for tile in tiles::<K>(n) {
            let words = &mut words[tile.start * groups..][..size::<K>(&tile) * groups];
            let stride = size::<K>(&tile) * K::BLOCK;
            for (i, query) in tile.enumerate() {
                let (whole, rest) = values[query * d..][..d].as_chunks::<GROUP>();
                let mut last = [0; GROUP];
                last[..rest.len()].copy_from_slice(rest);
                let all = whole.iter().copied().chain((!rest.is_empty()).then_some(last));
                for (group, values) in all.enumerate() {
                    words[group / K::BLOCK * stride + i * K::BLOCK + group % K::BLOCK] = kernel.word(values);
                }
            }
        }
        Self { kernel, words, n, groups }
    }

    /// Number of queries.
    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// The products of a panel and all queries, one per query.
    pub(crate) fn multiply_all(&self, panel: &Panel, scratch: &mut Scratch, dots: &mut [Lanes]) {
        let Scratch { tile, floats } = scratch;
        let panel = self.kernel.ready(panel, self.n, floats);
        for queries in tiles::<K>(self.n) {
            let words = &self.words[queries.start * self.groups..][..size::<K>(&queries) * self.groups];
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
        for queries in tiles::<K>(self.n) {
            let words = &self.words[queries.start * self.groups..][..size::<K>(&queries) * self.groups];
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

/// The range of queries in each tile.
fn tiles<K: Kernel>(n: usize) -> impl Iterator<Item = Range<usize>> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let size = match n - first {
            0 => return None,
            rest if rest >= K::QUERIES => K::QUERIES,
            rest if rest >= K::LEAST => rest.min(K::HALF),
            _ => 1,
        };
        first += size;
        Some(first - size..first)
    })
}

/// The number of queries with which a kernel multiplies a tile; if it is more than there are, the rest are zeros.
fn size<K: Kernel>(tile: &Range<usize>) -> usize {
    match tile.len() {
        1 => 1,
        n if n <= K::HALF => K::HALF,
        _ => K::QUERIES,
    }
}

/// Passes to `sink(query, first_point, dots)` the dot products of each query and up to 32 points at a time: `dots[i]`
/// belongs to point `first_point + i`. Points come in ascending order, and for each 32 of them all queries in ascending
/// order. Vectors may have any length.
pub(crate) fn for_each_tile<K: Kernel>(
    kernel: K,
    points: ArrayView2<u8>,
    queries: ArrayView2<i8>,
    mut sink: impl FnMut(usize, usize, &[i64]),
) {
    assert_eq!(points.ncols(), queries.ncols(), "points and queries of unequal length");
    let packed: Vec<Packed<K>> =
        queries.axis_chunks_iter(Axis(1), MOST_DIMENSIONS).map(|part| Packed::new(kernel, part)).collect();
    let (mut panel, mut scratch) = (Panel::default(), Scratch::default());
    let mut thresholds = vec![i32::MAX; queries.nrows()];
    let mut totals = vec![[0_i64; LANES]; queries.nrows()];
    for (number, rows) in points.axis_chunks_iter(Axis(0), LANES).enumerate() {
        totals.fill([0; LANES]);
        for (part, packed) in rows.axis_chunks_iter(Axis(1), MOST_DIMENSIONS).zip(&packed) {
            panel.pack(part, K::BLOCK);
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
