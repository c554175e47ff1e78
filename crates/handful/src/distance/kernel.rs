//! What a kernel is: the operands as it wants them, and the product of a tile.

use ndarray::{ArrayView2, Axis};

/// Points side by side in a panel.
pub(crate) const LANES: usize = 32;
/// Values of one vector that are multiplied together: the four bytes that VNNI takes at once.
pub(crate) const GROUP: usize = 4;
/// A dot product of so many bytes cannot overflow: 255 · 128 · 65,536 < 2³¹.
pub(crate) const MOST_DIMENSIONS: usize = 65_536;

/// One dot product, or key, for each point of a panel.
pub(crate) type Lanes = [i32; LANES];

/// Up to 32 points side by side: `[group of 4 dimensions][point][dimension]`, with zeros behind the last
/// dimension and the last point. One layout for all kernels, so that panels can be kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    groups: Vec<Group>,
}

/// Two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Group(pub(crate) [[u8; GROUP]; LANES]);

impl Panel {
    /// What [`bytes`](Self::bytes) told.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (values, rest) = bytes.as_chunks::<GROUP>();
        let (groups, more) = values.as_chunks::<LANES>();
        assert!(rest.is_empty() && more.is_empty(), "whole groups");
        Self { groups: groups.iter().copied().map(Group).collect() }
    }

    /// As it lies in memory.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.groups.iter().flat_map(|group| group.0.as_flattened().iter().copied())
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Puts in at most 32 rows, in place of what there was, for kernels of this block.
    pub(crate) fn pack(&mut self, rows: ArrayView2<u8>, block: usize) {
        assert!(rows.nrows() <= LANES, "a panel holds {LANES} points, not {}", rows.nrows());
        let groups = rows.ncols().div_ceil(GROUP).next_multiple_of(block);
        self.groups.resize(groups, Group([[0; GROUP]; LANES]));
        if rows.nrows() < LANES {
            self.groups.fill(Group([[0; GROUP]; LANES]));
        }
        for (lane, row) in rows.axis_iter(Axis(0)).enumerate() {
            if let Some(row) = row.as_slice() {
                let (whole, rest) = row.as_chunks::<GROUP>();
                for (group, &values) in self.groups.iter_mut().zip(whole) {
                    group.0[lane] = values;
                }
                for group in &mut self.groups[whole.len()..] {
                    group.0[lane] = [0; GROUP];
                }
                if let Some(group) = self.groups.get_mut(whole.len()) {
                    group.0[lane][..rest.len()].copy_from_slice(rest);
                }
            } else {
                self.groups.iter_mut().for_each(|group| group.0[lane] = [0; GROUP]);
                for (i, &value) in row.iter().enumerate() {
                    self.groups[i / GROUP].0[lane][i % GROUP] = value;
                }
            }
        }
    }
}

/// The most queries that a kernel multiplies at once.
pub(crate) const MOST_QUERIES: usize = 32;

/// What a multiplication leaves: for each query a mask of the points below its threshold, and their dots.
#[derive(Default)]
#[repr(C, align(64))]
pub(crate) struct Tile {
    pub(crate) masks: [u32; MOST_QUERIES],
    pub(crate) dots: [Lanes; MOST_QUERIES],
}

/// Memory that multiplications use over and over.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) tile: Tile,
    pub(crate) floats: Vec<f32>,
}

/// One instruction set's way to multiply points (unsigned bytes) with queries (signed bytes). A value of
/// the type exists only on machines that have the instructions.
pub(crate) trait Kernel: Copy + Send + Sync {
    /// Queries multiplied at once, at the most; half as many can be, and one.
    const QUERIES: usize;
    const HALF: usize = Self::QUERIES / 2;
    /// The fewest queries that are multiplied as half a tile, the rest of which is zeros.
    const LEAST: usize = Self::HALF;
    /// Groups multiplied at once; panels and queries have a multiple of so many.
    const BLOCK: usize = 1;
    /// What a tile costs beside its products, and what an exact distance costs (for each of its dimensions): in
    /// products of a dense scan of many queries, measured on images of 784 pixels.
    const BATCH_COSTS: [f64; 2];
    /// The same for queries that come alone, which wait for memory.
    const SINGLE_COSTS: [f64; 2] = [0.0, 4.0];
    /// How many times as long a product takes in [`dots`](Self::dots) as in a tile.
    const DOTS_COST: f64;
    /// A query's four values of a group, as the kernel wants them.
    type Word: Copy + Send + Sync;
    /// A panel ready to be multiplied.
    type Ready<'a>: Copy;

    fn word(self, group: [i8; GROUP]) -> Self::Word;

    /// Makes a panel ready for so many queries; `scratch` is for kernels that multiply another type.
    fn ready<'a>(self, panel: &'a Panel, queries: usize, scratch: &'a mut Vec<f32>) -> Self::Ready<'a>;

    /// Multiplies queries, packed as `[block][query][group]`, with a panel. Bit i of a query's mask tells whether
    /// point i's key, `base[i]` less twice the dot product, is at most the query's threshold; where it is,
    /// the dot product is stored in `tile`. Keys wrap: a threshold below `i32::MAX` wants keys that fit.
    ///
    /// # Panics
    /// If there are not `QUERIES`, `LEAST` to `HALF` or one thresholds, or not a tile of the panel's length.
    fn multiply(
        self,
        panel: Self::Ready<'_>,
        queries: &[Self::Word],
        base: &Lanes,
        thresholds: &[i32],
        tile: &mut Tile,
    );

    /// The dot product of one point with one query, of at most [`MOST_DIMENSIONS`].
    ///
    /// # Panics
    /// If the lengths differ.
    fn dot(self, point: &[u8], query: &[i8]) -> i32;

    /// The dot products of one point with several queries, one behind the other in `queries`.
    ///
    /// # Panics
    /// If `queries` is not as long as the points and `dots` make it.
    fn dots(self, point: &[u8], queries: &[i8], dots: &mut [i32]) {
        assert_eq!(queries.len(), point.len() * dots.len(), "queries of the point's length");
        for (dot, query) in dots.iter_mut().zip(queries.chunks_exact(point.len().max(1))) {
            *dot = self.dot(point, query);
        }
    }

    /// Runs plain code that the compiler may vectorise with this kernel's instructions. The results are the same.
    #[inline]
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// Tells the machine that the point will be wanted soon.
    fn prefetch<T>(self, _point: &[T]) {}
}

/// The lanes whose bit is set.
pub(crate) fn lanes(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (mask != 0).then(|| mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        lane
    })
}
