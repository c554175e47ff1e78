//! What an instruction set implements to multiply bytes, and the operands it works on.

use std::marker::PhantomData;

use super::panel::{GROUP, Group, Lanes, Panel};

/// Maximum number of queries that a kernel multiplies at once.
pub(crate) const MOST_QUERIES: usize = 32;

/// The result of a multiplication: for each query, a mask of the points below its threshold, and their dot products.
#[derive(Default)]
#[repr(C, align(64))]
pub(crate) struct Tile {
    pub(crate) masks: [u32; MOST_QUERIES],
    pub(crate) dots: [Lanes; MOST_QUERIES],
}

/// A panel that is ready to be multiplied on this thread, and only there: a thread's tile registers must have been
/// configured.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "the instruction sets of x86-64 read them")
)]
pub(crate) struct Ready<'a> {
    groups: &'a [Group],
    /// The values of the panel as floats, for instruction sets that multiply those.
    floats: &'a [f32],
    tiles_are_configured: bool,
    not_send: PhantomData<*const ()>,
}

impl<'a> Ready<'a> {
    pub(super) fn new(groups: &'a [Group], floats: &'a [f32]) -> Self {
        Self { groups, floats, tiles_are_configured: false, not_send: PhantomData }
    }

    pub(super) fn floats(self) -> &'a [f32] {
        self.floats
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "only the caller knows the state of the thread's registers")]
impl<'a> Ready<'a> {
    /// For tile instructions.
    ///
    /// # Safety
    /// The tile registers of this thread are configured as `Amx` wants them.
    pub(super) unsafe fn with_tiles(groups: &'a [Group]) -> Self {
        Self { groups, floats: &[], tiles_are_configured: true, not_send: PhantomData }
    }

    pub(super) fn groups(self) -> &'a [Group] {
        self.groups
    }

    pub(super) fn tiles_are_configured(self) -> bool {
        self.tiles_are_configured
    }
}

/// Memory that multiplications reuse.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) tile: Tile,
    pub(crate) floats: Vec<f32>,
}

/// Multiplies points (unsigned bytes) by queries (signed bytes) with one instruction set. A value of the type exists
/// only on machines that support the instructions.
pub(super) trait InstructionSet: Copy {
    /// Maximum number of queries that are multiplied at once. Half as many are also possible, and one.
    const QUERIES: usize;
    const HALF: usize = Self::QUERIES / 2;
    /// Minimum number of queries that are multiplied as half a tile, the rest of which is zeros.
    const LEAST: usize = Self::HALF;
    /// Number of groups that are multiplied at once; the lengths of panels and queries are multiples of it.
    const BLOCK: usize = 1;
    /// Number of words that a query's group takes.
    const WORDS: usize;
    /// Cost of a tile besides its products, and cost of an exact distance per dimension, in products of a dense scan of
    /// many queries, measured on images of 784 pixels.
    const BATCH_COSTS: [f64; 2];
    /// The same for single queries, which are limited by memory bandwidth.
    const SINGLE_COSTS: [f64; 2] = [0.0, 4.0];
    /// Cost of a product in [`dots`](Self::dots), relative to one in a tile.
    const DOTS_COST: f64;

    /// Stores a query's four values of a group in `WORDS` words, as they are multiplied.
    fn store(self, group: [i8; GROUP], words: &mut [i32]);

    /// Prepares a panel for a number of queries; `scratch` is for instruction sets that multiply another type.
    fn ready<'a>(self, panel: &'a Panel, queries: usize, scratch: &'a mut Vec<f32>) -> Ready<'a>;

    /// Multiplies queries, packed as `[block][query][group]`, by a panel. Bit i of a query's mask is set if point i's
    /// key, `base[i]` minus twice the dot product, is at most the query's threshold. If so, the dot product is stored
    /// in `tile`. Keys wrap, so with a threshold below `i32::MAX` they must not overflow.
    ///
    /// # Panics
    /// If the number of thresholds is not `QUERIES`, `LEAST` to `HALF`, or one, or the queries are not a tile of the
    /// panel's length.
    fn multiply(self, panel: Ready, queries: &[i32], base: &Lanes, thresholds: &[i32], tile: &mut Tile);

    /// The dot product of one point and one query, of at most [`MOST_DIMENSIONS`](super::MOST_DIMENSIONS).
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
}
