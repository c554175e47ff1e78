//! The instruction sets of x86-64: one algorithm over a small [`Vector`] trait, with one short file per instruction set.

#![expect(unsafe_code, reason = "vector instructions: safe functions check lengths, types prove the level")]

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

mod amx;
mod avx2;
mod avx512;
mod vector;
mod vnni;

use super::{
    instruction_set::{InstructionSet, MOST_QUERIES, Ready, Tile},
    level::Level,
    panel::{GROUP, Group, LANES, Lanes, Panel},
};
pub(crate) use amx::Amx;
use avx2::Bytes256;
use avx512::Bytes512;
use vector::Vector;
use vnni::Vnni512;

/// [`InstructionSet::multiply`] for `Q` queries, with `R` registers of points at a time.
///
/// # Safety
/// The instruction set, as for [`Vector`]'s methods.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
#[expect(clippy::needless_range_loop, reason = "counted loops are unrolled, so that sums stay in registers")]
unsafe fn multiply<V: Vector, const R: usize, const Q: usize>(
    groups: &[Group],
    words: &[i32],
    base: &Lanes,
    thresholds: &[i32; Q],
    tile: &mut Tile,
) {
    assert!(words.len() == groups.len() * Q * V::WORDS, "queries and points of unequal length");
    tile.masks[..Q].fill(0);
    for first in (0..LANES).step_by(R * V::WIDTH) {
        // SAFETY: the caller's promise; WIDTH lanes from `first + r * WIDTH` are below LANES, as R * WIDTH
        // divides it; `words` holds Q * WORDS words for each group.
        unsafe {
            let mut sums = [[V::zero(); R]; Q];
            let mut word = words.as_ptr();
            for group in groups {
                let mut points = [V::points(group.0.as_ptr().add(first)); R];
                for (r, points) in points.iter_mut().enumerate().skip(1) {
                    *points = V::points(group.0.as_ptr().add(first + r * V::WIDTH));
                }
                for sums in &mut sums {
                    let query = V::query(word);
                    word = word.add(V::WORDS);
                    for r in 0..R {
                        sums[r] = sums[r].multiply_add(points[r], query);
                    }
                }
            }
            // All masks come first, so that sums that stay in registers are compared without a branch.
            let mut masks = [0; Q];
            for q in 0..Q {
                for r in 0..R {
                    let lane = first + r * V::WIDTH;
                    masks[q] |= sums[q][r].below(base.as_ptr().add(lane), thresholds[q]) << lane;
                }
            }
            for q in 0..Q {
                if masks[q] != 0 {
                    for r in 0..R {
                        sums[q][r].store(tile.dots[q].as_mut_ptr().add(first + r * V::WIDTH));
                    }
                    tile.masks[q] |= masks[q];
                }
            }
        }
    }
}

/// Implements [`InstructionSet`] for a level.
macro_rules! kernel {
    ($kernel:ident, $vector:ty, $level:expr, $features:literal, queries: $queries:literal, least: $least:literal, registers: $registers:literal, costs: $costs:expr, dots: $dots:expr) => {
        #[doc = concat!("Machines with ", $features, ".")]
        #[derive(Clone, Copy)]
        pub(crate) struct $kernel(());

        impl $kernel {
            pub(crate) fn new() -> Option<Self> {
                $level.is_available().then_some(Self(()))
            }

            #[target_feature(enable = $features)]
            fn multiply_with_features(
                groups: &[Group],
                words: &[i32],
                base: &Lanes,
                thresholds: &[i32],
                tile: &mut Tile,
            ) {
                const {
                    assert!(
                        $queries <= MOST_QUERIES && LANES % ($registers * <$vector as Vector>::WIDTH) == 0
                    )
                };
                macro_rules! multiply {
                    ($n:expr) => {{
                        let mut all = [i32::MIN; $n];
                        all[..thresholds.len()].copy_from_slice(thresholds);
                        // SAFETY: the features are enabled.
                        unsafe { multiply::<$vector, $registers, { $n }>(groups, words, base, &all, tile) }
                    }};
                }
                let n = thresholds.len();
                if n == $queries {
                    multiply!($queries)
                } else if n == 1 {
                    multiply!(1)
                } else {
                    assert!(n >= Self::LEAST, "queries for a tile");
                    multiply!(<Self as InstructionSet>::HALF)
                }
            }
        }

        impl InstructionSet for $kernel {
            const QUERIES: usize = $queries;
            const LEAST: usize = $least;
            const BATCH_COSTS: [f64; 2] = $costs;
            const DOTS_COST: f64 = $dots;
            const WORDS: usize = <$vector as Vector>::WORDS;

            fn store(self, group: [i8; GROUP], words: &mut [i32]) {
                words.copy_from_slice(&<$vector>::words(group));
            }

            fn ready<'a>(self, panel: &'a Panel, _queries: usize, _scratch: &'a mut Vec<f32>) -> Ready<'a> {
                Ready::new(panel.groups(), &[])
            }

            #[inline]
            fn multiply(
                self,
                panel: Ready,
                queries: &[i32],
                base: &Lanes,
                thresholds: &[i32],
                tile: &mut Tile,
            ) {
                // SAFETY: `self` exists only where the features do.
                unsafe { Self::multiply_with_features(panel.groups(), queries, base, thresholds, tile) }
            }

            #[inline]
            fn dot(self, point: &[u8], query: &[i8]) -> i32 {
                assert_eq!(point.len(), query.len(), "a point and a query of unequal length");
                // SAFETY: `self` exists only where the features do; the lengths agree.
                unsafe { <$vector>::dot(point, query) }
            }

            #[inline]
            fn dots(self, point: &[u8], queries: &[i8], dots: &mut [i32]) {
                assert_eq!(queries.len(), point.len() * dots.len(), "queries of the point's length");
                // SAFETY: `self` exists only where the features do; the lengths agree.
                unsafe { <$vector>::dots(point, queries, dots) }
            }
        }
    };
}

/// Implements `run` for a level; see [`Kernel::run`](super::Kernel::run).
macro_rules! run {
    ($kernel:ident, $features:literal) => {
        impl $kernel {
            #[inline]
            pub(super) fn run<R>(self, work: impl FnOnce() -> R) -> R {
                #[target_feature(enable = $features)]
                fn with_features<R>(work: impl FnOnce() -> R) -> R {
                    work()
                }
                // SAFETY: `self` exists only where the features do.
                unsafe { with_features(work) }
            }
        }
    };
}

impl From<Avx512Vnni> for Avx512 {
    fn from(_: Avx512Vnni) -> Self {
        Self(())
    }
}

#[inline]
pub(super) fn prefetch<T>(point: &[T]) {
    for line in point.chunks(64 / size_of::<T>()) {
        // SAFETY: any address may be prefetched, and x86-64 always can.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
    }
}

kernel!(Avx2, Bytes256, Level::Avx2, "avx2", queries: 3, least: 1, registers: 2, costs: [10.0, 12.0], dots: 1.5);
kernel!(Avx512, Bytes512, Level::Avx512, "avx512f,avx512bw,avx512dq,avx512vl", queries: 6, least: 2, registers: 2, costs: [20.0, 16.0], dots: 1.5);
kernel!(Avx512Vnni, Vnni512, Level::Avx512Vnni, "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni", queries: 12, least: 4, registers: 2, costs: [40.0, 28.0], dots: 2.0);
run!(Avx2, "avx2");
run!(Avx512, "avx512f,avx512bw,avx512dq,avx512vl");
