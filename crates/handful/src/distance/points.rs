//! Points that are packed once, for many batches of queries.

use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};

use super::{
    instruction_set::Scratch,
    kernel::Kernel,
    packed::Packed,
    panel::{LANES, Lanes, MOST_DIMENSIONS, Panel},
    vectorize,
};

/// Rows of unsigned bytes, ready to be multiplied at the machine's level.
#[derive(Clone, Debug)]
pub(crate) struct PackedPoints {
    panels: Vec<Panel>,
    n: usize,
    d: usize,
}

impl PackedPoints {
    /// # Panics
    /// If the rows are longer than [`MOST_DIMENSIONS`].
    pub(crate) fn new(points: ArrayView2<u8>) -> Self {
        let (n, d) = points.dim();
        assert!(d <= MOST_DIMENSIONS, "{d} dimensions are too many for 32-bit sums");
        let block = Kernel::detect().block();
        let pack = |rows| {
            let mut panel = Panel::default();
            panel.pack(rows, block);
            panel
        };
        Self { panels: points.axis_chunks_iter(Axis(0), LANES).map(pack).collect(), n, d }
    }

    /// Number of points, and their length.
    pub(crate) fn dim(&self) -> (usize, usize) {
        (self.n, self.d)
    }

    /// Passes to `sink(first_point, dots)` the products of all queries and up to 32 points at a time, in ascending
    /// order. Products after the last point are meaningless.
    pub(crate) fn multiply(&self, queries: ArrayView2<i8>, mut sink: impl FnMut(usize, &[Lanes])) {
        assert_eq!(queries.ncols(), self.d, "points and queries of unequal length");
        let packed = Packed::new(Kernel::detect(), queries);
        let mut scratch = Scratch::default();
        let mut dots = vec![[0; LANES]; queries.nrows()];
        for (number, panel) in self.panels.iter().enumerate() {
            packed.multiply_all(panel, &mut scratch, &mut dots);
            sink(number * LANES, &dots);
        }
    }

    /// Writes the results of `of(first_point, query, dots)` on each query's products, with up to 32 points at a time,
    /// into the rows of `out`, which are contiguous. Results after the last point are dropped.
    pub(crate) fn map<T: Copy>(
        &self,
        queries: ArrayView2<i8>,
        of: impl Fn(usize, usize, Lanes) -> [T; LANES],
        mut out: ArrayViewMut2<T>,
    ) {
        let kernel = Kernel::detect();
        self.multiply(queries, |first, dots| {
            let end = self.n.min(first + LANES);
            let mut out = out.slice_mut(s![.., first..end]);
            let rows = out.outer_iter_mut().map(|row| row.into_slice().expect("rows are contiguous"));
            let all = rows.zip(dots).enumerate();
            // Closures are compiled for the kernel's instructions only where they are inlined, and large ones might not
            // be. The last panel is handled separately, so that whole panels are written straight from registers.
            if end - first == LANES {
                vectorize!(kernel, {
                    for (query, (out, dots)) in all {
                        *out.first_chunk_mut().expect("a whole panel") = of(first, query, *dots);
                    }
                });
            } else {
                vectorize!(kernel, {
                    for (query, (out, dots)) in all {
                        out.copy_from_slice(&of(first, query, *dots)[..out.len()]);
                    }
                });
            }
        });
    }
}
