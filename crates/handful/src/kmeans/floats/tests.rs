//! Clustering of floats, compared with the definition.

use proptest::prelude::*;

use ndarray::Zip;

use crate::{
    distance::squared_euclidean,
    kmeans::{Error, Init, KMeans, floats::*},
};

/// One iteration by definition: labels, and the means of the rows in their order.
fn naive_step(x: &Array2<f64>, centroids: &Array2<f64>) -> (Vec<u32>, Array2<f64>) {
    let row = |of: &Array2<f64>, i: usize| of.row(i).to_vec();
    let nearest = |i: usize| {
        let distance = |j: usize| squared_euclidean(&row(x, i), &row(centroids, j));
        (0..centroids.nrows()).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap() as u32
    };
    let labels: Vec<u32> = (0..x.nrows()).map(nearest).collect();
    let mut means = Array2::zeros(centroids.raw_dim());
    for (i, &label) in labels.iter().enumerate() {
        Zip::from(means.row_mut(label as usize)).and(x.row(i)).for_each(|sum, x| *sum += x);
    }
    for (j, mut mean) in means.outer_iter_mut().enumerate() {
        let size = labels.iter().filter(|&&label| label as usize == j).count();
        mean.mapv_inplace(|sum| sum / size as f64);
    }
    (labels, means)
}

proptest! {
    #[test]
    fn every_step_is_that_of_the_definition(
        (n, k, d) in (1_usize..100, 1_usize..8, 1_usize..20),
        values in prop::collection::vec(-1.0_f64..1.0, 499),
        scale in prop::sample::select(vec![1e-200, 1e-160, 1e-155, 1e-3, 1.0, 1e100]),
        levels in prop::sample::select(vec![3.0, 1000.0, 1e9]),
        far in any::<bool>(),
    ) {
        let k = k.min(n);
        let mut x = Array2::from_shape_fn((n, d), |(i, j)| {
            (values[(i * d + j) % 499] * levels).round() / levels * scale
        });
        if far {
            x.row_mut(n / 2).mapv_inplace(|x| x * 1e9);
        }
        let start = x.select(Axis(0), &(0..k).map(|j| j * n / k).collect::<Vec<_>>());
        let mut centroids = start.clone();
        for max_iter in 1..5 {
            let (labels, means) = naive_step(&x, &centroids);
            let (cluster_sizes, inertia, n_iter) = (Vec::new(), 0.0, 0);
            let at = KMeans { centroids: centroids.clone(), labels: Vec::new(), cluster_sizes, inertia, n_iter };
            prop_assert_eq!(&at.predict(x.view())?, &labels);
            if means.iter().any(|x| x.is_nan()) {
                break; // an empty cluster
            }
            let params = KMeans::params(k).init(Init::Given(start.clone())).tol(0.0).max_iter(max_iter);
            let found = params.fit(x.view())?;
            let done = found.n_iter < max_iter;
            if !done {
                // Sums may be more exact than those of the definition.
                let largest = x.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
                prop_assert!((&found.centroids - &means).iter().all(|x| x.abs() <= 1e-14 * n as f64 * largest));
                let alone = labels
                    .iter()
                    .enumerate()
                    .filter(|(_, label)| labels.iter().filter(|other| other == label).count() == 1);
                for (row, &label) in alone {
                    prop_assert_eq!(found.centroids.row(label as usize), x.row(row));
                }
            }
            prop_assert_eq!(&found.labels, &naive_step(&x, &found.centroids).0);
            prop_assert_eq!(&found.labels, &found.predict(x.view())?);
            if done {
                prop_assert_eq!(found.labels, labels);
                break;
            }
            centroids = found.centroids;
        }
    }
}

/// Grey values in single precision are summed exactly; other values give the same means up to rounding.
#[test]
fn sums_on_a_grid_and_sums_of_floats_agree() {
    let bytes = Array2::from_shape_fn((700, 40), |(i, j)| ((i * i * 31 + j * 7 + i * j) % 256) as u8);
    let grey = bytes.mapv(|x| f32::from(x) / 255.0);
    let start = grey.slice(ndarray::s![..9, ..]).mapv(f64::from);
    let params = KMeans::params(9).init(Init::Given(start)).tol(0.0);
    let (exact, weighted) =
        (params.fit(grey.view()).unwrap(), params.fit_weighted(grey.view(), &[1.0; 700]).unwrap());
    assert_eq!((&exact.labels, exact.n_iter), (&weighted.labels, weighted.n_iter));
    assert!((&exact.centroids - &weighted.centroids).iter().all(|x| x.abs() < 1e-12));
    assert!((exact.inertia / weighted.inertia - 1.0).abs() < 1e-12);
    let same = KMeans::params(700).init(Init::Given(grey.mapv(f64::from))).fit(grey.view()).unwrap();
    assert_eq!(same.inertia.to_bits(), 0);
}

#[test]
fn bytes_and_the_same_floats_find_the_same_clusters() {
    let x = Array2::from_shape_fn((500, 30), |(i, j)| ((i * i * 37 + j * 11 + i * j * j) % 251) as u8);
    let params = KMeans::params(7).n_init(3).seed(1);
    let (bytes, floats) = (params.fit(x.view()).unwrap(), params.fit(x.mapv(f32::from).view()).unwrap());
    assert_eq!((&bytes.labels, bytes.n_iter), (&floats.labels, floats.n_iter));
    assert!((bytes.inertia / floats.inertia - 1.0).abs() < 1e-12);
    assert!((bytes.centroids.to_f64() - floats.centroids).iter().all(|x| x.abs() < 1e-10));
}

#[test]
fn empty_clusters_move_and_distinct_rows_may_be_too_few() {
    let x = Array2::from_shape_fn((5, 1), |(i, _)| [0.0, 1.0, 2.0, 100.0, 104.0][i]);
    let params = |start: [f64; 3]| {
        KMeans::params(3).init(Init::Given(Array2::from_shape_fn((3, 1), |(j, _)| start[j])))
    };
    let found: KMeans<Array2<f64>> = params([1.0, 255.0, 255.0]).fit(x.view()).unwrap();
    assert_eq!(found.centroids.into_raw_vec_and_offset().0, [1.0, 104.0, 100.0]);
    // After its farthest row is taken, a cluster's mean is that of the remaining rows, however far that row was.
    let x = Array2::from_shape_fn((3, 1), |(i, _)| [0.125, 0.25, 1e17][i]);
    let start = Init::Given(Array2::from_shape_fn((2, 1), |(j, _)| [0.0, 1e30][j]));
    let found: KMeans<Array2<f64>> = KMeans::params(2).max_iter(1).init(start).fit(x.view()).unwrap();
    assert_eq!(found.centroids.into_raw_vec_and_offset().0, [0.1875, 1e17]);
    let same = Array2::from_elem((4, 1), 7.5_f32);
    let found = params([7.5, 7.5, 9.0]).fit(same.view()).unwrap();
    assert_eq!((found.cluster_sizes, found.inertia), (vec![4, 0, 0], 0.0));
}

#[test]
fn threads_do_not_matter_with_a_sketch_and_without() {
    for k in [5, 60] {
        let x =
            Array2::from_shape_fn((5000, 200), |(i, j)| ((i % 97) as f32 * 0.1 + (i * j % 13) as f32).sin());
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| KMeans::params(k).max_iter(12).seed(3).fit(x.view()).unwrap())
        };
        let (one, four) = (run(1), run(4));
        assert_eq!(one, four);
        assert_eq!(one.inertia.to_bits(), four.inertia.to_bits());
    }
}

#[test]
fn values_that_are_no_numbers_are_errors() {
    for wrong in [f64::NAN, f64::INFINITY, 1e200] {
        let mut x = Array2::zeros((4, 3));
        x[[2, 1]] = wrong;
        let error = KMeans::params(2).fit(x.view()).unwrap_err();
        assert!(matches!(error, Error::Value { row: 2, column: 1, .. }), "{error}");
    }
}
