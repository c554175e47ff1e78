use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use ndarray::array;
use proptest::prelude::*;

use super::*;
use crate::distance::{LARGEST, squared_euclidean};

/// The definition: sort all points by (squared distance, index).
fn naive<T: Element>(points: &Array2<T>, query: &[T], k: usize) -> (Vec<T::Distance>, Vec<usize>) {
    let distance = |row: ndarray::ArrayView1<T>| squared_euclidean(&row.to_vec(), query);
    let mut all: Vec<_> = points.outer_iter().map(distance).zip(0..).collect();
    all.sort_by(|a, b| a.partial_cmp(b).expect("distances are numbers"));
    all.into_iter().take(k).unzip()
}

fn check<T: Element + Searchable>(points: &Array2<T>, queries: &Array2<T>, k: usize) {
    let index = NearestNeighbors::new(points.clone()).expect("finite");
    let found = index.kneighbors(queries.view(), k).expect("valid");
    for (row, query) in queries.outer_iter().enumerate() {
        let (distances, indices) = naive(points, &query.to_vec(), k);
        assert_eq!(found.indices.row(row).to_vec(), indices);
        for (found, expected) in found.distances.row(row).iter().zip(distances) {
            assert!(*found == expected, "{found:?} for {expected:?}");
        }
        let alone = index.kneighbors(queries.slice(s![row..=row, ..]), k).expect("valid");
        assert_eq!(alone.indices.row(0), found.indices.row(row));
    }
    // The radius is the distance of a point, which is within it, as are all at the same distance.
    for row in [0, queries.nrows() - 1] {
        let (distances, indices) = naive(points, &queries.row(row).to_vec(), points.nrows());
        let radius = distances[k - 1];
        let n = distances.iter().take_while(|&&distance| distance <= radius).count();
        let all = index.radius_neighbors(queries.view(), radius).expect("valid");
        let alone = index.radius_neighbors(queries.slice(s![row..=row, ..]), radius).expect("valid");
        assert_eq!(alone.offsets, [0, n]);
        let range = all.offsets[row]..all.offsets[row + 1];
        assert_eq!(all.indices[range.clone()], indices[..n]);
        assert!(all.distances[range] == distances[..n]);
        assert!(alone.indices == indices[..n] && alone.distances == distances[..n]);
    }
}

proptest! {
    #[test]
    fn equals_the_definition(
        (n, m, d) in (1_usize..60, 1_usize..20, 1_usize..300),
        // Few distinct values lead to many ties.
        levels in prop::sample::select(vec![1_u16, 2, 3, 256]),
        bytes in prop::collection::vec(any::<u8>(), 1009),
        k in 1_usize..60,
    ) {
        let byte = |i: usize| (u16::from(bytes[i % 1009]) % levels * (255 / levels.max(2))) as u8;
        let points = Array2::from_shape_fn((n, d), |(i, j)| byte(i * d + j));
        let queries = Array2::from_shape_fn((m, d), |(i, j)| byte(313 + i * d + j));
        check(&points, &queries, k.min(n));
    }

    #[test]
    fn equals_the_definition_between_floats(
        (n, m, d) in (1_usize..60, 1_usize..20, 1_usize..100),
        values in prop::collection::vec(finite(), 1009),
        k in 1_usize..60,
    ) {
        let wide = |start: usize, n| Array2::from_shape_fn((n, d), |(i, j)| values[(start + i * d + j) % 1009]);
        let (points, queries) = (wide(0, n), wide(313, m));
        check(&points, &queries, k.min(n));
        let narrow = |x: &f64| (*x as f32).clamp(f32::MIN, f32::MAX);
        check(&points.map(narrow), &queries.map(narrow), k.min(n));
    }
}

/// Neighbours much nearer than a step of the scale: if the bound missed any rounding error, some would be missed.
#[test]
fn equals_the_definition_between_steps() {
    for d in 1..4 {
        let spread = |n: usize, a: f64| {
            Array2::from_shape_fn((n, d), |(i, j)| ((i + 1) as f64 * (a + j as f64).sqrt()).fract())
        };
        let (points, queries) = (spread(3000, 2.0), spread(100, 5.0));
        check(&points, &queries, 3);
        check(&points.mapv(|x| x as f32), &queries.mapv(|x| x as f32 * 1.5), 3);
    }
}

/// Floats of one size, of few distinct values, and of all sizes that can be squared: huge, tiny, subnormal.
fn finite() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        3 => -1.0..1.0,
        3 => prop::sample::select(vec![0.0, -0.0, 0.5, 1.0]),
        1 => (POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO).prop_map(|x| x.clamp(-LARGEST, LARGEST)),
    ]
}

#[test]
fn equals_the_definition_at_the_edges() {
    for d in [0, 1, 3, 785, 4096, 32_768, 32_769, 40_000, 70_000] {
        let extremes = Array2::from_shape_fn((11, d), |(i, _)| if i % 2 == 0 { 0 } else { 255 });
        check(&extremes, &extremes, 11);
        check(&extremes.mapv(f32::from), &extremes.mapv(|x| f32::from(x) + 0.25), 11);
        let one_hot = Array2::from_shape_fn((9, d), |(i, j)| if i % d == j { 255 } else { 0 });
        check(&one_hot, &one_hot, 4);
        check(&one_hot.mapv(f64::from), &one_hot.mapv(|x| f64::from(x) * 1e-3), 4);
    }
}

#[test]
fn arrays_of_any_layout_are_searched() {
    let points = Array2::from_shape_fn((20, 30), |(i, j)| (i * 37 + j * 11) as u8);
    let column_major = points.t().as_standard_layout().into_owned().reversed_axes();
    let doubled = ndarray::concatenate![ndarray::Axis(1), points, points];
    let every_other = doubled.slice(s![.., ..30]);
    assert!(!column_major.is_standard_layout() && !every_other.is_standard_layout());
    // One thread takes all queries at once, as they lie.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let expected = NearestNeighbors::new(points.clone()).unwrap().kneighbors(points.view(), 3).unwrap();
        for queries in [column_major.view(), every_other] {
            let index = NearestNeighbors::new(queries.to_owned()).unwrap();
            assert_eq!(index.kneighbors(queries, 3).unwrap(), expected);
        }
    });
}

#[test]
fn few_queries_find_the_same_on_many_threads() {
    let points = Array2::from_shape_fn((40_003, 9), |(i, j)| (i * 37 + j * 11 + i * i * j) as u8);
    let queries = points.slice(s![..;8000, ..]).mapv(|x| x ^ 5);
    let index = NearestNeighbors::new(points.clone()).unwrap();
    for threads in [1, 2, 4, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for m in [1, 2, 5] {
            let found = pool.install(|| index.kneighbors(queries.slice(s![..m, ..]), 20)).unwrap();
            for (row, query) in queries.outer_iter().take(m).enumerate() {
                let (distances, indices) = naive(&points, &query.to_vec(), 20);
                assert_eq!(found.distances.row(row).to_vec(), distances);
                assert_eq!(found.indices.row(row).to_vec(), indices);
            }
        }
    }
}

#[test]
fn work_can_be_watched_and_cancelled_on_its_way() {
    let points = Array2::from_shape_fn((20_000, 9), |(i, j)| (i * 37 + j * 11 + i * i * j) as u8);
    let queries = points.slice(s![..100, ..]).to_owned();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for m in [1, 100] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (watched, index) = (Arc::clone(&seen), NearestNeighbors::new(points.clone()).unwrap());
        let index = index.observer(Observer::new(move |progress| {
            watched.lock().unwrap().push((progress.done, progress.total));
            ControlFlow::Continue(())
        }));
        pool.install(|| index.kneighbors(queries.slice(s![..m, ..]), 3)).unwrap();
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert!(seen.len() > 50 && seen.is_sorted(), "{seen:?}");
        assert_eq!((seen[0], seen[seen.len() - 1]), ((0, m), (m, m)));

        let stopping = || {
            let left = AtomicUsize::new(10);
            index.clone().observer(Observer::new(move |_| {
                if left.fetch_sub(1, Ordering::Relaxed) == 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            }))
        };
        let queries = queries.slice(s![..m, ..]);
        let result = pool.install(|| stopping().kneighbors(queries, 3));
        assert!(matches!(result, Err(Error::Cancelled(_))));
        let result = pool.install(|| stopping().radius_neighbors(queries, 3));
        assert!(matches!(result, Err(Error::Cancelled(_))));
    }
}

#[test]
fn any_number_is_a_radius() {
    let bytes = NearestNeighbors::new(array![[0_u8], [255], [0]]).unwrap();
    let floats = NearestNeighbors::new(array![[0.0], [255.0], [0.0]]).unwrap();
    let within = |radius| bytes.radius_neighbors(array![[0_u8]].view(), radius).unwrap().indices;
    assert_eq!(within(0), [0, 2]);
    for radius in [65_025, 1 << 62, i64::MAX.cast_unsigned(), u64::MAX] {
        assert_eq!(within(radius), [0, 2, 1]);
    }
    let within = |radius| floats.radius_neighbors(array![[0.0]].view(), radius).unwrap().indices;
    assert_eq!((within(0.0), within(-0.0)), (vec![0, 2], vec![0, 2]));
    for radius in [65_025.0, f64::MAX, f64::INFINITY] {
        assert_eq!(within(radius), [0, 2, 1]);
    }
    for radius in [-1.0, f64::NEG_INFINITY, f64::NAN] {
        assert_eq!(within(radius), Vec::<usize>::new());
    }
}

#[test]
fn a_radius_finds_the_same_on_many_threads_and_with_a_sketch() {
    // Few directions describe the points well.
    let wave = |i: usize, j: usize| (i % 50 * 4 * (j % 57).abs_diff(28) / 28) as u8;
    let points = Array2::from_shape_fn((20_000, 300), |(i, j)| wave(i, j) ^ ((i * 7 + j * 13) % 4) as u8);
    let queries = points.slice(s![..;4000, ..]).mapv(|x| x ^ 1);
    let brute = NearestNeighbors::with_algorithm(points.clone(), Algorithm::Brute).unwrap();
    let index = NearestNeighbors::new(points).unwrap();
    assert!(index.index.recipe().is_some(), "expected a sketch");
    let expected = brute.radius_neighbors(queries.view(), 2500).unwrap();
    assert!(expected.indices.len() > 1000 && expected.indices.len() < 50_000);
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| index.radius_neighbors(queries.view(), 2500)).unwrap(), expected);
    }
}

#[test]
fn wrong_sizes_are_errors() {
    let index = NearestNeighbors::new(Array2::<u8>::zeros((3, 2))).unwrap();
    let queries = Array2::zeros((1, 2));
    for k in [0, 4] {
        assert!(matches!(index.kneighbors(queries.view(), k), Err(Error::NeighborCount { .. })));
    }
    let queries = Array2::zeros((1, 3));
    assert!(matches!(index.kneighbors(queries.view(), 1), Err(Error::FeatureCount { .. })));
    assert_eq!(index.kneighbors(Array2::zeros((0, 2)).view(), 1).expect("valid").indices.len(), 0);
    let empty = NearestNeighbors::new(Array2::<f64>::zeros((0, 2))).unwrap();
    let error = empty.kneighbors(Array2::zeros((1, 2)).view(), 1).unwrap_err();
    assert_eq!(error.to_string(), "n_neighbors is 1, but there are no vectors to search");
    let error = index.radius_neighbors(queries.view(), 1);
    assert!(matches!(error, Err(Error::FeatureCount { .. })));
    assert_eq!(empty.radius_neighbors(Array2::zeros((2, 2)).view(), 1.0).unwrap().offsets, [0, 0, 0]);
}

#[test]
fn values_that_cannot_be_squared_are_errors() {
    fn is_refused<T: Element + Searchable + std::fmt::LowerExp>(value: T, zero: T) {
        let mut points = Array2::from_elem((3, 2), zero);
        let index = NearestNeighbors::new(points.clone()).unwrap();
        points[[2, 1]] = value;
        let expected = format!("{value:e} in column 1: expected finite numbers from -1e150 to 1e150");
        let error = NearestNeighbors::new(points.clone()).unwrap_err();
        assert_eq!(error.to_string(), format!("row 2 of the vectors to search has {expected}"));
        let error = index.kneighbors(points.view(), 1).unwrap_err();
        assert_eq!(error.to_string(), format!("row 2 of the queries has {expected}"));
    }
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        is_refused(value, 0.0);
    }
    for value in [f64::NAN, f64::INFINITY, -1.001e150, f64::MAX] {
        is_refused(value, 0.0);
    }
    let ends = NearestNeighbors::new(array![[1e150, -1e150], [-1e150, 1e150], [0.0, 0.0]]).unwrap();
    let found = ends.kneighbors(array![[1e150, -1e150]].view(), 3).unwrap();
    assert_eq!(found.indices, array![[0, 2, 1]]);
    assert!(found.distances.iter().all(|distance: &f64| distance.is_finite()), "{}", found.distances);
}
