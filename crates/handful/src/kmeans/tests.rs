//! Properties of a whole fit: at the extremes, by every method, and its progress reports.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use ndarray::{Array2, Axis, array};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::{Algorithm, Error, Init, KMeans, RowAssignments, vectors::Vectors};
use crate::{
    Dataset,
    kmeans::{assignment::shared_sketch::SharedSketch, bytes::Bytes},
    progress::{Observer, Progress, Stage},
};

/// Distinct rows.
fn distinct(n: usize, d: usize) -> Array2<u8> {
    Array2::from_shape_fn(
        (n, d),
        |(i, j)| {
            if j < 2 { (i >> (8 * j)) as u8 } else { (i * 37 + j * j * 11) as u8 }
        },
    )
}

proptest! {
    #[test]
    fn one_cluster_is_the_mean_and_as_many_as_rows_are_the_rows(
        (n, d) in (1_usize..70, 2_usize..40),
        n_init in 1_usize..4,
        seed: u64,
    ) {
        let x = distinct(n, d);
        for init in [Init::KMeansPlusPlus, Init::Random] {
            let params = |k| KMeans::params(k).init(init.clone()).n_init(n_init).seed(seed);
            let one = params(1).fit(x.view())?;
            let mean = x.mapv(u64::from).sum_axis(Axis(0)).mapv(|sum| sum as f64 / n as f64);
            prop_assert_eq!(one.centroids.to_f64().row(0).to_vec(), mean.to_vec());
            prop_assert_eq!((one.labels, one.cluster_sizes), (vec![0; n], vec![n as u64]));

            let all = params(n).fit(x.view())?;
            prop_assert_eq!(all.inertia.to_bits(), 0.0_f64.to_bits());
            prop_assert_eq!(all.cluster_sizes, vec![1; n]);
            for (row, &label) in x.outer_iter().zip(&all.labels) {
                prop_assert_eq!(all.centroids.to_bytes().row(label as usize).to_vec(), row.to_vec());
            }
        }
    }

    #[test]
    fn more_clusters_than_distinct_rows_leave_nothing_apart(
        (kinds, times) in (1_usize..6, 2_usize..6),
        seed: u64,
    ) {
        let x = Array2::from_shape_fn((kinds * times, 3), |(i, j)| (50 * (i % kinds) + j) as u8);
        for init in [Init::KMeansPlusPlus, Init::Random] {
            for k in kinds + 1..=kinds * times {
                let found = KMeans::params(k).init(init.clone()).n_init(5).seed(seed).fit(x.view())?;
                prop_assert_eq!(found.cluster_sizes.iter().sum::<u64>(), (kinds * times) as u64);
                prop_assert_eq!(&found.labels, &found.predict(x.view())?);
                if init == Init::KMeansPlusPlus {
                    prop_assert_eq!(found.inertia.to_bits(), 0.0_f64.to_bits());
                }
            }
        }
    }
}

#[test]
fn a_tolerance_ends_a_run_as_in_scikit_learn() {
    // The variance is 21.25; one centroid moves by 1, then neither moves.
    let x = array![[0_u8], [2], [9], [11]];
    let params = KMeans::params(2).init(Init::Given(array![[0.0], [10.0]]));
    let found = |tol| params.clone().tol(tol).fit(x.view()).unwrap();
    for (tol, n_iter) in [(1.01 / 21.25, 1), (0.99 / 21.25, 2), (0.0, 2)] {
        let found = found(tol);
        assert_eq!((found.n_iter, found.inertia), (n_iter, 4.0));
        assert_eq!(found.labels, [0, 0, 1, 1]);
    }
}

/// Many concurrent runs once waited for each other for ever.
#[test]
fn runs_side_by_side_do_not_wait_for_each_other() {
    let x = Array2::from_shape_fn((3000, 300), |(i, j)| ((i * i + j * i) % 251) as u8);
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| KMeans::params(3).n_init(12).max_iter(2).fit(x.view()).unwrap())
    };
    let one = fit(1);
    for _ in 0..10 {
        assert_eq!(fit(4), one);
    }
}

/// Rows that a sketch can separate: mixtures of a few.
fn mixtures(n: usize, d: usize) -> Array2<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut random = |shape| Array2::<u8>::from_shape_simple_fn(shape, || rng.random()).mapv(u32::from);
    let (shares, pure) = (random((n, 9)), random((9, d)));
    shares.dot(&pure).mapv(|sum| (sum / (9 * 256)) as u8)
}

#[test]
fn both_roads_end_at_the_same_clusters() {
    let x = mixtures(5000, 200);
    let bytes = Bytes::new(x.view());
    let centroids = bytes.at_rows(&(0..64).collect::<Vec<_>>());
    assert!(SharedSketch::default().get(&bytes, 64, &centroids, 8).is_some(), "it has to pay here");

    let floats = x.mapv(|x| f32::from(x) / 3.0);
    let weights: Vec<f64> = (0..5000).map(|i| f64::from(i % 4)).collect();
    let params = KMeans::params(64).n_init(3).max_iter(40);
    let dense = params.clone().algorithm(Algorithm::Dense);
    assert_eq!(params.fit(x.view()).unwrap(), dense.fit(x.view()).unwrap());
    assert_eq!(params.fit(floats.view()).unwrap(), dense.fit(floats.view()).unwrap());
    let weighted = |params: &super::KMeansParams| params.fit_weighted(x.view(), &weights).unwrap();
    assert_eq!(weighted(&params), weighted(&dense));
    let weighted = |params: &super::KMeansParams| params.fit_weighted(floats.view(), &weights).unwrap();
    assert_eq!(weighted(&params), weighted(&dense));
}

#[test]
fn a_sketch_that_tells_nothing_is_left_alone() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let x = Array2::from_shape_simple_fn((5000, 200), || rng.random());
    let bytes = Bytes::new(x.view());
    let centroids = bytes.at_rows(&(0..64).collect::<Vec<_>>());
    assert!(SharedSketch::default().get(&bytes, 64, &centroids, 8).is_none());
}

/// One of these rows changes its cluster by a movement that is too small for quotients in `f64`.
#[test]
fn a_centroid_that_moves_by_next_to_nothing_moves() {
    let (n, m) = (1_u64 << 27, (1_u64 << 27) + 1);
    let place =
        |count: u64| super::Centroids { sums: array![[100 * count + 1, 7 * count]], counts: vec![count] };
    let x = array![[0_u8, 0]];
    let bytes = Bytes::new(x.view());
    assert!(bytes.movement(&place(n), &place(m))[0] > 0.0);
    let twice = super::Centroids { sums: place(n).sums * 2, counts: vec![2 * n] };
    assert_eq!(bytes.movement(&place(n), &twice), [0.0]);
}

#[test]
fn the_best_of_several_runs_is_kept() {
    let x = mixtures(300, 20);
    let inertia = |n_init| KMeans::params(6).n_init(n_init).fit(x.view()).unwrap().inertia;
    let of_runs: Vec<f64> = (1..8).map(inertia).collect();
    assert!(of_runs.is_sorted_by(|a, b| a >= b), "{of_runs:?}");
    assert!(of_runs[6] < of_runs[0], "{of_runs:?}");
}

/// The reports of a fit, and its error if it is cancelled after `until` reports.
fn told(until: usize, fit: impl FnOnce(Observer) -> Option<Error>) -> (Vec<Progress>, Option<Error>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let observer = Observer::new({
        let told = Arc::clone(&told);
        move |progress| {
            let mut told = told.lock().unwrap();
            told.push(progress);
            if told.len() < until { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        }
    });
    let error = fit(observer);
    let told = told.lock().unwrap().clone();
    (told, error)
}

#[test]
fn classes_tell_of_every_run_in_order_and_can_be_cancelled() {
    let labels = (0..400).map(|i| i % 4).collect();
    let classes = ["a", "b", "c", "d"].map(String::from).to_vec();
    let data = Dataset::new(mixtures(400, 4), [2, 2], labels, classes).unwrap();
    let fit = |observer| KMeans::params(3).n_init(5).observer(observer).fit_per_class(&data).err();

    let (all, error) = told(usize::MAX, fit);
    assert!(error.is_none());
    let runs: Vec<_> = all.iter().filter(|progress| progress.stage == Stage::Runs).collect();
    assert_eq!(runs.iter().map(|progress| progress.done).collect::<Vec<_>>(), (0..=20).collect::<Vec<_>>());
    assert!(runs.iter().all(|progress| progress.total == 20));
    for until in [1, 2, all.len() / 2, all.len()] {
        assert!(matches!(told(until, fit).1, Some(Error::Cancelled(_))), "after {until} reports");
    }
}

#[test]
fn a_fit_tells_of_seeds_and_steps() {
    let x = mixtures(400, 4);
    let (all, error) = told(usize::MAX, |observer| KMeans::params(5).observer(observer).fit(x.view()).err());
    assert!(error.is_none());
    let of = |stage| all.iter().filter(move |progress| progress.stage == stage).map(|progress| progress.done);
    assert_eq!(of(Stage::Seeding).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let steps: Vec<usize> = of(Stage::Lloyd).collect();
    assert_eq!(steps[..steps.len() - 1], (0..steps.len() - 1).collect::<Vec<_>>());
    assert_eq!(*steps.last().unwrap(), 300, "all is done");
}

#[test]
fn centroids_may_stand_in_any_order_in_memory() {
    let x = array![[0_u8, 1, 2], [200, 100, 50], [3, 2, 1]];
    let start = array![[0.0, 200.0], [1.0, 100.0], [2.0, 50.0]].reversed_axes();
    let params = KMeans::params(2).init(Init::Given(start));
    assert_eq!(params.fit(x.view()).unwrap().labels, [0, 1, 0]);
    let mut floats = params.fit(x.mapv(f32::from).view()).unwrap();
    floats.centroids = floats.centroids.t().as_standard_layout().into_owned().reversed_axes();
    assert_eq!(floats.predict(x.mapv(f32::from).view()).unwrap(), [0, 1, 0]);
    let start = KMeans::params(3).init(Init::Random).start(3, 0, 0).unwrap();
    let centroids = start.centroids(x.t(), &Observer::default()).unwrap();
    RowAssignments::new(&x.t(), None, 1, 1).pass(&x.t(), &[Some(&centroids)]).unwrap();
}
