//! The kernel interface: the layout of its operands, and the product of a tile.

use ndarray::{ArrayView2, Axis};

/// Number of points in a panel.
pub(crate) const LANES: usize = 32;
/// Number of values of one vector that are multiplied together: VNNI takes four bytes at once.
pub(crate) const GROUP: usize = 4;
/// A dot product of this many bytes cannot overflow: 255 · 128 · 65,536 < 2³¹.
pub(crate) const MOST_DIMENSIONS: usize = 65_536;

/// One dot product, or key, for each point of a panel.
pub(crate) type Lanes = [i32; LANES];

/// Up to 32 interleaved points: `[group of 4 dimensions][point][dimension]`, padded with zeros after the last dimension
/// and the last point. All kernels use the same layout, so panels can be kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    groups: Vec<Group>,
}

/// Two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Group(pub(crate) [[u8; GROUP]; LANES]);

impl Panel {
    /// From the result of [`bytes`](Self::bytes).
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (values, rest) = bytes.as_chunks::<GROUP>();
        let (groups, more) = values.as_chunks::<LANES>();
        assert!(rest.is_empty() && more.is_empty(), "whole groups");
        Self { groups: groups.iter().copied().map(Group).collect() }
    }

    /// The bytes in memory order.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.groups.iter().flat_map(|group| group.0.as_flattened().iter().copied())
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Replaces the content by at most 32 rows, for kernels with this block size.
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

/// Maximum number of queries that a kernel multiplies at once.
pub(crate) const MOST_QUERIES: usize = 32;

/// The result of a multiplication: for each query, a mask of the points below its threshold, and their dot products.
#[derive(Default)]
#[repr(C, align(64))]
pub(crate) struct Tile {
    pub(crate) masks: [u32; MOST_QUERIES],
    pub(crate) dots: [Lanes; MOST_QUERIES],
}

/// Memory that multiplications reuse.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) tile: Tile,
    pub(crate) floats: Vec<f32>,
}

/// Multiplies points (unsigned bytes) by queries (signed bytes) with one instruction set. A value of the type exists
/// only on machines that support the instructions.
pub(crate) trait Kernel: Copy + Send + Sync {
    /// Maximum number of queries that are multiplied at once. Half as many are also possible, and one.
    const QUERIES: usize;
    const HALF: usize = Self::QUERIES / 2;
    /// Minimum number of queries that are multiplied as half a tile, the rest of which is zeros.
    const LEAST: usize = Self::HALF;
    /// Number of groups that are multiplied at once; the lengths of panels and queries are multiples of it.
    const BLOCK: usize = 1;
    /// Cost of a tile besides its products, and cost of an exact distance per dimension, in products of a dense scan of
    /// many queries, measured on images of 784 pixels.
    const BATCH_COSTS: [f64; 2];
    /// The same for single queries, which are limited by memory bandwidth.
    const SINGLE_COSTS: [f64; 2] = [0.0, 4.0];
    /// Cost of a product in [`dots`](Self::dots), relative to one in a tile.
    const DOTS_COST: f64;
    /// A query's four values of a group, in the kernel's format.
    type Word: Copy + Send + Sync;
    /// A panel that is ready to be multiplied.
    type Ready<'a>: Copy;

    fn word(self, group: [i8; GROUP]) -> Self::Word;

    /// Prepares a panel for a number of queries; `scratch` is for kernels that multiply another type.
    fn ready<'a>(self, panel: &'a Panel, queries: usize, scratch: &'a mut Vec<f32>) -> Self::Ready<'a>;

    /// Multiplies queries, packed as `[block][query][group]`, by a panel. Bit i of a query's mask is set if point i's
    /// key, `base[i]` minus twice the dot product, is at most the query's threshold. If so, the dot product is stored
    /// in `tile`. Keys wrap, so with a threshold below `i32::MAX` they must not overflow.
    ///
    /// # Panics
    /// If the number of thresholds is not `QUERIES`, `LEAST` to `HALF`, or one, or the queries are not a tile of the
    /// panel's length.
    fn multiply(
        self,
        panel: Self::Ready<'_>,
        queries: &[Self::Word],
        base: &Lanes,
        thresholds: &[i32],
        tile: &mut Tile,
    );

    /// The dot product of one point and one query, of at most [`MOST_DIMENSIONS`].
    ///
    /// # Panics
    /// If the lengths differ.
    fn dot(self, point: &[u8], query: &[i8]) -> i32;

    /// The dot products of one point and several queries, which are stored one after the other in `queries`.
    ///
    /// # Panics
    /// If the length of `queries` is not that of the point times that of `dots`.
    fn dots(self, point: &[u8], queries: &[i8], dots: &mut [i32]) {
        assert_eq!(queries.len(), point.len() * dots.len(), "queries of the point's length");
        for (dot, query) in dots.iter_mut().zip(queries.chunks_exact(point.len().max(1))) {
            *dot = self.dot(point, query);
        }
    }

    /// Runs plain code that the compiler may vectorise with this kernel's instructions. The results do not change.
    #[inline]
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// Prefetches a point that will be needed soon.
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
