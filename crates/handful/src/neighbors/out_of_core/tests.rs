use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use ndarray::Axis;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::*;
use crate::neighbors::{Index, NearestNeighbors};

fn in_memory(points: &Array2<u8>, queries: &Array2<u8>, k: usize) -> Neighbors {
    NearestNeighbors::new(points.clone()).unwrap().kneighbors(queries.view(), k).unwrap()
}

fn streamed(points: &Array2<u8>, queries: &Array2<u8>, k: usize, parts: Parts) -> Neighbors {
    OutOfCore::default().in_parts(&points.view(), &queries.view(), k, parts).unwrap()
}

/// Rows that a few directions describe well, many of them similar, the last ones unlike the first.
fn clustered(n: usize, d: usize) -> Array2<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(n as u64);
    let centres = Array2::from_shape_fn((24, d), |_| rng.random::<u8>() / 2);
    Array2::from_shape_fn((n, d), |(i, j)| {
        centres[[i * 20 / n + i % 4, j]] + if i % 5 == 0 { 0 } else { rng.random_range(0..4) }
    })
}

proptest! {
    #[test]
    fn equals_the_search_in_memory(
        (n, m, d) in (1_usize..60, 0_usize..20, 0_usize..40),
        (of_points, of_queries) in (1_usize..70, 1_usize..30),
        // Few distinct values lead to many ties.
        levels in prop::sample::select(vec![1_u16, 2, 3, 256]),
        bytes in prop::collection::vec(any::<u8>(), 1009),
        k in 1_usize..60,
    ) {
        let byte = |i: usize| (u16::from(bytes[i % 1009]) % levels * (255 / levels.max(2))) as u8;
        let points = Array2::from_shape_fn((n, d), |(i, j)| byte(i * d + j));
        let queries = Array2::from_shape_fn((m, d), |(i, j)| byte(313 + i * d + j));
        let (k, parts) = (k.min(n), Parts { points: of_points, queries: of_queries });
        prop_assert_eq!(streamed(&points, &queries, k, parts), in_memory(&points, &queries, k));
    }
}

#[test]
fn equals_the_search_in_memory_with_a_sketch_and_without() {
    let points = clustered(20_011, 200);
    assert!(Index::new(points.view(), Algorithm::Auto).unwrap().recipe().is_some());
    // Some queries are points.
    let queries = points.select(Axis(0), &evenly(20_011, 600)).mapv(|x| x + x % 2);
    for k in [1, 7, 80, 1200] {
        let expected = in_memory(&points, &queries, k);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for (of_points, of_queries) in [(4099, 600), (6700, 300), (1000, 600)] {
                let parts = Parts { points: of_points, queries: of_queries };
                assert_eq!(
                    pool.install(|| streamed(&points, &queries, k, parts)),
                    expected,
                    "{k} in {parts:?}"
                );
            }
        }
    }
}

#[test]
fn blocks_may_be_of_any_size_and_few_queries_are_searched_for_in_parts_of_them() {
    let points = clustered(40_000, 200);
    let queries = points.slice(s![..;13_000, ..]).mapv(|x| x + 1);
    let expected = in_memory(&points, &queries, 9);
    for sizes in [vec![5, 0, 17_000, 4000, 18_995], vec![39_999, 1]] {
        for algorithm in [Algorithm::Auto, Algorithm::Brute] {
            let mut search = StreamedSearch::new(queries.view(), 9).algorithm(algorithm);
            let mut first = 0;
            for &size in &sizes {
                search.offer(points.slice(s![first..first + size, ..])).unwrap();
                first += size;
            }
            assert_eq!(first, 40_000);
            assert_eq!(search.finish().unwrap(), expected);
        }
    }
}

#[test]
fn the_limit_is_kept_or_told() {
    let (points, queries) = ((2_000_000, 784), 10_000);
    let parts = |limit: u64| OutOfCore::default().memory_limit(limit).parts(points, queries, 3);
    let roomy = parts(1 << 32).unwrap();
    assert!(roomy.points as u64 * 784 <= MOST_BYTES && roomy.queries == queries, "{roomy:?}");
    let Err(Error::Memory { needed, limit, .. }) = parts(50 << 20) else { panic!("it is too little") };
    assert_eq!(limit, 50 << 20);
    let tight = parts(needed).unwrap();
    assert!((4096..=8192).contains(&tight.points) && (3000..=4096).contains(&tight.queries), "{tight:?}");
    assert!(parts(needed - 1).is_err());
    let error = parts(50 << 20).unwrap_err().to_string();
    assert!(
        error.starts_with("expected a memory limit of at least ") && error.ends_with("found 50 MB: raise it")
    );
}

#[test]
fn work_can_be_watched_and_cancelled() {
    let (points, seen) = (clustered(9000, 200), Arc::new(Mutex::new(Vec::new())));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let watched = Arc::clone(&seen);
    let search = OutOfCore::default().observer(Observer::new(move |progress| {
        watched.lock().unwrap().push((progress.done, progress.total));
        ControlFlow::Continue(())
    }));
    let (queries, parts) = (points.slice(s![..100, ..]), Parts { points: 4500, queries: 50 });
    pool.install(|| search.in_parts(&points.view(), &queries, 3, parts)).unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(seen.len() > 20 && seen.is_sorted(), "{seen:?}");
    assert_eq!((seen[0], seen[seen.len() - 1]), ((0, 100), (100, 100)));
    let stop = OutOfCore::default().observer(Observer::new(|progress| match progress.done {
        0..30 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }));
    assert!(matches!(stop.kneighbors(&points.view(), &queries, 3), Err(Error::Cancelled(_))));
}

#[test]
fn what_cannot_be_searched_is_an_error() {
    let (points, three) = (Array2::<u8>::zeros((3, 2)), Array2::<u8>::zeros((1, 3)));
    let search = OutOfCore::default();
    for k in [0, 4] {
        let found = search.kneighbors(&points.view(), &points.view(), k);
        assert!(matches!(found, Err(Error::NeighborCount { n_samples: 3, .. })));
        let mut streamed = StreamedSearch::new(points.view(), k);
        let told = streamed.offer(points.view());
        assert!(matches!(told.and_then(|()| streamed.finish()), Err(Error::NeighborCount { .. })));
    }
    let found = search.kneighbors(&points.view(), &three.view(), 1);
    assert!(matches!(found, Err(Error::FeatureCount { expected: 2, found: 3 })));
    let told = StreamedSearch::new(three.view(), 1).offer(points.view());
    assert!(matches!(told, Err(Error::FeatureCount { expected: 2, found: 3 })));
}

/// Rows that can be read up to some row.
struct Torn<'a>(ArrayView2<'a, u8>, usize);

impl RowSource for Torn<'_> {
    fn shape(&self) -> (usize, usize) {
        self.0.dim()
    }

    fn rows<'a>(
        &'a self,
        rows: Range<usize>,
        buffer: &'a mut Vec<u8>,
    ) -> Result<ArrayView2<'a, u8>, dataset::Error> {
        if rows.end > self.1 {
            return Err(dataset::Error::Inconsistent("the file has shrunk".to_owned()));
        }
        self.0.rows(rows, buffer)
    }
}

#[test]
fn rows_that_cannot_be_read_are_an_error() {
    let points = clustered(9000, 3);
    for end in [0, 100, 8999] {
        let torn = Torn(points.view(), end);
        let found =
            OutOfCore::default().in_parts(&torn, &points.view(), 1, Parts { points: 1000, queries: 9000 });
        assert_eq!(found.unwrap_err().to_string(), "the file has shrunk");
        let found = OutOfCore::default().kneighbors(&points.view(), &torn, 1);
        assert!(matches!(found, Err(Error::Dataset(_))));
    }
}
