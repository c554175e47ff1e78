//! Points packed once, for many batches of queries.

use ndarray::{ArrayView2, Axis};

use super::{
    kernel::{Kernel, LANES, Lanes, MOST_DIMENSIONS, Panel, Scratch},
    level::Level,
    packed::Packed,
    with_kernel,
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
        let block = with_kernel!(Level::detect(), |kernel| block(kernel));
        let pack = |rows| {
            let mut panel = Panel::default();
            panel.pack(rows, block);
            panel
        };
        Self { panels: points.axis_chunks_iter(Axis(0), LANES).map(pack).collect(), n, d }
    }

    /// How many points there are, and how long.
    pub(crate) fn dim(&self) -> (usize, usize) {
        (self.n, self.d)
    }

    /// Gives `sink(first_point, dots)` the products of all queries with up to 32 points at a time, in ascending order;
    /// behind the last point they mean nothing.
    pub(crate) fn multiply<K: Kernel>(
        &self,
        kernel: K,
        queries: ArrayView2<i8>,
        mut sink: impl FnMut(usize, &[Lanes]),
    ) {
        assert_eq!(queries.ncols(), self.d, "points and queries of unequal length");
        let packed = Packed::new(kernel, queries);
        let mut scratch = Scratch::default();
        let mut dots = vec![[0; LANES]; queries.nrows()];
        for (number, panel) in self.panels.iter().enumerate() {
            packed.multiply_all(panel, &mut scratch, &mut dots);
            sink(number * LANES, &dots);
        }
    }
}

fn block<K: Kernel>(_kernel: K) -> usize {
    K::BLOCK
}
