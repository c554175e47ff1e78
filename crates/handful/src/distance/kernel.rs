//! The kernel that a machine runs: one of the instruction sets, chosen at run time.
//!
//! Everything else is compiled once, for all of them. A call does enough work to pay for the choice: it multiplies a
//! panel by a tile of queries, or whole vectors. Plain loops that the compiler should vectorise for the instruction set
//! go through [`vectorize`].

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::x86::{Amx, Avx2, Avx512, Avx512Vnni};
use super::{
    Level,
    instruction_set::{InstructionSet, Ready, Tile},
    panel::{GROUP, Lanes, MOST_DIMENSIONS, Panel},
    scalar::Scalar,
};

/// An instruction set that this machine supports.
#[derive(Clone, Copy)]
pub(crate) enum Kernel {
    Scalar(Scalar),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Avx512Vnni),
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
}

/// Evaluates an expression for the instruction set of a kernel.
macro_rules! with_instruction_set {
    ($kernel:expr, $set:ident => $value:expr) => {
        match $kernel {
            Kernel::Scalar($set) => $value,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2($set) => $value,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512($set) => $value,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512Vnni($set) => $value,
            #[cfg(target_arch = "x86_64")]
            Kernel::Amx($set) => $value,
        }
    };
}

/// How an instruction set divides queries into tiles; see [`InstructionSet`].
#[derive(Clone, Copy)]
pub(super) struct Tiling {
    pub(super) queries: usize,
    pub(super) half: usize,
    pub(super) least: usize,
    pub(super) block: usize,
    pub(super) words: usize,
}

impl Tiling {
    fn of<S: InstructionSet>(_: S) -> Self {
        Self { queries: S::QUERIES, half: S::HALF, least: S::LEAST, block: S::BLOCK, words: S::WORDS }
    }
}

/// Constants of an instruction set that cost models need; see [`InstructionSet`].
pub(crate) struct Costs {
    pub(crate) batch: [f64; 2],
    pub(crate) single: [f64; 2],
    pub(crate) dots: f64,
}

impl Costs {
    fn of<S: InstructionSet>(_: S) -> Self {
        Self { batch: S::BATCH_COSTS, single: S::SINGLE_COSTS, dots: S::DOTS_COST }
    }
}

impl Kernel {
    /// The fastest of this machine; see [`Level::detect`].
    pub(crate) fn detect() -> Self {
        static KERNEL: OnceLock<Kernel> = OnceLock::new();
        *KERNEL.get_or_init(|| Self::new(Level::detect()))
    }

    /// # Panics
    /// If this machine does not support the level.
    pub(crate) fn new(level: Level) -> Self {
        #[cfg(target_arch = "x86_64")]
        const AVAILABLE: &str = "a level is chosen among those available";
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Amx => Self::Amx(Amx::new().expect(AVAILABLE)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni => Self::Avx512Vnni(Avx512Vnni::new().expect(AVAILABLE)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Self::Avx512(Avx512::new().expect(AVAILABLE)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Self::Avx2(Avx2::new().expect(AVAILABLE)),
            _ => Self::Scalar(Scalar),
        }
    }

    pub(super) fn tiling(self) -> Tiling {
        with_instruction_set!(self, set => Tiling::of(set))
    }

    /// Number of groups of a panel that are multiplied at once.
    pub(crate) fn block(self) -> usize {
        self.tiling().block
    }

    pub(crate) fn costs(self) -> Costs {
        with_instruction_set!(self, set => Costs::of(set))
    }

    /// Stores queries of `d` values in the words of a tile of `size` queries, as they are multiplied.
    pub(super) fn store(self, queries: &[i8], d: usize, size: usize, words: &mut [i32]) {
        with_instruction_set!(self, set => store(set, queries, d, size, words));
    }

    #[inline]
    pub(super) fn ready<'a>(self, panel: &'a Panel, queries: usize, scratch: &'a mut Vec<f32>) -> Ready<'a> {
        with_instruction_set!(self, set => set.ready(panel, queries, scratch))
    }

    #[inline]
    pub(super) fn multiply(
        self,
        panel: Ready,
        queries: &[i32],
        base: &Lanes,
        thresholds: &[i32],
        tile: &mut Tile,
    ) {
        with_instruction_set!(self, set => set.multiply(panel, queries, base, thresholds, tile));
    }

    /// The dot product of one point and one query, of at most [`MOST_DIMENSIONS`].
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline]
    pub(crate) fn dot(self, point: &[u8], query: &[i8]) -> i32 {
        with_instruction_set!(self, set => set.dot(point, query))
    }

    /// [`dot`](Self::dot) of vectors of any length.
    #[inline]
    pub(crate) fn long_dot(self, point: &[u8], query: &[i8]) -> i64 {
        if point.len() <= MOST_DIMENSIONS {
            return self.dot(point, query).into();
        }
        let parts = point.chunks(MOST_DIMENSIONS).zip(query.chunks(MOST_DIMENSIONS));
        parts.map(|(point, query)| i64::from(self.dot(point, query))).sum()
    }

    /// The dot products of one point and several queries, which are stored one after the other in `queries`.
    ///
    /// # Panics
    /// If the length of `queries` is not that of the point times that of `dots`.
    #[inline]
    pub(crate) fn dots(self, point: &[u8], queries: &[i8], dots: &mut [i32]) {
        with_instruction_set!(self, set => set.dots(point, queries, dots));
    }

    /// Runs the work of [`vectorize`].
    #[inline]
    pub(crate) fn run<R>(self, work: impl FnOnce() -> R) -> R {
        match self {
            Self::Scalar(_) => work(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(vnni) => Avx512::from(vnni).run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Amx(amx) => Avx512::from(amx).run(work),
        }
    }
}

/// [`Kernel::store`]: words are `[block][query][group]`.
fn store<S: InstructionSet>(set: S, queries: &[i8], d: usize, size: usize, words: &mut [i32]) {
    for (i, query) in queries.chunks_exact(d.max(1)).enumerate() {
        let (whole, rest) = query.as_chunks::<GROUP>();
        let mut last = [0; GROUP];
        last[..rest.len()].copy_from_slice(rest);
        let all = whole.iter().copied().chain((!rest.is_empty()).then_some(last));
        for (group, values) in all.enumerate() {
            let place = (group / S::BLOCK * size + i) * S::BLOCK + group % S::BLOCK;
            set.store(values, &mut words[place * S::WORDS..][..S::WORDS]);
        }
    }
}

/// Evaluates an expression that the compiler may vectorise for the kernel's instruction set. The value does not depend
/// on it. The expression is compiled three times: for the baseline, for AVX2 and for AVX-512. Functions that it calls
/// are compiled for these only if they are inlined.
macro_rules! vectorize {
    ($kernel:expr, $value:expr) => {
        $kernel.run(
            #[inline(always)]
            || $value,
        )
    };
}
pub(crate) use vectorize;

/// Prefetches a point that will be needed soon.
#[inline]
pub(crate) fn prefetch<T>(point: &[T]) {
    #[cfg(target_arch = "x86_64")]
    super::x86::prefetch(point);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = point;
}
