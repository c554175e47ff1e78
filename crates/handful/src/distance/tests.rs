//! The same test for all levels: each equals the definition.

use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;

use super::*;

/// The levels to test. A level that this machine does not support is named in the output, and the test fails if that
/// level is required: `HANDFUL_REQUIRE_LEVEL=avx512vnni`.
fn levels() -> Vec<Level> {
    let required = std::env::var("HANDFUL_REQUIRE_LEVEL").unwrap_or_default();
    let required = match Level::ALL.iter().find(|level| level.name() == required) {
        Some(&level) => level,
        None if required.is_empty() => Level::Scalar,
        None => panic!("HANDFUL_REQUIRE_LEVEL: there is no level {required}"),
    };
    let (there, missing): (Vec<_>, Vec<_>) = Level::ALL.iter().partition(|level| level.is_available());
    for level in missing {
        assert!(level > required, "this machine lacks {level}, which HANDFUL_REQUIRE_LEVEL wants tested");
        #[expect(clippy::print_stderr, reason = "the test's output")]
        {
            eprintln!("not tested: {level}, which this machine lacks");
        }
    }
    there
}

fn definition(point: ndarray::ArrayView1<u8>, query: ndarray::ArrayView1<i8>) -> i64 {
    point.iter().zip(query).map(|(&x, &q)| i64::from(x) * i64::from(q)).sum()
}

fn check(points: ArrayView2<u8>, queries: ArrayView2<i8>) {
    for level in levels() {
        let mut seen = Array2::from_elem((queries.nrows(), points.nrows()), None);
        let kernel = Kernel::new(level);
        for_each_tile(kernel, points, queries, |query, first, dots| {
            for (point, &dot) in (first..).zip(dots) {
                assert_eq!(seen[[query, point]].replace(dot), None, "every pair once");
            }
        });
        for ((query, point), &dot) in seen.indexed_iter() {
            let expected = definition(points.row(point), queries.row(query));
            assert_eq!(dot, Some(expected), "{level}: query {query}, point {point}, {} dims", points.ncols());
        }
    }
}

/// Bytes that are neither regular nor random.
fn byte(seed: usize, i: usize, j: usize) -> u8 {
    (seed * 41 + i * 131 + j * 31 + i * j * 7) as u8
}

#[test]
fn dots_of_all_lengths_and_with_extremes() {
    for d in (0..=300).chain([784, 4096, MOST_DIMENSIONS, MOST_DIMENSIONS + 5]) {
        let (n, m) = if d > 1000 { (3, 53) } else { (37, 53) };
        let points = Array2::from_shape_fn((n, d), |(i, j)| byte(1, i, j));
        let queries = Array2::from_shape_fn((m, d), |(i, j)| byte(2, i, j).cast_signed());
        check(points.view(), queries.view());
        for q in [-128, 127] {
            check(Array2::from_elem((n, d), 255).view(), Array2::from_elem((m, d), q).view());
        }
    }
}

#[test]
fn dots_of_rows_that_are_not_contiguous() {
    let points = Array2::from_shape_fn((90, 40), |(i, j)| byte(3, i, j));
    let queries = Array2::from_shape_fn((90, 13), |(i, j)| byte(4, i, j).cast_signed());
    check(points.t(), queries.t());
}

#[test]
fn single_dots_of_all_lengths_unaligned() {
    for level in levels() {
        for d in (0..=300).chain([784, 1023]) {
            for offset in 0..3 {
                let points: Vec<u8> =
                    (0..d + offset).map(|j| if d % 2 == 0 { byte(5, d, j) } else { 255 }).collect();
                let queries: Vec<i8> = (0..d + offset)
                    .map(|j| if d % 3 == 0 { byte(6, d, j).cast_signed() } else { -128 })
                    .collect();
                let (point, query) = (&points[offset..], &queries[offset..]);
                let found = Kernel::new(level).dot(point, query);
                assert_eq!(i64::from(found), definition(point.into(), query.into()), "{level}, {d} dims");
                // The queries begin wherever the one before ends.
                for m in 0..10 {
                    let all: Vec<i8> = (0..m * d).map(|i| byte(7, m, i).cast_signed()).collect();
                    let mut dots = vec![0; m];
                    Kernel::new(level).dots(point, &all, &mut dots);
                    for (query, &dot) in dots.iter().enumerate() {
                        let query = &all[query * d..][..d];
                        assert_eq!(
                            i64::from(dot),
                            definition(point.into(), query.into()),
                            "{level}, {d} dims"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn distances_between_floats_have_the_same_bits_at_every_level() {
    for d in (0..=70).chain([784]) {
        for offset in 0..3 {
            let value = |seed: usize, j: usize| (f64::from(byte(seed, d, j)) - 99.5).powi(3) * 1.7e-3;
            let (a, b): (Vec<f64>, Vec<f64>) = (0..d + offset).map(|j| (value(7, j), value(8, j))).unzip();
            let narrow = |values: &[f64]| values.iter().map(|&x| x as f32).collect::<Vec<_>>();
            let (a, b) = (&a[offset..], &b[offset..]);
            let (a32, b32) = (narrow(a), narrow(b));
            for level in levels() {
                let kernel = Kernel::new(level);
                let found =
                    (vectorize!(kernel, ordered_sum(a, b)), vectorize!(kernel, ordered_sum(&a32, &b32)));
                assert_eq!(found.0.to_bits(), squared_euclidean(a, b).to_bits(), "{level}, {d} dims");
                assert_eq!(found.1.to_bits(), squared_euclidean(&a32, &b32).to_bits(), "{level}, {d} dims");
            }
        }
    }
}

proptest! {
    #[test]
    fn masks_tell_the_points_below_the_threshold(
        (n, m, d) in (1..=LANES, 1_usize..70, 1_usize..140),
        seed: u8,
        threshold in -200_000_i32..200_000,
        base in prop::collection::vec(-100_000_i32..100_000, LANES),
    ) {
        let points = Array2::from_shape_fn((n, d), |(i, j)| byte(seed.into(), i, j));
        let queries = Array2::from_shape_fn((m, d), |(i, j)| byte(9, i, j).cast_signed());
        let base: Lanes = base.try_into().unwrap();
        for level in levels() {
            let mut masks = vec![0; m];
            let mut thresholds = vec![threshold; m];
            let kernel = Kernel::new(level);
            let mut panel = Panel::default();
            panel.pack(points.view(), kernel.block());
            let packed = Packed::new(kernel, queries.view());
            packed.multiply(&panel, &mut Scratch::default(), &base, &mut thresholds, |query, mask, dots| {
                masks[query] = mask;
                for lane in (0..n).filter(|lane| mask >> lane & 1 == 1) {
                    assert_eq!(i64::from(dots[lane]), definition(points.row(lane), queries.row(query)));
                }
                Some(threshold - 1)
            });
            for query in 0..m {
                for (lane, &base) in base.iter().take(n).enumerate() {
                    let key = i64::from(base) - 2 * definition(points.row(lane), queries.row(query));
                    prop_assert_eq!(masks[query] >> lane & 1 == 1, key <= i64::from(threshold), "{}", level);
                }
                prop_assert_eq!(thresholds[query], if masks[query] == 0 { threshold } else { threshold - 1 });
            }
        }
    }
}
