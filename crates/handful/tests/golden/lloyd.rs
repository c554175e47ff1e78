//! K-Means on real images, held step by step against Lloyd's iteration on whole numbers.

use std::path::Path;

use handful::{
    KMeans, dataset,
    kmeans::{Algorithm, Init},
};
use ndarray::{Array2, ArrayView2, Axis};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::index};
use rayon::prelude::*;

use crate::{MNIST, exact::FASHION_MNIST};

const STEPS: usize = 20;
/// Rows whose products are held at once.
const CHUNK: usize = 500;

/// Centroids as the sums and sizes that they are means of.
struct Reference<'a> {
    x: ArrayView2<'a, u8>,
    sums: Array2<i64>,
    sizes: Vec<i64>,
}

impl Reference<'_> {
    /// The nearest centroid of every row; of equally near ones the first.
    #[expect(clippy::cast_possible_truncation, reason = "whole, and small")]
    fn labels(&self) -> Vec<u32> {
        // Products of bytes and sums are whole and below 2⁵³: f64 holds them exactly.
        let sums = self.sums.mapv(|sum| sum as f64);
        let norms: Vec<i128> =
            self.sums.outer_iter().map(|sums| sums.iter().map(|&sum| i128::from(sum).pow(2)).sum()).collect();
        let nearest = |products: ndarray::ArrayView1<f64>| -> u32 {
            // |x - s/n|² - |x|² = (|s|² - 2 n x·s) / n².
            let key = |j: usize| {
                let n = self.sizes[j] as f64;
                norms[j] as f64 / (n * n) - 2.0 * products[j] / n
            };
            let keys: Vec<f64> = (0..self.sizes.len()).map(key).collect();
            let least = keys.iter().copied().fold(f64::INFINITY, f64::min);
            let exact = |j: usize| {
                let n = i128::from(self.sizes[j]);
                (norms[j] - 2 * n * products[j] as i128, n * n)
            };
            let close = (0..keys.len()).filter(|&j| keys[j] < least + 1e-3);
            let nearer = |best: usize, j: usize| {
                let ((a, b), (c, d)) = (exact(best), exact(j));
                if c * b < a * d { j } else { best }
            };
            close.reduce(nearer).expect("a centroid") as u32
        };
        self.x
            .axis_chunks_iter(Axis(0), CHUNK)
            .into_par_iter()
            .flat_map_iter(|rows| {
                let products = rows.mapv(f64::from).dot(&sums.t());
                products.outer_iter().map(nearest).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The means of the rows with these labels.
    fn update(&mut self, labels: &[u32]) {
        self.sums.fill(0);
        self.sizes.fill(0);
        for (row, &label) in self.x.outer_iter().zip(labels) {
            self.sizes[label as usize] += 1;
            self.sums.row_mut(label as usize).zip_mut_with(&row, |sum, &x| *sum += i64::from(x));
        }
        assert!(!self.sizes.contains(&0), "no cluster becomes empty here");
    }

    /// Σ |n x - s|² / n², cluster by cluster.
    fn inertia(&self, labels: &[u32]) -> f64 {
        let of_row = |(row, &label): (ndarray::ArrayView1<u8>, &u32)| -> i128 {
            let (n, sums) = (self.sizes[label as usize], self.sums.row(label as usize));
            row.iter().zip(sums).map(|(&x, &sum)| i128::from(n * i64::from(x) - sum).pow(2)).sum()
        };
        let numerators: Vec<i128> =
            self.x.axis_iter(Axis(0)).into_par_iter().zip(labels).map(of_row).collect();
        let mut totals = vec![0; self.sizes.len()];
        labels.iter().zip(numerators).for_each(|(&label, numerator)| totals[label as usize] += numerator);
        totals.iter().zip(&self.sizes).map(|(&total, &n)| total as f64 / (n * n) as f64).sum()
    }
}

fn check(x: ArrayView2<u8>, k: usize, steps: usize) {
    let rows = index::sample(&mut ChaCha8Rng::seed_from_u64(0), x.nrows(), k).into_vec();
    let start = x.select(Axis(0), &rows);
    let params = KMeans::params(k).init(Init::Given(start.mapv(f64::from))).tol(0.0);
    let mut reference = Reference { x, sums: start.mapv(i64::from), sizes: vec![1; k] };
    let mut labels = reference.labels();
    for step in 1..=steps {
        reference.update(&labels);
        labels = reference.labels();
        let inertia = reference.inertia(&labels).to_bits();
        for algorithm in [Algorithm::Auto, Algorithm::Dense] {
            let found = params.clone().algorithm(algorithm).max_iter(step).fit(x).expect("valid");
            assert!(found.labels == labels, "{algorithm:?}, k = {k}, step {step}");
            assert_eq!(found.inertia.to_bits(), inertia, "{algorithm:?}, k = {k}, step {step}");
        }
    }
}

#[test]
fn steps_equal_those_on_whole_numbers() {
    // With a sketch from the first step on, and without.
    check(MNIST.train.images().slice(ndarray::s![..6000, ..]), 256, 4);
    check(MNIST.train.images().slice(ndarray::s![..3000, ..]), 20, 4);
}

/// The roads that the assignment takes are chosen by size: these are the sizes that count.
#[test]
#[ignore = "run by `make test-full`"]
fn steps_on_all_of_mnist_equal_those_on_whole_numbers() {
    check(MNIST.train.images().view(), 10, STEPS);
    check(MNIST.train.images().view(), 100, STEPS);
    check(MNIST.train.images().view(), 1000, STEPS);
}

#[test]
#[ignore = "run by `make test-full`"]
fn steps_on_fashion_mnist_equal_those_on_whole_numbers() {
    let data = dataset::load(Path::new(FASHION_MNIST)).expect("`make test-full` installs it on Debian");
    check(data.train.images().view(), 100, STEPS);
    check(data.train.images().view(), 1000, STEPS);
}

#[test]
#[ignore = "run by `make test-full`"]
fn steps_on_random_bytes_equal_those_on_whole_numbers() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let x = Array2::from_shape_simple_fn((20_000, 784), || rng.random());
    check(x.view(), 100, 8);
    check(x.view(), 500, 4);
}
