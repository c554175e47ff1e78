//! The instruction set that every machine has, plain Rust: the reference that the others are tested against, and the
//! fallback.
//!
//! Bytes are widened to `f32`, because every instruction set multiplies and adds those at full speed. This is exact: a
//! product is at most 255 · 128, and 512 of them sum to less than 2²⁴, which `f32` represents exactly.

use super::{
    instruction_set::{InstructionSet, Ready, Tile},
    panel::{GROUP, LANES, Lanes, Panel},
};

/// Number of groups whose products are summed in `f32`.
const BLOCK: usize = 512 / GROUP;
/// Number of points that share a register or two.
const WIDTH: usize = 8;

#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl InstructionSet for Scalar {
    const QUERIES: usize = 3;
    const BATCH_COSTS: [f64; 2] = [10.0, 12.0];
    const DOTS_COST: f64 = 1.0;
    const WORDS: usize = GROUP;

    fn store(self, group: [i8; GROUP], words: &mut [i32]) {
        for (word, value) in words.iter_mut().zip(group) {
            *word = f32::from(value).to_bits().cast_signed();
        }
    }

    /// The floats are `[part of 8 points][group][dimension][point]`.
    fn ready<'a>(self, panel: &'a Panel, _queries: usize, scratch: &'a mut Vec<f32>) -> Ready<'a> {
        scratch.clear();
        for part in 0..LANES / WIDTH {
            for group in panel.groups() {
                let (points, _) = group.0[part * WIDTH..].as_chunks::<WIDTH>();
                for dimension in 0..GROUP {
                    scratch.extend(points[0].map(|point| f32::from(point[dimension])));
                }
            }
        }
        Ready::new(panel.groups(), scratch)
    }

    fn multiply(self, panel: Ready, queries: &[i32], base: &Lanes, thresholds: &[i32], tile: &mut Tile) {
        let panel = panel.floats().as_chunks::<WIDTH>().0.as_chunks::<GROUP>().0;
        let queries = queries.as_chunks::<GROUP>().0;
        match thresholds.len() {
            1 => multiply::<1>(panel, queries, &mut tile.dots),
            Self::QUERIES => multiply::<{ Self::QUERIES }>(panel, queries, &mut tile.dots),
            n => panic!("{n} queries for a tile"),
        }
        for ((mask, dots), threshold) in tile.masks.iter_mut().zip(&tile.dots).zip(thresholds) {
            let below = base
                .iter()
                .zip(dots)
                .map(|(base, dot)| base.wrapping_sub(2_i32.wrapping_mul(*dot)) <= *threshold);
            *mask = below.rev().fold(0, |mask, below| mask << 1 | u32::from(below));
        }
    }

    fn dot(self, point: &[u8], query: &[i8]) -> i32 {
        assert_eq!(point.len(), query.len(), "a point and a query of unequal length");
        point.iter().zip(query).map(|(&x, &q)| i32::from(x) * i32::from(q)).sum()
    }
}

fn multiply<const Q: usize>(panel: &[[[f32; WIDTH]; GROUP]], queries: &[[i32; GROUP]], dots: &mut [Lanes]) {
    let groups = panel.len() / (LANES / WIDTH);
    let (queries, rest) = queries.as_chunks::<Q>();
    assert!(queries.len() == groups && rest.is_empty(), "queries and points of unequal length");
    dots[..Q].fill([0; LANES]);
    for part in 0..LANES / WIDTH {
        let points = &panel[part * groups..][..groups];
        for (points, queries) in points.chunks(BLOCK).zip(queries.chunks(BLOCK)) {
            for (dots, sums) in dots.iter_mut().zip(block(points, queries)) {
                for (dot, sum) in dots[part * WIDTH..].iter_mut().zip(sums) {
                    *dot += whole(sum);
                }
            }
        }
    }
}

/// Not inlined, because the subsequent conversion of the sums would halve the width of its vectors.
#[inline(never)]
fn block<const Q: usize>(
    points: &[[[f32; WIDTH]; GROUP]],
    queries: &[[[i32; GROUP]; Q]],
) -> [[f32; WIDTH]; Q] {
    let mut sums = [[0.0; WIDTH]; Q];
    for (points, queries) in points.iter().zip(queries) {
        for (dimension, column) in points.iter().enumerate() {
            for (sums, query) in sums.iter_mut().zip(queries) {
                let query = f32::from_bits(query[dimension].cast_unsigned());
                for (sum, value) in sums.iter_mut().zip(column) {
                    *sum += query * value;
                }
            }
        }
    }
    sums
}

#[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^24")]
fn whole(sum: f32) -> i32 {
    sum as i32
}
