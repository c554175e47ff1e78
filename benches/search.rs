//! The nearest 3 of MNIST's 60,000 training images: building the index, batches of queries, single queries.

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use handful::{
    dataset,
    neighbors::{Algorithm, NearestNeighbors},
};
use ndarray::s;

const N_NEIGHBORS: usize = 3;
const BATCH: usize = 2000;

fn search(criterion: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist");
    let data = dataset::load(&folder).expect("MNIST is in the repository");
    let (points, queries) = (data.train.images(), data.test.images());
    for (name, algorithm) in [("scan", Algorithm::Brute), ("auto", Algorithm::Auto)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        group.bench_function("fit", |bencher| {
            bencher.iter(|| NearestNeighbors::with_algorithm(points.clone(), algorithm).expect("bytes"));
        });
        let index = NearestNeighbors::with_algorithm(points.clone(), algorithm).expect("bytes");
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function("batch", |bencher| {
            let batch = queries.slice(s![..BATCH, ..]);
            bencher.iter(|| index.kneighbors(batch, N_NEIGHBORS).expect("valid"));
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function("one by one", |bencher| {
            let mut rows = (0..queries.nrows()).cycle();
            bencher.iter(|| {
                let row = rows.next().expect("endless");
                index.kneighbors(queries.slice(s![row..=row, ..]), N_NEIGHBORS).expect("valid")
            });
        });
    }
    let mut group = criterion.benchmark_group("floats");
    group.sample_size(10).throughput(Throughput::Elements(BATCH as u64));
    let index = NearestNeighbors::new(points.mapv(|x| f32::from(x) / 255.0)).expect("finite");
    let batch = queries.slice(s![..BATCH, ..]).mapv(|x| f32::from(x) / 255.0);
    group.bench_function("batch", |bencher| {
        bencher.iter(|| index.kneighbors(batch.view(), N_NEIGHBORS).expect("valid"));
    });
}

criterion_group!(benches, search);
criterion_main!(benches);
