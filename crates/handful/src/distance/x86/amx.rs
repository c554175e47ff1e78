//! AMX: a single instruction multiplies 16 queries by 16 points, with 64 bytes of each.
//!
//! Its registers are tiles of 16 rows of 64 bytes. A panel's 16 groups are two adjacent tiles, and a query's 64 bytes
//! are a row. The products of two tiles of queries and two tiles of points fill four more tiles, so all eight are in
//! use. The instructions are written as assembly because Rust has no stable intrinsics for them yet.

use std::arch::{asm, x86_64::_mm512_loadu_si512};

use super::{Avx512, Avx512Vnni, avx512::below512};
use crate::distance::{
    Level,
    instruction_set::{InstructionSet, Ready, Tile},
    panel::{GROUP, Group, LANES, Lanes, Panel},
};

/// Number of rows of a tile, and of groups in a tile.
const ROWS: usize = 16;

#[derive(Clone, Copy)]
pub(crate) struct Amx(Avx512Vnni);

impl Amx {
    pub(crate) fn new() -> Option<Self> {
        Avx512Vnni::new().filter(|_| Level::Amx.is_available()).map(Self)
    }

    /// # Safety
    /// `T` is 1 or 2, the number of tiles of queries; `words` holds 16 `T` queries of the panel's length; and the tiles
    /// have been configured on this thread.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn multiply_tiles<const T: usize>(
        groups: &[Group],
        words: &[i32],
        base: &Lanes,
        thresholds: &[i32],
        tile: &mut Tile,
    ) {
        const { assert!(size_of::<Group>() == 128 && size_of::<Lanes>() == 128) };
        if groups.is_empty() {
            tile.dots.fill([0; LANES]);
        } else {
            let (mut query, mut point) = (words.as_ptr(), groups.as_ptr());
            let mut blocks = groups.len() / ROWS;
            macro_rules! multiply {
                ($load:literal, $both:literal, $store:literal, $step:literal) => {
                    asm!(
                        "tilezero tmm0",
                        "tilezero tmm1",
                        "tilezero tmm2",
                        "tilezero tmm3",
                        "2:",
                        "tileloadd tmm4, [{query} + {row}]",
                        $load,
                        "tileloadd tmm6, [{point} + {lanes}]",
                        "tileloadd tmm7, [{point} + {lanes} + 64]",
                        "tdpbsud tmm0, tmm4, tmm6",
                        "tdpbsud tmm1, tmm4, tmm7",
                        $both,
                        $step,
                        "add {point}, 2048",
                        "dec {blocks}",
                        "jnz 2b",
                        "tilestored [{dots} + {lanes}], tmm0",
                        "tilestored [{dots} + {lanes} + 64], tmm1",
                        $store,
                        query = inout(reg) query,
                        point = inout(reg) point,
                        blocks = inout(reg) blocks,
                        dots = in(reg) tile.dots.as_mut_ptr(),
                        row = in(reg) 64_usize,
                        lanes = in(reg) 128_usize,
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                        out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                        options(nostack),
                    )
                };
            }
            // SAFETY: each round reads 16 groups of 128 bytes and 16 `T` rows of 64 bytes; both have as many as there
            // are rounds. It writes `T` times 16 rows of 128 bytes, which `tile` has.
            unsafe {
                if T == 2 {
                    multiply!(
                        "tileloadd tmm5, [{query} + {row} + 1024]",
                        "tdpbsud tmm2, tmm5, tmm6\ntdpbsud tmm3, tmm5, tmm7",
                        "tilestored [{dots} + {lanes} + 2048], tmm2\ntilestored [{dots} + {lanes} + 2112], tmm3",
                        "add {query}, 2048"
                    );
                } else {
                    multiply!("", "", "", "add {query}, 1024");
                }
            }
            let _ = (query, point, blocks);
        }
        for ((mask, dots), &threshold) in tile.masks.iter_mut().zip(&tile.dots).zip(thresholds) {
            // SAFETY: the features are enabled; `base` and `dots` have 32 lanes.
            *mask = unsafe {
                let below = |lane| {
                    below512(
                        _mm512_loadu_si512(dots.as_ptr().add(lane).cast()),
                        base.as_ptr().add(lane),
                        threshold,
                    )
                };
                below(0) | below(16) << 16
            };
        }
    }
}

impl From<Amx> for Avx512 {
    fn from(amx: Amx) -> Self {
        amx.0.into()
    }
}

impl InstructionSet for Amx {
    const QUERIES: usize = 2 * ROWS;
    /// A tile that is not full is faster than single queries.
    const LEAST: usize = 3;
    const BLOCK: usize = ROWS;
    const BATCH_COSTS: [f64; 2] = [100.0, 72.0];
    const DOTS_COST: f64 = 6.0;
    const WORDS: usize = Avx512Vnni::WORDS;

    fn store(self, group: [i8; GROUP], words: &mut [i32]) {
        self.0.store(group, words);
    }

    fn ready<'a>(self, panel: &'a Panel, queries: usize, _scratch: &'a mut Vec<f32>) -> Ready<'a> {
        if queries < Self::LEAST {
            return Ready::new(panel.groups(), &[]);
        }
        configure();
        // SAFETY: they have just been configured.
        unsafe { Ready::with_tiles(panel.groups()) }
    }

    #[inline]
    fn multiply(self, panel: Ready, words: &[i32], base: &Lanes, thresholds: &[i32], tile: &mut Tile) {
        let groups = panel.groups();
        if thresholds.len() < Self::LEAST {
            return self.0.multiply(panel, words, base, thresholds, tile);
        }
        assert!(panel.tiles_are_configured() && groups.len().is_multiple_of(ROWS), "a panel for this kernel");
        let tiles = thresholds.len().div_ceil(ROWS);
        assert_eq!(words.len(), tiles * ROWS * groups.len(), "queries and points of unequal length");
        // SAFETY: `self` exists only where the instructions do. Whoever made the panel ready for tiles promises that they
        // are configured on this thread, which it does not leave. Nobody else configures tiles between two products of a
        // panel (`Packed::multiply` forbids it to its sinks), and we use only one configuration. The lengths have been
        // checked.
        unsafe {
            match tiles {
                1 => Self::multiply_tiles::<1>(groups, words, base, thresholds, tile),
                2 => Self::multiply_tiles::<2>(groups, words, base, thresholds, tile),
                _ => panic!("{} queries for a tile", thresholds.len()),
            }
        }
    }

    #[inline]
    fn dot(self, point: &[u8], query: &[i8]) -> i32 {
        self.0.dot(point, query)
    }

    #[inline]
    fn dots(self, point: &[u8], queries: &[i8], dots: &mut [i32]) {
        self.0.dots(point, queries, dots);
    }
}

/// Configures all tiles of this thread as 16 rows of 64 bytes.
fn configure() {
    #[repr(C, align(64))]
    struct Shape {
        palette: u8,
        start_row: u8,
        reserved: [u8; 14],
        row_bytes: [u16; 16],
        rows: [u8; 16],
    }
    static SHAPE: Shape = Shape {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
        rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
    };
    // SAFETY: only reachable through an `Amx`, which exists where the instruction does; the 64 bytes have the required
    // layout.
    unsafe {
        asm!(
            "ldtilecfg [{shape}]",
            shape = in(reg) &raw const SHAPE,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, preserves_flags, readonly),
        );
    }
}
