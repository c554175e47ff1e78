//! The portable kernel: points side by side in a panel, queries multiplied into it, in plain Rust that a
//! compiler turns into vector code on any machine.
//!
//! Bytes are widened to `f32`, because every instruction set multiplies and adds those at full speed.
//! Nothing is lost: a product of bytes is at most 255², and 256 of them sum to less than 2²⁴, which `f32`
//! holds exactly; longer sums are continued in `f64`, exact up to 2⁵³.

use ndarray::{Array2, ArrayView2, Axis};

/// Points in a panel.
pub(crate) const LANES: usize = 8;
/// Dimensions whose products are summed in `f32`.
const BLOCK: usize = 256;
/// Queries multiplied at once, so that a panel's column is loaded once for all of them.
const QUERIES: usize = 3;

/// With queries that are not whole numbers, a dot product is off by at most this times |x||q|: the
/// rounding of the query and of 256 products and sums, (1 + 2⁻²⁴)²⁵⁷ - 1 < 1.54e-5 (Higham, *Accuracy and
/// Stability of Numerical Algorithms*, §3.1), and a remainder below 1e-12 from `f64`.
pub(crate) const RELATIVE_ERROR: f64 = 1.6e-5;

/// Rows of bytes as queries.
pub(crate) fn widen(rows: ArrayView2<u8>) -> Array2<f32> {
    rows.as_standard_layout().mapv(f32::from)
}

/// Gives `sink(query, first_point, dots)` the dot products of each query with `LANES` points at a time:
/// `dots[i]` belongs to point `first_point + i`. Points come in ascending order, and for each panel all
/// queries in ascending order. Behind the last point `dots` are zero: the sink knows how many there are.
///
/// Exact if the queries are bytes.
pub(crate) fn for_each_tile(
    points: ArrayView2<u8>,
    queries: ArrayView2<f32>,
    mut sink: impl FnMut(usize, usize, &[f64; LANES]),
) {
    assert_eq!(points.ncols(), queries.ncols(), "points and queries of unequal length");
    let d = queries.ncols();
    let query = |row: usize| queries.row(row).to_slice().expect("queries have contiguous rows");
    let whole = queries.nrows() - queries.nrows() % QUERIES;

    let mut panel = vec![[0.0; LANES]; d];
    for (number, rows) in points.axis_chunks_iter(Axis(0), LANES).enumerate() {
        pack(rows, &mut panel);
        let first_point = number * LANES;
        for first in (0..whole).step_by(QUERIES) {
            let tile: [_; QUERIES] = dots(&panel, std::array::from_fn(|i| query(first + i)));
            for (i, dots) in tile.iter().enumerate() {
                sink(first + i, first_point, dots);
            }
        }
        for row in whole..queries.nrows() {
            let [dots] = dots(&panel, [query(row)]);
            sink(row, first_point, &dots);
        }
    }
}

/// Column by column: `panel[dimension][point]`.
fn pack(rows: ArrayView2<u8>, panel: &mut [[f32; LANES]]) {
    if rows.nrows() < LANES {
        panel.fill([0.0; LANES]);
    }
    for (lane, row) in rows.outer_iter().enumerate() {
        for (column, &value) in panel.iter_mut().zip(row) {
            column[lane] = f32::from(value);
        }
    }
}

fn dots<const Q: usize>(panel: &[[f32; LANES]], queries: [&[f32]; Q]) -> [[f64; LANES]; Q] {
    let mut totals = [[0.0; LANES]; Q];
    for (start, columns) in (0..).step_by(BLOCK).zip(panel.chunks(BLOCK)) {
        let sums = block(columns, queries.map(|query| &query[start..start + columns.len()]));
        for (totals, sums) in totals.iter_mut().zip(sums) {
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += f64::from(sum);
            }
        }
    }
    totals
}

/// Not inlined: the conversion to `f64` that follows would halve the width of its vectors.
#[inline(never)]
fn block<const Q: usize>(columns: &[[f32; LANES]], queries: [&[f32]; Q]) -> [[f32; LANES]; Q] {
    let queries = queries.map(|query| &query[..columns.len()]);
    let mut sums = [[0.0; LANES]; Q];
    for (i, column) in columns.iter().enumerate() {
        for (sums, query) in sums.iter_mut().zip(queries) {
            for (sum, value) in sums.iter_mut().zip(column) {
                *sum += query[i] * value;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(a: &[u8], b: &[u8]) -> u64 {
        a.iter().zip(b).map(|(&x, &y)| u64::from(x) * u64::from(y)).sum()
    }

    fn check(points: &Array2<u8>, queries: &Array2<u8>) {
        let mut seen = Array2::from_elem((queries.nrows(), points.nrows()), None);
        for_each_tile(points.view(), widen(queries.view()).view(), |query, first, dots| {
            for (point, &dot) in (first..points.nrows()).zip(dots) {
                assert_eq!(seen[[query, point]].replace(dot), None, "every pair once");
            }
        });
        for ((query, point), dot) in seen.indexed_iter() {
            let (q, x) = (queries.row(query).to_vec(), points.row(point).to_vec());
            assert_eq!(*dot, Some(naive(&q, &x) as f64), "query {query}, point {point}, {} dims", q.len());
        }
    }

    #[test]
    fn exact_at_all_lengths_and_with_extremes() {
        for d in (1..=300).chain([784, 4096, 40_000]) {
            check(&Array2::from_elem((3, d), 255), &Array2::from_elem((2, d), 255));
            let mixed = Array2::from_shape_fn((9, d), |(i, j)| ((i * 131 + j * 31) % 256) as u8);
            check(&mixed, &mixed.slice(ndarray::s![..5, ..]).to_owned());
        }
    }

    proptest! {
        #[test]
        fn exact_for_any_bytes(
            (n, m, d) in (1_usize..20, 1_usize..10, 1_usize..600),
            bytes in prop::collection::vec(any::<u8>(), 1000),
        ) {
            let byte = |i: usize| bytes[i % 997];
            check(
                &Array2::from_shape_fn((n, d), |(i, j)| byte(i * d + j)),
                &Array2::from_shape_fn((m, d), |(i, j)| byte(500 + i * d + j)),
            );
        }

        #[test]
        fn off_by_less_than_the_bound_for_other_queries(
            values in prop::collection::vec((any::<u8>(), 0.0..255.0), 1..900),
        ) {
            let point: Vec<u8> = values.iter().map(|value| value.0).collect();
            let query: Vec<f64> = values.iter().map(|value| value.1).collect();
            let exact: f64 = point.iter().zip(&query).map(|(&x, &q)| f64::from(x) * q).sum();
            let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
            let bound = RELATIVE_ERROR
                * norm(&mut point.iter().map(|&x| f64::from(x)))
                * norm(&mut query.iter().copied());
            let points = Array2::from_shape_vec((1, point.len()), point).expect("one row");
            let queries = Array2::from_shape_fn((1, query.len()), |(_, i)| query[i] as f32);
            for_each_tile(points.view(), queries.view(), |_, _, dots| {
                assert!((dots[0] - exact).abs() <= bound, "{} is not {exact} +- {bound}", dots[0]);
            });
        }
    }
}
