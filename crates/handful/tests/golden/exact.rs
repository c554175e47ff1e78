//! Neighbours on real images, held against a naive search.

use std::path::Path;

use handful::{
    dataset,
    distance::{Element, squared_euclidean},
    neighbors::{NearestNeighbors, Neighbors},
};
use ndarray::{ArrayView2, s};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::index};
use rayon::prelude::*;

use crate::{MNIST, mnist::NEIGHBORS};

const K: usize = 5;
/// Where Debian's package `dataset-fashion-mnist` puts it.
pub(crate) const FASHION_MNIST: &str = "/usr/share/datasets/fashion-mnist";

/// All points sorted by (squared distance, index), for each of these queries.
fn check<T: Element>(
    points: ArrayView2<T>,
    queries: ArrayView2<T>,
    found: &Neighbors<T::Distance>,
    chosen: impl IntoParallelIterator<Item = usize>,
) {
    chosen.into_par_iter().for_each(|query| {
        let image = queries.row(query).to_vec();
        let rows = points.as_slice().expect("contiguous").chunks_exact(points.ncols());
        let mut all: Vec<(T::Distance, usize)> =
            rows.map(|row| squared_euclidean(row, &image)).zip(0..).collect();
        let order = |a: &(T::Distance, usize), b: &(T::Distance, usize)| a.partial_cmp(b).expect("no NaN");
        all.select_nth_unstable_by(K, order);
        all[..K].sort_unstable_by(order);
        for (i, &(distance, index)) in all[..K].iter().enumerate() {
            assert_eq!(found.indices[[query, i]], index, "query {query}, neighbour {i}");
            assert!(found.distances[[query, i]] == distance, "query {query}, neighbour {i}");
        }
    });
}

#[test]
fn neighbors_equal_a_naive_search() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let chosen = index::sample(&mut rng, MNIST.test.n_samples(), 500).into_vec();
    check(MNIST.train.images().view(), MNIST.test.images().view(), &NEIGHBORS, chosen);
}

#[test]
fn neighbors_of_floats_equal_a_naive_search() {
    // Values that bytes cannot hold, and some whose squares f64 cannot hold exactly.
    let scaled = |x: u8| (f32::from(x) / 255.0 - 0.1307) / 0.3081;
    let points = MNIST.train.images().mapv(scaled);
    let queries = MNIST.test.images().slice(s![..;100, ..]).mapv(scaled);
    let found = NearestNeighbors::new(points.clone()).expect("finite").kneighbors(queries.view(), K);
    check(points.view(), queries.view(), &found.expect("valid"), 0..queries.nrows());
}

/// Four minutes on two cores, hence not in `make test`.
#[test]
#[ignore = "run by `make test-full`"]
fn all_neighbors_equal_a_naive_search() {
    check(MNIST.train.images().view(), MNIST.test.images().view(), &NEIGHBORS, 0..MNIST.test.n_samples());
}

#[test]
#[ignore = "run by `make test-full`"]
fn all_neighbors_in_fashion_mnist_equal_a_naive_search() {
    let data = dataset::load(Path::new(FASHION_MNIST)).expect("`make test-full` installs it on Debian");
    let (points, queries) = (data.train.images(), data.test.images());
    let found = NearestNeighbors::new(points.clone()).expect("bytes").kneighbors(queries.view(), K);
    check(points.view(), queries.view(), &found.expect("valid"), 0..queries.nrows());
}
